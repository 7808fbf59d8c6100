// The smallest family: gives its text back in `steps` steps. The template for
// a new family, and the work of tests and of trying a node out. Its kind
// (kinds/echo) checks the parameters; the text "boom" fails in its first step.
#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <thread>

#include "codec/json.hpp"
#include "models/model.hpp"

namespace troupe {
namespace {

constexpr std::size_t kMaxRuns = 64;
constexpr std::uint64_t kRunBytes = 4096;
constexpr std::int64_t kMaxStepMs = 200;

class EchoEngine : public Engine {
 public:
  Result<RunId> admit(const Request& request) override {
    if (runs_.size() == kMaxRuns)
      return Error{Errc::out_of_memory, "all runs of echo are taken"};
    auto params = Json::parse(request.params, nullptr, false);
    if (!params.is_object() || !params.contains("text") ||
        !params["text"].is_string())
      return Error{Errc::invalid_argument, "params.text is missing"};
    Run run{.text = params["text"].get<std::string>()};
    run.steps = std::max<std::int64_t>(params.value("steps", 1), 1);
    run.step_ms =
        std::clamp<std::int64_t>(params.value("step_ms", 0), 0, kMaxStepMs);
    runs_.emplace(next_id_, std::move(run));
    return next_id_++;
  }

  void cancel(RunId run) override { runs_.erase(run); }

  StepReport step() override {
    StepReport report;
    std::int64_t step_ms = 0;  // All runs step together.
    for (const auto& [id, run] : runs_)
      step_ms = std::max(step_ms, run.step_ms);
    if (step_ms > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(step_ms));
    for (auto& [id, run] : runs_) step_one(id, run, report.events);
    std::erase_if(runs_, [](const auto& entry) { return entry.second.ended; });
    return report;
  }

 private:
  struct Run {
    std::string text;
    std::int64_t steps = 1;
    std::int64_t step_ms = 0;
    std::int64_t done = 0;
    bool ended = false;
  };

  static void step_one(RunId id, Run& run, std::vector<RunEvent>& events) {
    if (run.text == "boom") {
      run.ended = true;
      events.push_back({id, Error{Errc::corrupt, "the text is boom"}});
      return;
    }
    events.push_back({id, StepProgress{++run.done, run.steps}});
    run.ended = run.done == run.steps;
    if (run.ended)
      events.push_back({id, Finished{dump_json(Json{{"text", run.text}})}});
  }

  std::map<RunId, Run> runs_;
  RunId next_id_ = 1;
};

class EchoLoader : public Loader {
 public:
  std::span<const Component> components() const override { return components_; }
  Result<LoadProgress> step() override {
    return LoadProgress{kMaxRuns * kRunBytes, kMaxRuns * kRunBytes};
  }
  std::unique_ptr<Engine> take() override {
    return std::make_unique<EchoEngine>();
  }

 private:
  std::array<Component, 1> components_{
      Component{"runs", kMaxRuns* kRunBytes},
  };
};

Result<std::unique_ptr<Loader>> open(const ModelSource&, const std::string&,
                                     Context&) {
  return std::unique_ptr<Loader>{std::make_unique<EchoLoader>()};
}

Result<std::vector<Component>> plan(const std::filesystem::path&,
                                    const std::string&, const Context&) {
  const auto components = EchoLoader{}.components();
  return std::vector<Component>{components.begin(), components.end()};
}

constexpr std::string_view kKinds[] = {"echo"};

}  // namespace

extern const ModelFamily echo_family;
const ModelFamily echo_family{"echo", kKinds, open, plan, nullptr, kMaxRuns};

}  // namespace troupe
