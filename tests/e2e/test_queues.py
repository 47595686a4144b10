"""DynamoDB, SQS and SNS by unmodified clients: boto3 (whose SQS speaks the older Query protocol) and the AWS CLI; what
they reach through a state machine; what is there after kill -9. Ends with `N passed, M failed`."""
import json
import sys
import threading
import time
from decimal import Decimal

from server import ACCOUNT, REGION, Failed, Server, run
from test_chain import RESULTS, check
from test_clients import AWS, expect, refused

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"},
                                                 "Action": "sts:AssumeRole"}]}


def equal(got, wanted):
    if got != wanted:
        raise Failed(f"got {got!r}, wanted {wanted!r}")


class Clients:
    def __init__(self, server):
        import boto3
        env = server.environment()
        self.session = boto3.session.Session(aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                                             aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        self.url = server.url
        for name in ("dynamodb", "sqs", "sns", "stepfunctions", "events", "iam"):
            setattr(self, name, self.session.client(name, endpoint_url=server.url))
        self.tables = self.session.resource("dynamodb", endpoint_url=server.url)


def tables(clients):
    from boto3.dynamodb.conditions import Attr, Key
    table = clients.tables.create_table(
        TableName="runs", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("model", "S"), ("at", "N"))],
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}])
    table.wait_until_exists()
    exact = Decimal("12345678901234567890123456789012345678")
    with table.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"model": "xgb", "at": i, "loss": Decimal(i) / 10, "exact": exact, "payload": b"\0\xff",
                                 "tags": {"a", "b"}, "nested": {"list": [1, None, True, "量"]}})
    item = table.get_item(Key={"model": "xgb", "at": 7})["Item"]
    equal((item["exact"], item["payload"].value, item["tags"], item["nested"]["list"][3]),
          (exact, b"\0\xff", {"a", "b"}, "量"))
    page = table.query(KeyConditionExpression=Key("model").eq("xgb") & Key("at").between(5, 50),
                       FilterExpression=Attr("loss").gt(1), Limit=10, ScanIndexForward=False)
    equal([int(i["at"]) for i in page["Items"]], list(range(50, 40, -1)))
    equal(page["LastEvaluatedKey"], {"model": "xgb", "at": 41})
    equal(sum(len(p["Items"]) for p in clients.dynamodb.get_paginator("scan").paginate(
        TableName="runs", PaginationConfig={"PageSize": 7})), 60)
    updated = table.update_item(Key={"model": "xgb", "at": 7}, UpdateExpression="SET loss = loss + :d REMOVE payload",
                                ExpressionAttributeValues={":d": Decimal("0.05")}, ReturnValues="UPDATED_NEW")
    equal(updated["Attributes"], {"loss": Decimal("0.75")})
    try:
        clients.dynamodb.put_item(TableName="runs", Item={"model": {"S": "xgb"}, "at": {"N": "7"}},
                                  ConditionExpression="attribute_not_exists(model)")
        raise Failed("the condition held")
    except clients.dynamodb.exceptions.ConditionalCheckFailedException as error:
        equal(error.response["Error"]["Message"], "The conditional request failed")
    try:
        clients.dynamodb.transact_write_items(TransactItems=[
            {"Delete": {"TableName": "runs", "Key": {"model": {"S": "xgb"}, "at": {"N": "1"}}}},
            {"ConditionCheck": {"TableName": "runs", "Key": {"model": {"S": "xgb"}, "at": {"N": "99"}},
                                "ConditionExpression": "attribute_exists(model)"}}])
        raise Failed("the transaction went through")
    except clients.dynamodb.exceptions.TransactionCanceledException as error:
        equal([r["Code"] for r in error.response["CancellationReasons"]], ["None", "ConditionalCheckFailed"])
    if "Item" not in table.get_item(Key={"model": "xgb", "at": 1}):
        raise Failed("a transaction that was cancelled took an item away")


def counters(clients):
    """Additions of many threads to one item are all there."""
    clients.dynamodb.create_table(TableName="counters", BillingMode="PAY_PER_REQUEST",
                                  AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                                  KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    faults = []

    def add():
        try:
            for _ in range(20):
                clients.dynamodb.update_item(TableName="counters", Key={"id": {"S": "c"}},
                                             UpdateExpression="ADD n :one",
                                             ExpressionAttributeValues={":one": {"N": "1"}})
        except Exception as error:  # told below: a thread has nobody to raise to
            faults.append(error)
    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(faults, [])
    equal(clients.dynamodb.get_item(TableName="counters", Key={"id": {"S": "c"}})["Item"]["n"], {"N": "160"})


def queues(clients):
    url = clients.sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    equal(clients.sqs.get_queue_url(QueueName="work")["QueueUrl"], url)
    sent = clients.sqs.send_message(QueueUrl=url, MessageBody="本文", MessageAttributes={
        "n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": b"\1\2"}})
    got = clients.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
    equal((got[0]["MessageId"], got[0]["Body"]), (sent["MessageId"], "本文"))  # boto3 checks the MD5 of the body
    equal(got[0]["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"])
    equal(got[0]["MessageAttributes"]["b"]["BinaryValue"], b"\1\2")
    equal(got[0]["Attributes"]["ApproximateReceiveCount"], "1")
    equal("Messages" in clients.sqs.receive_message(QueueUrl=url), False)
    clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    batch = clients.sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 1000}])
    equal(([e["Id"] for e in batch["Successful"]], batch["Failed"][0]["Code"]), (["a"], "InvalidParameterValue"))
    equal(len(clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]), 1)
    try:
        clients.sqs.get_queue_url(QueueName="none")
        raise Failed("a queue that is not there")
    except clients.sqs.exceptions.QueueDoesNotExist as error:
        equal(error.response["Error"]["Code"], "AWS.SimpleQueueService.NonExistentQueue")
    came = []

    def wait():
        client = clients.session.client("sqs", endpoint_url=clients.url)
        came.append(client.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", []))
    waiter = threading.Thread(target=wait)
    waiter.start()
    clients.sqs.send_message(QueueUrl=url, MessageBody="for the one that waits", DelaySeconds=1)
    waiter.join(60)
    equal([m["Body"] for m in came[0]], ["for the one that waits"])
    clients.sqs.purge_queue(QueueUrl=url)
    equal(clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"],
          {"ApproximateNumberOfMessages": "0"})


def topics(clients):
    topic = clients.sns.create_topic(Name="news")["TopicArn"]
    url = clients.sqs.create_queue(QueueName="readers")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:readers"
    clients.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn,
                          Attributes={"FilterPolicy": json.dumps({"kind": ["good"]})})
    for kind in ("bad", "good"):
        clients.sns.publish(TopicArn=topic, Message=f"a {kind} one", Subject="s", MessageAttributes={
            "kind": {"DataType": "String", "StringValue": kind}})
    got = clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    body = json.loads(got[0]["Body"])
    equal((len(got), body["Message"], body["TopicArn"], body["Type"]), (1, "a good one", topic, "Notification"))
    equal(len(clients.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]), 1)
    equal(len(clients.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
        {"Id": "1", "Message": "x"}, {"Id": "2", "Message": ""}])["Failed"]), 1)
    try:
        clients.sns.publish(TopicArn=topic + "2", Message="x")
        raise Failed("a topic that is not there")
    except clients.sns.exceptions.NotFoundException as error:
        equal(error.response["Error"]["Message"], "Topic does not exist")


def rule(clients):
    """A rule's event comes to a queue."""
    url = clients.sqs.create_queue(QueueName="of-rule")["QueueUrl"]
    clients.events.put_rule(Name="to-queue", EventPattern='{"source": ["app"]}')
    clients.events.put_targets(Rule="to-queue", Targets=[
        {"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:of-rule", "InputPath": "$.detail"}])
    clients.events.put_events(Entries=[{"Source": "app", "DetailType": "t", "Detail": '{"a": 1}'}])
    got = clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    equal(json.loads(got[0]["Body"]), {"a": 1})


def execution(clients, machine, given):
    arn = clients.stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        seen = clients.stepfunctions.describe_execution(executionArn=arn)
        if seen["status"] != "RUNNING":
            return seen
        time.sleep(0.1)
    raise Failed("the execution does not end")


def integrations(clients):
    role = clients.iam.create_role(RoleName="flow", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    clients.dynamodb.create_table(TableName="steps", BillingMode="PAY_PER_REQUEST",
                                  AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                                  KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    url = clients.sqs.create_queue(QueueName="steps")["QueueUrl"]
    topic = clients.sns.create_topic(Name="steps")["TopicArn"]

    def task(resource, parameters, **more):
        return {"Type": "Task", "Resource": "arn:aws:states:::" + resource, "Parameters": parameters, **more}
    key = {"id": {"S.$": "$.id"}}
    states = {
        "Put": task("dynamodb:putItem", {"TableName": "steps", "Item": {**key, "n": {"N": "1"}}},
                    ResultPath="$.put", Next="Update"),
        "Update": task("dynamodb:updateItem", {"TableName": "steps", "Key": key, "UpdateExpression": "ADD n :one",
                                               "ExpressionAttributeValues": {":one": {"N": "1"}},
                                               "ReturnValues": "ALL_NEW"}, ResultPath="$.update", Next="Get"),
        "Get": task("dynamodb:getItem", {"TableName": "steps", "Key": key}, ResultPath="$.get", Next="Query"),
        "Query": task("aws-sdk:dynamodb:query", {"TableName": "steps", "KeyConditionExpression": "id = :id",
                                                 "ExpressionAttributeValues": {":id": {"S.$": "$.id"}}},
                      ResultPath="$.query", Next="Send"),
        "Send": task("sqs:sendMessage", {"QueueUrl": url, "MessageBody": {"n.$": "$.get.Item.n.N"}},
                     ResultPath="$.send", Next="Publish"),
        "Publish": task("sns:publish", {"TopicArn": topic, "Message": {"n.$": "$.get.Item.n.N"}},
                        ResultPath="$.publish", Next="Refused"),
        "Refused": task("dynamodb:putItem", {"TableName": "steps", "Item": key,
                                             "ConditionExpression": "attribute_not_exists(id)"},
                        Catch=[{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "ResultPath": "$.error",
                                "Next": "Delete"}], Next="Fail"),
        "Delete": task("dynamodb:deleteItem", {"TableName": "steps", "Key": key}, ResultPath="$.delete", Next="Lost"),
        "Lost": task("sqs:sendMessage", {"QueueUrl": url + "-none", "MessageBody": "x"},
                     Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.lost", "Next": "Wait"}], Next="Fail"),
        "Wait": task("sqs:sendMessage.waitForTaskToken",
                     {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}, ResultPath="$.answer", End=True),
        "Fail": {"Type": "Fail"}}
    machine = clients.stepfunctions.create_state_machine(
        name="steps", roleArn=role, definition=json.dumps({"StartAt": "Put", "States": states}))["stateMachineArn"]
    seen = []

    def answer():
        client = clients.session.client("sqs", endpoint_url=clients.url)
        until = time.monotonic() + 60
        while len(seen) < 2 and time.monotonic() < until:
            for message in client.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []):
                seen.append(json.loads(message["Body"]))
        clients.stepfunctions.send_task_success(taskToken=seen[1]["token"], output='"done"')
    waiter = threading.Thread(target=answer)
    waiter.start()
    ended = execution(clients, machine, {"id": "one"})
    waiter.join(60)
    if ended["status"] != "SUCCEEDED":
        raise Failed(str(ended))
    output = json.loads(ended["output"])
    equal(output["update"]["Attributes"]["n"], {"N": "2"})
    equal(output["put"]["SdkHttpMetadata"]["HttpStatusCode"], 200)
    equal(output["query"], {"Count": 1, "Items": [{"id": {"S": "one"}, "n": {"N": "2"}}], "ScannedCount": 1})
    equal((seen[0], output["answer"]), ({"n": "2"}, "done"))
    expect(output["error"]["Cause"], "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; "
                                     "Error Code: ConditionalCheckFailedException; Request ID: ")
    expect(output["lost"]["Error"], "SQS.")


def command_line(server):
    aws, env = [AWS, "--endpoint-url", server.url], server.environment()
    run(aws + ["dynamodb", "put-item", "--table-name", "counters", "--item", '{"id": {"S": "cli"}, "n": {"N": "1.50"}}'],
        env)
    expect(run(aws + ["dynamodb", "get-item", "--table-name", "counters", "--key", '{"id": {"S": "cli"}}'], env), '"1.5"')
    refused(aws + ["dynamodb", "update-item", "--table-name", "counters", "--key", '{"id": {"S": "cli"}}',
                   "--update-expression", "SET status = :v", "--expression-attribute-values", '{":v": {"S": "x"}}'], env,
            "Attribute name is a reserved keyword; reserved keyword: status")
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/work"
    run(aws + ["sqs", "send-message", "--queue-url", url, "--message-body", "by hand"], env)
    expect(run(aws + ["sqs", "receive-message", "--queue-url", url], env), "by hand")
    expect(run(aws + ["sns", "list-topics"], env), f"arn:aws:sns:{REGION}:{ACCOUNT}:news")


def killed(server, clients):
    """What was answered is there after kill -9; a message that was out comes back."""
    url = clients.sqs.create_queue(QueueName="lasting", Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
    clients.sqs.send_message(QueueUrl=url, MessageBody="kept")
    equal(len(clients.sqs.receive_message(QueueUrl=url)["Messages"]), 1)
    server.kill()
    server.start()
    equal(clients.dynamodb.get_item(TableName="counters", Key={"id": {"S": "c"}})["Item"]["n"], {"N": "160"})
    got = clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"])
    equal(got["Messages"][0]["Attributes"], {"ApproximateReceiveCount": "2"})


def main():
    server = Server().start()
    try:
        clients = Clients(server)
        check("tables and items", tables, clients)
        check("a counter by eight threads", counters, clients)
        check("queues", queues, clients)
        check("topics", topics, clients)
        check("a rule's queue", rule, clients)
        check("a state machine that uses all three", integrations, clients)
        check("the command line", command_line, server)
        check("kill -9", killed, server, clients)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
