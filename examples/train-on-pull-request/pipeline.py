"""What the build does: the calls that the Step Functions Data Science SDK makes, in its order and with its state machine."""
import json
import os
import uuid

import boto3
from botocore.exceptions import ClientError
from ruamel.yaml import YAML

XGBOOST = {"us-east-1": "811284229777", "ap-northeast-1": "501404015308"}  # who publishes xgboost:1 in a region
JOB = "preprocess"

with open("flow.yaml", encoding="utf-8") as file:
    flow = YAML(typ="safe").load(file)
region = os.environ["AWS_DEFAULT_REGION"]
account = boto3.client("sts").get_caller_identity()["Account"]
s3 = boto3.resource("s3")


def role(name):
    return f"arn:aws:iam::{account}:role/{flow[name]}"


def default_bucket():
    bucket = s3.Bucket(f"sagemaker-{region}-{account}")
    if bucket.creation_date is None:
        try:
            bucket.create(**({} if region == "us-east-1" else
                             {"CreateBucketConfiguration": {"LocationConstraint": region}}))
        except ClientError as error:
            code, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
            if code != "BucketAlreadyOwnedByYou" and not (
                    code == "OperationAborted" and "conflicting conditional operation" in text):
                raise
    return bucket.name


def make_glue_job(bucket):
    s3.Object(bucket, f"code/{JOB}.py").upload_file("preprocess.py")
    boto3.client("glue").create_job(
        Name=JOB, Role=role("glue_role"),
        Command={"Name": "pythonshell", "ScriptLocation": f"s3://{bucket}/code/{JOB}.py", "PythonVersion": "3"})


def channel(bucket, name):
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": {
        "S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/taxi/{name}", "S3DataDistributionType": "FullyReplicated"}}}


def algorithm():
    if flow["variant"] == "xgboost":
        image = f"{XGBOOST[region]}.dkr.ecr.{region}.amazonaws.com/xgboost:1"
        return {"TrainingImage": image, "TrainingInputMode": "File"}
    return {"TrainingImage": os.environ["TRAIN_IMAGE"], "TrainingInputMode": "File", "MetricDefinitions": [
        {"Name": "train:rmse", "Regex": r"train-rmse=([0-9\.]+)"},
        {"Name": "validation:rmse", "Regex": r"validation-rmse=([0-9\.]+);"}]}


def definition(bucket):
    given = {name: str(value) for name, value in flow["hyperparameters"][flow["variant"]].items()}
    preprocess = {
        "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Next": "Train",
        "Parameters": {"JobName": JOB, "Arguments": {
            "--bucket_name.$": "$$.Execution.Input['bucket_name']", "--data.$": "$$.Execution.Input['data']",
            "--target.$": "$$.Execution.Input['target']"}}}
    train = {
        "Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "End": True,
        "Parameters": {
            "TrainingJobName.$": "$$.Execution.Input['TrainJobName']", "AlgorithmSpecification": algorithm(),
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/"},
            "StoppingCondition": {"MaxRuntimeInSeconds": flow["max_seconds"]},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": flow["instance_type"], "VolumeSizeInGB": 5},
            "RoleArn": role("train_role"), "HyperParameters": given,
            "InputDataConfig": [channel(bucket, name) for name in ("train", "validation")]}}
    return {"StartAt": "Preprocess", "States": {"Preprocess": preprocess, "Train": train}}


def make_state_machine(bucket):
    """As the SDK's Workflow.create: one that is there already is taken, its ARN stands between quotes."""
    states = boto3.client("stepfunctions")
    try:
        made = states.create_state_machine(
            name=f"flow_{uuid.uuid4().hex}", roleArn=role("flow_role"), definition=json.dumps(definition(bucket)),
            tags=[{"key": "made-by", "value": "train-on-pull-request"}])
        return made["stateMachineArn"]
    except states.exceptions.StateMachineAlreadyExists as error:
        return error.response["Error"]["Message"].split("'")[1]


def main():
    bucket = default_bucket()
    make_glue_job(bucket)
    machine = make_state_machine(bucket)
    given = {"bucket_name": bucket, "data": flow["data"], "target": flow["target"],
             "TrainJobName": f"train-{uuid.uuid1().hex}"}
    started = boto3.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(given))
    print("execution", started["executionArn"])


main()
