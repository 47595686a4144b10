"""Ordinary clients against the wire: Debian's aws and boto3 and git, by endpoint and by the real host names.
Ends with `N passed, M failed`."""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from server import REGION, Failed, Server, run
from test_chain import RESULTS, check

AWS = "/usr/bin/aws"
TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},' \
        '"Action":"sts:AssumeRole"}]}'


def expect(text, part):
    if part not in text:
        raise Failed(f"expected {part!r} in {text[-500:]!r}")


def refused(command, env, part):
    """The command must fail and say `part`."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    if done.returncode == 0:
        raise Failed(f"{' '.join(command)} was not refused")
    expect(done.stdout + done.stderr, part)


def proxied(server):
    """No endpoint: the real host names, through the proxy, with the installation's own certificates."""
    bundle = os.path.join(server.data, "ca", "bundle.pem")
    return {**server.environment(), "HTTPS_PROXY": server.url, "AWS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle,
            "GIT_SSL_CAINFO": bundle, "CURL_CA_BUNDLE": bundle}


def identities(aws, env):
    expect(run(aws + ["sts", "get-caller-identity"], env), "arn:aws:iam::000000000000:root")
    run(aws + ["iam", "create-role", "--role-name", "r", "--assume-role-policy-document", TRUST], env)
    refused(aws + ["iam", "create-role", "--role-name", "r", "--assume-role-policy-document", TRUST], env,
            "EntityAlreadyExists")
    refused(aws + ["iam", "get-role", "--role-name", "none"], env, "NoSuchEntity")
    run(aws + ["iam", "attach-role-policy", "--role-name", "r", "--policy-arn",
               "arn:aws:iam::aws:policy/AmazonS3FullAccess"], env)
    expect(run(aws + ["iam", "list-attached-role-policies", "--role-name", "r"], env), "AmazonS3FullAccess")
    words = run(aws + ["sts", "assume-role", "--role-arn", "arn:aws:iam::000000000000:role/r", "--role-session-name",
                       "s1", "--query", "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]", "--output", "text"],
                env, quiet=True).split()
    session = {**env, "AWS_ACCESS_KEY_ID": words[0], "AWS_SECRET_ACCESS_KEY": words[1], "AWS_SESSION_TOKEN": words[2]}
    expect(run(aws + ["sts", "get-caller-identity"], session), "assumed-role/r/s1")
    refused(aws + ["sts", "get-caller-identity"], {**session, "AWS_SECRET_ACCESS_KEY": "wrong"},
            "SignatureDoesNotMatch")
    refused(aws + ["sts", "get-caller-identity"], {**env, "AWS_ACCESS_KEY_ID": "AKIA0000000000000000"},
            "InvalidClientTokenId")
    run(aws + ["iam", "detach-role-policy", "--role-name", "r", "--policy-arn",
               "arn:aws:iam::aws:policy/AmazonS3FullAccess"], env)
    run(aws + ["iam", "delete-role", "--role-name", "r"], env)


def objects(aws, env, bucket):
    """More than 8 MB goes up in parts, by several connections."""
    folder = tempfile.mkdtemp(prefix="stepmill-clients-")
    big, back = os.path.join(folder, "big"), os.path.join(folder, "back")
    with open(big, "wb") as file:
        file.write(os.urandom(20_000_000))
    try:
        run(aws + ["s3", "mb", f"s3://{bucket}"], env)
        run(aws + ["s3", "cp", big, f"s3://{bucket}/dir/大きい a+b", "--no-progress"], env)
        expect(run(aws + ["s3", "ls", f"s3://{bucket}/dir/"], env), "20000000 大きい a+b")
        run(aws + ["s3", "cp", f"s3://{bucket}/dir/大きい a+b", back, "--no-progress"], env)
        digests = []
        for path in (big, back):
            with open(path, "rb") as file:
                digests.append(hashlib.sha256(file.read()).hexdigest())
        if digests[0] != digests[1]:
            raise Failed("what came back is not what was sent")
        refused(aws + ["s3", "cp", f"s3://{bucket}/none", back], env, "404")
        refused(aws + ["s3", "ls", "s3://no-such-bucket-here"], env, "NoSuchBucket")
        refused(aws + ["s3", "rb", f"s3://{bucket}"], env, "BucketNotEmpty")
        run(aws + ["s3", "rm", "--recursive", "--quiet", f"s3://{bucket}/"], env)
        run(aws + ["s3", "rb", f"s3://{bucket}"], env)
    finally:
        shutil.rmtree(folder)


def boto3_by_real_names(server, env):
    code = ("import boto3\n"
            "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
            "s3 = boto3.client('s3'); s3.create_bucket(Bucket='by-name',\n"
            f"    CreateBucketConfiguration={{'LocationConstraint': '{REGION}'}})\n"
            "s3.put_object(Bucket='by-name', Key='k', Body=b'value')\n"
            "print(s3.get_object(Bucket='by-name', Key='k')['Body'].read())\n")
    answer = run(["/usr/bin/python3", "-c", code], env)
    expect(answer, "iam::000000000000:root")
    expect(answer, "b'value'")


def git_by_real_name(server, env):
    run([AWS, "codecommit", "create-repository", "--repository-name", "app"], env)
    folder = tempfile.mkdtemp(prefix="stepmill-clients-")
    git = ["git", "-c", "credential.helper=!/usr/bin/aws codecommit credential-helper $@", "-c",
           "credential.UseHttpPath=true"]
    url = f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/app"
    try:
        run(git + ["clone", url, folder + "/app"], env)
        refused(git + ["clone", url + "2", folder + "/other"], env, "does not exist")
    finally:
        shutil.rmtree(folder)


def main():
    server = Server().start()
    try:
        plain, named = server.environment(), proxied(server)
        check("identities by endpoint", identities, [AWS, "--endpoint-url", server.url], plain)
        check("identities by real names", identities, [AWS], named)
        check("objects by endpoint", objects, [AWS, "--endpoint-url", server.url], plain, "by-endpoint")
        check("objects by real names", objects, [AWS], named, "by-real-name")
        check("boto3 by real names", boto3_by_real_names, server, named)
        check("git by its real name", git_by_real_name, server, named)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
