// Any order of commands against the plain model of plain_queue.hpp.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <tuple>

#include "tests/actors/plain_queue.hpp"
#include "tests/actors/schedule_desk.hpp"

namespace troupe {
namespace {

struct Step {
  std::uint32_t verb = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};
void showValue(const Step& s, std::ostream& os) {
  os << s.verb % 20 << "(" << s.a << "," << s.b << ")";
}

/// One schedule, one model, the same commands for both.
class Pair {
 public:
  explicit Pair(ScheduleDefects defects) {
    desk.strict = false;
    desk.hold_submits = true;
    desk.options.defects = defects;
    desk.options.limits.ageing_step_ms = 20'000;
    desk.restart();
    model.limits = desk.options.limits;
    for (const auto& info : {device("a", 2, 4), device("b", 3, 6)}) {
      model.devices[info.name] = info;
      model.up.insert(info.name);
    }
    raise_devices();
  }

  /// What is wrong after this step, or nothing.
  std::optional<std::string> take(const Step& s) {
    model.now = desk.now;
    std::optional<std::string> wrong = perform(s);
    if (!wrong) wrong = compare();
    return wrong;
  }

 private:
  std::optional<std::string> perform(const Step& s) {
    switch (s.verb % 20) {
      case 0:
      case 1:
      case 2:
      case 3:
        submit(s);
        break;
      case 4:
      case 5:
      case 6:
        while (!desk.held.empty()) commit();
        break;
      case 7:
        if (!desk.held.empty()) desk.refuse_next();
        break;
      case 8:
        if (const auto id = pick(s.a)) {
          desk.cancel(*id);
          model.cancel(*id);
        }
        break;
      case 9:
      case 10:
      case 11:
        return plan();
      case 12:
      case 13:
        return end(s, true);
      case 14:
        return end(s, false);
      case 15:
        for (const auto& [id, token] : desk.tokens)
          if (s.a % 4 != 0 || id.lo % 2 == 0) {
            desk.renew(id);
            model.renew(id);
          }
        break;
      case 16:
      case 17:
        desk.advance(1 + s.a % 9'000);
        model.now = desk.now;
        model.tick();
        break;
      case 18:
        order(s);
        break;
      default:
        rare(s);
    }
    return std::nullopt;
  }

  void submit(const Step& s) {
    JobSpec spec = desk.spec();
    spec.priority = static_cast<Priority>(1 + s.a % 3);
    spec.tenant = s.a / 3 % 2 ? "t" : "u";
    spec.kind = s.a / 6 % 4 == 0 ? "other" : "work";
    spec.memory_bytes = s.a / 24 % 6;
    spec.retry.max_attempts = 1 + s.b % 4;
    if (s.b / 4 % 5 == 0) spec.not_before_ms = desk.now.wall + s.b % 7'000;
    if (s.b / 20 % 5 == 0) spec.deadline_ms = desk.now.wall + s.b % 40'000;
    if (s.b / 100 % 4 == 0) spec.on_lost = OnLost::fail;
    if (s.b / 400 % 3 == 0)
      for (const std::uint32_t n : {s.a, s.b})
        if (const auto on = pick(n);
            on && model.jobs.at(*on).spec.tenant == spec.tenant)
          spec.depends_on.push_back(*on);
    desk.offer(std::move(spec));
  }

  void commit() {
    const JobSpec spec = *desk.held.front().spec;
    desk.commit_next();
    model.commit(spec, desk.jobs.at(spec.id).spec_index);
  }

  std::optional<std::string> plan() {
    const auto ids = desk.plan();
    const std::set<JobId> round(ids.begin(), ids.end());
    for (const JobId id : ids)
      if (auto wrong = model.start(id, desk.where.at(id), round)) return wrong;
    if (const auto id = model.left_over())
      return to_string(*id) + " could start and did not";
    return std::nullopt;
  }

  /// Of the newest attempt, or (late) of the one before; at times of an attempt
  /// of that number in an earlier life of the node, whose start was not yet on
  /// disk when that ended.
  std::optional<std::string> end(const Step& s, bool newest) {
    if (desk.tokens.empty()) return std::nullopt;
    auto at = desk.tokens.begin();
    std::advance(at, s.a % desk.tokens.size());
    Token token = at->second;
    if (!newest && --token.attempt == 0) return std::nullopt;
    if (s.b / 8 % 6 == 0) --token.epoch;
    const bool good = s.b % 2 == 0;
    const auto klass = static_cast<FailureClass>(1 + s.b / 2 % 4);
    const bool counts = model.accepts(token.job, token.attempt) &&
                        token.epoch == desk.options.epoch;
    const bool taken =
        static_cast<bool>(desk.end(token, good ? succeeded() : failed(klass)));
    if (taken != counts)
      return to_string(token.job) +
             (taken ? ": a late end was accepted" : ": a good end was refused");
    if (counts)
      model.end(token.job, good ? JobState::succeeded : JobState::failed,
                klass);
    else if (model.jobs.contains(token.job))
      stale(model.jobs.at(token.job), token);
    return std::nullopt;
  }

  /// A stale end of the current attempt shows that its lease is over.
  void stale(PlainJob& job, const Token& token) {
    if (job.state != JobState::running || job.attempt != token.attempt ||
        token.epoch != desk.options.epoch)
      return;
    model.lose(job);
    model.tick();
    desk.advance(0);
  }

  void order(const Step& s) {
    const auto verb = s.a % 2 ? ControlVerb::pause : ControlVerb::resume;
    const auto set = [&](auto& names, const std::string& name) {
      if (verb == ControlVerb::pause)
        names.insert(name);
      else
        names.erase(name);
    };
    switch (s.b % 3) {
      case 0:
        std::ignore = desk.order(verb);
        model.paused = verb == ControlVerb::pause;
        break;
      case 1:
        std::ignore = desk.order(verb, "other");
        set(model.paused_kinds, "other");
        break;
      default:
        std::ignore = desk.order(verb, "", "a");
        set(model.paused_devices, "a");
    }
  }

  void rare(const Step& s) {
    const std::string name = s.b % 2 ? "a" : "b";
    if (s.a % 6 < 3) {
      desk.down(name);
      model.device_down(name);
    } else if (s.a % 6 == 3) {
      desk.crash();
      model.restart(true);
      raise_devices();
    } else if (s.a % 6 == 4) {
      desk.restart();
      model.restart(false);
      raise_devices();
    } else {
      model.up.insert(name);
      raise_devices();
    }
  }

  /// What the shell does after a start: devices come up, orders are restored.
  void raise_devices() {
    for (const auto& name : model.up) {
      DeviceInfo info = model.devices.at(name);
      info.kinds = {"work", "other"};
      desk.up(info);
    }
    const auto pause = [&](std::string kind, std::string dev) {
      desk.schedule->restore_control({ControlVerb::pause, kind, dev, ""});
    };
    if (model.paused) pause("", "");
    for (const auto& kind : model.paused_kinds) pause(kind, "");
    for (const auto& dev : model.paused_devices) pause("", dev);
  }

  std::optional<JobId> pick(std::uint32_t n) const {
    if (model.jobs.empty()) return std::nullopt;
    auto at = model.jobs.begin();
    std::advance(at, n % model.jobs.size());
    return at->first;
  }

  std::optional<std::string> compare() {
    if (!desk.faults.empty()) return desk.faults.front();
    for (auto& [id, job] : model.jobs) {
      const JobSummary& is = desk.jobs.at(id);
      const auto differs = [&id = id](const char* what, auto a, auto b) {
        return to_string(id) + ": " + what + " is " + std::to_string(a) +
               ", expected " + std::to_string(b);
      };
      if (is.state != job.state)
        return to_string(id) + " is " + std::string(to_string(is.state)) +
               ", expected " + std::string(to_string(job.state));
      if (is.attempt != job.attempt)
        return differs("attempt", is.attempt, job.attempt);
      if (is_terminal(job.state)) continue;
      if (is.failures != job.failures)
        return differs("failures", is.failures, job.failures);
      if (is.crashes != job.crashes)
        return differs("crashes", is.crashes, job.crashes);
      // The jitter is drawn; that it is in bounds is tested beside.
      if (desk.requeues.contains(id))
        job.ready_at = desk.now.steady + desk.requeues.at(id).not_before_ms -
                       desk.now.wall;
    }
    if (desk.jobs.size() != model.jobs.size()) return "a job too many";
    for (const LedgerReport& report : desk.ledger.report()) {
      if (report.reserved_bytes > report.total_bytes)
        return "more is reserved on " + report.device + " than it has";
      if (report.reserved_bytes != model.used_bytes(report.device))
        return "what is reserved on " + report.device + " is not what runs";
    }
    return std::nullopt;
  }

  Desk desk;
  PlainQueue model;
};

std::string first_wrong(ScheduleDefects defects,
                        const std::vector<Step>& steps) {
  Pair pair{defects};
  for (const Step& step : steps)
    if (auto wrong = pair.take(step)) return *wrong;
  return "";
}

TEST(ScheduleModel, AnyOrderOfCommandsGivesWhatThePlainModelSays) {
  const auto number = rc::gen::inRange<std::uint32_t>(0, 100'000);
  const auto step = rc::gen::construct<Step>(
      rc::gen::inRange<std::uint32_t>(0, 20), number, number);
  for (int round = 0; round < 5; ++round)
    ASSERT_TRUE(rc::check([&] {
      const auto steps =
          *rc::gen::resize(300, rc::gen::container<std::vector<Step>>(step));
      RC_ASSERT(first_wrong({}, steps) == "");
    }));
}

/// The first thing wrong in any of 300 seeded runs; empty: none.
std::string wrong_within_seeds(ScheduleDefects defects) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto random = seeded_random(seed);
    std::vector<Step> steps(300);
    for (Step& s : steps)
      s = {static_cast<std::uint32_t>(random->next() % 20),
           static_cast<std::uint32_t>(random->next() % 100'000),
           static_cast<std::uint32_t>(random->next() % 100'000)};
    if (auto wrong = first_wrong(defects, steps); !wrong.empty()) return wrong;
  }
  return "";
}

TEST(ScheduleModel, FindsNothingInThreeHundredSeededRuns) {
  EXPECT_EQ(wrong_within_seeds({}), "");
}

TEST(ScheduleModel, CatchesALateAttemptThatIsAccepted) {
  EXPECT_NE(wrong_within_seeds({.accept_late_attempt = true}).find("late end"),
            std::string::npos);
}

TEST(ScheduleModel, CatchesALostReservation) {
  EXPECT_NE(wrong_within_seeds({.lose_reservation = true}).find("reserved"),
            std::string::npos);
}

TEST(ScheduleModel, CatchesASkippedEventNumber) {
  EXPECT_NE(wrong_within_seeds({.skip_seq = true}).find("gap"),
            std::string::npos);
}

TEST(ScheduleModel, CatchesThatAgeingIsOff) {
  EXPECT_NE(wrong_within_seeds({.no_ageing = true}).find("overtook"),
            std::string::npos);
}

}  // namespace
}  // namespace troupe
