#include "lang/workflow/output.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/workflow/limits.h"

namespace stepmill::workflow {
namespace {

std::string Unescape(std::string_view text, bool is_property) {
  std::string out = ReplaceAll(ReplaceAll(text, "%0D", "\r"), "%0A", "\n");
  if (is_property) out = ReplaceAll(ReplaceAll(out, "%3A", ":"), "%2C", ",");
  return ReplaceAll(out, "%25", "%");
}

std::optional<Command> ParseCommand(std::string_view line) {
  const std::string_view text = Trim(line);
  if (!text.starts_with("::")) return std::nullopt;
  const size_t end = text.find("::", 2);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view head = text.substr(2, end - 2);
  Command command;
  const size_t blank = head.find(' ');
  command.name = ToLower(head.substr(0, blank));
  if (command.name.empty()) return std::nullopt;
  if (blank != std::string_view::npos)
    for (const auto part : Split(head.substr(blank + 1), ',')) {
      const size_t equals = part.find('=');
      if (equals != std::string_view::npos)
        command.properties.emplace_back(Trim(part.substr(0, equals)),
                                        Unescape(part.substr(equals + 1), true));
    }
  command.text = Unescape(text.substr(end + 2), false);
  return command;
}

}  // namespace

std::string Command::Property(std::string_view key) const {
  for (const auto& [name, value] : properties)
    if (EqualsIgnoreCase(name, key)) return value;
  return "";
}

Result<Pairs> ParseCommandFile(std::string_view text) {
  const auto fault = [](const std::string& what) {
    return Error{Code::kInvalid, "InvalidCommandFile", what};
  };
  if (text.size() > kFileBytesMax) return fault("The file is larger than 1 MiB");
  Pairs out;
  const auto lines = Split(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t equals = line.find('='), mark_at = line.find("<<");
    if (mark_at != std::string_view::npos && mark_at < equals) {
      const std::string_view name = line.substr(0, mark_at), mark = line.substr(mark_at + 2);
      if (name.empty() || mark.empty()) return fault("Invalid format '" + std::string(line) + "'");
      std::string value;
      bool is_closed = false, is_first = true;
      for (++i; i < lines.size(); ++i) {
        std::string_view part = lines[i];
        if (part.ends_with('\r')) part.remove_suffix(1);
        is_closed = part == mark;
        if (is_closed) break;
        if (!is_first) value.push_back('\n');
        value.append(part);
        is_first = false;
      }
      if (!is_closed)
        return fault("Invalid value. Matching delimiter not found '" + std::string(mark) + "'");
      out.emplace_back(name, std::move(value));
    } else if (equals == std::string_view::npos || equals == 0) {
      return fault("Invalid format '" + std::string(line) + "'");
    } else {
      out.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  return out;
}

std::vector<std::string> ParsePathFile(std::string_view text) {
  std::vector<std::string> out;
  for (const auto line : Split(text, '\n'))
    if (!Trim(line).empty()) out.emplace_back(Trim(line));
  return out;
}

bool IsReservedVariable(std::string_view name) {
  const std::string upper = ToUpper(name);
  return upper.starts_with("GITHUB_") || upper.starts_with("RUNNER_") || upper == "NODE_OPTIONS";
}

CommandReader::Read CommandReader::Feed(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  auto command = ParseCommand(line);
  if (!stop_token_.empty()) {
    if (command && command->name == stop_token_) stop_token_.clear();
    return {std::nullopt, std::string(line)};
  }
  if (!command) return {std::nullopt, std::string(line)};
  const std::string& name = command->name;
  std::optional<std::string> shown;
  if (name == "stop-commands") {
    stop_token_ = ToLower(command->text);
  } else if (name == "echo") {
    is_echoing_ = EqualsIgnoreCase(Trim(command->text), "on");
  } else if (name == "group") {
    shown = "##[group]" + command->text;
  } else if (name == "endgroup") {
    shown = "##[endgroup]";
  } else if (name == "error" || name == "warning" || name == "notice" || name == "debug") {
    if (name != "debug") shown = "##[" + name + "]" + command->text;
  } else if (name == "add-mask") {
    shown = "::add-mask::***";
  } else if (name == "set-env" || name == "add-path") {
    shown = "##[error]The `" + name +
            "` command is disabled. Please upgrade to using Environment Files.";
  } else if (name != "set-output" && name != "save-state" && name != "add-matcher" &&
             name != "remove-matcher") {
    return {std::nullopt, std::string(line)};  // unknown words stay as they are
  } else if (is_echoing_) {
    shown = std::string(line);
  }
  if (name == "set-env" || name == "add-path" || name == "stop-commands" || name == "echo")
    command.reset();
  return {std::move(command), std::move(shown)};
}

void Masker::Add(const Secret& value) {
  const auto add = [this](std::string_view text) {
    if (Trim(text).empty()) return;
    for (const Secret& known : values_)
      if (known.Reveal() == text) return;
    values_.push_back(Secret(std::string(text)));
  };
  add(value.Reveal());
  const auto lines = Split(value.Reveal(), '\n');
  if (lines.size() > 1)
    for (const auto line : lines)
      if (Trim(line).size() > 2) add(Trim(line));
  std::stable_sort(values_.begin(), values_.end(), [](const Secret& a, const Secret& b) {
    return a.Reveal().size() > b.Reveal().size();
  });
}

std::string Masker::Mask(std::string_view text) const {
  std::string out(text);
  for (const Secret& value : values_)
    if (out.find(value.Reveal()) != std::string::npos) out = ReplaceAll(out, value.Reveal(), "***");
  return out;
}

}  // namespace stepmill::workflow
