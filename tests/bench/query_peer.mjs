// The peer of query_bench.cc: npm's jsonata and jsonpath-plus under node, the same cases, the same figures.
//   node query_peer.mjs NODE_MODULES_FOLDER MILLISECONDS FILE...
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, milliseconds, ...files] = process.argv.slice(2);
const require = createRequire(join(folder, 'x.js'));
const jsonata = require('jsonata'), { JSONPath } = require('jsonpath-plus');
const cpu = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };

/// Calls a second of processor time, median of five rounds.
async function rate(seconds, f) {
  let count = 1;
  for (;;) {
    const begin = cpu();
    for (let i = 0; i < count; i++) await f();
    const took = cpu() - begin;
    if (took > seconds / 3) { count = Math.max(1, Math.round(count * seconds / took)); break; }
    count *= took < seconds / 30 ? 8 : 2;
  }
  const rates = [];
  for (let round = 0; round < 5; round++) {
    const begin = cpu();
    for (let i = 0; i < count; i++) await f();
    rates.push(count / (cpu() - begin));
  }
  return rates.sort((a, b) => a - b)[2];
}

const out = {};
for (const file of files) {
  const cases = JSON.parse(readFileSync(file));
  for (const { id, input, expr } of cases.jsonata) {
    const expression = jsonata(expr), value = cases.inputs[input];
    const result = await expression.evaluate(value);
    out[id] = {
      cpuOps: await rate(milliseconds / 1000, () => expression.evaluate(value)),
      parseOps: await rate(milliseconds / 3000, () => { jsonata(expr); }),
      result: result === undefined ? 'undefined' : result,
    };
  }
}
for (const file of files) {
  const cases = JSON.parse(readFileSync(file));
  for (const { id, input, expr } of cases.jsonpath ?? []) {
    const json = cases.inputs[input], find = () => JSONPath({ path: expr, json });
    out[id] = { cpuOps: await rate(milliseconds / 1000, find), result: find() };
  }
}
console.log(JSON.stringify(out));
