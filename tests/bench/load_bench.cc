// The load client: signed requests, made beforehand, over kept connections. Reads what to do as
// JSON from standard input and prints one JSON object.
//
//   {"mode": "closed", "port", "connections", "seconds", "requests": R, "expect": TEXT}
//       every connection sends its next request when its answer has come: rate, median and p99
//   {"mode": "open", ..., "rate"}
//       requests are sent at fixed times whatever has come back; latency counts from those times
//   {"mode": "pairs", "port", "count", "requests": R, "then": R, "expect", "sync_folder"}
//       one connection: request n, then `then` n again and again until its answer has `expect`;
//       with sync_folder a 300-byte write and an fdatasync there between the two: median and p99
//   {"mode": "dues", "port", "connections", "requests": R, "expect", "at": [ms since the epoch]}
//       request n from its time on until its answer has `expect`; a server that goes away is looked
//       for again: {"late_ms": [...]} by request
//   {"mode": "all", "port", "connections", "requests": R, "expect"}    every request once
//   {"mode": "ceiling", "connections", "seconds", "requests": R, "answer_bytes"}
//       closed, against a thread of this program that answers at once
//
// R: {"target": "AWSStepFunctions.X", "body": TEXT, "first": 0, "count": N, "sign": {"id",
// "secret", "region", "service"}}: N requests, "{n}" in the body is the number, counted from
// `first`; or
// {"target", "bodies": [TEXT...], "sign"}. Without `sign` they are not signed.
//
// `expect`: each answer has status 200 and this text; else the program ends with an error.

#include <deque>
#include <iostream>
#include <iterator>
#include <queue>
#include <thread>

#include "base/digest.h"
#include "base/strings.h"
#include "base/time.h"
#include "http_load.h"
#include "json/json.h"

namespace stepmill::bench {
namespace {

constexpr double kWarmSeconds = 0.3;  // answered, not counted
constexpr size_t kRecordBytes = 300;
constexpr std::chrono::milliseconds kConnectAgain{5};
constexpr std::chrono::milliseconds kAskAgain{2};  // so that asking is not the load
constexpr std::chrono::seconds kPollMax{1};

Time Now() { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }

class Signer {
 public:
  Signer(const Json& sign, int port) : host_("127.0.0.1:" + std::to_string(port)) {
    if (!sign.is_object()) return;
    id_ = sign.StringOr("id", "");
    timestamp_ = FormatTime(Now(), "%Y%m%dT%H%M%SZ");
    const std::string date = timestamp_.substr(0, 8);
    scope_ = date + "/" + sign.StringOr("region", "") + "/" + sign.StringOr("service", "") +
             "/aws4_request";
    key_ = "AWS4" + sign.StringOr("secret", "");
    for (const std::string& part : {date, sign.StringOr("region", ""), sign.StringOr("service", ""),
                                    std::string("aws4_request")})
      key_ = HmacSha256(key_, part);
  }

  /// The whole request.
  std::string Make(const std::string& target, const std::string& body) const {
    std::string text = "POST / HTTP/1.1\r\nhost: " + host_ +
                       "\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: " + target +
                       "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n";
    if (!id_.empty()) {
      const std::string names = "content-type;host;x-amz-date;x-amz-target";
      const std::string canonical =
          "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:" + host_ +
          "\nx-amz-date:" + timestamp_ + "\nx-amz-target:" + target + "\n\n" + names + "\n" +
          Hex(Sha256(body));
      const std::string to_sign =
          "AWS4-HMAC-SHA256\n" + timestamp_ + "\n" + scope_ + "\n" + Hex(Sha256(canonical));
      text += "x-amz-date: " + timestamp_ +
              "\r\nauthorization: AWS4-HMAC-SHA256 Credential=" + id_ + "/" + scope_ +
              ", SignedHeaders=" + names + ", Signature=" + Hex(HmacSha256(key_, to_sign)) + "\r\n";
    }
    return text + "\r\n" + body;
  }

 private:
  std::string host_, id_, timestamp_, scope_, key_;
};

std::vector<std::string> MakeRequests(const Json& what, int port) {
  const Signer signer(what["sign"], port);
  const std::string target = what.StringOr("target", "");
  std::vector<std::string> made;
  if (const Json* bodies = what.Find("bodies")) {
    for (const Json& body : bodies->items()) made.push_back(signer.Make(target, body.AsString()));
    return made;
  }
  const std::string body = what.StringOr("body", "");
  const int64_t first = what.IntOr("first", 0);
  for (int64_t n = first; n < first + what.IntOr("count", 1); ++n)
    made.push_back(signer.Make(target, ReplaceAll(body, "{n}", std::to_string(n))));
  return made;
}

bool Has(std::string_view answer, const std::string& expect) {
  return answer.find(expect, answer.find("\r\n\r\n")) != answer.npos;
}

void Check(std::string_view answer, const std::string& expect) {
  constexpr std::string_view kOk = "HTTP/1.1 200";
  if (!answer.starts_with(kOk) || !Has(answer, expect))
    Fail("not the expected answer (" + expect + "): " + std::string(answer.substr(0, 1000)));
}

/// What is measured of many answers.
struct Times {
  std::vector<double> millis;
  Steady::time_point first{}, last{};
  size_t answer_bytes = 0;

  void Add(Steady::time_point begun, Steady::time_point now, Steady::time_point counted_from) {
    if (now < counted_from) return;
    if (millis.empty()) first = now;
    last = now;
    millis.push_back(std::chrono::duration<double, std::milli>(now - begun).count());
  }
  Json Figures() const {
    const double seconds = std::chrono::duration<double>(last - first).count();
    const double rate = seconds > 0 ? static_cast<double>(millis.size() - 1) / seconds : 0;
    return Json::Object{{"count", static_cast<int64_t>(millis.size())},
                        {"rate", rate},
                        {"p50_ms", Median(millis)},
                        {"p99_ms", Quantile(millis, 0.99)},
                        {"max_ms", Quantile(millis, 1)},
                        {"answer_bytes", static_cast<int64_t>(answer_bytes)}};
  }
};

Steady::duration Seconds(double seconds) {
  return std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
}

Json RunClosed(const Json& job, int port, const std::vector<std::string>& requests) {
  const std::string expect = job.StringOr("expect", "");
  const auto start = Steady::now();
  const auto counted_from = start + Seconds(kWarmSeconds);
  const auto end = counted_from + Seconds(job["seconds"].AsDouble());
  Times times;
  size_t next = 0;
  const bool is_once = job.BoolOr("once", false);  // no request twice: it ends with the last
  size_t busy = 0;
  HttpLoad* running = nullptr;
  const auto send = [&](Connection& connection, Steady::time_point now) {
    if (now >= end || (is_once && next == requests.size())) return;
    ++busy;
    running->Send(connection, requests[next++ % requests.size()], 0, now);
  };
  HttpLoad load(port, static_cast<size_t>(job.IntOr("connections", 64)),
                [&](Connection& connection, std::string_view answer) {
                  --busy;
                  const auto now = Steady::now();
                  Check(answer, expect);
                  times.answer_bytes = answer.size();
                  times.Add(connection.begun, now, counted_from);
                  send(connection, now);
                });
  running = &load;
  for (const auto& connection : load.connections()) send(*connection, Steady::now());
  while (busy > 0) load.Poll(Steady::now() + kPollMax);
  return times.Figures();
}

Json RunOpen(const Json& job, int port, const std::vector<std::string>& requests) {
  const std::string expect = job.StringOr("expect", "");
  const auto start = Steady::now();
  const auto counted_from = start + Seconds(kWarmSeconds);
  const auto end = counted_from + Seconds(job["seconds"].AsDouble());
  const auto gap = Seconds(1 / job["rate"].AsDouble());
  Times times;
  size_t next = 0;
  auto next_at = start;
  std::deque<Steady::time_point> waiting;  // should have been sent; no connection was free
  std::vector<Connection*> free;
  HttpLoad* running = nullptr;
  HttpLoad load(port, static_cast<size_t>(job.IntOr("connections", 64)),
                [&](Connection& connection, std::string_view answer) {
                  Check(answer, expect);
                  times.Add(connection.begun, Steady::now(), counted_from);
                  if (waiting.empty()) return free.push_back(&connection);
                  const auto begun = waiting.front();
                  waiting.pop_front();
                  running->Send(connection, requests[next++ % requests.size()], 0, begun);
                });
  running = &load;
  for (const auto& connection : load.connections()) free.push_back(connection.get());
  while (Steady::now() < end) {
    for (const auto now = Steady::now(); next_at <= now; next_at += gap) {
      if (free.empty()) {
        waiting.push_back(next_at);
        continue;
      }
      Connection& connection = *free.back();
      free.pop_back();
      load.Send(connection, requests[next++ % requests.size()], 0, next_at);
    }
    load.Poll(next_at);
  }
  Json figures = times.Figures();
  return figures.With("unanswered", static_cast<int64_t>(waiting.size()));
}

/// Every request once; answers do not matter beyond what is expected of them.
Json RunAll(const Json& job, int port, const std::vector<std::string>& requests) {
  const std::string expect = job.StringOr("expect", "");
  size_t next = 0, answered = 0;
  const auto start = Steady::now();
  HttpLoad* running = nullptr;
  HttpLoad load(port, static_cast<size_t>(job.IntOr("connections", 64)),
                [&](Connection& connection, std::string_view answer) {
                  Check(answer, expect);
                  ++answered;
                  if (next < requests.size())
                    running->Send(connection, requests[next++], 0, Steady::now());
                });
  running = &load;
  for (const auto& connection : load.connections())
    if (next < requests.size()) load.Send(*connection, requests[next++], 0, Steady::now());
  while (answered < requests.size()) load.Poll(Steady::now() + kPollMax);
  const double seconds = SecondsSince(start);
  return Json::Object{{"count", static_cast<int64_t>(answered)},
                      {"rate", static_cast<double>(answered) / seconds}};
}

/// A durable write of the shape that a small execution needs at least.
class SyncedFile {
 public:
  explicit SyncedFile(const std::string& folder) : path_(folder + "/pairs.log") {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const std::vector<char> zeros(1 << 20, 0);
    if (fd_ < 0 || pwrite(fd_, zeros.data(), zeros.size(), 0) < 0 || fsync(fd_) != 0)
      Fail("cannot write " + path_);
  }
  ~SyncedFile() {
    close(fd_);
    unlink(path_.c_str());
  }
  void Write() {
    const std::vector<char> record(kRecordBytes, 'x');
    if (pwrite(fd_, record.data(), record.size(), at_) < 0 || fdatasync(fd_) != 0)
      Fail("cannot write " + path_);
    at_ = (at_ + static_cast<off_t>(kRecordBytes)) % (1 << 19);
  }

 private:
  std::string path_;
  int fd_ = -1;
  off_t at_ = 0;
};

Json RunPairs(const Json& job, int port, const std::vector<std::string>& requests) {
  const std::vector<std::string> then = MakeRequests(job["then"], port);
  const std::string expect = job.StringOr("expect", "");
  std::unique_ptr<SyncedFile> file;
  if (job.Has("sync_folder")) file = std::make_unique<SyncedFile>(job.StringOr("sync_folder", ""));
  const size_t warm = requests.size() / 10;
  Times times;
  size_t number = 0, asked = 0;
  bool is_first = true;
  HttpLoad* running = nullptr;
  HttpLoad load(port, 1, [&](Connection& connection, std::string_view answer) {
    Check(answer, "");
    if (is_first) {
      if (file) file->Write();
      is_first = false;
    } else if (Has(answer, expect)) {
      if (number >= warm) times.Add(connection.begun, Steady::now(), connection.begun);
      is_first = true;
      if (++number == requests.size()) return;
      return running->Send(connection, requests[number], 0, Steady::now());
    }
    ++asked;
    running->Send(connection, then[number % then.size()], 0, connection.begun);
  });
  running = &load;
  load.Send(*load.connections()[0], requests[0], 0, Steady::now());
  while (number < requests.size()) load.Poll(Steady::now() + kPollMax);
  return times.Figures().With("asked",
                              static_cast<double>(asked) / static_cast<double>(requests.size()));
}

Json RunDues(const Json& job, int port, const std::vector<std::string>& requests) {
  const std::string expect = job.StringOr("expect", "");
  // Due times by this process's steady clock, so that they can be waited for to the microsecond.
  const auto steady = Steady::now();
  const auto system = std::chrono::system_clock::now();
  std::vector<Steady::time_point> at;
  for (const Json& due : job["at"].items())
    at.push_back(steady + std::chrono::duration_cast<Steady::duration>(
                              TimeFromMillis(due.AsInteger()) - system));
  if (at.size() != requests.size()) Fail("not as many times as requests");
  using Next = std::pair<Steady::time_point, size_t>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> queue;
  for (size_t i = 0; i < at.size(); ++i) queue.push({at[i], i});
  Json::Array late(requests.size(), Json());
  size_t ended = 0;
  std::vector<Connection*> free, lost;
  HttpLoad load(
      port, static_cast<size_t>(job.IntOr("connections", 64)),
      [&](Connection& connection, std::string_view answer) {
        free.push_back(&connection);
        const auto now = Steady::now();
        if (!Has(answer, expect)) {
          Check(answer, "");
          return queue.push({now + kAskAgain, connection.job});
        }
        ++ended;
        late[connection.job] =
            Json(std::chrono::duration<double, std::milli>(now - at[connection.job]).count());
      },
      [&](Connection& connection) {
        lost.push_back(&connection);
        if (connection.is_busy) queue.push({Steady::now(), connection.job});
      });
  for (const auto& connection : load.connections()) free.push_back(connection.get());
  while (ended < requests.size()) {
    auto until = Steady::now() + kPollMax;
    while (!queue.empty() && !free.empty()) {
      const auto [when, which] = queue.top();
      if (when > Steady::now()) {
        until = when;
        break;
      }
      queue.pop();
      if (!late[which].is_null()) continue;
      Connection& connection = *free.back();
      free.pop_back();
      if (connection.fd >= 0)
        load.Send(connection, requests[which], which, when);
      else
        queue.push({when, which});
    }
    if (!lost.empty()) {
      until = std::min(until, Steady::now() + kConnectAgain);
      std::vector<Connection*> still;
      for (Connection* each : lost) {
        if (!load.Connect(*each)) {
          still.push_back(each);
          continue;
        }
        free.erase(std::remove(free.begin(), free.end(), each), free.end());
        free.push_back(each);
      }
      lost = std::move(still);
    }
    load.Poll(until);
  }
  return Json::Object{{"late_ms", Json(std::move(late))}};
}

Json RunCeiling(const Json& job) {
  int port = 0;
  const int listener = ListenOnLoopback(port);
  const std::string body(static_cast<size_t>(job.IntOr("answer_bytes", 400)), 'x');
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  std::thread([listener, answer] { RespondForEver(listener, answer); }).detach();
  return RunClosed(job, port, MakeRequests(job["requests"], port));
}

Json Run(const Json& job) {
  const std::string mode = job.StringOr("mode", "");
  if (mode == "ceiling") return RunCeiling(job);
  const int port = static_cast<int>(job.IntOr("port", 0));
  const std::vector<std::string> requests = MakeRequests(job["requests"], port);
  if (requests.empty()) Fail("no requests");
  if (mode == "closed") return RunClosed(job, port, requests);
  if (mode == "open") return RunOpen(job, port, requests);
  if (mode == "all") return RunAll(job, port, requests);
  if (mode == "pairs") return RunPairs(job, port, requests);
  if (mode == "dues") return RunDues(job, port, requests);
  Fail("no mode '" + mode + "'");
}

}  // namespace
}  // namespace stepmill::bench

int main() {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const auto job = stepmill::ParseJson(text);
  if (!job || !job->is_object()) stepmill::bench::Fail("standard input is not a JSON object");
  std::printf("%s\n", stepmill::bench::Run(*job).Print().c_str());
  std::fflush(stdout);
  std::_Exit(0);  // the responder's thread never ends
}
