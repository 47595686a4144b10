// @ts-check
// Every operation of Step Functions, called by the AWS SDK for JavaScript v3. `tsc --noEmit` holds this file against
// the SDK's own types; the answers are held against what the types promise here. Ends with `N passed, M failed`.
import { CloudWatchLogsClient, CreateLogGroupCommand, DescribeLogStreamsCommand, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import * as sdk from "@aws-sdk/client-sfn";
import { SFN } from "@aws-sdk/client-sfn";

// StartSyncExecution and TestState go to sync-HOST, which has no address beside the real names'.
const states = new SFN({ disableHostPrefix: true });
const logs = new CloudWatchLogsClient({});
const roleArn = "arn:aws:iam::000000000000:role/states";
const called = new Set();
states.middlewareStack.add((next, context) => (input) => {
  called.add(context.commandName);
  return next(input);
}, { step: "initialize" });

let passed = 0;
let failed = 0;
/** @param {string} what @param {() => Promise<void>} body */
async function test(what, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}: ${error instanceof Error ? error.stack : error}`);
  }
}

/** @template T @param {T | undefined | null} value @param {string} what @returns {T} */
function there(value, what) {
  if (value === undefined || value === null) throw new Error(`${what} is not there`);
  return value;
}
/** @param {unknown} actual @param {unknown} wanted @param {string} what */
function same(actual, wanted, what) {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (is !== should) throw new Error(`${what}: ${is} instead of ${should}`);
}
/** @param {Date | undefined} date @param {string} what */
function isDate(date, what) {
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) throw new Error(`${what} is no date: ${date}`);
}
/** @param {Promise<unknown>} call @param {string} name */
async function refused(call, name) {
  try {
    await call;
  } catch (error) {
    if (error instanceof sdk.SFNServiceException && error.name === name) return;
    throw error;
  }
  throw new Error(`${name} was expected`);
}

/** @param {Record<string, unknown>} states */
const machine = (states) => JSON.stringify({ StartAt: Object.keys(states)[0], States: states });
const pass = machine({ A: { Type: "Pass", End: true } });

/** @param {string} executionArn @param {string} status */
async function ended(executionArn, status) {
  for (const until = Date.now() + 30_000; Date.now() < until;) {
    const described = await states.describeExecution({ executionArn });
    if (described.status !== "RUNNING") {
      same(described.status, status, `status of ${executionArn} (${described.error}: ${described.cause})`);
      return described;
    }
  }
  throw new Error(`${executionArn} does not end`);
}

await test("state machines", async () => {
  const made = await states.createStateMachine({ name: "js", definition: pass, roleArn, tags: [{ key: "a", value: "1" }] });
  const stateMachineArn = there(made.stateMachineArn, "stateMachineArn");
  isDate(made.creationDate, "creationDate");
  const again = await states.createStateMachine({ name: "js", definition: pass, roleArn });
  same(again, { ...made, $metadata: again.$metadata }, "the same again");
  const described = await states.describeStateMachine({ stateMachineArn });
  same([described.name, described.status, described.type], ["js", "ACTIVE", "STANDARD"], "described");
  same(described.encryptionConfiguration, { type: "AWS_OWNED_KEY" }, "encryption");
  const updated = await states.updateStateMachine({ stateMachineArn, tracingConfiguration: { enabled: true } });
  isDate(updated.updateDate, "updateDate");
  there(updated.revisionId, "revisionId");
  const listed = await states.listStateMachines({ maxResults: 1 });
  same(listed.stateMachines?.map((one) => one.name), ["js"], "listed");
  await refused(states.listStateMachines({ nextToken: "nonsense" }), "InvalidToken");
  await states.tagResource({ resourceArn: stateMachineArn, tags: [{ key: "b", value: "2" }] });
  await states.untagResource({ resourceArn: stateMachineArn, tagKeys: ["a"] });
  const tags = await states.listTagsForResource({ resourceArn: stateMachineArn });
  same(tags.tags, [{ key: "b", value: "2" }], "tags");
  const valid = await states.validateStateMachineDefinition({ definition: "{}", severity: "WARNING", maxResults: 5 });
  same([valid.result, valid.truncated, valid.diagnostics?.[0].code], ["FAIL", false, "SCHEMA_VALIDATION_FAILED"], "validation");
  await states.deleteStateMachine({ stateMachineArn });
  await refused(states.describeStateMachine({ stateMachineArn }), "StateMachineDoesNotExist");
});

await test("versions and aliases", async () => {
  const made = await states.createStateMachine({ name: "v", definition: pass, roleArn, publish: true, versionDescription: "first" });
  const stateMachineArn = there(made.stateMachineArn, "stateMachineArn");
  const first = there(made.stateMachineVersionArn, "stateMachineVersionArn");
  await states.updateStateMachine({ stateMachineArn, definition: machine({ B: { Type: "Pass", End: true } }) });
  const second = await states.publishStateMachineVersion({ stateMachineArn, description: "second" });
  isDate(second.creationDate, "creationDate");
  const versions = await states.listStateMachineVersions({ stateMachineArn });
  same(versions.stateMachineVersions?.map((one) => one.stateMachineVersionArn),
    [there(second.stateMachineVersionArn, "version"), first], "versions");
  const alias = await states.createStateMachineAlias({ name: "live", routingConfiguration: [{ stateMachineVersionArn: first, weight: 100 }] });
  const stateMachineAliasArn = there(alias.stateMachineAliasArn, "stateMachineAliasArn");
  isDate(alias.creationDate, "creationDate");
  await refused(states.deleteStateMachineVersion({ stateMachineVersionArn: first }), "ConflictException");
  const moved = await states.updateStateMachineAlias({ stateMachineAliasArn, routingConfiguration: [
    { stateMachineVersionArn: second.stateMachineVersionArn, weight: 100 }] });
  isDate(moved.updateDate, "updateDate");
  const shown = await states.describeStateMachineAlias({ stateMachineAliasArn });
  same([shown.name, shown.routingConfiguration?.[0].weight], ["live", 100], "alias");
  const aliases = await states.listStateMachineAliases({ stateMachineArn });
  same(aliases.stateMachineAliases?.length, 1, "aliases");
  const started = await states.startExecution({ stateMachineArn: stateMachineAliasArn, input: "{}" });
  const executionArn = there(started.executionArn, "executionArn");
  const described = await ended(executionArn, "SUCCEEDED");
  same(described.stateMachineAliasArn, stateMachineAliasArn, "stateMachineAliasArn");
  same(described.stateMachineVersionArn, second.stateMachineVersionArn, "stateMachineVersionArn");
  const through = await states.listExecutions({ stateMachineArn: stateMachineAliasArn, statusFilter: "SUCCEEDED" });
  same(through.executions?.map((one) => one.executionArn), [executionArn], "executions of the alias");
  const was = await states.describeStateMachineForExecution({ executionArn });
  same(was.stateMachineArn, stateMachineArn, "stateMachineArn");
  isDate(was.updateDate, "updateDate");
  await states.deleteStateMachineAlias({ stateMachineAliasArn });
  await states.deleteStateMachineVersion({ stateMachineVersionArn: first });
  await refused(states.describeStateMachineAlias({ stateMachineAliasArn }), "ResourceNotFound");
});

await test("executions and their history", async () => {
  const { stateMachineArn } = await states.createStateMachine({ name: "x", roleArn, definition: machine({
    A: { Type: "Pass", Next: "B" }, B: { Type: "Fail", Error: "Boom", Cause: "why" } }) });
  const { executionArn, startDate } = await states.startExecution({ stateMachineArn, name: "one", input: '{"a":  1}' });
  isDate(startDate, "startDate");
  const described = await ended(there(executionArn, "executionArn"), "FAILED");
  same([described.error, described.cause, described.redriveStatus, described.redriveCount], ["Boom", "why", "REDRIVABLE", 0], "failure");
  isDate(described.stopDate, "stopDate");
  const forward = [];
  for await (const page of sdk.paginateGetExecutionHistory({ client: states, pageSize: 2 }, { executionArn })) {
    for (const event of page.events ?? []) {
      isDate(event.timestamp, "timestamp");
      forward.push(event.id);
    }
  }
  same(forward, [1, 2, 3, 4, 5], "history in pages");
  const last = await states.getExecutionHistory({ executionArn, reverseOrder: true, maxResults: 1, includeExecutionData: false });
  same(last.events?.[0].executionFailedEventDetails, { error: "Boom", cause: "why" }, "last event");
  const redriven = await states.redriveExecution({ executionArn, clientToken: "token" });
  isDate(redriven.redriveDate, "redriveDate");
  const after = await ended(there(executionArn, "executionArn"), "FAILED");
  same(after.redriveCount, 1, "redriveCount");
  const list = await states.listExecutions({ stateMachineArn, redriveFilter: "REDRIVEN" });
  same(list.executions?.length, 1, "redriven executions");
  await refused(states.startExecution({ stateMachineArn, name: "one", input: "{}" }), "ExecutionAlreadyExists");
});

await test("activities and callbacks", async () => {
  const { activityArn } = await states.createActivity({ name: "work" });
  same((await states.describeActivity({ activityArn })).name, "work", "name");
  same((await states.listActivities({})).activities?.length, 1, "activities");
  const { stateMachineArn } = await states.createStateMachine({ name: "act", roleArn, definition: machine({
    A: { Type: "Task", Resource: activityArn, HeartbeatSeconds: 60, Next: "B", Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }] },
    B: { Type: "Task", Resource: activityArn, End: true } }) });
  const { executionArn } = await states.startExecution({ stateMachineArn, input: '{"n": 1}' });
  const first = await states.getActivityTask({ activityArn, workerName: "js" });
  same(JSON.parse(there(first.input, "input")), { n: 1 }, "input");
  await states.sendTaskHeartbeat({ taskToken: first.taskToken });
  await states.sendTaskFailure({ taskToken: first.taskToken, error: "Again", cause: "please" });
  await refused(states.sendTaskSuccess({ taskToken: first.taskToken, output: "{}" }), "TaskTimedOut");
  const second = await states.getActivityTask({ activityArn });
  await refused(states.sendTaskSuccess({ taskToken: second.taskToken, output: "no json" }), "InvalidOutput");
  await states.sendTaskSuccess({ taskToken: second.taskToken, output: '"done"' });
  same((await ended(there(executionArn, "executionArn"), "SUCCEEDED")).output, '"done"', "output");
  await refused(states.sendTaskHeartbeat({ taskToken: "nonsense" }), "InvalidToken");
  const waits = await states.startExecution({ stateMachineArn, input: "{}" });
  const stopped = await states.stopExecution({ executionArn: waits.executionArn, error: "Stop", cause: "enough" });
  isDate(stopped.stopDate, "stopDate");
  const aborted = await ended(there(waits.executionArn, "executionArn"), "ABORTED");
  same([aborted.error, aborted.cause], ["Stop", "enough"], "aborted");
  await states.deleteActivity({ activityArn });
  await refused(states.getActivityTask({ activityArn }), "ActivityDoesNotExist");
});

await test("Express, with its logs", async () => {
  await logs.send(new CreateLogGroupCommand({ logGroupName: "/aws/vendedlogs/states/js" }));
  const region = await logs.config.region();
  const { stateMachineArn } = await states.createStateMachine({ name: "fast", type: "EXPRESS", roleArn, definition: pass,
    loggingConfiguration: { level: "ALL", includeExecutionData: true, destinations: [
      { cloudWatchLogsLogGroup: { logGroupArn: `arn:aws:logs:${region}:000000000000:log-group:/aws/vendedlogs/states/js:*` } }] } });
  const answer = await states.startSyncExecution({ stateMachineArn, input: '{"a":1}' });
  same([answer.status, answer.output, answer.outputDetails], ["SUCCEEDED", '{"a":1}', { included: true }], "answer");
  same(there(answer.billingDetails, "billingDetails").billedMemoryUsedInMB, 64, "memory");
  isDate(answer.stopDate, "stopDate");
  const streams = await logs.send(new DescribeLogStreamsCommand({ logGroupName: "/aws/vendedlogs/states/js", logStreamNamePrefix: "states/fast/" }));
  const events = await logs.send(new GetLogEventsCommand({ logGroupName: "/aws/vendedlogs/states/js",
    logStreamName: there(streams.logStreams?.[0].logStreamName, "stream"), startFromHead: true }));
  same(events.events?.map((event) => JSON.parse(there(event.message, "message")).type),
    ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"], "log lines");
  const behind = await states.startExecution({ stateMachineArn });
  await refused(states.describeExecution({ executionArn: behind.executionArn }), "InvalidArn");
  await refused(states.listExecutions({ stateMachineArn }), "StateMachineTypeNotSupported");
});

await test("TestState", async () => {
  const tested = await states.testState({ definition: JSON.stringify({ Type: "Pass", Result: 1, End: true }), roleArn, inspectionLevel: "DEBUG" });
  same([tested.status, tested.output], ["SUCCEEDED", "1"], "tested");
  there(tested.inspectionData, "inspectionData");
});

await test("Map Runs", async () => {
  const { stateMachineArn } = await states.createStateMachine({ name: "map", roleArn, definition: machine({ M: { Type: "Map", End: true,
    ItemProcessor: { ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" }, StartAt: "P", States: { P: { Type: "Pass", End: true } } } } }) });
  const { executionArn } = await states.startExecution({ stateMachineArn, input: "[1,2,3]" });
  same((await ended(there(executionArn, "executionArn"), "SUCCEEDED")).output, "[1,2,3]", "output");
  const runs = await states.listMapRuns({ executionArn });
  const mapRunArn = there(runs.mapRuns?.[0].mapRunArn, "mapRunArn");
  const run = await states.describeMapRun({ mapRunArn });
  same([run.status, run.itemCounts?.succeeded, run.executionCounts?.total], ["SUCCEEDED", 3, 3], "counts");
  await refused(states.updateMapRun({ mapRunArn, maxConcurrency: 1 }), "ValidationException");
});

const all = Object.keys(sdk).filter((name) => /^[A-Z].*Command$/.test(name) && name !== "$Command");
await test(`all ${all.length} operations were called`, async () => {
  same(all.filter((name) => !called.has(name)), [], "not called");
});
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
