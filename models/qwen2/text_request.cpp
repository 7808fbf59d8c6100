#include "models/qwen2/text_request.hpp"

#include <algorithm>
#include <charconv>

#include "codec/json.hpp"
#include "core/text_params.hpp"
#include "kernels/kv_pages.hpp"

namespace troupe {
namespace {

constexpr std::string_view kEnhance = "text.enhance";

// A base model goes on writing: it is shown where the answer begins and ends.
std::string continued(const EnhanceParams& p) {
  return p.system.value_or("") + "\n\nPrompt: " + p.prompt.value_or("") +
         "\nEnhanced prompt:";
}

// What text.enhance asks, said as text.generate.
TextParams enhancing(const EnhanceParams& p) {
  TextParams text;
  if (p.style == "base") {
    text.prompt = continued(p);
    text.stop = {"\n"};
  } else {
    text.messages = {{"user", p.prompt.value_or("")}};
    text.system = p.system;
  }
  text.max_tokens = p.max_tokens;
  text.sampling = p.sampling;
  text.seed = p.seed;
  text.stream = p.stream;
  text.dtype = p.dtype;
  return text;
}

Result<TextParams> read_params(const Request& request) {
  const auto json = parse_json(request.params);
  if (!json) return json.error();
  if (request.kind != kEnhance)
    return from_json<TextParams>(*json, UnknownFields::refuse);
  const auto enhance = from_json<EnhanceParams>(*json, UnknownFields::refuse);
  if (!enhance) return enhance.error();
  return enhancing(*enhance);
}

class Resolver {
 public:
  Resolver(const TextParams& params, const Qwen2Text& model)
      : p_{params}, model_{model} {}

  Result<TextRequest> run(const TextRoom& room) {
    prompt();
    lengths(room.sequence);
    answers(room.pages);
    sampling();
    biases();
    r_.stops = p_.stop;
    if (!p_.ignore_eos) r_.eos = model_.eos;
    r_.logprobs = p_.logprobs;
    r_.return_ids = p_.return_ids;
    r_.stream = p_.stream;
    if (faults_.empty()) return std::move(r_);
    // More than the first: of a failed attempt the message alone is kept.
    auto message = faults_text(faults_);
    return Error{Errc::invalid_argument, std::move(message),
                 std::move(faults_)};
  }

 private:
  void fault(const char* name, std::string message) {
    faults_.push_back({"params." + std::string(name), std::move(message)});
  }

  void prompt() {
    const auto text = p_.prompt ? Result<std::string>{*p_.prompt} : rendered();
    const char* name = p_.prompt ? "prompt" : "messages";
    if (!text) return fault(name, text.error().message);
    auto ids = model_.tokenizer.encode(*text);
    if (!ids) return fault(name, ids.error().message);
    if (ids->empty()) return fault(name, "is empty: there is nothing to go on");
    r_.prompt = std::move(*ids);
  }

  Result<std::string> rendered() const {
    if (!model_.chat)
      return Error{Errc::invalid_argument,
                   "cannot be used with this model (" +
                       model_.why_no_chat.message +
                       "); give a raw prompt, to text.enhance "
                       "style=base"};
    Chat chat;
    const bool own = !p_.messages.empty() && p_.messages[0].role == "system";
    if (p_.system && !own)
      chat.messages.push_back({.role = "system", .content = *p_.system});
    for (const auto& message : p_.messages)
      chat.messages.push_back(
          {.role = message.role, .content = message.content});
    return model_.chat->render(chat);
  }

  void lengths(std::int64_t room) {
    const auto length = std::ssize(r_.prompt);
    const auto left = room - length;
    r_.max_tokens = p_.max_tokens.value_or(
        std::clamp<std::int64_t>(left, 1, kDefaultMaxTokens));
    if (r_.max_tokens <= left) return;
    const auto together = "; this model has room for " + std::to_string(room) +
                          " together: allowed ";
    if (left >= 1)
      return fault("max_tokens", "is " + std::to_string(r_.max_tokens) +
                                     " after a prompt of " +
                                     std::to_string(length) + " tokens" +
                                     together + "are 1 to " +
                                     std::to_string(left));
    fault(p_.prompt ? "prompt" : "messages",
          "has " + std::to_string(length) + " tokens, before an answer of " +
              std::to_string(r_.max_tokens) + together +
              "is a prompt of 1 to " + std::to_string(room - 1));
  }

  // Each answer has pages of its own for all it may hold.
  void answers(std::int64_t pages) {
    r_.choices = std::clamp<std::int64_t>(p_.n, 1, kMaxTextChoices);
    const auto tokens = std::ssize(r_.prompt) + r_.max_tokens;
    const auto each =
        (std::max<std::int64_t>(tokens, 1) - 1) / kernels::kPageTokens + 1;
    const auto most = pages / each;
    if (r_.choices <= most || most == 0) return;  // 0: said of the prompt.
    fault("n", "is " + std::to_string(r_.choices) + ", of up to " +
                   std::to_string(tokens) +
                   " tokens each with the prompt; this model's cache holds " +
                   std::to_string(pages * kernels::kPageTokens) +
                   " together: allowed are 1 to " + std::to_string(most));
  }

  // The user's word, then the makers'; greedy where neither asks to sample.
  void sampling() {
    const auto& s = p_.sampling;
    const auto& made = model_.generation;
    const bool samples =
        made.do_sample.value_or(false) || s.top_k || s.top_p || s.min_p;
    auto& row = r_.sampling;
    const auto pick = [](const auto& own, const auto& makers, auto none) {
      return own ? *own : makers.value_or(none);
    };
    row.temperature =
        static_cast<float>(samples ? pick(s.temperature, made.temperature, 1.0)
                                   : s.temperature.value_or(0));
    row.top_k =
        static_cast<std::int32_t>(pick(s.top_k, made.top_k, std::int64_t{0}));
    row.top_p = static_cast<float>(pick(s.top_p, made.top_p, 1.0));
    row.min_p = static_cast<float>(s.min_p.value_or(0));
    row.repetition_penalty = static_cast<float>(
        pick(s.repetition_penalty, made.repetition_penalty, 1.0));
    row.presence_penalty = static_cast<float>(s.presence_penalty.value_or(0));
    row.frequency_penalty = static_cast<float>(
        pick(s.frequency_penalty, made.frequency_penalty, 0.0));
    row.seed = p_.seed.value_or(0);
  }

  void biases() {
    if (p_.logit_bias.size() > kMaxLogitBiases)
      fault("logit_bias", "has " + std::to_string(p_.logit_bias.size()) +
                              " entries; at most " +
                              std::to_string(kMaxLogitBiases) + " are allowed");
    for (const auto& [name, bias] : p_.logit_bias) {
      TokenId id = -1;
      const auto* end = name.data() + name.size();
      const auto read = std::from_chars(name.data(), end, id);
      if (read.ec == std::errc{} && read.ptr == end && model_.tokenizer.has(id))
        r_.biases.push_back({id, static_cast<float>(bias)});
      else
        fault("logit_bias", "names '" + name +
                                "', which is no token id; this "
                                "model has the ids below " +
                                std::to_string(model_.tokenizer.size()));
    }
  }

  const TextParams& p_;
  const Qwen2Text& model_;
  TextRequest r_;
  std::vector<Fault> faults_;
};

}  // namespace

Result<TextRequest> resolve_text_request(const Request& request,
                                         const Qwen2Text& model,
                                         const TextRoom& room) {
  const auto params = read_params(request);
  if (!params) return params.error();
  auto resolved = Resolver{*params, model}.run(room);
  if (resolved) resolved->trims_start = request.kind == kEnhance;
  return resolved;
}

}  // namespace troupe
