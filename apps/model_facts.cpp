#include "apps/model_facts.hpp"

#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"

namespace troupe {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Json packed_json(const std::vector<PackedCopy>& copies) {
  Json all = Json::array();
  for (const auto& copy : copies) {
    all.push_back({{"dtype", to_string(copy.format)},
                   {"file", copy.file.string()},
                   {"bytes", copy.bytes},
                   {"used", copy.why_unused.empty()}});
    if (!copy.why_unused.empty()) all.back()["why"] = copy.why_unused;
  }
  return all;
}

}  // namespace

std::uint64_t memory_of(const ModelDescription& description) {
  std::uint64_t bytes = 0;
  for (const auto& component : description.components) bytes += component.bytes;
  return bytes;
}

std::optional<std::string> fitting_dtype(const ModelDescription& description,
                                         const DeviceRoom& room) {
  if (memory_of(description) <= room.memory_bytes) return "";
  for (const auto& less : description.smaller)
    if (less.bytes <= room.memory_bytes) return less.dtype;
  return {};
}

std::string fits_text(const ModelDescription& description,
                      const std::vector<DeviceRoom>& devices) {
  std::vector<std::string> fit;
  std::vector<std::string> small;
  for (const auto& room : devices)
    if (const auto dtype = fitting_dtype(description, room))
      fit.push_back(room.device + (dtype->empty() ? "" : " as " + *dtype));
    else
      small.push_back(room.device + " has " + render::bytes(room.memory_bytes));
  if (!fit.empty()) return joined(fit);
  return small.empty() ? "nowhere" : "nowhere: " + joined(small);
}

std::string packed_text(const std::vector<PackedCopy>& copies) {
  std::vector<std::string> words;
  for (const auto& copy : copies)
    words.push_back(std::string(to_string(copy.format)) +
                    (copy.why_unused.empty() ? "" : " (not used)"));
  return words.empty() ? "-" : joined(words);
}

std::string count_text(std::uint64_t count) {
  if (count < 1'000) return std::to_string(count);
  auto value = static_cast<double>(count);
  const char* unit = "";
  for (const char* next : {" k", " M", " B", " T"}) {
    if (value < 999.5) break;
    value /= 1'000;
    unit = next;
  }
  return render::number(value) + unit;
}

Json model_json(const ModelFacts& facts) {
  const auto& d = facts.description;
  const auto bytes = memory_of(d);
  Json components = Json::array();
  for (const auto& component : d.components)
    components.push_back(
        {{"name", component.name}, {"bytes", component.bytes}});
  Json devices = Json::array();
  for (const auto& room : facts.devices) {
    devices.push_back({{"device", room.device},
                       {"memory_bytes", room.memory_bytes},
                       {"fits", bytes <= room.memory_bytes}});
    if (const auto dtype = fitting_dtype(d, room); dtype && !dtype->empty())
      devices.back()["fits_as"] = *dtype;
  }
  Json json{{"folder", facts.folder.string()},
            {"family", d.family},
            {"kinds", d.kinds},
            {"parameters", d.parameters},
            {"stored_bytes", d.stored_bytes},
            {"dtypes", d.dtypes},
            {"tokens", d.tokens},
            {"max_positions", d.max_positions},
            {"chats", d.chats},
            {"why_no_chat", d.why_no_chat},
            {"memory_bytes", bytes},
            {"components", components},
            {"devices", devices}};
  json["packed"] = packed_json(facts.packed);
  if (!facts.hash.empty()) json["hash"] = facts.hash;
  return json;
}

std::string model_text(const ModelFacts& facts) {
  const auto& d = facts.description;
  std::vector<std::vector<std::string>> rows{
      {"folder", render::printable(facts.folder.string())},
      {"family", d.family},
      {"kinds", joined(d.kinds)},
      {"parameters", std::to_string(d.parameters)},
      {"on disk", render::bytes(d.stored_bytes) + ", " + joined(d.dtypes)},
      {"tokens", std::to_string(d.tokens)},
      {"context", std::to_string(d.max_positions) + " tokens"},
      {"chat", d.chats ? "yes" : "no: " + render::printable(d.why_no_chat)}};
  for (const auto& component : d.components)
    rows.push_back(
        {"memory, " + component.name, render::bytes(component.bytes)});
  rows.push_back({"fits", fits_text(d, facts.devices)});
  for (const auto& copy : facts.packed)
    rows.push_back(
        {"packed, " + std::string(to_string(copy.format)),
         render::bytes(copy.bytes) +
             (copy.why_unused.empty()
                  ? ""
                  : "; not used: " + render::printable(copy.why_unused))});
  if (!facts.hash.empty()) rows.push_back({"hash", facts.hash});
  return render::table(rows);
}

}  // namespace troupe
