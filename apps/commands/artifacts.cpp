// troupe artifacts: files into and out of the node.
#include <algorithm>

#include "apps/commands/commands.hpp"
#include "apps/fetching.hpp"
#include "apps/local_files.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/table.hpp"
#include "apps/submitting.hpp"

namespace troupe::commands {
namespace {

namespace fs = std::filesystem;

struct PutOptions {
  std::vector<std::string> files;
  std::string name;
  std::string media_type;
};

ExitCode put(Invocation& call, const PutOptions& options) {
  if (!options.name.empty() && options.files.size() > 1)
    return call.misused("--name is for one file");
  for (const auto& file : options.files)
    if (auto wrong = file_fault(file); !wrong.empty())
      return call.misused(wrong);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  for (const auto& file : options.files) {
    client::UploadOptions upload;
    upload.name = options.name;
    upload.media_type = options.media_type;
    Result<ArtifactRef> stored = Error{};
    {
      TransferBar bar{call.session.terminal, fs::path(file).filename()};
      upload.progress = [&bar](std::uint64_t done, std::uint64_t total) {
        bar(done, total);
      };
      stored = (*client)->upload(file, upload);
    }
    if (!stored) return call.fail(stored.error());
    if (call.json)
      call.print(to_json(*stored));
    else
      call.out() << stored->sha256 << "  " << render::printable(stored->name)
                 << "  " << render::bytes(stored->bytes) << "\n";
  }
  return ExitCode::ok;
}

struct GetOptions {
  std::string what;
  std::string name;
  std::string to;
};

bool is_hash(const std::string& text) {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string names_of(const JobView& job) {
  std::string names;
  for (const auto& file : job.artifacts)
    names += (names.empty() ? "" : ", ") + file.name;
  return names.empty() ? "it has none" : "it has " + names;
}

/// The files of a job that were asked for: one by name, or all.
Result<std::vector<ArtifactRef>> files_of(client::Client& client, JobId id,
                                          const std::string& name) {
  auto job = client.show(id);
  if (!job) return job.error();
  std::vector<ArtifactRef> found;
  for (const auto& file : job->artifacts)
    if (name.empty() || file.name == name) found.push_back(file);
  if (!found.empty()) return found;
  return Error{Errc::not_found,
               to_string(id) + " (" + std::string(to_string(job->state)) +
                   ") has no " +
                   (name.empty() ? "files" : "file '" + name + "'") + "; " +
                   names_of(*job)};
}

Result<std::vector<ArtifactRef>> find(client::Client& client,
                                      const GetOptions& options) {
  if (auto id = parse_job_id(options.what))
    return files_of(client, *id, options.name);
  return std::vector<ArtifactRef>{{options.what, options.what, 0, ""}};
}

/// Where `count` files go: a folder that must be there, beneath which their
/// names may make more, and for a single file perhaps a name of its own.
struct Target {
  fs::path folder;
  fs::path name;  // Empty: the file's.

  fs::path of(const ArtifactRef& file) const {
    return folder / (name.empty() ? fs::path{file.name} : name);
  }
};

Target target(const std::string& to, std::size_t count) {
  std::error_code ignored;
  if (to.empty()) return {".", {}};
  if (count > 1 || to.ends_with('/') || fs::is_directory(to, ignored))
    return {to, {}};
  const fs::path path{to};
  return {path.parent_path(), path.filename()};
}

std::string fault_of(const Target& target) {
  const auto folder = target.folder.empty() ? fs::path{"."} : target.folder;
  if (auto wrong = folder_fault(folder); !wrong.empty()) return wrong;
  if (target.name.empty()) return {};
  return target_fault(target.folder / target.name);
}

ExitCode get(Invocation& call, const GetOptions& options) {
  if (!is_hash(options.what) && !parse_job_id(options.what))
    return call.misused("'" + options.what +
                        "' is neither a job's id (26 letters and digits) nor "
                        "a SHA-256 (64 hexadecimal digits in lower case)");
  if (is_hash(options.what) && !options.name.empty())
    return call.misused("'" + options.name +
                        "' names one of a job's files; a SHA-256 needs no "
                        "name, leave it out");
  if (options.to == "-" && call.json)
    return call.misused("--output - prints the file itself, not JSON");
  if (options.to != "-")
    if (auto wrong = fault_of(target(options.to, 1)); !wrong.empty())
      return call.misused("--output: " + wrong);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto files = find(**client, options);
  if (!files) return call.fail(files.error());
  if (options.to == "-") {
    if (files->size() > 1)
      return call.misused("which file? Name one after the job's id");
    auto printed = print_artifact(**client, files->front().sha256, call.out());
    return printed ? ExitCode::ok : call.fail(printed.error());
  }
  const auto place = target(options.to, files->size());
  if (auto wrong = fault_of(place); !wrong.empty())
    return call.misused("--output: " + wrong);
  for (const auto& file : *files) {
    const auto to = place.of(file);
    if (auto made = make_named_folder(to.parent_path()); !made)
      return call.misused("--output: " + made.error().message);
    if (auto wrong = target_fault(to); !wrong.empty())
      return call.misused("--output: " + wrong);
    auto fetched = fetch_artifact(**client, call.session.terminal, file.sha256,
                                  file.name, to);
    if (!fetched) return call.fail(fetched.error());
    if (call.json)
      call.print({{"path", to.string()}, {"sha256", file.sha256}});
    else
      call.out() << to.string() << "\n";
  }
  return ExitCode::ok;
}

}  // namespace

void add_artifacts(CLI::App& root, Invocation& call) {
  auto* artifacts =
      add_group(root, call, "artifacts", "Bring files to the node and back");
  auto p = std::make_shared<PutOptions>();
  auto* put_command =
      add_command(*artifacts, call, "put",
                  "Bring files to the node; goes on where it was cut",
                  [&call, p] { return put(call, *p); });
  put_command->add_option("file", p->files, "Local files")
      ->type_name("FILE")
      ->required();
  put_command->add_option("--name", p->name, "Instead of the file's own")
      ->type_name("NAME");
  put_command->add_option("--media-type", p->media_type, "As in video/mp4")
      ->type_name("TYPE");
  auto g = std::make_shared<GetOptions>();
  auto* get_command =
      add_command(*artifacts, call, "get",
                  "Fetch a file by its SHA-256, or a job's files by its id",
                  [&call, g] { return get(call, *g); });
  get_command->add_option("what", g->what, "A job's id or a SHA-256")
      ->type_name("ID|SHA256")
      ->required();
  get_command->add_option("name", g->name, "One of the job's files")
      ->type_name("NAME");
  get_command
      ->add_option("-o,--output", g->to,
                   "File or folder to write to; '-' is standard output")
      ->type_name("PATH");
}

}  // namespace troupe::commands
