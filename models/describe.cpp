#include "models/describe.hpp"

#include <algorithm>
#include <set>

#include "models/file_errors.hpp"
#include "models/missing_file.hpp"
#include "models/qwen2/folder.hpp"
#include "models/weights/broken_number.hpp"

namespace troupe {
namespace {

constexpr std::int64_t kCheckedAtOnce = 1 << 20;  // Elements.

void describe_weights(const WeightFolder& folder, ModelDescription& d) {
  std::set<std::string> dtypes;
  for (const auto& [name, located] : folder.tensors()) {
    d.parameters += static_cast<std::uint64_t>(located.tensor->elements());
    dtypes.emplace(to_string(located.tensor->type));
  }
  d.stored_bytes = folder.total_bytes();
  d.dtypes = {dtypes.begin(), dtypes.end()};
}

std::uint64_t sum_of(const std::vector<Component>& components) {
  std::uint64_t bytes = 0;
  for (const auto& component : components) bytes += component.bytes;
  return bytes;
}

void add_smaller(const ModelFamily& family, const std::filesystem::path& dir,
                 ModelDescription& d) {
  auto least = sum_of(d.components);
  for (const auto* dtype : {"bf16", "int8", "int4"}) {
    const auto components = family.plan(dir, dtype, Context{});
    if (!components || sum_of(*components) >= least) continue;
    least = sum_of(*components);
    d.smaller.push_back({dtype, least});
  }
}

Status check_tensor(const LocatedTensor& located, std::vector<float>& values) {
  const auto& [tensor, file] = located;
  platform::AlignedBytes aside;
  for (std::int64_t at = 0; at < tensor->elements(); at += kCheckedAtOnce) {
    values.resize(static_cast<std::size_t>(
        std::min(kCheckedAtOnce, tensor->elements() - at)));
    if (auto read = file->read_f32(*tensor, at, values, aside); !read)
      return read;
    if (const auto broken = first_not_finite(values))
      return broken_number(located, at + *broken,
                           values[static_cast<std::size_t>(*broken)]);
  }
  return ok();
}

}  // namespace

Result<ModelDescription> describe_model(const std::filesystem::path& dir) {
  const auto opened = open_qwen2_folder(dir);
  if (!opened) return opened.error();
  ModelDescription d;
  d.family = "qwen2";
  for (const auto* family : model_families()) {
    if (family->name != d.family) continue;
    d.kinds.assign(family->kinds.begin(), family->kinds.end());
    auto components = family->plan(dir, {}, Context{});
    if (!components) return components.error();
    d.components = *std::move(components);
    add_smaller(*family, dir, d);
  }
  describe_weights(opened->weights, d);
  d.tokens = opened->text.tokenizer.size();
  d.max_positions = opened->config.max_positions;
  d.chats = opened->text.chat.has_value();
  if (!d.chats) d.why_no_chat = opened->text.why_no_chat.message;
  return d;
}

Status check_model(const std::filesystem::path& dir) {
  const auto opened = open_qwen2_folder(dir);
  if (!opened) return opened.error();
  std::vector<float> values;
  FileErrors errors;
  for (const auto& [name, located] : opened->weights.tensors())
    if (auto good = check_tensor(located, values); !good)
      errors.add(good.error());
  if (errors.empty()) return ok();
  auto why = std::move(errors).together();
  if (why.code == Errc::corrupt)
    why.message += fetch_again(dir / "model.safetensors");
  return why;
}

}  // namespace troupe
