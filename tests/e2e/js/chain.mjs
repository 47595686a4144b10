// The finished chain, seen through the AWS SDK for JavaScript v3. Exits 1 when something is not there.
import { CodePipelineClient, GetPipelineStateCommand } from "@aws-sdk/client-codepipeline";
import { DescribeImagesCommand, ECRClient } from "@aws-sdk/client-ecr";
import {
  CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client,
} from "@aws-sdk/client-s3";
import { ListProcessingJobsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { GetExecutionHistoryCommand, ListExecutionsCommand, ListStateMachinesCommand, SFNClient } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const name = process.env.PIPELINE;
const expect = (what, is) => {
  if (!is) throw new Error(`${what} is not as expected`);
  console.log(`ok  ${what}`);
};

const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
expect(`caller ${identity.Arn}`, identity.Account === "000000000000");

const state = await new CodePipelineClient({}).send(new GetPipelineStateCommand({ name }));
expect("pipeline state", state.stageStates.length === 3 &&
  state.stageStates.every((stage) => stage.latestExecution.status === "Succeeded"));

const images = await new ECRClient({}).send(new DescribeImagesCommand({ repositoryName: name }));
expect("image", images.imageDetails.some((image) => image.imageTags?.includes("latest")));

const states = new SFNClient({});
const { stateMachines } = await states.send(new ListStateMachinesCommand({}));
const { executions } = await states.send(new ListExecutionsCommand({ stateMachineArn: stateMachines[0].stateMachineArn }));
const { events } = await states.send(new GetExecutionHistoryCommand({ executionArn: executions[0].executionArn }));
expect("history", events.at(-1).type === "ExecutionSucceeded" && events[0].timestamp instanceof Date);

const { ProcessingJobSummaries: jobs } = await new SageMakerClient({}).send(new ListProcessingJobsCommand({}));
expect("processing job", jobs.length === 1 && jobs[0].ProcessingJobStatus === "Completed");

const s3 = new S3Client({ forcePathStyle: true });
const place = { Bucket: "javascript-round-trip", Key: "日本語/a b.txt" };
await s3.send(new CreateBucketCommand({ Bucket: place.Bucket, CreateBucketConfiguration: { LocationConstraint: "ap-northeast-1" } }));
await s3.send(new PutObjectCommand({ ...place, Body: "こんにちは" }));
const got = await s3.send(new GetObjectCommand(place));
expect("object round trip", (await got.Body.transformToString()) === "こんにちは");
await s3.send(new DeleteObjectCommand(place));
await s3.send(new DeleteBucketCommand({ Bucket: place.Bucket }));
