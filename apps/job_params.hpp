// Parameters as the command line states them: --params, --param and, for
// process.run, the words that stand for some of them.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/job_options.hpp"

namespace troupe {

/// NAME and VALUE of `text`; a fault of `option` and empty texts otherwise.
std::pair<std::string, std::string> split_pair(const std::string& option,
                                               const std::string& text,
                                               std::vector<Fault>& faults);

/// A parameter whose value travels as an input file of its name: what
/// NAME=@FILE asks for, and what is too long for a job's parameters.
struct ParamFile {
  std::string name;
  std::filesystem::path path;
  std::string bytes;  // Without a path: these.
};

class JobParams {
 public:
  /// All three outlive it; `kind` may be null: unknown.
  JobParams(const JobOptions& options, const Kind* kind,
            std::vector<Fault>& faults)
      : options_{options}, kind_{kind}, faults_{faults} {}

  /// Once. What is wrong is added to the faults.
  void read();

  const Json& all() const { return params_; }
  /// Whether all() is what --params said: else nothing follows from it.
  bool are_known() const { return known_; }
  const std::vector<ParamFile>& files() const { return files_; }
  bool contains(const std::string& name) const {
    return params_.contains(name);
  }

 private:
  void fault(const std::string& path, std::string message);
  void repeated(const std::string& option, const std::string& json);
  bool is_broken(const std::string& option, const std::string& name,
                 const std::string& value, const Result<Json>& json);
  void everything();
  void set(const std::string& option, const std::string& name,
           const std::string& value);
  void add_to_list(const std::string& option, const std::string& name,
                   const std::string& value);
  bool name_file(const std::string& name, const std::string& value);
  void move_long();
  void words();
  void command();
  void set_variable(const std::string& name, const std::string& value);
  void no_words();

  const JobOptions& options_;
  const Kind* kind_;
  std::vector<Fault>& faults_;
  Json params_ = Json::object();
  bool known_ = true;
  std::vector<ParamFile> files_;
  std::set<std::string, std::less<>> given_;  // Parameters by --param.
};

}  // namespace troupe
