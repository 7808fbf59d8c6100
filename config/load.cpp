#include "config/load.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <fstream>
#include <iterator>

#include "config/option_table.hpp"

namespace troupe {
namespace {

bool has_section(std::string_view name) {
  return std::ranges::any_of(option_table(), [&](const OptionRow& row) {
    return row.name.substr(0, row.name.find('.')) == name;
  });
}

/// Collects values and everything that is wrong with them.
class Reader {
 public:
  Reader(LoadedConfig& loaded, std::string name)
      : loaded_{loaded}, name_{std::move(name)} {}

  void file(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const auto* section = node.as_table();
      if (!section) {
        fault(node, unknown_option(key.str()));
        continue;
      }
      if (section->empty() && !has_section(key.str()))
        fault(node, unknown_option(key.str()));
      for (const auto& [name, value] : *section)
        one(std::string(key.str()) + "." + std::string(name.str()), value);
    }
  }

  void override_with(const std::string& text) {
    auto equals = text.find('=');
    if (equals == text.npos) {
      faults_.push_back({"--set", "'" + text +
                                      "' is not NAME=VALUE; write "
                                      "it like --set queue.max_jobs=1000"});
      return;
    }
    set(text.substr(0, equals), text.substr(equals + 1), "--set");
  }

  std::vector<Fault> faults() && {
    if (faults_.empty())
      for (auto& fault : check_config(loaded_.config))
        faults_.push_back(std::move(fault));
    return std::move(faults_);
  }

 private:
  std::string at(const toml::node& node) const {
    return name_ + ":" + std::to_string(node.source().begin.line);
  }
  void fault(const toml::node& node, std::string message) {
    faults_.push_back({at(node), std::move(message)});
  }

  void one(const std::string& name, const toml::node& node) {
    if (const auto* number = node.as_integer())
      return set(name, std::to_string(number->get()), at(node));
    if (const auto* text = node.as_string())
      return set(name, text->get(), at(node));
    if (!find_option(name)) return fault(node, unknown_option(name));
    fault(node, name + ": must be a whole number or a text in quotes");
  }

  void set(const std::string& name, const std::string& value,
           const std::string& origin) {
    auto done = set_option(loaded_.config, name, value);
    if (!done) {
      faults_.push_back({origin, done.error().message});
      return;
    }
    loaded_.origins[name] = origin;
  }

  LoadedConfig& loaded_;
  const std::string name_;
  std::vector<Fault> faults_;
};

Error all_faults(std::vector<Fault> faults) {
  std::string message = "configuration: ";
  for (std::size_t i = 0; i < faults.size(); ++i)
    message += (i > 0               ? "\n  "
                : faults.size() > 1 ? "\n  "
                                    : "") +
               faults[i].path + ": " + faults[i].message;
  return Error{Errc::invalid_argument, message, std::move(faults)};
}

}  // namespace

Result<LoadedConfig> parse_config(std::string_view text,
                                  const std::string& name,
                                  const Overrides& overrides) {
  LoadedConfig loaded;
  Reader reader{loaded, name};
  try {
    reader.file(toml::parse(text, name));
  } catch (const toml::parse_error& e) {
    return all_faults({{name + ":" + std::to_string(e.source().begin.line),
                        "is no TOML: " + std::string(e.description())}});
  }
  for (const auto& text_override : overrides)
    reader.override_with(text_override);
  auto faults = std::move(reader).faults();
  if (!faults.empty()) return all_faults(std::move(faults));
  return loaded;
}

Result<LoadedConfig> load_config(const std::filesystem::path& data,
                                 const Overrides& overrides) {
  const auto file = data / kConfigFile;
  std::error_code error;
  const bool exists = std::filesystem::exists(file, error);
  if (error && error != std::errc::not_a_directory)
    return Error{Errc::denied, "read " + file.string() + ": " +
                                   error.message() + "; is it yours?"};
  if (std::filesystem::is_directory(file, error))
    return Error{Errc::invalid_argument,
                 file.string() +
                     " is a folder; it must be a file of settings, "
                     "or not there at all"};
  std::string text;
  if (exists) {
    std::ifstream in{file, std::ios::binary};
    if (!in)
      return Error{Errc::denied,
                   "read " + file.string() + ": permission denied"};
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (in.bad())
      return Error{Errc::io_error, "read " + file.string() + " failed"};
  }
  auto loaded = parse_config(text, file.string(), overrides);
  if (!loaded) return loaded;
  loaded->file = file;
  loaded->file_exists = exists;
  return loaded;
}

}  // namespace troupe
