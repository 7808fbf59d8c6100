#include "kinds/text_enhance.hpp"

#include <array>

#include "config/system_prompts.hpp"
#include "kinds/text_common.hpp"

namespace troupe {
namespace {

constexpr std::array<ParamInfo, 16> kParams{{
    {"prompt", "string", "", "What is to be shown, in few words."},
    {"prompt_input", "string", "null",
     "Name of the input file that is the prompt."},
    {"style", "string", "\"instruct\"",
     "Of the model: instruct takes orders, base goes on with examples."},
    {"target", "string", "\"sdxl\"", "What the prompt is for: sdxl or wan."},
    {"system", "string", "null", "Instead of the catalog's for the target."},
    {"max_tokens", "integer", "256", "Tokens of the answer, at most."},
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
    {"seed", "integer", "null", "Null: made from the job's id."},
    {"stream", "boolean", "true", "Shows the text as it comes."},
    {"dtype", "string", "\"auto\"", "auto, f32, bf16, int8 or int4."},
}};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

void normalise(JobSpec& spec, std::vector<Fault>& all) {
  const auto before = all.size();
  const auto json = text_json(spec, all);
  if (json.is_null()) return;
  auto p = read_text_params<EnhanceParams>(spec, json, all);
  TextFaults faults{spec, all};
  const bool elsewhere = faults.is_bound("prompt") || p.prompt_input;
  if (p.prompt && p.prompt_input)
    faults.add("prompt_input", "stands beside a prompt; give one of them");
  faults.input("prompt_input", p.prompt_input);
  if (p.prompt ? is_blank(*p.prompt) : !elsewhere)
    faults.add("prompt", std::string(p.prompt ? "is empty" : "is missing") +
                             ": say in few words what is to be shown");
  faults.one_of("style", p.style, {"instruct", "base"});
  faults.one_of("target", p.target, {"sdxl", "wan"});
  faults.common(p.max_tokens, p.sampling, p.dtype);
  if (all.size() != before) return;
  if (!p.max_tokens) p.max_tokens = kEnhanceTokens;
  // In the job itself, so that a later catalog changes nothing of it.
  if (!p.system && !faults.is_bound("system"))
    p.system = enhance_system_prompt(p.target, p.style);
  write_text_params(spec, faults, std::move(p));
}

}  // namespace

const Kind& text_enhance_kind() {
  static constexpr Kind kKind{
      .name = "text.enhance",
      .summary = "Makes a short picture or video prompt fuller.",
      .params = kParams,
      .outside_effects = false,
      .needs_model = true,
      .normalise = &normalise};
  return kKind;
}

}  // namespace troupe
