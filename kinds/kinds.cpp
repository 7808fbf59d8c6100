#include "kinds/kinds.hpp"

#include "core/nearest.hpp"
#include "kinds/echo.hpp"
#include "kinds/noop.hpp"
#include "kinds/process_run.hpp"
#include "kinds/text_enhance.hpp"
#include "kinds/text_generate.hpp"

namespace troupe {

Kinds all_kinds() {
  return {&process_run_kind(), &text_generate_kind(), &text_enhance_kind(),
          &echo_kind(), &noop_kind()};
}

std::vector<std::string> kind_names(const Kinds& kinds) {
  std::vector<std::string> names;
  for (const auto* kind : kinds) names.emplace_back(kind->name);
  return names;
}

std::string unknown_kind(const Kinds& kinds, std::string_view name) {
  const auto names = kind_names(kinds);
  if (name.empty()) return "is missing" + known_names(name, names);
  return "'" + std::string(name.substr(0, 128)) + "' is unknown" +
         known_names(name, names);
}

}  // namespace troupe
