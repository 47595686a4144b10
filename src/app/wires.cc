#include "app/wires.h"

#include "app/image_mirror.h"
#include "app/image_store.h"
#include "compute/identity.h"
#include "gate/vault.h"
#include "service/iam/iam.h"
#include "wire/aws/auth.h"
#include "wire/aws/handler.h"
#include "wire/git/git_front.h"
#include "wire/http/server.h"
#include "wire/lambda/runtime_front.h"
#include "wire/proxy/authority.h"
#include "wire/proxy/proxy.h"
#include "wire/registry/mirror_front.h"
#include "wire/registry/registry_front.h"

namespace stepmill {

namespace {

wire::JobLookup LookupIn(const std::string& data_dir) {
  return [data_dir](const std::string& job_id) -> std::optional<wire::JobIdentity> {
    const auto found = ReadJobIdentity(data_dir, job_id);
    if (!found) return std::nullopt;
    wire::JobIdentity identity;
    identity.role_arn = found->role_arn;
    identity.account = found->account;
    identity.region = found->region;
    identity.is_open = found->is_open;
    return identity;
  };
}

}  // namespace

struct Wires::Parts {
  Parts(io::Loop& loop, Ports& ports, std::unique_ptr<wire::Authority> made_authority,
        ImageTable table)
      : access_keys(ports.store, ports.vault),
        authenticator(access_keys, ports.clock, ports.region),
        handler(ports.door, authenticator, ports.clock, ports.random),
        authority(std::move(made_authority)),
        router(LookupIn(ports.data_dir)),
        credentials(LookupIn(ports.data_dir), ports.vault, ports.clock, ports.random),
        runtime(wire::MakeRuntimeFront(ports.door, ports.account, ports.region)),
        git(wire::MakeGitFront(loop, ports.door, authenticator, ports.data_dir + "/tmp")),
        registry(wire::MakeRegistryFront(ports.door, ports.vault, ports.clock)),
        images(loop, std::move(table), ImageCacheFolder(), ports.data_dir + "/mirror"),
        mirror(wire::MakeMirrorFront(images)),
        server(loop.context(), {.handler = handler,
                                .clock = ports.clock,
                                .random = ports.random,
                                .certificates = authority.get(),
                                .router = &router}) {
    handler.Add(credentials);
    handler.Add(*runtime);
    handler.Add(*mirror);  // before the registry, which takes any host
    handler.Add(*git);
    handler.Add(*registry);
  }

  iam::AccessKeys access_keys;
  wire::SignatureAuthenticator authenticator;
  wire::AwsHandler handler;
  std::unique_ptr<wire::Authority> authority;
  wire::JobRouter router;
  wire::JobCredentials credentials;
  std::unique_ptr<wire::FrontEnd> runtime, git, registry;
  LocalImages images;
  std::unique_ptr<wire::FrontEnd> mirror;
  wire::HttpServer server;
  std::string relay_socket;
};

Wires::Wires(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Wires::~Wires() = default;

Result<std::unique_ptr<Wires>> Wires::Open(io::Loop& loop, Ports& ports) {
  MILL_TRY(auto authority,
           wire::Authority::Open(ports.data_dir + "/ca", ports.clock, ports.random));
  MILL_TRY(ImageTable table, LoadImageTable(ports.data_dir));
  auto parts = std::make_unique<Parts>(loop, ports, std::move(authority), std::move(table));
  parts->relay_socket = ports.data_dir + "/run/relay.sock";
  return std::unique_ptr<Wires>(new Wires(std::move(parts)));
}

Result<std::string> Wires::Listen(const std::string& address, int port) {
  MILL_CHECK(parts_->server.ListenUnix(parts_->relay_socket, true));
  MILL_TRY(const int bound, parts_->server.ListenTcp(address, port));
  const bool is_v6 = address.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(bound);
}

Task<> Wires::Drain(Time deadline) { return parts_->server.Drain(deadline); }

}  // namespace stepmill
