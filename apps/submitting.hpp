// What `submit` and `run` share: the options of a job, and bringing its local
// files to the node before it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "apps/command_line.hpp"
#include "apps/job_options.hpp"

namespace troupe {

/// Adds every option of JobOptions to `command`.
std::shared_ptr<JobOptions> add_job_options(CLI::App& command,
                                            Invocation& call);

/// The folder of a model, where the node's models can be seen from here; empty:
/// they cannot (a client elsewhere). Errors: those of named_model().
Result<std::filesystem::path> model_folder_here(const Invocation& call,
                                                const std::string& model);

/// What the options say, with the command after "--". Errors: those of
/// draft_job() and model_folder_here(); all of them misuse.
Result<DraftJob> draft_of(const Invocation& call, JobOptions options);

/// What a node with the models here would say of the job's, whose files are
/// looked at. Errors: invalid_argument, with a fault per thing wrong.
Status model_fits(const Invocation& call, const JobSpec& spec);

/// The specification, with its files uploaded. Errors: those of
/// Client::upload().
Result<JobSpec> prepare_job(Invocation& call, DraftJob draft);

/// Shows how far an upload or download is, where people watch.
class TransferBar {
 public:
  TransferBar(const Terminal& terminal, std::string name);
  ~TransferBar();
  void operator()(std::uint64_t done, std::uint64_t total);

 private:
  const Terminal& terminal_;
  std::string name_;
  std::int64_t began_ms_;
  std::int64_t shown_ms_ = 0;
};

}  // namespace troupe
