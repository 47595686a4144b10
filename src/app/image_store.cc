#include "app/image_store.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "io/files.h"
#include "lang/toml/toml.h"

namespace stepmill {

namespace {

// One `runner` serves all hosted runners and CodeBuild's curated images; `python` stands for the
// hub's images of that name, with Debian's own version of it; `glue-pythonshell` has what Glue's
// Python shell has (its analytics set), as far as Debian has it.
constexpr char kBuiltIn[] = R"toml(
[[image]]
names = ["runner", "ubuntu-*", "aws/codebuild/*"]
reference = "localhost/stepmill/runner:latest"
recipe = "runner"

[[image]]
names = ["python", "python:*", "docker.io/library/python:*", "public.ecr.aws/docker/library/python:*"]
reference = "docker.io/library/python:latest"
recipe = "python"

[[image]]
names = ["debian", "debian:*", "docker.io/library/debian:*"]
reference = "docker.io/library/debian:latest"
recipe = "debian"

[[image]]
names = ["aws/glue/pythonshell", "aws/glue/pythonshell:*"]
reference = "localhost/stepmill/glue-pythonshell:latest"
recipe = "glue-pythonshell"

# Functions run in these; AWS's names of its base images, so that an own archive can stand for one.
[[image]]
names = ["public.ecr.aws/lambda/python:*"]
reference = "docker.io/library/python:latest"
recipe = "python"

[[image]]
names = ["public.ecr.aws/lambda/nodejs:*", "public.ecr.aws/lambda/provided:*"]
reference = "localhost/stepmill/runner:latest"
recipe = "runner"

[[recipe]]
name = "runner"
packages = ["ca-certificates", "git", "openssh-client", "curl", "make", "zip", "unzip", "xz-utils", "jq", "sudo",
  "python3", "python3-pip", "python3-venv", "python3-boto3", "python-is-python3", "awscli", "nodejs"]
pick = {"docker.io" = "./usr/bin/docker"}
commands = ["rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
  "ln -sf /opt/stepmill/bin/sam /usr/local/bin/sam",
  "ln -sf /opt/stepmill/bin/stepmill /usr/local/bin/stepmill"]
changes = ["CMD [\"bash\"]", "ENV LANG=C.UTF-8",
  "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
references = ["localhost/stepmill/runner:latest"]

[[recipe]]
name = "python"
packages = ["ca-certificates", "python3", "python3-pip", "python3-boto3", "python-is-python3"]
commands = ["rm -f /usr/lib/python3*/EXTERNALLY-MANAGED"]
changes = ["CMD [\"python3\"]", "ENV LANG=C.UTF-8",
  "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
references = ["docker.io/library/python:latest", "docker.io/library/python:3",
  "docker.io/library/python:3.7", "docker.io/library/python:3.7-slim",
  "docker.io/library/python:3.8", "docker.io/library/python:3.8-slim",
  "docker.io/library/python:3.9", "docker.io/library/python:3.9-slim",
  "docker.io/library/python:3.10", "docker.io/library/python:3.10-slim",
  "docker.io/library/python:3.11", "docker.io/library/python:3.11-slim",
  "docker.io/library/python:3.12", "docker.io/library/python:3.12-slim"]

[[recipe]]
name = "glue-pythonshell"
packages = ["ca-certificates", "python3", "python3-pip", "python-is-python3", "python3-boto3", "awscli",
  "python3-pandas", "python3-numpy", "python3-scipy", "python3-sklearn", "python3-requests",
  "python3-fsspec", "python3-openpyxl", "python3-xlrd", "python3-sqlalchemy", "python3-psycopg2",
  "python3-pygresql", "python3-pymysql"]
commands = ["rm -f /usr/lib/python3*/EXTERNALLY-MANAGED"]
changes = ["CMD [\"python3\"]", "ENV LANG=C.UTF-8",
  "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
references = ["localhost/stepmill/glue-pythonshell:latest"]

[[recipe]]
name = "debian"
packages = ["ca-certificates"]
changes = ["CMD [\"bash\"]", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
references = ["docker.io/library/debian:latest", "docker.io/library/debian:bookworm",
  "docker.io/library/debian:bookworm-slim", "docker.io/library/debian:12",
  "docker.io/library/debian:12-slim"]
)toml";

Result<ImageTable> ReadTable(const std::string& text) {
  MILL_TRY(const Json json, ParseToml(text));
  return ImageTableFromJson(json);
}

}  // namespace

std::string ImageCacheFolder() {
  const char* named = std::getenv("STEPMILL_IMAGES");
  if (named && *named) return named;
  if (::geteuid() == 0) return "/var/cache/stepmill/images";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "/tmp") + "/.cache/stepmill/images";
}

Result<ImageTable> LoadImageTable(const std::string& data_dir) {
  MILL_TRY(ImageTable table, ReadTable(kBuiltIn));
  const std::string path = data_dir + "/images.toml";
  if (data_dir.empty() || !io::Exists(path)) return table;
  MILL_TRY(const std::string text, io::ReadFile(path));
  Result<ImageTable> own = ReadTable(text);
  if (!own) return Error{own.error().code, own.error().name, path + ": " + own.error().message};
  return MergeTables(std::move(table), *std::move(own));
}

std::string SandboxHomeFolder() {
  const char* named = std::getenv("STEPMILL_SANDBOX_HOME");
  if (named && *named) return named;
  std::error_code error;  // without /proc the relative path below shows what is missing
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / "sandbox-home").string();
}

}  // namespace stepmill
