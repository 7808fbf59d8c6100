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
    text.messages = {{{"user", p.prompt.value_or("")}}};
    text.system = p.system;
  }
  text.max_tokens = p.max_tokens;
  text.sampling = p.sampling;
  text.seed = p.seed;
  text.stream = p.stream;
  text.dtype = p.dtype;
  return text;
}

// What can be read of the members; one of a wrong sort counts as not given,
// where reading would leave a value that nobody wrote.
template <class Params>
Params partly(Json json) {
  Params read;
  auto whole = from_json<Params>(json, UnknownFields::skip, &read);
  if (whole) return *std::move(whole);
  for (const auto& fault : whole.error().faults) json.erase(fault.path);
  Params rest;
  whole = from_json<Params>(json, UnknownFields::skip, &rest);
  return whole ? *std::move(whole) : rest;
}

// What could be read of params that their kind may refuse.
TextParams partly_read(const Request& request) {
  auto json = parse_json(request.params);
  if (!json || !json->is_object()) return {};
  return request.kind == kEnhance
             ? enhancing(partly<EnhanceParams>(*std::move(json)))
             : partly<TextParams>(*std::move(json));
}

std::optional<TokenId> id_of(const std::string& name) {
  TokenId id = -1;
  const auto* end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, id);
  if (read.ec != std::errc{} || read.ptr != end || id < 0) return {};
  return id;
}

Error unreadable(std::vector<Fault> faults, const TextParams& partly) {
  for (auto& fault : message_faults(
           partly.messages.value_or(std::vector<TextMessage>{{"user", ""}}))) {
    const auto said = [&](const Fault& f) { return f.path == fault.path; };
    if (std::ranges::none_of(faults, said)) faults.push_back(std::move(fault));
  }
  for (auto& fault : faults)
    fault.path = "params" + (fault.path.empty() ? "" : "." + fault.path);
  auto message = faults_text(faults);
  return {Errc::invalid_argument, std::move(message), std::move(faults)};
}

Result<TextParams> read_params(const Request& request) {
  const auto json = parse_json(request.params);
  if (!json) return json.error();
  if (request.kind == kEnhance) {
    const auto enhance = from_json<EnhanceParams>(*json, UnknownFields::refuse);
    if (!enhance) return unreadable(enhance.error().faults, {});
    return enhancing(*enhance);
  }
  TextParams partly;
  auto params = from_json<TextParams>(*json, UnknownFields::refuse, &partly);
  if (!params) return unreadable(params.error().faults, partly);
  return params;
}

std::vector<Fault> chat_faults(const std::string& why_no_chat, bool enhances) {
  const auto why = "cannot be used with this model (" + why_no_chat + "); ";
  if (enhances)
    return {{"params.style", "instruct " + why + "allowed is base"}};
  return {{"params.messages", why + "give a raw prompt"}};
}

// Of what is no id at all the kind tells.
void add_bias_faults(const TextParams& p, std::int64_t tokens,
                     std::vector<Fault>& faults) {
  for (const auto& [name, bias] : p.logit_bias)
    if (id_of(name).value_or(0) >= tokens)
      faults.push_back({"params.logit_bias." + name.substr(0, 32),
                        "is no token of this model, which has the ids below " +
                            std::to_string(tokens)});
}

// Answers of so many tokens, prompt included, that the pages are enough for.
std::int64_t answers_within(std::int64_t pages, std::int64_t tokens) {
  return pages / ((tokens - 1) / kernels::kPageTokens + 1);
}

Fault too_many_answers(std::int64_t n, const std::string& tokens,
                       std::int64_t pages, std::int64_t most) {
  return {"params.n",
          "is " + std::to_string(n) + ", of " + tokens +
              " tokens each with the prompt; this model's cache holds " +
              std::to_string(pages * kernels::kPageTokens) +
              " together: allowed are 1 to " + std::to_string(most)};
}

std::string has_room_for(std::int64_t tokens) {
  return "; this model has room for " + std::to_string(tokens) + " together";
}

class Resolver {
 public:
  Resolver(const TextParams& params, const Qwen2Text& model, bool enhances)
      : p_{params}, model_{model}, enhances_{enhances} {}

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
  void fault(const std::string& name, std::string message) {
    faults_.push_back({"params." + name, std::move(message)});
  }
  void add(const std::vector<Fault>& faults) {
    faults_.insert(faults_.end(), faults.begin(), faults.end());
  }

  // What the user gave.
  const char* source() const {
    return p_.prompt || enhances_ ? "prompt" : "messages";
  }

  void prompt() {
    const auto text = p_.prompt ? p_.prompt : rendered();
    if (!text) return;
    auto ids = model_.tokenizer.encode(*text);
    if (!ids) return fault(source(), ids.error().message);
    if (ids->empty())
      return fault(source(), "is empty: there is nothing to go on");
    r_.prompt = std::move(*ids);
  }

  // Nothing: said why.
  std::optional<std::string> rendered() {
    const auto messages = p_.messages.value_or(std::vector<TextMessage>{});
    // Those of a file nobody has looked at before.
    auto faults = message_faults(messages);
    for (auto& [path, what] : faults) fault(path, std::move(what));
    if (!model_.chat) add(chat_faults(model_.why_no_chat.message, enhances_));
    if (!faults.empty() || !model_.chat) return {};
    Chat chat;
    const bool own = messages[0].role == "system";
    if (p_.system && !own)
      chat.messages.push_back({.role = "system", .content = *p_.system});
    for (const auto& [role, content] : messages)
      chat.messages.push_back({.role = role, .content = content.value_or("")});
    auto text = model_.chat->render(chat);
    if (text) return *std::move(text);
    fault(source(), text.error().message);
    return {};
  }

  void lengths(std::int64_t room) {
    const auto length = std::ssize(r_.prompt);
    const auto left = room - length;
    r_.max_tokens = p_.max_tokens.value_or(
        std::clamp<std::int64_t>(left, 1, kDefaultMaxTokens));
    if (r_.max_tokens <= left) return;
    if (left >= 1)
      return fault("max_tokens",
                   "is " + std::to_string(r_.max_tokens) +
                       " after a prompt of " + std::to_string(length) +
                       " tokens" + has_room_for(room) + ": allowed are 1 to " +
                       std::to_string(left));
    const auto answer = std::min(r_.max_tokens, room - 1);
    fault(source(),
          "has " + std::to_string(length) + " tokens, before an answer of " +
              std::to_string(r_.max_tokens) + has_room_for(room) +
              ": allowed is a prompt of 1 to " + std::to_string(room - answer) +
              " before an answer of " + std::to_string(answer));
  }

  // Each answer has pages of its own for all it may hold.
  void answers(std::int64_t pages) {
    r_.choices = std::clamp<std::int64_t>(p_.n, 1, kMaxTextChoices);
    const auto tokens = std::ssize(r_.prompt) + r_.max_tokens;
    const auto most = answers_within(pages, std::max<std::int64_t>(tokens, 1));
    if (r_.choices <= most || most == 0) return;  // 0: said of the prompt.
    faults_.push_back(too_many_answers(
        r_.choices, "up to " + std::to_string(tokens), pages, most));
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
    const auto tokens = static_cast<std::int64_t>(model_.tokenizer.size());
    for (const auto& [name, bias] : p_.logit_bias)
      if (const auto id = id_of(name))
        r_.biases.push_back({*id, static_cast<float>(bias)});
      else
        fault("logit_bias",
              "names '" + name.substr(0, 32) + "', which is no token's id");
    add_bias_faults(p_, tokens, faults_);
  }

  const TextParams& p_;
  const Qwen2Text& model_;
  const bool enhances_;
  TextRequest r_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> beyond_text_limits(const RequestLimits& limits,
                                      const Request& request) {
  const auto p = partly_read(request);
  const bool enhances = request.kind == kEnhance;
  std::vector<Fault> faults;
  const auto asked = p.max_tokens.value_or(1);
  const auto most = limits.sequence - 1;
  if (asked > most || asked < 1)
    faults.push_back({"params.max_tokens", "is " + std::to_string(asked) +
                                               " beside the prompt's tokens" +
                                               has_room_for(limits.sequence) +
                                               ": allowed are 1 to " +
                                               std::to_string(most)});
  const auto tokens =
      std::clamp<std::int64_t>(asked, 1, std::max<std::int64_t>(most, 1)) + 1;
  const auto answers = answers_within(limits.pages, tokens);
  if (p.n <= kMaxTextChoices && p.n > std::max<std::int64_t>(answers, 1))
    faults.push_back(too_many_answers(p.n, std::to_string(tokens) + " or more",
                                      limits.pages, answers));
  add_bias_faults(p, limits.tokens, faults);
  const bool chats = enhances ? !p.prompt : p.messages || p.messages_input;
  if (chats && !limits.why_no_chat.empty())
    for (auto& fault : chat_faults(limits.why_no_chat, enhances))
      faults.push_back(std::move(fault));
  return faults;
}

Result<TextRequest> resolve_text_request(const Request& request,
                                         const Qwen2Text& model,
                                         const TextRoom& room) {
  const auto params = read_params(request);
  if (!params) return params.error();
  const bool enhances = request.kind == kEnhance;
  auto resolved = Resolver{*params, model, enhances}.run(room);
  if (resolved) resolved->trims_start = enhances;
  return resolved;
}

}  // namespace troupe
