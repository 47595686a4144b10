#include "algorithm/xgboost/tracker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "algorithm/xgboost/hyperparameters.h"
#include "base/strings.h"
#include "json/each.h"

namespace stepmill::xgboost {

namespace {

constexpr int32_t kMagic = 0xff99;
constexpr int kPort = 9099;  ///< as AWS's container has it
constexpr int32_t kTextMax = 1 << 16;
constexpr int32_t kHostsMax = 1024;

/// One connection of a host. Every call is false once the peer is gone or talks nonsense.
class Peer {
 public:
  explicit Peer(int fd, std::string address) : fd_(fd), address_(std::move(address)) {}
  ~Peer() {
    if (fd_ >= 0) ::close(fd_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool Send(int32_t number) { return SendAll(&number, sizeof number); }
  bool Send(const std::string& text) {
    return Send(static_cast<int32_t>(text.size())) && SendAll(text.data(), text.size());
  }
  bool Receive(int32_t& number) { return ReceiveAll(&number, sizeof number); }
  bool Receive(std::string& text) {
    int32_t size = 0;
    if (!Receive(size) || size < 0 || size > kTextMax) return false;
    text.resize(static_cast<size_t>(size));
    return ReceiveAll(text.data(), text.size());
  }
  bool Greet() {
    int32_t magic = 0;
    return Receive(magic) && magic == kMagic && Send(kMagic) && Receive(rank) && Receive(hosts) &&
           Receive(name) && Receive(word);
  }

  const std::string& address() const { return address_; }
  int32_t rank = -1, hosts = -1, port = 0;
  std::string name, word;
  int to_accept = 0;  ///< others that will still connect to it

 private:
  bool SendAll(const void* bytes, size_t size) {
    const char* at = static_cast<const char*>(bytes);
    for (ssize_t n; size > 0; at += n, size -= static_cast<size_t>(n))
      if ((n = ::send(fd_, at, size, MSG_NOSIGNAL)) <= 0) return false;
    return true;
  }
  bool ReceiveAll(void* bytes, size_t size) {
    char* at = static_cast<char*>(bytes);
    for (ssize_t n; size > 0; at += n, size -= static_cast<size_t>(n))
      if ((n = ::recv(fd_, at, size, 0)) <= 0) return false;
    return true;
  }

  int fd_;
  std::string address_;
};

}  // namespace

class Tracker::Core {
 public:
  Core(int fd, int hosts) : fd_(fd), hosts_(hosts), thread_([this] { Run(); }) {}
  ~Core() {
    ::shutdown(fd_, SHUT_RDWR);  // wakes accept
    thread_.join();
    ::close(fd_);
  }

 private:
  void Run() {
    for (int done = 0; done < hosts_;) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const int fd = ::accept(fd_, reinterpret_cast<sockaddr*>(&from), &size);
      if (fd < 0) return;
      char address[INET_ADDRSTRLEN] = "";
      ::inet_ntop(AF_INET, &from.sin_addr, address, sizeof address);
      auto peer = std::make_unique<Peer>(fd, address);
      if (!peer->Greet()) continue;
      if (peer->word == "shutdown") ++done;
      if (peer->word == "print") Print(*peer);
      if (peer->word == "start" || peer->word == "recover") Admit(std::move(peer));
    }
  }

  static void Print(Peer& peer) {
    std::string text;
    if (!peer.Receive(text)) return;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  /// Ranks are given out when all are there, by name.
  void Admit(std::unique_ptr<Peer> peer) {
    pending_.push_back(std::move(peer));
    if (static_cast<int>(pending_.size()) < hosts_) return;
    std::sort(pending_.begin(), pending_.end(),
              [](const auto& a, const auto& b) { return a->name < b->name; });
    std::map<int32_t, std::unique_ptr<Peer>> waiting;
    for (int32_t rank = 0; rank < hosts_; ++rank) {
      std::unique_ptr<Peer> one = std::move(pending_[static_cast<size_t>(rank)]);
      one->rank = rank;
      if (!Introduce(*one, waiting)) return;  // the others see a host that does not come
      if (one->to_accept > 0) waiting[rank] = std::move(one);
    }
    pending_.clear();
  }

  bool Introduce(Peer& peer, std::map<int32_t, std::unique_ptr<Peer>>& waiting) const {
    const int32_t rank = peer.rank, parent = rank == 0 ? -1 : (rank + 1) / 2 - 1;
    std::set<int32_t> links;
    if (parent >= 0) links.insert(parent);
    for (const int32_t child : {2 * rank + 1, 2 * rank + 2})
      if (child < hosts_) links.insert(child);
    bool is_good = peer.Send(rank) && peer.Send(parent) && peer.Send(hosts_) &&
                   peer.Send(static_cast<int32_t>(links.size()));
    for (const int32_t link : links) is_good = is_good && peer.Send(link);
    for (const int32_t ring : {(rank + hosts_ - 1) % hosts_, (rank + 1) % hosts_}) {
      const bool is_other = ring != rank;
      is_good = is_good && peer.Send(is_other ? ring : -1);
      if (is_other) links.insert(ring);
    }
    return is_good && Connect(peer, links, waiting);
  }

  /// Those that have a rank already listen: the peer connects to them; the others will to it.
  static bool Connect(Peer& peer, const std::set<int32_t>& links,
                      std::map<int32_t, std::unique_ptr<Peer>>& waiting) {
    for (int32_t failed = 1; failed != 0;) {
      int32_t count = 0;
      if (!peer.Receive(count) || count < 0 || count > kHostsMax) return false;
      std::set<int32_t> missing = links;
      for (int32_t i = 0, good = 0; i < count; ++i) {
        if (!peer.Receive(good)) return false;
        missing.erase(good);
      }
      std::vector<int32_t> to_connect;
      for (const int32_t rank : missing)
        if (waiting.contains(rank)) to_connect.push_back(rank);
      peer.to_accept = static_cast<int>(missing.size() - to_connect.size());
      bool is_good = peer.Send(static_cast<int32_t>(to_connect.size())) &&
                     peer.Send(static_cast<int32_t>(peer.to_accept));
      for (const int32_t rank : to_connect) {
        const Peer& other = *waiting[rank];
        is_good = is_good && peer.Send(other.address()) && peer.Send(other.port) && peer.Send(rank);
      }
      if (!is_good || !peer.Receive(failed)) return false;
      if (failed != 0) continue;
      for (const int32_t rank : to_connect)
        if (--waiting[rank]->to_accept == 0) waiting.erase(rank);
    }
    return peer.Receive(peer.port);
  }

  int fd_;
  int32_t hosts_;
  std::vector<std::unique_ptr<Peer>> pending_;
  std::thread thread_;  ///< last: it uses the others
};

Tracker::Tracker(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Tracker::~Tracker() = default;

Result<std::unique_ptr<Tracker>> Tracker::Start(int hosts, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);  // of a sandbox: its hosts' private network
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, hosts) != 0) {
    if (fd >= 0) ::close(fd);
    return AlgorithmError("port " + std::to_string(port) + " cannot be listened on");
  }
  return std::unique_ptr<Tracker>(new Tracker(std::make_unique<Core>(fd, hosts)));
}

Together::Together(std::unique_ptr<Tracker> tracker) : tracker_(std::move(tracker)) {}
Together::~Together() { XGCommunicatorFinalize(); }

bool Together::is_first() const { return XGCommunicatorGetRank() == 0; }
int Together::count() const { return XGCommunicatorGetWorldSize(); }
bool Together::AnyOf(bool is_so) const {
  constexpr int kInt32 = 2, kMax = 0;  // of libxgboost's DataType and Operation
  int32_t value = is_so ? 1 : 0;
  // A host that is gone: this one ends as well.
  return XGCommunicatorAllreduce(&value, 1, kInt32, kMax) != 0 || value != 0;
}

Result<std::unique_ptr<Together>> Together::Join(const Json& resources) {
  const std::string me = resources.StringOr("current_host", "");
  const Json& hosts = resources["hosts"];
  const std::string first = hosts.At(0).AsString();
  const char* other_port = std::getenv("STEPMILL_XGBOOST_PORT");
  const auto port = static_cast<int>(ParseInt(other_port ? other_port : "").value_or(kPort));
  std::unique_ptr<Tracker> tracker;
  if (me == first) {
    MILL_TRY(tracker, Tracker::Start(static_cast<int>(hosts.size()), port));
  }
  const Json config = Json::Object{{"xgboost_communicator", "rabit"},
                                   {"rabit_tracker_uri", first},
                                   {"rabit_tracker_port", port},
                                   {"rabit_task_id", me},
                                   {"rabit_world_size", static_cast<int64_t>(hosts.size())},
                                   {"DMLC_WORKER_CONNECT_RETRY", 60}};
  if (XGCommunicatorInit(config.Print().c_str()) != 0)
    return AlgorithmError(std::string("the hosts do not find each other: ") + XGBGetLastError());
  return std::unique_ptr<Together>(new Together(std::move(tracker)));
}

}  // namespace stepmill::xgboost
