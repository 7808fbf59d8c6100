#include "models/weights/weight_folder.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "codec/unique_json.hpp"
#include "core/nearest.hpp"
#include "models/file_errors.hpp"
#include "models/missing_file.hpp"
#include "models/weights/header_reader.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"

namespace troupe {
namespace {

constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

Error no_weights(const std::filesystem::path& dir) {
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(dir, unreadable))
    if (auto good = refuse_pickle(entry.path()); !good) return good.error();
  return {Errc::not_found,
          dir.string() + ": has neither " + std::string(kSingleFile) + " nor " +
              std::string(kIndexFile) + ": " + what_a_model_has()};
}

}  // namespace

Result<std::map<std::string, std::string>> parse_weight_index(
    std::string_view json, std::string_view file) {
  const auto fault = [&](const std::string& why) {
    return Error{Errc::corrupt, std::string(file) + ": " + why};
  };
  auto index = parse_unique_json(json);
  if (!index) return fault(index.error().message);
  if (!index->is_object() || !index->contains("weight_map") ||
      !index->at("weight_map").is_object())
    return fault("lacks the object 'weight_map'");
  std::map<std::string, std::string> shard_of;
  std::set<std::string> shards;
  for (const auto& [tensor, value] : index->at("weight_map").items()) {
    const auto what = "tensor " + quoted_name(tensor);
    if (!value.is_string()) return fault(what + " is mapped to no file name");
    const auto& shard = value.get_ref<const std::string&>();
    if (auto good = refuse_pickle(shard); !good) return good.error();
    if (!shard.ends_with(".safetensors") || shard.find('/') != shard.npos ||
        shard.find('\0') != shard.npos)
      return fault(what + " is mapped to " + quoted_name(shard) +
                   ", which is no .safetensors file of this folder");
    shards.insert(shard);
    shard_of.emplace(tensor, shard);
  }
  if (shard_of.empty()) return fault("names no tensor");
  if (shards.size() > kMaxShards)
    return fault("names " + std::to_string(shards.size()) +
                 " files; allowed are " + std::to_string(kMaxShards));
  return shard_of;
}

Result<WeightFolder> WeightFolder::open(const std::filesystem::path& dir) {
  WeightFolder folder{dir};
  std::error_code missing;
  if (std::filesystem::exists(dir / kSingleFile, missing)) {
    auto file = WeightFile::open(dir / kSingleFile);
    if (!file) return file.error();
    if (auto good = folder.add(std::move(*file)); !good) return good.error();
    return folder;
  }
  const auto index_path = dir / kIndexFile;
  if (!std::filesystem::exists(index_path, missing)) return no_weights(dir);
  auto json = platform::read_regular(index_path, kMaxIndexBytes);
  if (!json) return json.error();
  auto shard_of = parse_weight_index(*json, index_path.string());
  if (!shard_of) return shard_of.error();
  if (auto good = folder.add_shards(*shard_of); !good) return good.error();
  if (auto good = folder.check_index(*shard_of); !good) return good.error();
  return folder;
}

Status WeightFolder::add_shards(
    const std::map<std::string, std::string>& shard_of) {
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : shard_of) shards.insert(shard);
  FileErrors errors;
  for (const auto& shard : shards) {
    auto file = WeightFile::open(dir_ / shard);
    if (!file) {
      auto why = file.error();
      if (why.code == Errc::not_found)
        why.message +=
            "; " + std::string(kIndexFile) + " names it: fetch it too";
      errors.add(std::move(why));
    } else if (auto good = add(std::move(*file)); !good) {
      errors.add(good.error());
    }
  }
  if (errors.empty()) return ok();
  return std::move(errors).together();
}

Status WeightFolder::add(WeightFile opened) {
  const auto& file =
      *files_.emplace_back(std::make_unique<WeightFile>(std::move(opened)));
  for (const auto& tensor : file.tensors()) {
    const auto [at, fresh] =
        tensors_.emplace(tensor.name, LocatedTensor{&tensor, &file});
    if (!fresh)
      return Error{Errc::corrupt, file.path().string() + ": tensor " +
                                      quoted_name(tensor.name) + " is in " +
                                      at->second.file->path().string() +
                                      " too"};
  }
  return ok();
}

Status WeightFolder::check_index(
    const std::map<std::string, std::string>& shard_of) const {
  FileErrors errors;
  const auto fault = [&](const std::filesystem::path& file,
                         const std::string& name, const std::string& what) {
    errors.add({Errc::corrupt,
                file.string() + ": tensor " + quoted_name(name) + what});
  };
  for (const auto& [name, shard] : shard_of) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end() ||
        found->second.file->path().filename() != shard)
      fault(dir_ / shard, name,
            " is not there, but " + std::string(kIndexFile) + " says so");
  }
  for (const auto& [name, located] : tensors_)
    if (!shard_of.contains(name))
      fault(located.file->path(), name,
            " is not in " + std::string(kIndexFile));
  if (errors.empty()) return ok();
  return std::move(errors).together();
}

Result<LocatedTensor> WeightFolder::find(std::string_view name) const {
  if (const auto found = tensors_.find(name); found != tensors_.end())
    return found->second;
  std::vector<std::string> known;
  for (const auto& [tensor, located] : tensors_) known.push_back(tensor);
  return Error{Errc::not_found, dir_.string() + ": tensor " +
                                    quoted_name(name) + " is missing" +
                                    did_you_mean(name, known)};
}

bool WeightFolder::past_cache() const {
  return std::ranges::any_of(
      files_, [](const auto& file) { return file->past_cache(); });
}

std::uint64_t WeightFolder::total_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, located] : tensors_) bytes += located.tensor->bytes();
  return bytes;
}

}  // namespace troupe
