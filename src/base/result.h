#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace stepmill {

/// What programs branch on. The wire maps it to an HTTP status where AWS gives none for the name.
enum class Code {
  kInvalid,      ///< the request can never succeed as it is
  kNotFound,     ///< what it names is not there
  kConflict,     ///< it is there already, or changed meanwhile
  kDenied,       ///< the caller may not
  kLimit,        ///< a quota, a size or a rate
  kUnavailable,  ///< outcome unknown or a part is away: read back, then try again
  kTimeout,      ///< a deadline passed
  kInternal,     ///< a fault of ours
};

/// A failure as a value. `name` is what clients and `Catch` match (AWS's own name),
/// `message` is for people: what was expected, what came, and where.
struct Error {
  Code code = Code::kInternal;
  std::string name;
  std::string message;
  /// Further members of a modelled AWS error (name -> text), e.g. S3's BucketName.
  std::vector<std::pair<std::string, std::string>> fields = {};
};

[[noreturn]] inline void AssertFailed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
  std::abort();
}

/// A bug, never bad input: stops the process, in release builds too. Recovery makes stopping safe.
#define MILL_ASSERT(cond) ((cond) ? (void)0 : ::stepmill::AssertFailed(#cond, __FILE__, __LINE__))

/// A value or an Error; member names of std::expected.
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit
  template <class U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::decay_t<U>, Result> &&
           !std::is_same_v<std::decay_t<U>, Error> && !std::is_same_v<std::decay_t<U>, T>)
      Result(U&& value)  // NOLINT: implicit
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { return Checked(), std::get<0>(state_); }
  const T& value() const& { return Checked(), std::get<0>(state_); }
  T&& value() && { return Checked(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return MILL_ASSERT(!has_value()), std::get<1>(state_); }
  Error&& error() && { return MILL_ASSERT(!has_value()), std::get<1>(std::move(state_)); }
  T value_or(T other) && { return has_value() ? std::get<0>(std::move(state_)) : std::move(other); }

 private:
  void Checked() const {
    if (!has_value()) AssertFailed(std::get<1>(state_).message.c_str(), "Result::value", 0);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit
  bool has_value() const { return !error_; }
  explicit operator bool() const { return !error_; }
  void value() const { MILL_ASSERT(!error_); }
  void operator*() const { value(); }
  const Error& error() const& { return MILL_ASSERT(error_.has_value()), *error_; }
  Error&& error() && { return MILL_ASSERT(error_.has_value()), *std::move(error_); }

 private:
  std::optional<Error> error_;
};

#define MILL_CONCAT_(a, b) a##b
#define MILL_CONCAT(a, b) MILL_CONCAT_(a, b)
#define MILL_TRY_AS_(ret, tmp, decl, ...)                  \
  auto tmp = (__VA_ARGS__);                                \
  if (!tmp) ret ::stepmill::Error(std::move(tmp).error()); \
  decl = *std::move(tmp)
#define MILL_CHECK_AS_(ret, tmp, ...)                        \
  do {                                                       \
    auto tmp = (__VA_ARGS__);                                \
    if (!tmp) ret ::stepmill::Error(std::move(tmp).error()); \
  } while (false)

/// MILL_TRY(const int days, ParseDays(text)): returns the error, or declares `days`.
#define MILL_TRY(decl, ...) \
  MILL_TRY_AS_(return, MILL_CONCAT(mill_try_, __LINE__), decl, __VA_ARGS__)
/// MILL_CHECK(Write(x)): returns the error of a Result without a value that is wanted.
#define MILL_CHECK(...) MILL_CHECK_AS_(return, MILL_CONCAT(mill_check_, __LINE__), __VA_ARGS__)
/// The same two inside a coroutine: MILL_CO_TRY(const Json x, co_await Get(key)).
#define MILL_CO_TRY(decl, ...) \
  MILL_TRY_AS_(co_return, MILL_CONCAT(mill_try_, __LINE__), decl, __VA_ARGS__)
#define MILL_CO_CHECK(...) \
  MILL_CHECK_AS_(co_return, MILL_CONCAT(mill_check_, __LINE__), __VA_ARGS__)

}  // namespace stepmill
