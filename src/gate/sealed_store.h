#pragma once

#include <functional>
#include <string_view>

#include "gate/vault.h"
#include "store/store.h"

namespace stepmill {

/// A store that seals what may hold a secret, under the installation's key, before another store
/// keeps it: {"sealed": Vault::Seal of the JSON text}. The place (a document's key, a stream's
/// name, a due's id) is the context, so a sealed body moved elsewhere does not open. What was
/// stored before in clear is read as it is.
///
/// Threads and promises: those of the inner store. A body that does not open is kInternal.
class SealedStore final : public Store {
 public:
  /// Whether a body for this place is to be sealed.
  using Rule = std::function<bool(std::string_view place, const Json& body)>;

  SealedStore(Store& inner, const Vault& vault, Rule rule)
      : inner_(inner), vault_(vault), rule_(std::move(rule)) {}

  Task<> Commit(Batch batch) override;
  Task<> Settle() override { return inner_.Settle(); }
  Task<std::optional<Document>> Get(Key key) override;
  Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) override;
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                 int limit) override;
  Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) override;

 private:
  void Close(std::string_view place, Json& body) const;
  Result<> Open(std::string_view place, Json& body) const;

  Store& inner_;
  const Vault& vault_;
  Rule rule_;
};

/// {"sealed": TEXT}, and back. Open returns `body` itself when it is not sealed.
Json SealJson(const Vault& vault, const Json& body, std::string_view context);
Result<Json> OpenJson(const Vault& vault, const Json& body, std::string_view context);

}  // namespace stepmill
