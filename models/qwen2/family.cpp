// The family `qwen2`: from a folder to an engine, in bounded steps.
#include <memory>
#include <utility>

#include "codec/json.hpp"
#include "core/nearest.hpp"
#include "models/model.hpp"
#include "models/qwen2/engine.hpp"
#include "models/qwen2/folder.hpp"
#include "models/qwen2/text_request.hpp"
#include "models/qwen2/weight_loader.hpp"

namespace troupe {
namespace {

using kernels::WeightFormat;

class Qwen2Loader : public Loader {
 public:
  Qwen2Loader(Context& ctx, std::string name, Qwen2WeightLoader weights,
              Qwen2Text text, Qwen2Plan plan)
      : ctx_{&ctx},
        name_{std::move(name)},
        weights_{std::move(weights)},
        text_{std::move(text)},
        plan_{std::move(plan)} {}

  std::span<const Component> components() const override {
    return plan_.components;
  }

  Result<LoadProgress> step() override {
    auto progress = weights_.step();
    if (!progress || !progress->done()) return progress;
    auto model = std::make_unique<Qwen2Model>(
        Qwen2Model{weights_.take(), std::move(text_), plan_, name_});
    auto engine = Qwen2Engine::make(*ctx_, std::move(model));
    if (!engine) return engine.error();
    engine_ = std::move(*engine);
    return progress;
  }

  std::string remark() const override { return weights_.remark(); }

  std::unique_ptr<Engine> take() override { return std::move(engine_); }

 private:
  Context* ctx_;
  std::string name_;
  Qwen2WeightLoader weights_;
  Qwen2Text text_;
  Qwen2Plan plan_;
  std::unique_ptr<Qwen2Engine> engine_;
};

const std::string kAuto = "auto";

// What kAuto, an empty setting, means: the numbers as they are stored, where we
// compute in them.
Result<WeightFormat> format_of(const std::filesystem::path& dir,
                               const std::string& setting) {
  if (setting.empty()) {
    const auto folder = WeightFolder::open(dir);
    if (!folder) return folder.error();
    const auto head = folder->tensors().find("model.embed_tokens.weight");
    const bool is_bf16 = head != folder->tensors().end() &&
                         head->second.tensor->type == StoredType::bf16;
    return is_bf16 ? WeightFormat::bf16 : WeightFormat::f32;
  }
  return enum_named(setting, kernels::kLastWeightFormat);
}

Result<std::unique_ptr<Loader>> open(const ModelSource& source,
                                     const std::string& setting, Context& ctx) {
  const auto& dir = source.folder;
  const auto format = format_of(dir, setting);
  if (!format) return format.error();
  auto weights = Qwen2WeightLoader::open(source, *format, ctx);
  if (!weights) return weights.error();
  auto plan = plan_qwen2(ctx, weights->config(), *format);
  if (!plan) return plan.error();
  auto text = load_qwen2_text(dir, &weights->config());
  if (!text) return text.error();
  return std::unique_ptr<Loader>{
      std::make_unique<Qwen2Loader>(ctx, called(source), std::move(*weights),
                                    std::move(*text), std::move(*plan))};
}

Result<std::vector<Component>> plan(const std::filesystem::path& dir,
                                    const std::string& setting,
                                    const Context& ctx) {
  const auto config = load_qwen2_config(dir);
  if (!config) return config.error();
  const auto format = format_of(dir, setting);
  if (!format) return format.error();
  auto plan = plan_qwen2(ctx, *config, *format);
  if (!plan) return plan.error();
  return std::move(plan->components);
}

Result<RequestLimits> limits(const std::filesystem::path& dir) {
  const auto folder = open_qwen2_folder(dir);
  if (!folder) return folder.error();
  const auto room = qwen2_room(folder->config);
  const auto& text = folder->text;
  return RequestLimits{
      .sequence = room.sequence,
      .pages = room.pages,
      .tokens = static_cast<std::int64_t>(text.tokenizer.size()),
      .why_no_chat = text.chat ? std::string{} : text.why_no_chat.message};
}

// One that the kind refuses means nothing here.
std::string setting(const Request& request) {
  const auto json = parse_json(request.params);
  const bool named = json && json->is_object() && json->contains("dtype") &&
                     (*json)["dtype"].is_string();
  const auto dtype = named ? (*json)["dtype"].get<std::string>() : kAuto;
  return enum_named(dtype, kernels::kLastWeightFormat) ? dtype : std::string{};
}

constexpr std::string_view kKinds[] = {"text.generate", "text.enhance"};

}  // namespace

extern const ModelFamily qwen2_family;
const ModelFamily qwen2_family{
    "qwen2", kKinds,           open,   plan,
    setting, kEngineSequences, limits, beyond_text_limits};

}  // namespace troupe
