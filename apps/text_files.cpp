#include "apps/text_files.hpp"

#include <utility>

#include "codec/json.hpp"
#include "models/text/utf8.hpp"

namespace troupe {

std::vector<Fault> text_file_faults(const Kind& kind, const std::string& name,
                                    const std::string& text) {
  const auto path = "params." + name;
  if (const auto points = to_code_points(text); !points)
    return {
        {path, "stands in a file that is no text: " + points.error().message}};
  auto value = name == "messages" ? parse_json(text) : Result<Json>{text};
  if (!value)
    return {
        {path, "stands in a file that is no JSON: " + value.error().message}};
  JobSpec spec;
  spec.id = {1, 1};  // Made later.
  spec.kind = kind.name;
  spec.params = dump_json({{name, *std::move(value)}});
  std::vector<Fault> faults;
  kind.normalise(spec, faults);
  std::erase_if(faults, [&](const Fault& fault) {
    return !fault.path.starts_with(path);
  });
  return faults;
}

}  // namespace troupe
