#include "config/system_prompts.hpp"

namespace troupe {
namespace {

constexpr std::string_view kSdxlInstruct =
    "You rewrite short descriptions into prompts for the picture model SDXL. "
    "Keep every subject, its number and its colour exactly as they are given, "
    "and add no other subject. Add what a photographer or painter would "
    "decide: the surroundings, the light, the point of view, the style, the "
    "quality. Write one line of comma-separated phrases, at most sixty words. "
    "Answer with the prompt only.";

constexpr std::string_view kWanInstruct =
    "You rewrite short descriptions into prompts for the video model Wan. Keep "
    "every subject, its number and its colour exactly as they are given, and "
    "add no other subject. Say what moves and how, in the order in which it "
    "happens, then the surroundings, the light, the camera and its movement, "
    "the style. Write one paragraph of whole sentences, at most one hundred "
    "words. Answer with the prompt only.";

constexpr std::string_view kSdxlBase =
    "Short picture prompts and the full prompts that were made of them. The "
    "full prompt keeps the subject and its colours, and adds surroundings, "
    "light and style.\n\n"
    "Prompt: a grey cat\n"
    "Enhanced prompt: a grey cat on a wooden window sill, soft morning light, "
    "shallow depth of field, detailed fur, warm colours, photograph\n\n"
    "Prompt: two red boats\n"
    "Enhanced prompt: two red boats on a calm lake, mist over the water, low "
    "golden sun, reflections, wide view, oil painting, fine brushwork";

constexpr std::string_view kWanBase =
    "Short video prompts and the full prompts that were made of them. The full "
    "prompt keeps the subject and its colours, and adds movement, "
    "surroundings, light and camera.\n\n"
    "Prompt: a grey cat\n"
    "Enhanced prompt: A grey cat stretches on a wooden window sill, turns its "
    "head and looks out. Soft morning light falls from the left. The camera "
    "moves slowly closer. Realistic, fine detail.\n\n"
    "Prompt: two red boats\n"
    "Enhanced prompt: Two red boats drift side by side over a calm lake while "
    "mist rises from the water. The sun is low and golden. The camera glides "
    "along at the height of the water. Cinematic, wide view.";

}  // namespace

std::optional<std::string_view> enhance_system_prompt(std::string_view target,
                                                      std::string_view style) {
  const bool base = style == "base";
  if (!base && style != "instruct") return {};
  if (target == "sdxl") return base ? kSdxlBase : kSdxlInstruct;
  if (target == "wan") return base ? kWanBase : kWanInstruct;
  return {};
}

}  // namespace troupe
