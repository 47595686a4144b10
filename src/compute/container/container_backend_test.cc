#include "compute/container/container_backend.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/detached.hpp>
#include <filesystem>
#include <thread>

#include "base/test_paths.h"
#include "compute/container/engine.h"
#include "compute/container/job_folder.h"
#include "compute/contract/backend_contract.h"
#include "compute/queue/queued_backend.h"
#include "io/files.h"
#include "io/process.h"
#include "io/run_on.h"
#include "io/watch.h"

namespace stepmill::container {
namespace {

constexpr char kImageCache[] = "/var/cache/stepmill/images";

class NoBlobs : public BlobStore {
 public:
  Task<std::unique_ptr<BlobWriter>> Create() override { co_return Missing(); }
  Task<std::unique_ptr<ByteSource>> Open(BlobId, uint64_t, uint64_t) override {
    co_return Missing();
  }
  Task<> Remove(BlobId) override { co_return Missing(); }
  Task<std::vector<BlobId>> List() override { co_return Missing(); }
  Task<> Export(BlobId, std::string) override { co_return Missing(); }
  Task<BlobInfo> Import(std::string) override { co_return Missing(); }

 private:
  static Error Missing() { return Error{Code::kNotFound, "BlobNotFound", "no blobs here"}; }
};

class NoArchive : public Archive {
 public:
  Task<> Pack(Format, std::vector<Entry>, std::string) override { co_return Missing(); }
  Task<> PackFolder(Format, std::string, std::string) override { co_return Missing(); }
  Task<> Unpack(std::string, std::string, Limits) override { co_return Missing(); }
  Task<std::string> ReadEntry(std::string, std::string, uint64_t) override { co_return Missing(); }

 private:
  static Error Missing() { return Error{Code::kNotFound, "ArchiveError", "no archives here"}; }
};

ImageTable TestImages() {
  ImageTable table;
  table.rows.push_back({{"test"}, "docker.io/library/python:3.8", "python", ""});
  table.rows.push_back({{"unmade"}, "localhost/stepmill/unmade:latest", "unmade", ""});
  return table;
}

class ContainerWorld : public BackendWorld {
 public:
  ContainerWorld() {
    char name[] = "/tmp/stepmill-test-XXXXXX";
    data_dir_ = ::mkdtemp(name);
    (void)io::MakeFolders(data_dir_ + "/run");
    Restart();
  }
  ~ContainerWorld() override {
    const std::vector<JobId> ids = io::RunOn(loop_, backend_->List()).value();
    for (const JobId& id : ids) (void)io::RunOn(loop_, backend_->Remove(id));
    backend_->EndEngineIfIdle();
    (void)io::RemoveTree(data_dir_);
  }
  static std::string WhyNot() {
    if (!io::Exists(std::string(kImageCache) + "/overlay-images"))
      return "no images in the cache: stepmill images make python";
    return "";
  }
  io::Loop& loop() override { return loop_; }
  Backend& backend() override { return *backend_; }
  void Restart() override {
    ContainerOptions options;
    options.data_dir = data_dir_;
    options.sandbox_dir = BuildDir() + "/sandbox-home";
    options.image_cache = kImageCache;
    options.relay_socket = data_dir_ + "/run/relay.sock";
    options.images = TestImages();
    backend_ = std::make_unique<ContainerBackend>(loop_, blobs_, archive_, options);
    ASSERT_EQ(backend_->MissingParts(), std::vector<std::string>{});
    ASSERT_TRUE(io::RunOn(loop_, backend_->Recover()));
  }
  /// As after kill -9 of server and engine.
  void KillEngine() {
    const auto text = io::ReadFile(data_dir_ + "/engine/pid");
    ASSERT_TRUE(text);
    ::kill(std::stoi(*text), SIGKILL);
    Restart();
  }
  const std::string& data_dir() const { return data_dir_; }

 private:
  io::Loop loop_{1};
  std::string data_dir_;
  NoBlobs blobs_;
  NoArchive archive_;
  std::unique_ptr<ContainerBackend> backend_;
};

#define SKIP_WITHOUT_IMAGES()                                           \
  if (const std::string why = ContainerWorld::WhyNot(); !why.empty()) { \
    if (std::getenv("CI")) FAIL() << why;                               \
    GTEST_SKIP() << why;                                                \
  }

TEST(ContainerBackend, Contract) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  CheckBackendContract(world);
}

TEST(ContainerBackend, NothingIsLostWithServerAndEngine) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  JobSpec spec = ShellJob("kill-1", "echo before; cat /srv/go; echo after; exit 5");
  JobInput folder;
  folder.kind = JobInput::Kind::kFolder;
  folder.path = "/srv";
  spec.inputs = {folder};
  spec.arguments[1] =
      "echo before; while [ ! -e /srv/go ]; do sleep 0.05; done; echo after; exit 5";
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().ReadLog(spec.id, 0)).value().bytes, "before\n");
  world.KillEngine();
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  const auto host = world.backend().HostPath(spec.id, "/srv/go");
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_TRUE(io::WriteFile(*host, "", false));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().exit_code, 5);
  EXPECT_EQ(ReadWholeLog(world, spec.id), "before\nafter\n");
}

TEST(ContainerBackend, WhatStepsLeaveBehindEndsWithTheJob) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  JobSpec spec = ShellJob("daemon-1", "");
  spec.entrypoint.reset();
  spec.arguments.clear();
  spec.is_stepped = true;
  spec.shm_mib = 1;
  spec.output_paths = {"/srv/out"};
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  StepSpec step;
  step.sequence = 1;
  // A daemon of its own session that holds the output open and minds no TERM.
  step.argv = {
      "sh", "-c",
      "setsid sh -c \"trap '' TERM; echo \\$\\$ >/srv/out/pid; while :; do sleep 1; done\" & "
      "while [ ! -s /srv/out/pid ]; do sleep 0.05; done; echo done"};
  const auto first = io::RunOn(world.loop(), world.backend().RunStep(spec.id, step));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->exit_code, 0);
  step.sequence = 2;
  step.argv = {"sh", "-c", "kill -0 $(cat /srv/out/pid) && dd if=/dev/zero of=/dev/shm/f bs=64k"};
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().RunStep(spec.id, step)).value().exit_code, 1);
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Stop(spec.id, std::chrono::seconds(1))));
  EXPECT_TRUE(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().was_stopped);
  const std::string log = ReadWholeLog(world, spec.id);
  EXPECT_NE(log.find("No space left on device"), std::string::npos) << log;
}

TEST(ContainerBackend, TheEndOutlivesTheExitFile) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  const JobSpec spec = ShellJob("exit-1", "exit 6");
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().exit_code, 6);
  // The engine cleans up by itself: what it removes is gone without anybody asking.
  const JobFolder folder(world.data_dir(), spec.id);
  EngineOptions options;
  options.data_dir = world.data_dir();
  const Engine engine(world.loop(), options);
  io::Watcher watcher(world.loop());
  const auto watch = watcher.Add(engine.exits_dir());
  ASSERT_TRUE(watch);
  const std::string exit_file = engine.exits_dir() + "/" + folder.ReadContainer().value().id;
  while (io::Exists(exit_file)) ASSERT_TRUE(io::RunOn(world.loop(), (*watch)->Next()));
  // As if no server had been there when it ended.
  ASSERT_TRUE(io::RemoveTree(folder.File("result.json")));
  world.KillEngine();
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().exit_code, 6);
  EXPECT_TRUE(folder.Has("result.json"));
}

Engine EngineOf(ContainerWorld& world) {
  EngineOptions options;
  options.data_dir = world.data_dir();
  return Engine(world.loop(), options);
}

TEST(ContainerBackend, WhatHasEndedIsNotStartedAgain) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  const JobSpec spec = ShellJob("once-1", "echo once; exit 3");
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().exit_code, 3);
  // The start of an earlier life, or one that was sent again, comes after the end.
  const JobFolder folder(world.data_dir(), spec.id);
  Engine engine = EngineOf(world);
  const std::string target = "/libpod/containers/" + folder.ReadContainer().value().id + "/start";
  const auto answer = io::RunOn(world.loop(), engine.Call("POST", target));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 500) << answer->body;
  // As if no server had been there meanwhile.
  for (const char* name : {"result.json", "started"})
    ASSERT_TRUE(io::RemoveTree(folder.File(name)));
  world.Restart();
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  const auto result = io::RunOn(world.loop(), world.backend().Wait(spec.id));
  EXPECT_EQ(result.value().exit_code, 3);
  EXPECT_EQ(result.value().start_error, "");
  EXPECT_EQ(ReadWholeLog(world, spec.id), "once\n");
}

TEST(ContainerBackend, WhatAnInterruptedStartLeavesIsNotInTheWay) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  JobSpec spec = ShellJob("left-1", "echo run; exit 4");
  spec.group = "left";  // the address of the first host is taken by what is left
  spec.host_name = "algo-1";
  JobSpec left = spec;
  left.arguments = {"-c", "exec sleep 1000"};
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(left)));
  // A container that the engine finished making when nobody asked for it any more.
  const JobFolder folder(world.data_dir(), spec.id);
  ASSERT_TRUE(io::RemoveTree(folder.path()));
  world.Restart();
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  const auto result = io::RunOn(world.loop(), world.backend().Wait(spec.id));
  EXPECT_EQ(result.value().start_error, "");
  EXPECT_EQ(result.value().exit_code, 4);
  EXPECT_EQ(ReadWholeLog(world, spec.id), "run\n");
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Remove(spec.id)));
  Engine engine = EngineOf(world);
  const auto answer =
      io::RunOn(world.loop(), engine.Call("GET", "/libpod/containers/json?all=true"));
  EXPECT_EQ(answer.value().body, "[]\n");
}

TEST(ContainerBackend, MissingImageSaysWhatToDo) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  JobSpec spec = ShellJob("image-1", "true");
  spec.image = "unmade";
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().start_error,
            "image 'unmade' is not there: stepmill images make unmade");
}

TEST(ContainerBackend, MemoryLimitIsEnforced) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  JobSpec spec = ShellJob("memory-1", "exec python3 -c 'x = bytearray(400 << 20); print(len(x))'");
  spec.memory_mib = 64;
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  const auto result = io::RunOn(world.loop(), world.backend().Wait(spec.id));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 137);
  EXPECT_TRUE(result->is_out_of_memory);
}

TEST(ContainerBackend, RoomIsFreeWhenAContainerEnds) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  const std::string folder = world.data_dir() + "/queue";
  const Capacity capacity{1, 1024};
  const auto queue = [&] {
    return std::make_unique<QueuedBackend>(world.backend(), world.loop().spawner(), folder,
                                           capacity);
  };
  JobSpec first = ShellJob("room-1", "echo first; sleep 1"), second = ShellJob("room-2", "exit 7");
  first.line = second.line = JobSpec::Line::kJobs;
  first.memory_mib = second.memory_mib = 4096;  // more than there is
  ASSERT_TRUE(io::RunOn(world.loop(), queue()->Start(first)));
  world.Restart();
  const auto after = queue();
  ASSERT_TRUE(io::RunOn(world.loop(), after->Recover()));
  ASSERT_TRUE(io::RunOn(world.loop(), after->Start(second)));
  EXPECT_TRUE(JobFolder(world.data_dir(), first.id).Has("result.json"));
  EXPECT_EQ(io::RunOn(world.loop(), after->Wait(second.id)).value().exit_code, 7);
}

/// One connection: the preface and the first line of what follows are given back.
std::string ServeOnce(const std::string& path) {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", path.c_str());
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::listen(listener, 4);
  const int fd = ::accept(listener, nullptr, nullptr);
  std::string seen;
  char buffer[4096];
  while (std::count(seen.begin(), seen.end(), '\n') < 2) {
    const ssize_t count = ::read(fd, buffer, sizeof(buffer));
    if (count <= 0) break;
    seen.append(buffer, static_cast<size_t>(count));
  }
  const std::string answer = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  (void)!::write(fd, answer.data(), answer.size());
  ::close(fd);
  ::close(listener);
  return seen;
}

TEST(ContainerBackend, TheRelayIsTheOnlyWayOut) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  std::string seen;
  std::thread server([&] { seen = ServeOnce(world.data_dir() + "/run/relay.sock"); });
  JobSpec spec = ShellJob("relay-1",
                          "python3 -c '\n"
                          "import os, urllib.request as u\n"
                          "print(os.environ[\"AWS_ENDPOINT_URL\"])\n"
                          "print(open(\"/proc/net/dev\").read().count(\":\"))\n"
                          "o = u.build_opener(u.ProxyHandler({}))\n"
                          "print(o.open(\"http://169.254.170.2/creds/x\").read().decode())'");
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().exit_code, 0);
  server.join();
  EXPECT_EQ(ReadWholeLog(world, spec.id), "http://127.0.0.1:4566\n1\nhello\n");
  EXPECT_EQ(seen.substr(0, seen.find('\r')), "STEPMILL-RELAY relay-1 80\nGET /creds/x HTTP/1.1");
}

TEST(ContainerBackend, HostsOfAGroupKnowEachOther) {
  SKIP_WITHOUT_IMAGES();
  ContainerWorld world;
  const std::string listen =
      "exec python3 -c '\n"
      "import socket\n"
      "s = socket.create_server((\"\", 5000))\n"
      "s.settimeout(60)\n"
      "c = s.accept()[0]\n"
      "print(c.recv(100).decode())'";
  const std::string talk =
      "exec python3 -c '\n"
      "import socket, time\n"
      "for i in range(100):\n"
      "    try:\n"
      "        c = socket.create_connection((\"algo-1\", 5000)); break\n"
      "    except OSError: time.sleep(0.2)\n"
      "c.sendall(b\"hello algo-1\")'";
  JobSpec first = ShellJob("group-1", listen), second = ShellJob("group-2", talk);
  first.group = second.group = "g";
  first.host_name = "algo-1";
  second.host_name = "algo-2";
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(first)));
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(second)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(second.id)).value().exit_code, 0)
      << ReadWholeLog(world, second.id);
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(first.id)).value().start_error, "");
  EXPECT_EQ(ReadWholeLog(world, first.id), "hello algo-1\n");
}

}  // namespace
}  // namespace stepmill::container
