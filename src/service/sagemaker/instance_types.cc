#include "service/sagemaker/instance_types.h"

#include "base/strings.h"

namespace stepmill::sagemaker {

namespace {

constexpr int64_t kGib = 1024;

/// Sizes in "large": half an "xlarge".
double LargesOf(std::string_view size) {
  if (size == "medium") return 0.5;
  if (size == "large") return 1;
  if (size == "xlarge") return 2;
  const size_t end = size.find("xlarge");
  if (end == std::string_view::npos) return 0;
  return 2.0 * static_cast<double>(ParseInt(size.substr(0, end)).value_or(0));
}

}  // namespace

InstanceSize SizeOf(std::string_view instance_type) {
  const auto parts = Split(instance_type, '.');
  if (parts.size() != 3) return {};
  const std::string_view family = parts[1], size = parts[2];
  const double larges = LargesOf(size);
  if (larges == 0 || family.empty()) return {};
  // Cores of a "large" are 2 in every family; families differ in memory for each core.
  const auto make = [&](double gib_of_large) {
    const double cpus = family == "t3" && larges <= 1 ? 2 : 2 * larges;
    return InstanceSize{cpus, static_cast<int64_t>(gib_of_large * larges * kGib)};
  };
  if (family == "p2" || family == "p3")
    return {2 * larges, static_cast<int64_t>((family == "p2" ? 30.5 : 15.25) * larges * kGib)};
  if (family == "t3") return make(8);
  if (family[0] == 'm' || family[0] == 'g') return make(8);
  if (family[0] == 'c') return make(4);
  if (family[0] == 'r') return make(16);
  return {};
}

}  // namespace stepmill::sagemaker
