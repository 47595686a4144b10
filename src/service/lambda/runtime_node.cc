#include "service/lambda/runtime.h"

namespace stepmill::lambda {

const char kNodeRuntime[] = R"js('use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const util = require('util');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const ROOT = '/2018-06-01/runtime/';
let requestId = 'undefined';

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

function ask(method, where, body, headers) {
  return new Promise((resolve, reject) => {
    const options = {host, port, method, path: ROOT + where, headers: headers || {}, agent: false};
    if (body !== undefined) options.headers['Content-Length'] = Buffer.byteLength(body);
    const request = http.request(options, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts)}));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

// ---- the log: a line an event, with its time, request and level

function write(text) {
  fs.writeSync(1, text);
}
function logTo(level) {
  return (...values) => {
    const text = util.format(...values).replace(/\n/g, '\r');
    write(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
  };
}
console.log = logTo('INFO');
console.info = logTo('INFO');
console.debug = logTo('DEBUG');
console.trace = logTo('TRACE');
console.warn = logTo('WARN');
console.error = logTo('ERROR');
console.fatal = logTo('FATAL');

function describe(error) {
  if (error instanceof Error || (error && error.name && error.message !== undefined && error.stack)) {
    return {
      errorType: String(error.name).replace(/\x7F/g, '%7F'),
      errorMessage: String(error.message).replace(/\x7F/g, '%7F'),
      trace: String(error.stack || '').replace(/\x7F/g, '%7F').split('\n'),
    };
  }
  return {errorType: typeof error, errorMessage: String(error), trace: []};
}
function logFailure(label, error) {
  const seen = describe(error);
  const shown = {errorType: seen.errorType, errorMessage: seen.errorMessage};
  if (error && error.code !== undefined) shown.code = error.code;
  shown.stack = seen.trace;
  write(`${new Date().toISOString()}\t${requestId}\tERROR\t${label}\t${JSON.stringify(shown)}\n`);
}

// ---- the handler

function isModuleFolder(folder) {
  for (let at = folder; !at.endsWith('/node_modules'); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file)).type === 'module';
      } catch (error) {
        return false;
      }
    }
    if (at === '/') break;
  }
  return false;
}

async function loadModule(root, folder, name) {
  const base = path.resolve(root, folder, name);
  const required = (end) => (fs.existsSync(base + end) && fs.statSync(base + end).isFile() ? require(base + end) : undefined);
  const imported = async (end) => (fs.existsSync(base + end) ? await import(base + end) : undefined);
  const isModule = isModuleFolder(path.dirname(base));
  const found = required('') || (!isModule && required('.js')) || (isModule && (await imported('.js'))) ||
      (await imported('.mjs')) || required('.cjs');
  if (found) return found;
  return require(require.resolve(name, {paths: [root, path.resolve(root, folder)]}));
}

async function findHandler(root, handler) {
  if (handler.includes('..'))
    throw new RuntimeError('Runtime.MalformedHandlerName',
        `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const last = path.basename(handler);
  const folder = handler.slice(0, handler.indexOf(last));
  const match = last.match(/^([^.]*)\.(.*)$/);
  if (!match) throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  let loaded;
  try {
    loaded = await loadModule(root, folder, match[1]);
  } catch (error) {
    let kind;
    if (error instanceof SyntaxError) kind = 'Runtime.UserCodeSyntaxError';
    if (error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')) kind = 'Runtime.ImportModuleError';
    if (!kind) throw error;
    const fault = new RuntimeError(kind, error instanceof SyntaxError ? `${error}` : `Error: ${error.message}`);
    if (error instanceof SyntaxError) fault.stack = error.stack;
    throw fault;
  }
  const found = match[2].split('.').reduce((at, key) => at && at[key], loaded);
  if (!found) throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is not a function`);
  return found;
}

/// One invocation; gives what the handler gives, by a promise or by its callback.
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const finish = (error, value) => {
      if (isOver) return;
      isOver = true;
      if (error !== undefined && error !== null) return reject(error);
      if (!context.callbackWaitsForEmptyEventLoop) return resolve(value);
      whenIdle(() => resolve(value));
    };
    context.done = finish;
    context.succeed = (value) => finish(null, value);
    context.fail = (error) => finish(error === undefined || error === null ? 'handled' : error);
    let result;
    try {
      result = handler(event, context, finish);
    } catch (error) {
      return reject(error);
    }
    if (result && typeof result.then === 'function') {
      isOver = true;
      return result.then(resolve, reject);
    }
    // Neither a promise nor, yet, a call back: the result is null when nothing is left to do.
    if (handler.length < 3 || !isOver) whenIdle(() => finish(null, null));
  });
}
let onIdle = null;
function whenIdle(done) {
  onIdle = done;
}
process.on('beforeExit', () => {
  const done = onIdle;
  onIdle = null;
  if (done) done();
});

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const given = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: given ? JSON.parse(given) : undefined,
    identity: undefined,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function serve(handler) {
  for (;;) {
    let next;
    try {
      next = await ask('GET', 'invocation/next');
    } catch (error) {
      process.exit(0);  // the server is gone; a new one starts environments of its own
    }
    if (next.status !== 200) process.exit(0);
    requestId = next.headers['lambda-runtime-aws-request-id'];
    if (next.headers['lambda-runtime-trace-id']) process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'];
    const headers = {'Content-Type': 'application/json', 'X-Stepmill-Memory-Mib': ''};
    let where, body;
    try {
      const result = await call(handler, JSON.parse(next.body.toString('utf8')), contextOf(next.headers));
      body = JSON.stringify(result === undefined ? null : result);
      if (body === undefined) body = 'null';
      where = 'response';
    } catch (error) {
      logFailure('Invoke Error', error);
      body = JSON.stringify(describe(error));
      where = 'error';
      headers['Lambda-Runtime-Function-Error-Type'] = describe(error).errorType;
    }
    onIdle = null;
    headers['X-Stepmill-Memory-Mib'] = String(Math.floor(process.resourceUsage().maxRSS / 1024));
    try {
      await ask('POST', `invocation/${requestId}/${where}`, body, headers);
    } catch (error) {
      process.exit(0);
    }
  }
}

async function fail(label, error, where) {
  logFailure(label, error);
  const seen = describe(error);
  try {
    await ask('POST', where, JSON.stringify(seen),
        {'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': seen.errorType});
  } finally {
    process.exit(label === 'Init Error' ? 1 : 129);
  }
}
let isServing = false;
process.on('uncaughtException', (error) =>
  fail('Uncaught Exception', error, isServing ? `invocation/${requestId}/error` : 'init/error'));
process.on('unhandledRejection', (error) => {
  const fault = new RuntimeError('Runtime.UnhandledPromiseRejection', String(error));
  fault.stack = error && error.stack ? `${fault.name}: ${error}\n` + error.stack : fault.stack;
  return fail('Unhandled Promise Rejection', fault, isServing ? `invocation/${requestId}/error` : 'init/error');
});

(async () => {
  const root = process.env.LAMBDA_TASK_ROOT;
  process.chdir(root);
  let handler;
  try {
    handler = await findHandler(root, process.env._HANDLER);
  } catch (error) {
    return fail('Init Error', error, 'init/error');
  }
  isServing = true;
  await serve(handler);
})();
)js";

}  // namespace stepmill::lambda
