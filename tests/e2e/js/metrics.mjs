// @ts-check
// Metrics and alarms by the SDK for JavaScript v3 over RPC v2 CBOR, and over JSON when the argument is "json". Ends with
// `N passed, M failed`.
import { CloudWatch, ResourceNotFound } from "@aws-sdk/client-cloudwatch";
import { AwsSmithyRpcV2CborProtocol } from "@aws-sdk/core/protocols";

const isJson = process.argv[2] === "json";
// In CBOR it says the length of a body before it packs it: nobody could read that.
const watch = new CloudWatch(isJson ? {} : { protocol: AwsSmithyRpcV2CborProtocol, disableRequestCompression: true });
const protocols = new Set();
watch.middlewareStack.add((next) => (input) => {
  const request = /** @type {{ headers: Record<string, string> }} */ (input.request);
  protocols.add(request.headers["smithy-protocol"] ?? request.headers["content-type"]);
  return next(input);
}, { step: "finalizeRequest", priority: "low" });

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
/** @param {unknown} actual @param {unknown} wanted */
function same(actual, wanted) {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (is !== should) throw new Error(`${is} instead of ${should}`);
}

const minute = new Date(Math.floor(Date.now() / 3600000) * 3600000 - 3600000);
const later = new Date(minute.getTime() + 3600000);
const metric = { Namespace: isJson ? "by-json" : "by-cbor", MetricName: "loss", Dimensions: [{ Name: "job", Value: "日本" }] };

await test("values are put", async () => {
  await watch.putMetricData({
    Namespace: metric.Namespace,
    MetricData: [
      { MetricName: "loss", Dimensions: metric.Dimensions, Timestamp: minute, Values: [0.5, 1.5], Counts: [1, 3] },
      { MetricName: "loss", Dimensions: metric.Dimensions, Timestamp: new Date(minute.getTime() + 61000), Value: -4 },
    ],
  });
});

await test("many values are put (packed by gzip in JSON)", async () => {
  const data = Array.from({ length: 900 }, (_, i) => ({ MetricName: `m${i}`, Timestamp: minute, Value: i }));
  await watch.putMetricData({ Namespace: `${metric.Namespace}-packed`, MetricData: data });
  same((await watch.listMetrics({ Namespace: `${metric.Namespace}-packed` })).Metrics?.length, 500);
});

await test("statistics come back as numbers and dates", async () => {
  const answer = await watch.getMetricStatistics({
    ...metric, StartTime: minute, EndTime: later, Period: 60,
    Statistics: ["SampleCount", "Average", "Sum", "Minimum", "Maximum"],
  });
  const points = answer.Datapoints ?? [];
  same(points.length, 2);
  same(points[0].Timestamp, minute);
  same([points[0].SampleCount, points[0].Sum, points[0].Average], [4, 5, 1.25]);
  same([points[1].Minimum, points[1].Maximum], [-4, -4]);
});

await test("an expression", async () => {
  const answer = await watch.getMetricData({
    StartTime: minute, EndTime: later, ScanBy: "TimestampAscending",
    MetricDataQueries: [
      { Id: "m1", MetricStat: { Metric: metric, Period: 60, Stat: "p100" }, ReturnData: false },
      { Id: "e1", Expression: "m1 * 2", Label: "twice" },
    ],
  });
  same(answer.MetricDataResults?.map((one) => [one.Id, one.Label, one.Values, one.StatusCode]),
    [["e1", "twice", [3, -8], "Complete"]]);
  same(answer.MetricDataResults?.[0].Timestamps?.[0], minute);
});

await test("metrics are listed", async () => {
  const found = (await watch.listMetrics({ Namespace: metric.Namespace })).Metrics ?? [];
  same(found.map((one) => [one.Namespace, one.MetricName, one.Dimensions?.[0].Name, one.Dimensions?.[0].Value]),
    [[metric.Namespace, "loss", "job", "日本"]]);
});

await test("what is refused", async () => {
  try {
    await watch.putMetricData({ Namespace: "x", MetricData: [{ MetricName: "m", Value: NaN }] });
  } catch (error) {
    const known = /** @type {Error} */ (error);
    same([known.name, known.message], ["InvalidParameterValueException",
      "The value NaN for parameter MetricData.member.1.Value is invalid."]);
    return;
  }
  throw new Error("NaN was taken");
});

await test("an alarm", async () => {
  await watch.putMetricAlarm({ AlarmName: "a", Namespace: isJson ? "by-json" : "by-cbor", MetricName: "x", Statistic: "Sum", Period: 60,
    EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: "GreaterThanThreshold" });
  await watch.setAlarmState({ AlarmName: "a", StateValue: "ALARM", StateReason: "by hand" });
  const alarm = (await watch.describeAlarms({ AlarmNames: ["a"] })).MetricAlarms?.[0];
  same([alarm?.StateValue, alarm?.StateReason, alarm?.StateUpdatedTimestamp instanceof Date],
    ["ALARM", "by hand", true]);
  await watch.deleteAlarms({ AlarmNames: ["a"] });
  try {
    await watch.setAlarmState({ AlarmName: "a", StateValue: "OK", StateReason: "" });
  } catch (error) {
    if (error instanceof ResourceNotFound) return;
    throw error;
  }
  throw new Error("an alarm that is not there has a state");
});

await test("all of it was in that protocol", async () =>
  same([...protocols], [isJson ? "application/x-amz-json-1.0" : "rpc-v2-cbor"]));

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
