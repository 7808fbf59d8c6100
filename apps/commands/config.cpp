// troupe config: the settings as a node of this data folder would see them.
#include "apps/commands/commands.hpp"
#include "apps/render/table.hpp"
#include "config/edit.hpp"
#include "config/load.hpp"
#include "config/option_table.hpp"
#include "platform/file.hpp"

namespace troupe::commands {
namespace {

std::string origin(const LoadedConfig& loaded, const OptionRow& row) {
  auto at = loaded.origins.find(row.name);
  return at == loaded.origins.end() ? "default" : at->second;
}

Json value_json(const OptionRow& row, Config config) {
  if (row.unit == OptionUnit::text) return row.text(config);
  return row.number(config);
}

Json config_json(const LoadedConfig& loaded, const DataFolder& data) {
  Json values = Json::object();
  for (const auto& row : option_table())
    values[std::string(row.name)] = {{"value", value_json(row, loaded.config)},
                                     {"from", origin(loaded, row)}};
  return {{"file", loaded.file.string()},
          {"exists", loaded.file_exists},
          {"data", data.path.string()},
          {"data_from", data.origin},
          {"values", values}};
}

ExitCode show_config(Invocation& call, const Overrides& set) {
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  auto loaded = load_config(data->path, set);
  if (!loaded) return call.misused(loaded.error());
  if (call.json) {
    call.print(config_json(*loaded, *data));
    return ExitCode::ok;
  }
  std::vector<std::vector<std::string>> rows{
      {"data folder", data->path.string(), data->origin},
      {"file", loaded->file.string(),
       loaded->file_exists ? "" : "does not exist"}};
  for (const auto& row : option_table())
    rows.push_back({std::string(row.name), option_text(row, loaded->config),
                    origin(*loaded, row)});
  call.out() << render::table(rows);
  return ExitCode::ok;
}

ExitCode check(Invocation& call) {
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  auto loaded = load_config(data->path);
  if (!loaded) return call.misused(loaded.error());
  if (call.json)
    call.print({{"ok", true},
                {"file", loaded->file.string()},
                {"exists", loaded->file_exists}});
  else
    call.out() << loaded->file.string()
               << (loaded->file_exists ? ": ok\n"
                                       : ": does not exist; defaults hold\n");
  return ExitCode::ok;
}

ExitCode path(Invocation& call) {
  auto data = call.session.data();
  if (!data) return call.misused(data.error().message);
  const auto file = (data->path / kConfigFile).string();
  if (call.json)
    call.print({{"path", file}, {"data_from", data->origin}});
  else
    call.out() << file << "\n";
  return ExitCode::ok;
}

struct Setting {
  std::string name;
  std::string value;
};

ExitCode set(Invocation& call, const Setting& setting) {
  auto data = call.session.node_folder();
  if (!data) return call.misused(data.error());
  const auto file = *data / kConfigFile;
  std::error_code ignored;
  std::string text;
  if (std::filesystem::exists(file, ignored)) {
    auto read = platform::read_file(file);
    if (!read) return call.fail(read.error());
    text = *std::move(read);
  }
  auto changed = with_option(text, file.string(), setting.name, setting.value);
  if (!changed) return call.misused(changed.error());
  if (auto made = platform::make_dirs(*data); !made)
    return call.fail(made.error());
  if (auto done = platform::write_file_atomically(file, *changed); !done)
    return call.fail(done.error());
  if (call.json)
    call.print({{"file", file.string()},
                {"name", setting.name},
                {"value", setting.value}});
  else
    call.out() << setting.name << " = " << setting.value << " in "
               << file.string() << "; a node takes it when it starts next\n";
  return ExitCode::ok;
}

}  // namespace

void add_config(CLI::App& root, Invocation& call) {
  auto overrides = std::make_shared<Overrides>();
  const auto show_all = [&call, overrides] {
    return show_config(call, *overrides);
  };
  auto* config = root.add_subcommand(
      "config", "The node's settings; alone it shows them all");
  config->require_subcommand(0, 1);
  config
      ->add_option("--data", call.session.data_flag, "Data folder of the node")
      ->type_name("DIR");
  config->add_flag("--json", call.json, "Print JSON, for scripts");
  // Runs after that of a subcommand.
  config->callback([&call, config, show_all] {
    if (call.action) return;
    call.command = config;
    call.action = show_all;
  });
  add_command(*config, call, "show",
              "Every setting, its value and where that came from", show_all)
      ->add_option("--set", *overrides, "As troupe node --set")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  auto setting = std::make_shared<Setting>();
  auto* command = add_command(*config, call, "set",
                              "Writes one setting into the file, checked",
                              [&call, setting] { return set(call, *setting); });
  command->add_option("name", setting->name, "As in docs/configuration.md")
      ->required()
      ->type_name("NAME");
  // A text may be empty: that is how a name is taken back.
  call.may_be_empty.push_back(
      command->add_option("value", setting->value, "Its value")
          ->required()
          ->type_name("VALUE"));
  add_command(*config, call, "check", "Whether the file is right",
              [&call] { return check(call); });
  add_command(*config, call, "path", "Where the file is, or would be",
              [&call] { return path(call); });
}

}  // namespace troupe::commands
