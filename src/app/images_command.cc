#include "app/images_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "app/image_store.h"
#include "base/strings.h"
#include "io/files.h"
#include "io/process.h"
#include "io/run_on.h"

namespace stepmill {

namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

/// The image cache, for one command. One command at a time changes it.
class ImageCache {
 public:
  static Result<std::unique_ptr<ImageCache>> Open() {
    auto cache = std::unique_ptr<ImageCache>(new ImageCache());
    MILL_CHECK(cache->Prepare());
    return cache;
  }
  ~ImageCache() {
    if (lock_ >= 0) ::close(lock_);
    (void)io::RemoveTree(work_);  // a temporary folder
  }
  const std::string& work() const { return work_; }

  Result<std::string> Run(std::vector<std::string> argv) {
    io::ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.env = {{"CONTAINERS_CONF", work_ + "/containers.conf"},
                {"CONTAINERS_STORAGE_CONF", work_ + "/storage.conf"}};
    return io::RunOn(loop_, io::RunChecked(loop_, std::move(spec)));
  }
  Result<> Import(const std::string& archive, const std::vector<std::string>& references,
                  const std::vector<std::string>& changes) {
    std::vector<std::string> argv{"podman", "import", "--quiet"};
    for (const std::string& change : changes) argv.insert(argv.end(), {"--change", change});
    argv.insert(argv.end(), {archive, references.front()});
    MILL_TRY(const std::string ignored, Run(std::move(argv)));
    return Tag(references);
  }
  /// An archive of an image (docker save, podman save) or of a file system.
  Result<> Add(const std::string& archive, const std::string& reference) {
    const Result<std::string> loaded = Run({"podman", "load", "--quiet", "--input", archive});
    if (!loaded) return Import(archive, {reference}, {});
    // "Loaded image: NAME"
    const std::string_view text = Trim(*loaded);
    const std::string name(text.substr(text.rfind(' ') + 1));
    MILL_TRY(const std::string ignored, Run({"podman", "tag", name, reference}));
    return {};
  }
  bool Has(const std::string& reference) {
    return Run({"podman", "image", "exists", reference}).has_value();
  }

 private:
  ImageCache() : loop_(1) {}

  Result<> Tag(const std::vector<std::string>& references) {
    if (references.size() < 2) return {};
    std::vector<std::string> argv{"podman", "tag"};
    argv.insert(argv.end(), references.begin(), references.end());
    MILL_TRY(const std::string ignored, Run(std::move(argv)));
    return {};
  }

  Result<> Prepare() {
    const std::string folder = ImageCacheFolder();
    MILL_CHECK(io::MakeFolders(folder));
    std::string pattern = folder + ".work-XXXXXX";
    if (!::mkdtemp(pattern.data()))
      return Error{Code::kInternal, "ImageError", folder + " is not writable"};
    work_ = pattern;
    lock_ = ::open((folder + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_ < 0 || ::flock(lock_, LOCK_EX) != 0)
      return Error{Code::kInternal, "ImageError", folder + ".lock cannot be locked"};
    MILL_CHECK(io::WriteFile(work_ + "/containers.conf",
                             "[engine]\nevents_logger = \"none\"\ncgroup_manager = \"cgroupfs\"\n"
                             "tmp_dir = \"" +
                                 work_ + "/tmp\"\nstatic_dir = \"" + work_ +
                                 "/static\"\nimage_copy_tmp_dir = \"" + work_ + "\"\n",
                             false));
    return io::WriteFile(work_ + "/storage.conf",
                         "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + folder +
                             "\"\nrunroot = \"" + work_ + "/run\"\n",
                         false);
  }

  io::Loop loop_;
  std::string work_;
  int lock_ = -1;
};

std::vector<std::string> BootstrapLine(const ImageRecipe& recipe, const std::string& archive) {
  std::vector<std::string> argv{"mmdebstrap", "--quiet", "--variant=apt",
                                "--aptopt=Apt::Install-Recommends \"false\""};
  if (!recipe.packages.empty()) argv.push_back("--include=" + Join(recipe.packages, ","));
  for (const auto& [package, path] : recipe.picked_files) {
    argv.push_back("--customize-hook=chroot \"$1\" sh -ec 'cd /tmp; apt-get download " + package +
                   "; dpkg-deb --fsys-tarfile " + package + "_*.deb | tar -x -C / " + path +
                   "; rm -f " + package + "_*.deb'");
  }
  for (const std::string& command : recipe.commands)
    argv.push_back("--customize-hook=chroot \"$1\" sh -ec '" + command + "'");
  argv.push_back(
      "--customize-hook=rm -rf \"$1\"/usr/share/doc/* \"$1\"/usr/share/man/* "
      "\"$1\"/usr/share/locale/*");
  argv.insert(argv.end(), {recipe.suite, archive});
  return argv;
}

Result<> Make(ImageCache& cache, const ImageRecipe& recipe) {
  if (recipe.references.empty())
    return Error{Code::kInvalid, "ImageTableError", "recipe " + recipe.name + " names no image"};
  bool has_all = true;
  for (const std::string& reference : recipe.references) has_all = has_all && cache.Has(reference);
  if (has_all) {
    std::printf("%s: is there\n", recipe.name.c_str());
    return {};
  }
  std::printf("%s: making it from Debian packages (a minute or two)\n", recipe.name.c_str());
  std::fflush(stdout);
  const auto start = std::chrono::steady_clock::now();
  const std::string archive = cache.work() + "/" + recipe.name + ".tar";
  MILL_TRY(const std::string ignored, cache.Run(BootstrapLine(recipe, archive)));
  MILL_CHECK(cache.Import(archive, recipe.references, recipe.changes));
  MILL_CHECK(io::RemoveTree(archive));
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
  std::printf("%s: made in %lld s: %s\n", recipe.name.c_str(),
              static_cast<long long>(seconds.count()), Join(recipe.references, " ").c_str());
  return {};
}

/// A recipe by its own name, or by the name of an image that it makes.
const ImageRecipe* FindRecipe(const ImageTable& table, const std::string& name) {
  if (const ImageRecipe* recipe = table.FindRecipe(name)) return recipe;
  const ImageTable::Row* row = table.Find(name);
  return row ? table.FindRecipe(row->recipe) : nullptr;
}

Result<> MakeAll(const ImageTable& table, const std::vector<std::string>& names) {
  MILL_TRY(const auto cache, ImageCache::Open());
  if (names == std::vector<std::string>{"--all"}) {
    for (const ImageRecipe& recipe : table.recipes) MILL_CHECK(Make(*cache, recipe));
    return {};
  }
  for (const std::string& name : names) {
    const ImageRecipe* recipe = FindRecipe(table, name);
    if (!recipe) {
      return Error{
          Code::kNotFound, "ImageError",
          "there is no recipe for '" + name + "': stepmill images add " + name + " ARCHIVE"};
    }
    MILL_CHECK(Make(*cache, *recipe));
  }
  return {};
}

Result<> List(const ImageTable& table) {
  MILL_TRY(const auto cache, ImageCache::Open());
  for (const ImageTable::Row& row : table.rows) {
    const bool is_there = cache->Has(row.reference);
    const std::string how =
        is_there ? "there" : "stepmill images make " + (row.recipe.empty() ? "?" : row.recipe);
    std::printf("%-60s %-45s %s\n", Join(row.names, " ").c_str(), row.reference.c_str(),
                how.c_str());
  }
  MILL_TRY(const std::string all, cache->Run({"podman", "images", "--noheading", "--format",
                                              "{{.Repository}}:{{.Tag}}  {{.Size}}"}));
  std::printf("\nIn %s:\n%s", ImageCacheFolder().c_str(), all.c_str());
  return {};
}

Result<> Add(const std::string& name, const std::string& archive) {
  if (!io::Exists(archive)) return Error{Code::kNotFound, "ImageError", archive + " is not there"};
  MILL_TRY(const auto cache, ImageCache::Open());
  MILL_CHECK(cache->Add(archive, FullImageName(name)));
  std::printf("%s: added\n", FullImageName(name).c_str());
  return {};
}

int Report(const Result<>& result) {
  if (result) return kDone;
  std::fprintf(stderr, "stepmill images: %s\n", result.error().message.c_str());
  return kFailed;
}

}  // namespace

int ImagesCommand(const std::vector<std::string>& arguments) {
  const char* data_dir = std::getenv("STEPMILL_DATA");
  const Result<ImageTable> table = LoadImageTable(data_dir ? data_dir : "");
  if (!table) return Report(table.error());
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "list" && arguments.size() == 1) return Report(List(*table));
  if (what == "add" && arguments.size() == 3) return Report(Add(arguments[1], arguments[2]));
  if (what == "make" && arguments.size() > 1)
    return Report(MakeAll(*table, {arguments.begin() + 1, arguments.end()}));
  std::fprintf(stderr, "usage: stepmill images list | add NAME ARCHIVE | make NAME... | --all\n");
  return kUsage;
}

}  // namespace stepmill
