#include "core/text_params.hpp"

#include <algorithm>

#include "core/nearest.hpp"

namespace troupe {

std::vector<Fault> message_faults(const std::vector<TextMessage>& messages) {
  static const std::vector<std::string> kRoles{"system", "user", "assistant"};
  std::vector<Fault> faults;
  if (messages.empty())
    faults.push_back({"messages", "are none; at least one is needed"});
  if (messages.size() > kMaxMessages)
    faults.push_back(
        {"messages", "are " + std::to_string(messages.size()) + "; at most " +
                         std::to_string(kMaxMessages) + " are allowed"});
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& [role, content] = messages[i];
    const auto path = "messages[" + std::to_string(i) + "]";
    if (role.empty())
      faults.push_back(
          {path + ".role", "is missing; it is system, user or assistant"});
    else if (std::ranges::count(kRoles, role) == 0)
      faults.push_back({path + ".role", "'" + role.substr(0, 128) +
                                            "' is unknown" +
                                            known_names(role, kRoles)});
    if (!content)
      faults.push_back(
          {path + ".content", "is missing; it is what was said, a text"});
  }
  return faults;
}

}  // namespace troupe
