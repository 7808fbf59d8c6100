#include "models/qwen2/folder.hpp"

#include <utility>

#include "models/qwen2/weights.hpp"

namespace troupe {

Result<Qwen2Folder> open_qwen2_folder(const std::filesystem::path& dir) {
  auto config = load_qwen2_config(dir);
  if (!config) return config.error();
  auto weights = WeightFolder::open(dir);
  if (!weights) return weights.error();
  if (auto good = check_qwen2_tensors(*config, *weights); !good)
    return good.error();
  auto text = load_qwen2_text(dir, *config);
  if (!text) return text.error();
  return Qwen2Folder{*std::move(config), *std::move(weights), *std::move(text)};
}

}  // namespace troupe
