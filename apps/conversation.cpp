#include "apps/conversation.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "models/text/utf8.hpp"

namespace troupe {
namespace {

constexpr std::string_view kSeed = "seed=";
constexpr std::size_t kLongSystemBytes = 4'096;

struct OurParam {
  std::string_view name;
  std::string_view advice;
};
constexpr OurParam kOurs[] = {
    {"messages", "is the conversation itself; type what you want to say"},
    {"prompt", "is what you type; for a raw prompt: troupe run text.generate"},
    {"system", "has an option of its own: --system TEXT"},
    {"n", "is 1 in a chat; for several answers: troupe run text.generate"},
};

auto is_named(std::string_view name) {
  return [name](const std::string& param) {
    return param.substr(0, param.find('=')) == name;
  };
}

std::size_t bytes_of(std::span<const Conversation::Said> messages) {
  std::size_t bytes = 0;
  for (const auto& said : messages) bytes += said.message.content.size();
  return bytes;
}

/// The seed that the user gave.
std::optional<std::uint64_t> given_seed(
    const std::vector<std::string>& params) {
  std::optional<std::uint64_t> seed;
  for (const auto& param : params) {
    if (!param.starts_with(kSeed)) continue;
    std::uint64_t value = 0;
    const auto* end = param.data() + param.size();
    const auto read = std::from_chars(param.data() + kSeed.size(), end, value);
    if (read.ec == std::errc{} && read.ptr == end) seed = value;
  }
  return seed;
}

}  // namespace

std::vector<Fault> chat_faults(const ChatOptions& chat) {
  std::vector<Fault> faults;
  for (const auto& [name, advice] : kOurs)
    if (std::ranges::any_of(chat.params, is_named(name)))
      faults.push_back({"params." + std::string(name), std::string(advice)});
  if (const auto points = to_code_points(chat.system); !points)
    faults.push_back({"--system", points.error().message});
  return faults;
}

ChatOptions without_ours(ChatOptions chat) {
  for (const auto& [name, advice] : kOurs)
    std::erase_if(chat.params, is_named(name));
  if (!to_code_points(chat.system)) chat.system.clear();
  return chat;
}

void Conversation::ask(std::string question) {
  question_ = std::move(question);
  said_.push_back({{"user", question_}});
  left_out_before_ = left_out_;
  waits_ = true;
  answered_ = false;
  repeats_ = 0;
}

void Conversation::answer(std::string text, bool cut) {
  TROUPE_ASSERT(waits_);
  said_.push_back({{"assistant", std::move(text)}, cut});
  waits_ = false;
  answered_ = true;
}

void Conversation::withdraw() {
  TROUPE_ASSERT(waits_);
  said_.pop_back();
  left_out_ = left_out_before_;
  waits_ = false;
}

bool Conversation::ask_again() {
  TROUPE_ASSERT(!waits_);
  if (question_.empty()) return false;
  if (answered_)
    said_.pop_back();
  else
    said_.push_back({{"user", question_}});
  left_out_before_ = left_out_;
  waits_ = true;
  answered_ = false;
  ++repeats_;
  return true;
}

std::span<const Conversation::Said> Conversation::sent() const {
  return std::span{said_}.subspan(left_out_);
}

bool Conversation::leave_out_oldest() {
  TROUPE_ASSERT(waits_);
  if (sent().size() == 1) return false;
  const auto room = bytes_of(sent()) / 4 * 3;
  do left_out_ += 2;  // A question and its answer.
  while (sent().size() > 1 && bytes_of(sent()) > room);
  return true;
}

void Conversation::clear() {
  *this = Conversation{std::move(system_)};
}

JobOptions turn_options(const ChatOptions& chat, const Conversation& talk) {
  JobOptions job;
  job.kind = "text.generate";
  job.model = chat.model;
  job.device = chat.device;
  job.tags = {"chat"};
  Json all = {{"messages", Json::array()}};
  // A long one goes with the messages, which may go as a file.
  const bool is_long = talk.system().size() > kLongSystemBytes;
  if (is_long)
    all["messages"].push_back({{"role", "system"}, {"content", talk.system()}});
  for (const auto& said : talk.sent())
    all["messages"].push_back(
        {{"role", said.message.role}, {"content", said.message.content}});
  if (!talk.system().empty() && !is_long) all["system"] = talk.system();
  job.all_params = dump_json(all);
  job.params = chat.params;
  if (!chat.max_tokens.empty())
    job.params.push_back("max_tokens=" + chat.max_tokens);
  if (!chat.temperature.empty())
    job.params.push_back("temperature=" + chat.temperature);
  if (const auto seed = given_seed(chat.params); seed && talk.repeats() > 0) {
    std::erase_if(job.params,
                  [](const auto& param) { return param.starts_with(kSeed); });
    job.params.push_back(std::string(kSeed) +
                         std::to_string(*seed + talk.repeats()));
  }
  return job;
}

Json conversation_json(const Conversation& talk, const std::string& model) {
  Json all = {{"model", model}};
  if (!talk.system().empty()) all["system"] = talk.system();
  all["messages"] = Json::array();
  for (const auto& said : talk.said()) {
    Json one = {{"role", said.message.role}, {"content", said.message.content}};
    if (said.cut) one["cut"] = true;
    all["messages"].push_back(std::move(one));
  }
  return all;
}

}  // namespace troupe
