#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stepmill::journal {

/// One connection to a database file. Used by one thread at a time.
class Connection {
 public:
  Connection() = default;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// `vfs`: the SQLite file system by name; null: SQLite's own.
  Result<> Open(const std::string& path, const char* vfs);
  /// Statements without parameters and without rows that matter.
  Result<> Run(const char* sql);
  /// What the last failed call on this connection means: kUnavailable, name "StoreFull" when the
  /// disk is full, "StoreFailed" otherwise.
  Error LastError(std::string_view what) const;
  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
  std::string path_;
};

/// A prepared statement, bound and stepped again and again. Bound texts must live until Reset.
class Statement {
 public:
  Statement() = default;
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Result<> Prepare(Connection& connection, const char* sql);
  Statement& Bind(int index, std::string_view text);
  Statement& BindBlob(int index, std::string_view bytes);
  Statement& Bind(int index, int64_t number);
  Statement& Bind(int index, uint64_t number) { return Bind(index, static_cast<int64_t>(number)); }
  /// True: a row is there; false: done.
  Result<bool> Step();
  /// Steps to the end and resets.
  Result<> Execute();
  void Reset();
  std::string_view Text(int column) const;  ///< until the next Step or Reset
  int64_t Number(int column) const;
  bool IsNull(int column) const;

 private:
  Connection* connection_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;
};

/// Resets a statement at the end of a scope, so that no read transaction stays open.
class StatementScope {
 public:
  explicit StatementScope(Statement& statement) : statement_(statement) {}
  ~StatementScope() { statement_.Reset(); }
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;

 private:
  Statement& statement_;
};

}  // namespace stepmill::journal
