#include "cluster/text_inputs.hpp"

#include <algorithm>

#include "codec/json.hpp"
#include "core/text_params.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"

namespace troupe::cluster {
namespace {

Result<std::string> text_of(const Assignment& attempt, const std::string& name,
                            ArtifactAccess& files,
                            const std::filesystem::path& scratch) {
  const auto input =
      std::ranges::find(attempt.inputs, name, &ResolvedInput::name);
  if (input == attempt.inputs.end())
    return Error{Errc::invalid_argument,
                 "is '" + name + "', which is no input file of the job"};
  if (auto made = platform::make_dirs(scratch); !made) return made.error();
  const auto path = scratch / (to_string(attempt.token.job) + ".input");
  std::error_code ignored;
  std::filesystem::remove(path, ignored);  // Of an attempt that was killed.
  const auto there =
      write_with_room(files, [&] { return files.fetch(input->sha256, path); });
  if (!there) return there.error();
  auto text = platform::read_regular(path, kMaxTextInputBytes);
  std::filesystem::remove(path, ignored);
  if (!text && text.error().code == Errc::too_large)
    return Error{Errc::too_large, "is '" + name + "', which is over " +
                                      std::to_string(kMaxTextInputBytes >> 20) +
                                      " MiB: no text may be longer"};
  return text;
}

Status fill(Json& params, const std::string& name, std::string text) {
  if (name == "prompt") {
    params[name] = std::move(text);
    return ok();
  }
  auto list = parse_json(text);
  if (!list || !list->is_array())
    return Error{Errc::invalid_argument,
                 "names a file that must be a JSON array of messages, such as "
                 R"([{"role":"user","content":"hi"}])" +
                     (list ? "" : ": " + list.error().message)};
  params[name] = *std::move(list);
  return ok();
}

}  // namespace

Status fill_text_inputs(Assignment& attempt, ArtifactAccess* files,
                        const std::filesystem::path& scratch) {
  if (!attempt.spec.kind.starts_with("text.")) return ok();
  auto params = parse_json(attempt.spec.params);
  if (!params || !params->is_object()) return ok();  // The engine says it.
  bool filled = false;
  for (const std::string name : {"prompt", "messages"}) {
    const auto input = name + "_input";
    const auto at = params->find(input);
    if (at == params->end() || !at->is_string()) continue;
    const auto told = [&](const Error& why) {
      return Error{why.code,
                   "params." + input + " " + why.message,
                   {{"params." + input, why.message}}};
    };
    if (!files) return told({Errc::unsupported, "has no files here"});
    auto text = text_of(attempt, at->get<std::string>(), *files, scratch);
    if (!text) return told(text.error());
    params->erase(input);
    if (auto good = fill(*params, name, *std::move(text)); !good)
      return told(good.error());
    filled = true;
  }
  if (!filled) return ok();
  try {
    attempt.spec.params = params->dump();
  } catch (const Json::exception&) {
    return Error{Errc::invalid_argument,
                 "params.prompt_input names a file that is no UTF-8 text"};
  }
  return ok();
}

}  // namespace troupe::cluster
