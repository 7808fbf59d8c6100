#include "apps/model_desk.hpp"

#include "apps/gpus.hpp"
#include "apps/interrupt.hpp"
#include "apps/model_names.hpp"
#include "apps/node_devices.hpp"
#include "apps/submitting.hpp"
#include "config/load.hpp"
#include "models/model_store.hpp"

namespace troupe {
namespace {

constexpr std::int64_t kStatusMs = 5'000;

std::vector<DeviceRoom> rooms_of_node(Session& session) {
  std::vector<DeviceRoom> rooms;
  auto client = session.client();
  if (!client) return rooms;
  const auto status = (*client)->status(kStatusMs);
  if (!status) return rooms;
  for (const auto& ledger : status->ledgers)
    rooms.push_back({ledger.device, ledger.total_bytes});
  return rooms;
}

}  // namespace

Result<ModelPlaces> places_of(const Session& session) {
  const auto data = session.data();
  if (!data) return data.error();
  return model_places(data->path);
}

Result<std::vector<DeviceRoom>> device_rooms(Session& session) {
  auto rooms = rooms_of_node(session);
  if (!rooms.empty()) return rooms;
  const auto data = session.data();
  if (!data) return data.error();
  const auto config = load_config(data->path);
  if (!config) return config.error();
  const auto cpu = cpu_device(config->config.node);
  if (!cpu) return cpu.error();
  rooms.push_back({cpu->name, cpu->memory_bytes});
  for (const auto& gpu : find_gpus(config->config.node, GpuSearch::here()).gpus)
    rooms.push_back({gpu.info.name, gpu.info.memory_bytes});
  return rooms;
}

Result<std::string> read_with_bar(
    const Terminal& terminal, const std::string& name, std::uint64_t bytes,
    const std::function<Result<std::string>(const ModelProgress&)>& read) {
  const InterruptWatch interrupts;
  TransferBar bar{terminal, name};
  return read([&](std::uint64_t done) {
    bar(done, bytes);
    return interrupts.count() == 0;
  });
}

Result<ModelFacts> facts_of(Session& session,
                            const std::filesystem::path& folder) {
  ModelFacts facts{.folder = folder};
  auto described = describe_model(folder);
  if (!described) return described.error();
  facts.description = *std::move(described);
  auto rooms = device_rooms(session);
  if (!rooms) return rooms.error();
  facts.devices = *std::move(rooms);
  const auto places = places_of(session);
  const auto files = model_files(folder);
  if (!places || !files) return (places ? files.error() : places.error());
  auto known = KnownHashes::load(hashes_file(places->folders.front()));
  auto hash =
      read_with_bar(session.terminal, folder.filename().string(),
                    bytes_of(*files), [&](const ModelProgress& progress) {
                      return model_hash(folder, known, progress);
                    });
  // What cannot be kept is read again the next time.
  static_cast<void>(known.save());
  if (!hash) return hash.error();
  facts.hash = *std::move(hash);
  facts.packed = packed_copies(model_source(*places, folder));
  return facts;
}

}  // namespace troupe
