#include "models/qwen2/folder.hpp"

#include <utility>

#include "models/file_errors.hpp"
#include "models/qwen2/weights.hpp"

namespace troupe {

Result<Qwen2Folder> open_qwen2_folder(const std::filesystem::path& dir) {
  FileErrors errors;
  auto config = load_qwen2_config(dir);
  // Without it this may be any folder; what it gives says what is wanted.
  if (!config && config.error().code == Errc::not_found) return config.error();
  if (!config) errors.add(config.error(), "config.json");
  auto weights = WeightFolder::open(dir);
  if (!weights) errors.add(weights.error());
  if (config && weights)
    if (auto good = check_qwen2_tensors(*config, *weights); !good)
      errors.add(good.error(), "tensor");
  auto text = load_qwen2_text(dir, config ? &*config : nullptr);
  if (!text) errors.add(text.error());
  if (!errors.empty()) return std::move(errors).together();
  return Qwen2Folder{*std::move(config), *std::move(weights), *std::move(text)};
}

}  // namespace troupe
