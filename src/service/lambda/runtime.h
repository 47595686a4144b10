#pragma once

/// What runs inside a function's environment between the runtime API and the user's handler: our
/// own runtime interface clients, staged as files below /var/runtime.
/// AWS: "Using the Lambda runtime API for custom runtimes", "Define Lambda function handler in
/// Python", "... in Node.js".
namespace stepmill::lambda {

extern const char kPythonRuntime[];
extern const char kNodeRuntime[];

}  // namespace stepmill::lambda
