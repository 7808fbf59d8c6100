#include "apps/render/json.hpp"

#include "apps/render/amounts.hpp"

namespace troupe::render {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? to_json(*value) : Json(nullptr);
}

/// "NAME_ms" and "NAME", both null when the time is not known.
void put_time(Json& out, const std::string& name,
              const std::optional<UnixMs>& time) {
  out[name + "_ms"] = time ? Json(*time) : Json(nullptr);
  out[name] = time ? Json(utc(*time)) : Json(nullptr);
}

Json percent_of(const JobView& view) {
  if (view.state == JobState::succeeded) return 100.0;
  if (!view.progress || view.progress->percent < 0) return nullptr;
  return view.progress->percent;
}

/// Without a percentage where there is none.
Json progress_json(const Progress& progress) {
  auto out = to_json(progress);
  if (progress.percent < 0) out.erase("percent");
  return out;
}

std::optional<UnixMs> some(UnixMs time) {
  return time > 0 ? std::optional<UnixMs>(time) : std::nullopt;
}

}  // namespace

Json stored(const std::string& text) {
  if (text.empty()) return nullptr;
  auto json = parse_json(text);
  return json ? *json : Json(text);
}

Json job(const JobView& view) {
  const auto& spec = view.spec;
  Json out = Json::object();
  out["id"] = to_string(spec.id);
  out["kind"] = spec.kind;
  out["state"] = to_string(view.state);
  out["phase"] = to_string(view.phase);
  out["attempt"] = view.attempt;
  out["progress"] = percent_of(view);
  out["progress_detail"] =
      view.progress ? progress_json(*view.progress) : Json(nullptr);
  out["failure"] = or_null(view.failure);
  out["result"] = stored(view.result);
  out["artifacts"] = to_json(view.artifacts);
  put_time(out, "submitted", some(spec.submitted_ms));
  put_time(out, "started", view.started_ms);
  put_time(out, "ended", view.ended_ms);
  out["seq"] = view.seq;
  out["device"] = view.device.empty() ? Json(nullptr) : Json(view.device);
  put_time(
      out, "not_before",
      view.not_before_ms > 0 ? some(view.not_before_ms) : spec.not_before_ms);
  put_time(out, "deadline", spec.deadline_ms);
  out["model"] = spec.model.empty() ? Json(nullptr) : Json(spec.model);
  out["priority"] = to_string(spec.priority);
  out["tags"] = spec.tags;
  out["tenant"] = spec.tenant;
  out["submitted_by"] = spec.submitted_by;
  out["parent"] = or_null(spec.parent);
  out["depends_on"] = to_json(spec.depends_on);
  out["inputs"] = to_json(spec.inputs);
  out["bindings"] = to_json(spec.bindings);
  out["timeout_ms"] = or_null(spec.timeout_ms);
  out["retry"] = to_json(spec.retry);
  out["on_lost"] = to_string(spec.on_lost);
  out["memory_bytes"] = spec.memory_bytes;
  out["params"] = stored(spec.params);
  return out;
}

Json error(const Error& error) {
  Json out = Json::object();
  out["code"] = to_string(error.code);
  out["message"] = error.message;
  if (!error.faults.empty()) out["faults"] = to_json(error.faults);
  if (error.retry_after_ms > 0) out["retry_after_ms"] = error.retry_after_ms;
  return out;
}

Json submitted(const SubmitAnswer& answer) {
  Json out = Json::object();
  out["id"] = to_string(answer.id);
  if (answer.error) {
    out["error"] = error(*answer.error);
    return out;
  }
  out["state"] = to_string(answer.state);
  if (answer.existed) out["existed"] = true;
  return out;
}

Json event(const LogEntry& entry) {
  const auto& change = entry.change;
  Json out = Json::object();
  out["seq"] = change.seq;
  out["time"] = utc(change.time_ms);
  out["time_ms"] = change.time_ms;
  out["type"] = to_string(change.type);
  out["job"] = change.job ? Json(to_string(change.job)) : Json(nullptr);
  out["attempt"] = change.attempt;
  out["index"] = entry.index;
  out["epoch"] = entry.epoch;
  if (auto state = state_after(change)) out["state"] = to_string(*state);
  if (change.start) {
    out["device"] = change.start->device;
    out["memory_bytes"] = change.start->memory_bytes;
    out["decision"] = stored(change.start->decision);
  }
  if (change.requeue) {
    out["failure"] = to_json(change.requeue->failure);
    out["not_before_ms"] = or_null(some(change.requeue->not_before_ms));
    out["failures"] = change.requeue->failures;
    out["crashes"] = change.requeue->crashes;
  }
  if (change.end) {
    out["failure"] = or_null(change.end->failure);
    out["result"] = stored(change.end->result);
    out["artifacts"] = to_json(change.end->artifacts);
  }
  if (change.note) {
    out["name"] = change.note->name;
    out["data"] = stored(change.note->data);
    if (!change.note->by.empty()) out["by"] = change.note->by;
  }
  return out;
}

Json event(const LiveEvent& event) {
  Json out = Json::object();
  out["after_seq"] = event.after_seq;
  out["n"] = event.n;
  out["time"] = utc(event.time_ms);
  out["time_ms"] = event.time_ms;
  out["type"] = to_string(event.type);
  out["job"] = to_string(event.job);
  out["attempt"] = event.attempt;
  if (event.progress) out["progress"] = progress_json(*event.progress);
  if (event.log) out["log"] = to_json(*event.log);
  if (!event.token.empty()) out["token"] = event.token;
  if (event.index) out["index"] = *event.index;
  if (event.choice) out["choice"] = *event.choice;
  return out;
}

}  // namespace troupe::render
