#include "fuzz.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace stepmill::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsMax = 5;  // of processor time, for one text
constexpr size_t kBytesMax = 4096;

std::string current;  // what the target works on, for the message

void OnSignal(int signal) {
  const char message[] = "\nfuzz: the target failed on this text:\n";
  // A crash is being told: what cannot be written is lost.
  (void)!::write(2, message, sizeof message - 1);
  (void)!::write(2, current.data(), current.size());
  (void)!::write(2, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

class Chance {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  size_t Below(size_t end) { return end ? Next() % end : 0; }

 private:
  uint64_t state_;
};

void AddFile(const fs::path& path, std::vector<std::string>& corpus) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string ending = path.extension().string();
  if (ending != ".corpus" && ending != ".case") {
    corpus.push_back(text.str());
    return;
  }
  std::string line;
  while (std::getline(text, line)) {
    if (line.empty() || line.starts_with("-- ") || line.starts_with("why: ")) continue;
    corpus.push_back(line.substr(0, line.find(" -> ")));
  }
}

void AddPath(const fs::path& path, std::vector<std::string>& corpus) {
  if (!fs::is_directory(path)) return AddFile(path, corpus);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) AddPath(file, corpus);
}

/// A text of the corpus with one to four small changes.
std::string Mutated(const std::vector<std::string>& corpus, Chance& chance) {
  std::string text = corpus[chance.Below(corpus.size())];
  for (size_t change = chance.Below(4) + 1; change > 0; --change) {
    const size_t at = chance.Below(text.size() + 1);
    const size_t length = std::min(chance.Below(12) + 1, text.size() - at);
    const std::string& other = corpus[chance.Below(corpus.size())];
    const size_t from = chance.Below(other.size() + 1);
    switch (chance.Below(6)) {
      case 0: text.erase(at, length); break;
      case 1: text.insert(at, text.substr(at, length)); break;
      case 2: text.insert(at, other.substr(from, chance.Below(30))); break;
      case 3: text.replace(at, length, other.substr(from, length)); break;
      case 4: text.insert(at, 1, static_cast<char>(chance.Below(256))); break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(32 + chance.Below(95));
    }
  }
  if (text.size() > kBytesMax) text.resize(kBytesMax);
  return text;
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool RunOne(std::string text, void (*target)(std::string_view)) {
  current = std::move(text);
  const double begin = CpuSeconds();
  target(current);
  const double took = CpuSeconds() - begin;
  if (took <= kSecondsMax) return true;
  std::fprintf(stderr, "fuzz: %.1f s for this text:\n%s\n", took, current.c_str());
  return false;
}

}  // namespace

int Main(int argc, char** argv, void (*target)(std::string_view text)) {
  std::vector<std::string> corpus;
  uint64_t runs = 20'000, seed = 1;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--runs") && i + 1 < argc) {
      runs = std::strtoull(argv[++i], nullptr, 10);
    } else if (!std::strcmp(argv[i], "--seed") && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      AddPath(argv[i], corpus);
    }
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "usage: %s FILE|FOLDER... [--runs N] [--seed N]\n", argv[0]);
    return 2;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) std::signal(signal, OnSignal);
  for (const std::string& text : corpus)
    if (!RunOne(text, target)) return 1;
  Chance chance(seed);
  for (uint64_t i = 0; i < runs; ++i)
    if (!RunOne(Mutated(corpus, chance), target)) return 1;
  std::printf("%zu texts of the corpus and %llu made from them (seed %llu)\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}

}  // namespace stepmill::fuzz
