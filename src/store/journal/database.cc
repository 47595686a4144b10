#include "store/journal/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace stepmill::journal {

Connection::~Connection() { sqlite3_close_v2(handle_); }

Result<> Connection::Open(const std::string& path, const char* vfs) {
  path_ = path;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &handle_, kFlags, vfs) != SQLITE_OK) return LastError("open");
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 5000);
  return {};
}

Result<> Connection::Run(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return LastError(sql);
  return {};
}

Error Connection::LastError(std::string_view what) const {
  const int code = handle_ ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
  const int system = handle_ ? sqlite3_system_errno(handle_) : 0;
  if ((code & 0xFF) == SQLITE_FULL || ((code & 0xFF) == SQLITE_IOERR && system == ENOSPC))
    return {Code::kUnavailable, "StoreFull", "the disk that holds " + path_ + " is full"};
  if ((code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB)
    return {Code::kUnavailable, "StoreDamaged",
            path_ + " is damaged (" + sqlite3_errmsg(handle_) +
                "): run `stepmill check`, restore a backup"};
  // The first line of a statement says enough.
  what.remove_prefix(std::min(what.find_first_not_of("\n "), what.size()));
  std::string message = path_ + ": " + std::string(what.substr(0, what.find('\n'))) + ": " +
                        (handle_ ? sqlite3_errmsg(handle_) : "out of memory") + " (" +
                        std::to_string(code) + ")";
  if (system != 0) message += std::string(": ") + std::strerror(system);
  return {Code::kUnavailable, "StoreFailed", std::move(message)};
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Result<> Statement::Prepare(Connection& connection, const char* sql) {
  connection_ = &connection;
  if (sqlite3_prepare_v3(connection.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_,
                         nullptr) != SQLITE_OK)
    return connection.LastError(sql);
  return {};
}

Statement& Statement::Bind(int index, std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* bytes = text.data() ? text.data() : "";
  const int code = sqlite3_bind_text(handle_, index, bytes, static_cast<int>(text.size()), nullptr);
  MILL_ASSERT(code == SQLITE_OK);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  const int code =
      sqlite3_bind_blob64(handle_, index, bytes.data() ? bytes.data() : "", bytes.size(), nullptr);
  MILL_ASSERT(code == SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int index, int64_t number) {
  const int code = sqlite3_bind_int64(handle_, index, number);
  MILL_ASSERT(code == SQLITE_OK);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->LastError("step");
}

Result<> Statement::Execute() {
  const auto stepped = Step();
  Reset();
  if (!stepped) return stepped.error();
  return {};
}

void Statement::Reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::string_view Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return bytes ? std::string_view(static_cast<const char*>(bytes), static_cast<size_t>(size))
               : std::string_view();
}

int64_t Statement::Number(int column) const { return sqlite3_column_int64(handle_, column); }

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

}  // namespace stepmill::journal
