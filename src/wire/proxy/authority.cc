#include "wire/proxy/authority.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace stepmill::wire {

namespace {

constexpr long kDay = 24L * 3600;
constexpr long kAuthorityLife = 3650 * kDay;
/// Apple's and others' bound for leaf certificates.
constexpr long kLeafLife = 397 * kDay;
constexpr long kBackdated = kDay;  // clocks inside differ
/// Names with a certificate in memory; more than any chain of jobs uses.
constexpr size_t kLeavesMax = 2000;
constexpr const char* kSystemBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                          "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Free<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;

Error Trouble(const std::string& what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return Error{Code::kInternal, "CertificateAuthority", what + ": " + text};
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

KeyPtr NewKey() { return KeyPtr(EVP_EC_gen("P-256")); }

bool AddExtension(X509* cert, X509* issuer, int id, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, id, value));
  return extension && X509_add_ext(cert, extension.get(), -1) == 1;
}

struct CertificateSpec {
  std::string common_name;
  EVP_PKEY* key;
  X509* issuer = nullptr;  ///< nullptr: itself
  EVP_PKEY* issuer_key;
  long life;
  uint64_t serial;
  Time now;
};

/// The parts that authority and leaf share; not signed yet.
CertPtr Begin(const CertificateSpec& spec) {
  CertPtr cert(X509_new());
  if (!cert) return cert;
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert.get()), spec.serial >> 1);
  const time_t now = MillisSinceEpoch(spec.now) / 1000;
  ASN1_TIME_set(X509_getm_notBefore(cert.get()), now - kBackdated);
  ASN1_TIME_set(X509_getm_notAfter(cert.get()), now + spec.life);
  X509_set_pubkey(cert.get(), spec.key);
  X509_NAME* name = X509_get_subject_name(cert.get());
  const auto add = [name](const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
  };
  add("O", "stepmill");
  // A common name is bounded; the name that counts stands in the extension.
  if (spec.common_name.size() <= 64) add("CN", spec.common_name);
  X509* issuer = spec.issuer ? spec.issuer : cert.get();
  X509_set_issuer_name(cert.get(), X509_get_subject_name(issuer));
  return cert;
}

bool IsAddress(const std::string& name) {
  return name.find_first_not_of("0123456789.") == std::string::npos ||
         name.find(':') != std::string::npos;
}

/// `is_synced`: it must survive power loss; else it can be made again.
Result<> WriteFile(const std::string& path, const std::string& text, mode_t mode,
                   bool is_synced = true) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return Error{Code::kUnavailable, "DataFolder", temporary + " cannot be written"};
  const bool is_written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      (!is_synced || ::fsync(file) == 0);
  ::close(file);
  if (!is_written || ::rename(temporary.c_str(), path.c_str()) != 0)
    return Error{Code::kUnavailable, "DataFolder", path + " cannot be written"};
  return Result<>();
}

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return "";
  std::string text(static_cast<size_t>(in.tellg()), '\0');
  in.seekg(0);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

struct Pair {
  KeyPtr key;
  CertPtr cert;
};

Result<Pair> MakeAuthority(const std::string& folder, Clock& clock, Random& random) {
  Pair pair;
  pair.key = NewKey();
  if (!pair.key) return Trouble("no key");
  pair.cert = Begin({.common_name = "stepmill local authority " + random.NewUuid().substr(0, 8),
                     .key = pair.key.get(),
                     .issuer = nullptr,
                     .issuer_key = pair.key.get(),
                     .life = kAuthorityLife,
                     .serial = random.Next(),
                     .now = clock.Now()});
  X509* cert = pair.cert.get();
  const bool is_made =
      cert && AddExtension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      AddExtension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      AddExtension(cert, cert, NID_subject_key_identifier, "hash") &&
      X509_sign(cert, pair.key.get(), EVP_sha256()) > 0;
  if (!is_made) return Trouble("no certificate");
  const BioPtr key_text(BIO_new(BIO_s_mem())), cert_text(BIO_new(BIO_s_mem()));
  if (!PEM_write_bio_PKCS8PrivateKey(key_text.get(), pair.key.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) ||
      !PEM_write_bio_X509(cert_text.get(), cert))
    return Trouble("not printed");
  MILL_CHECK(WriteFile(folder + "/ca.key", TextOf(key_text.get()), 0600));
  MILL_CHECK(WriteFile(folder + "/ca.crt", TextOf(cert_text.get()), 0644));
  return pair;
}

Result<Pair> ReadAuthority(const std::string& key_text, const std::string& cert_text) {
  const BioPtr key(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  const BioPtr cert(BIO_new_mem_buf(cert_text.data(), static_cast<int>(cert_text.size())));
  Pair pair;
  pair.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  pair.cert.reset(PEM_read_bio_X509(cert.get(), nullptr, nullptr, nullptr));
  if (!pair.key || !pair.cert) return Trouble("ca.key or ca.crt cannot be read");
  return pair;
}

}  // namespace

struct Authority::Parts {
  Clock& clock;
  Random& random;
  Pair authority;
  KeyPtr leaf_key;  ///< one key for all leaves of this process
  std::map<std::string, std::unique_ptr<asio::ssl::context>> leaves;
};

int Authority::OnServerName(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name || std::string_view(name) == "localhost") return SSL_TLSEXT_ERR_OK;
  const auto context = static_cast<Authority*>(self)->ContextFor(name);
  if (!context) return SSL_TLSEXT_ERR_NOACK;  // the certificate for localhost then
  SSL_set_SSL_CTX(ssl, (*context)->native_handle());
  return SSL_TLSEXT_ERR_OK;
}

Authority::Authority(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Authority::~Authority() = default;

Result<std::unique_ptr<Authority>> Authority::Open(const std::string& folder, Clock& clock,
                                                   Random& random) {
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  if (trouble) return Error{Code::kUnavailable, "DataFolder", folder + ": " + trouble.message()};
  const std::string key_text = ReadWhole(folder + "/ca.key");
  const std::string cert_text = ReadWhole(folder + "/ca.crt");
  const bool is_there = !key_text.empty() && !cert_text.empty();
  MILL_TRY(Pair pair,
           is_there ? ReadAuthority(key_text, cert_text) : MakeAuthority(folder, clock, random));
  std::string bundle;
  for (const char* path : kSystemBundles)
    if (bundle.empty()) bundle = ReadWhole(path);
  bundle += ReadWhole(folder + "/ca.crt");
  if (ReadWhole(folder + "/bundle.pem") != bundle)
    MILL_CHECK(WriteFile(folder + "/bundle.pem", bundle, 0644, false));
  auto parts = std::unique_ptr<Parts>(new Parts{clock, random, std::move(pair), NewKey(), {}});
  if (!parts->leaf_key) return Trouble("no key");
  return std::unique_ptr<Authority>(new Authority(std::move(parts)));
}

Result<asio::ssl::context*> Authority::ContextFor(const std::string& name) {
  auto& leaves = parts_->leaves;
  if (const auto found = leaves.find(name); found != leaves.end()) return found->second.get();
  if (leaves.size() >= kLeavesMax)
    return Error{Code::kLimit, "CertificateAuthority", "too many host names"};
  const CertPtr cert = Begin({.common_name = name,
                              .key = parts_->leaf_key.get(),
                              .issuer = parts_->authority.cert.get(),
                              .issuer_key = parts_->authority.key.get(),
                              .life = kLeafLife,
                              .serial = parts_->random.Next(),
                              .now = parts_->clock.Now()});
  if (!cert) return Trouble("no certificate");
  std::string names = (IsAddress(name) ? "IP:" : "DNS:") + name;
  if (name == "localhost") names += ",IP:127.0.0.1,IP:0:0:0:0:0:0:0:1";
  X509* issuer = parts_->authority.cert.get();
  const bool is_made =
      AddExtension(cert.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      AddExtension(cert.get(), issuer, NID_key_usage, "critical,digitalSignature") &&
      AddExtension(cert.get(), issuer, NID_ext_key_usage, "serverAuth") &&
      AddExtension(cert.get(), issuer, NID_authority_key_identifier, "keyid") &&
      AddExtension(cert.get(), issuer, NID_subject_alt_name, names.c_str()) &&
      X509_sign(cert.get(), parts_->authority.key.get(), EVP_sha256()) > 0;
  if (!is_made) return Trouble("no certificate for " + name);
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // An answer's end is told by its length; some clients close without a close-notify.
  SSL_CTX_set_options(native, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (SSL_CTX_use_certificate(native, cert.get()) != 1 ||
      SSL_CTX_use_PrivateKey(native, parts_->leaf_key.get()) != 1)
    return Trouble("no context for " + name);
  // A client that begins with TLS at the port itself says whom it means in its hello.
  if (name == "localhost") {
    SSL_CTX_set_tlsext_servername_callback(native, OnServerName);
    SSL_CTX_set_tlsext_servername_arg(native, this);
  }
  asio::ssl::context* made = context.get();
  leaves.emplace(name, std::move(context));
  return made;
}

}  // namespace stepmill::wire
