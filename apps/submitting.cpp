#include "apps/submitting.hpp"

#include "apps/local_files.hpp"
#include "apps/model_names.hpp"
#include "apps/model_uses.hpp"
#include "apps/render/bar.hpp"
#include "apps/render/table.hpp"
#include "cluster/client_folder.hpp"
#include "core/clock.hpp"
#include "kinds/kinds.hpp"
#include "kinds/submit_check.hpp"

namespace troupe {
namespace {

constexpr std::int64_t kRedrawMs = 100;
constexpr std::int64_t kMaxRetries = 1'000'000;  // The node allows fewer.

/// Each use of the option takes one value; an empty one is judged with the job.
void many(CLI::App& command, Invocation& call, const std::string& name,
          std::vector<std::string>& values, const std::string& help,
          const std::string& type) {
  call.may_be_empty.push_back(command.add_option(name, values, help)
                                  ->type_name(type)
                                  ->allow_extra_args(false));
}

CLI::Option* one(CLI::App& command, const std::string& name, std::string& value,
                 const std::string& help, const std::string& type) {
  return command.add_option(name, value, help)->type_name(type);
}

std::string kinds_help(const Kinds& kinds, const CLI::Option& kind_option) {
  if (kind_option.count() > 0)
    if (const auto* kind = find_kind(kinds, kind_option.results().front()))
      return "\n" + param_help(*kind);
  std::string text =
      "\nKinds (parameters of one: troupe submit KIND --help):\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto* kind : kinds)
    rows.push_back(
        {"  " + std::string(kind->name), std::string(kind->summary)});
  return text + render::table(rows);
}

}  // namespace

std::shared_ptr<JobOptions> add_job_options(CLI::App& command,
                                            Invocation& call) {
  auto o = std::make_shared<JobOptions>();
  auto* kind = command.add_option("kind", o->kind, "What the job does")
                   ->type_name("KIND");
  many(command, call, "-p,--param", o->params,
       "A parameter; read as JSON where the kind asks for no text",
       "NAME=VALUE");
  one(command, "--params", o->all_params, "All parameters as a JSON object",
      "JSON");
  many(command, call, "-i,--input", o->inputs,
       "A file the job finds under NAME: a local one, NAME=ID:OUTPUT of an "
       "earlier job, or NAME=sha256:HASH",
       "NAME=FILE");
  many(command, call, "--from", o->bindings,
       "A parameter taken from the result of an earlier job",
       "NAME=ID:/POINTER");
  many(command, call, "--after", o->after, "Wait until this job has succeeded",
       "ID");
  many(command, call, "-t,--tag", o->tags, "A word to find the job by", "TAG");
  one(command, "--priority", o->priority, "low, normal or high", "CLASS");
  one(command, "--model", o->model, "The model, for kinds that need one",
      "NAME");
  one(command, "--device", o->device, "Run there and nowhere else", "NAME");
  one(command, "--parent", o->parent, "Group under this job", "ID");
  one(command, "--id", o->id, "The job's own id, so that asking again is safe",
      "ID");
  one(command, "--timeout", o->timeout, "Of one attempt: 30s, 1h30m",
      "DURATION");
  one(command, "--memory", o->memory, "Reserved before the start: 512M, 2G",
      "SIZE");
  one(command, "--not-before", o->not_before, "+10m or 2026-11-21T09:30:00Z",
      "TIME");
  one(command, "--deadline", o->deadline, "Expires if not done by then",
      "TIME");
  one(command, "--on-lost", o->on_lost,
      "retry or fail, when its node or device went away under it", "WHAT");
  add_number(command, "--retries", o->retries,
             "Tries after the first, a failing command included", "N", 0,
             kMaxRetries);
  many(command, call, "-o,--output", o->outputs, "process.run: a file to keep",
       "PATTERN");
  many(command, call, "--progress", o->progress,
       "process.run: how its output tells progress (percent, tqdm, steps, "
       "loss, learning_rate, eta, ffmpeg)",
       "RULE");
  many(command, call, "--env", o->env, "process.run: a variable", "NAME=VALUE");
  command.footer(
      [&call, kind] { return kinds_help(call.session.kinds, *kind); });
  return o;
}

Result<std::filesystem::path> model_folder_here(const Invocation& call,
                                                const std::string& model) {
  const auto data = call.session.data();
  if (!data) return data.error();
  if (cluster::is_client_folder(data->path)) return std::filesystem::path{};
  return named_model(model_places(data->path), model);
}

Result<DraftJob> draft_of(const Invocation& call, JobOptions options) {
  options.argv = call.rest;
  const auto& kinds = call.session.kinds;
  // Of a node elsewhere the models cannot be seen from here.
  const auto of_model = [&](const JobSpec& spec) {
    const auto data = call.session.node_folder();
    return data ? model_faults(model_places(*data), spec)
                : std::vector<Fault>{};
  };
  auto draft = draft_job(options, kinds, system_wall_clock().now(), &file_fault,
                         of_model);
  if (!draft) return draft;
  auto faults = draft_faults(draft->spec, kinds, of_model);
  if (!faults.empty()) return submit_error(std::move(faults));
  if (draft->spec.model.empty()) return draft;
  if (auto there = model_folder_here(call, draft->spec.model); !there)
    return there.error();
  return draft;
}

Status model_fits(const Invocation& call, const JobSpec& spec) {
  const auto data = call.session.node_folder();
  if (!data) return ok();
  auto faults = model_faults(model_places(*data), spec);
  if (faults.empty()) return ok();
  return submit_error(std::move(faults));
}

Result<JobSpec> prepare_job(Invocation& call, DraftJob draft) {
  auto client = call.session.client();
  if (!client) return client.error();
  for (const auto& file : draft.files) {
    auto& input = draft.spec.inputs[file.input];
    TransferBar bar{call.session.terminal, input.name};
    client::UploadOptions upload;
    upload.name = input.name;
    upload.progress = [&bar](std::uint64_t done, std::uint64_t total) {
      bar(done, total);
    };
    auto stored = file.path.empty()
                      ? (*client)->upload_bytes(file.bytes, upload)
                      : (*client)->upload(file.path, upload);
    if (!stored) return stored.error();
    input.sha256 = stored->sha256;
  }
  if (!draft.spec.id) draft.spec.id = (*client)->new_id();
  return std::move(draft.spec);
}

TransferBar::TransferBar(const Terminal& terminal, std::string name)
    : terminal_{terminal},
      name_{std::move(name)},
      began_ms_{system_steady_clock().now()} {}

TransferBar::~TransferBar() {
  if (shown_ms_ != 0) terminal_.err << "\r\x1b[K" << std::flush;
}

void TransferBar::operator()(std::uint64_t done, std::uint64_t total) {
  if (!terminal_.draws_bars) return;
  const auto now = system_steady_clock().now();
  // What is done in no time needs no bar.
  if (now - began_ms_ < 2 * kRedrawMs || now - shown_ms_ < kRedrawMs) return;
  shown_ms_ = now;
  const auto seconds = static_cast<double>(now - began_ms_) / 1e3;
  terminal_.err << "\r\x1b[K"
                << render::transfer_line(
                       name_, done, total, static_cast<double>(done) / seconds,
                       {terminal_.columns, terminal_.colour, terminal_.unicode})
                << std::flush;
}

}  // namespace troupe
