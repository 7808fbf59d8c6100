#include "kinds/text_generate.hpp"

#include <algorithm>
#include <array>

#include "kinds/text_common.hpp"

namespace troupe {
namespace {

constexpr std::array<ParamInfo, 22> kParams{{
    {"prompt", "string", "null", "A raw prompt; or give messages."},
    {"prompt_input", "string", "null",
     "Name of the input file that is the prompt."},
    {"messages", "array of object", "null",
     R"(A conversation: [{"role":"user","content":"hi"}].)"},
    {"messages_input", "string", "null",
     "Name of the input file that has the messages, as JSON."},
    {"system", "string", "null", "What a system message would say."},
    {"max_tokens", "integer", "null",
     "Tokens of the answer, at most; null: 512, or the room there is."},
    {"temperature", "number", "null",
     "0: the likeliest token; null: the model's own."},
    {"top_k", "integer", "null", "Of the k likeliest; 0: of all."},
    {"top_p", "number", "null",
     "Of the likeliest that have this much together."},
    {"min_p", "number", "null",
     "Of those with this part of the likeliest's chance."},
    {"repetition_penalty", "number", "null",
     "On all tokens of prompt and answer; 1: none."},
    {"presence_penalty", "number", "null", "On tokens of the answer."},
    {"frequency_penalty", "number", "null", "On each use in the answer."},
    {"logit_bias", "object", "{}",
     R"(Added to tokens' logits: {"151645":-5}.)"},
    {"stop", "array of string", "[]", "Texts before which the answer ends."},
    {"seed", "integer", "null", "Null: made from the job's id."},
    {"n", "integer", "1", "Answers."},
    {"logprobs", "integer", "null",
     "Tells of each step the chosen and the k likeliest."},
    {"ignore_eos", "boolean", "false", "Goes on after the model's end."},
    {"return_ids", "boolean", "false", "Tells the tokens' ids, too."},
    {"stream", "boolean", "true", "Shows the text as it comes."},
    {"dtype", "string", "\"auto\"", "auto, f32, bf16, int8 or int4."},
}};

void check_source(const TextParams& p, TextFaults& faults) {
  const bool text = p.prompt || faults.is_bound("prompt");
  const bool list = p.messages || faults.is_bound("messages");
  const bool prompt = text || p.prompt_input;
  const bool messages = list || p.messages_input;
  if (text && p.prompt_input)
    faults.add("prompt_input", "stands beside a prompt; give one of them");
  if (list && p.messages_input)
    faults.add("messages_input", "stands beside messages; give one of them");
  faults.input("prompt_input", p.prompt_input);
  faults.input("messages_input", p.messages_input);
  if (prompt && messages)
    faults.add("messages", "stand beside a prompt; give one of them");
  if (!prompt && !messages)
    faults.add("prompt",
               "is missing, and there are no messages; give one of them");
  if (p.prompt && p.prompt->empty())
    faults.add("prompt", "is empty: there is nothing to go on");
  if (prompt && p.system)
    faults.add("system", "goes with messages; a raw prompt says it itself");
  const auto& said = p.messages;
  if (p.system && said && !said->empty() && said->front().role == "system")
    faults.add("system", "stands beside a system message; give one of them");
  // An empty list beside a prompt is named already; of what a binding fills,
  // only what stands there counts.
  const bool is_bound = faults.is_bound("messages");
  const bool leave_empty = is_bound || prompt;
  if (!said || (said->empty() && leave_empty)) return;
  for (auto& fault : message_faults(*said))
    if (!is_bound || !fault.path.ends_with(".content"))
      faults.add(fault.path, std::move(fault.message));
}

void check_stops(const TextParams& p, TextFaults& faults) {
  if (p.stop.size() > kMaxStops)
    faults.add("stop", "has " + std::to_string(p.stop.size()) +
                           " texts; at most " + std::to_string(kMaxStops) +
                           " are allowed");
  for (std::size_t i = 0; i < p.stop.size(); ++i)
    if (p.stop[i].empty() || p.stop[i].size() > kMaxStopBytes)
      faults.add("stop[" + std::to_string(i) + "]",
                 "has " + std::to_string(p.stop[i].size()) +
                     " bytes; allowed are 1 to " +
                     std::to_string(kMaxStopBytes));
}

bool is_id(const std::string& text) {
  // Written in one way only: "5" and "05" would be one token twice.
  const bool leads_with_zero = text.size() > 1 && text[0] == '0';
  return !text.empty() && text.size() <= 9 && !leads_with_zero &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void check_biases(const TextParams& p, TextFaults& faults) {
  if (p.logit_bias.size() > kMaxLogitBiases)
    faults.add("logit_bias", "has " + std::to_string(p.logit_bias.size()) +
                                 " tokens; at most " +
                                 std::to_string(kMaxLogitBiases) +
                                 " are allowed");
  for (const auto& [id, bias] : p.logit_bias) {
    if (!is_id(id))
      faults.add("logit_bias",
                 "names '" + id.substr(0, 32) +
                     "'; its names are token ids, written without "
                     "leading zeros: \"151645\"");
    faults.range<double>("logit_bias." + id.substr(0, 32), bias, -kMaxLogitBias,
                         kMaxLogitBias);
  }
}

void normalise(JobSpec& spec, std::vector<Fault>& all) {
  const auto before = all.size();
  auto json = text_json(spec, all);
  if (json.is_null()) return;
  // One text may stand for a list of one.
  if (json.contains("stop") && json["stop"].is_string())
    json["stop"] = Json::array({json["stop"]});
  auto p = read_text_params<TextParams>(spec, json, all);
  TextFaults faults{spec, all};
  check_source(p, faults);
  faults.common(p.max_tokens, p.sampling, p.dtype);
  check_biases(p, faults);
  check_stops(p, faults);
  faults.range<std::int64_t>("n", p.n, 1, kMaxTextChoices);
  faults.range<std::int64_t>("logprobs", p.logprobs, 0, kMaxLogprobs);
  if (all.size() != before) return;
  write_text_params(spec, faults, std::move(p));
}

}  // namespace

const Kind& text_generate_kind() {
  static constexpr Kind kKind{
      .name = "text.generate",
      .summary = "Goes on with a prompt, or answers messages.",
      .params = kParams,
      .outside_effects = false,
      .needs_model = true,
      .normalise = &normalise};
  return kKind;
}

}  // namespace troupe
