"""What the functions of test_lambda.py are made of."""

PYTHON = """
import json, logging, os, sys, time
import boto3
COUNT = 0
logging.getLogger().setLevel(logging.INFO)

class NoRows(Exception):
    pass

def handler(event, context):
    global COUNT
    COUNT += 1
    print('こんにちは', event)
    logging.info('counted %d', COUNT)
    what = event.get('do') if isinstance(event, dict) else None
    if what == 'raise':
        raise NoRows('no rows in the table')
    if what == 'exit':
        os._exit(7)
    if what == 'sleep':
        time.sleep(event['seconds'])
    if what == 'write':
        open(event['path'], 'w').write('x')
    if what == 'who':
        return boto3.client('sts').get_caller_identity()['Arn']
    if what == 'put':
        boto3.client('s3').put_object(Bucket=event['bucket'], Key=event['key'], Body=b'from a function')
    if what == 'memory':
        return len(bytearray(1 << 30))
    return {'event': event, 'count': COUNT, 'name': context.function_name, 'version': context.function_version,
            'arn': context.invoked_function_arn, 'left': 0 < context.get_remaining_time_in_millis() <= 30000,
            'memory': context.memory_limit_in_mb, 'mine': os.environ.get('MINE'), 'files': sorted(os.listdir('.'))}
"""

NODE = """
exports.handler = async (event, context) => {
  console.log('from node', event.n);
  if (event.fail) throw new TypeError('not like this');
  return {n: event.n + 1, name: context.functionName, left: context.getRemainingTimeInMillis() > 0};
};
exports.callback = (event, context, done) => setTimeout(() => done(null, {late: true}), 20);
"""

MODULE = "export const handler = async (event) => ({module: true, event});\n"

BOOTSTRAP = """#!/bin/sh
set -eu
while true; do
  HEADERS=$(mktemp)
  EVENT=$(curl -sS -LD "$HEADERS" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  echo "shell got $EVENT" 1>&2
  curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$ID/response" -d "{\\"echo\\": $EVENT}"
done
"""

# The smallest custom runtime that an image with nothing else in it can hold.
STATIC = r"""
#include <arpa/inet.h>
#include <unistd.h>
#include <string>
static std::string ask(const std::string& text) {
  int s = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(4566);
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  if (connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) _exit(3);
  if (write(s, text.data(), text.size()) < 0) _exit(4);
  std::string got;
  char bytes[4096];
  for (ssize_t n; (n = read(s, bytes, sizeof bytes)) > 0;) got.append(bytes, n);
  close(s);
  return got;
}
int main() {
  const std::string root = "/2018-06-01/runtime/invocation/", end = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  for (;;) {
    const std::string got = ask("GET " + root + "next" + end + "\r\n");
    const std::string name = "Lambda-Runtime-Aws-Request-Id: ";
    const size_t at = got.find(name);
    if (at == std::string::npos) return 0;
    const std::string id = got.substr(at + name.size(), 36), event = got.substr(got.find("\r\n\r\n") + 4);
    const std::string line = "an image got " + event + "\n", answer = "{\"image\":" + event + "}";
    if (write(1, line.data(), line.size()) < 0) return 5;
    ask("POST " + root + id + "/response" + end + "Content-Length: " + std::to_string(answer.size()) + "\r\n\r\n" + answer);
  }
}
"""

ANSWERS = """
import boto3
def handler(event, context):
    boto3.client('stepfunctions').send_task_success(taskToken=event['token'], output='{"by":"token"}')
"""

TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: stack-hello
      Runtime: python3.12
      Handler: index.handler
      Timeout: 10
      Environment: {Variables: {NUMBER: 5}}
      InlineCode: |
        import os
        import boto3
        def handler(event, context):
            if event.get('source') == 'mine':
                boto3.client('s3').put_object(Bucket='function-code', Key='rule', Body=event['detail']['text'].encode())
            return 'number ' + os.environ['NUMBER']
      Events:
        Mine:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [mine]}
  First:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref Hello}
  Live:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Hello, FunctionVersion: !GetAtt First.Version, Name: live}
Outputs:
  Alias: {Value: !Ref Live}
"""

LATER = """
import time
import boto3
def handler(event, context):
    s3 = boto3.client('s3')
    s3.put_object(Bucket='function-code', Key='begun', Body=b'')
    time.sleep(event['seconds'])
    s3.put_object(Bucket='function-code', Key='done', Body=b'')
"""
