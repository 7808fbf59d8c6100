// Chat on the CPU, side by side with llama.cpp: the same weights of the
// Qwen2.5-0.5B shapes (make_model.py), the same bits, the same threads, in
// turn. Ours runs through the product's engine, once at the best instruction
// level and once without bf16 products.
//
//   bench_chat --model DIR [--peer PYTHON] [--rounds N] [--format NAME]
//
// `--peer` is a Python that has llama_cpp (llama-cpp-python, built here with
// CMAKE_ARGS=-DGGML_NATIVE=ON); without it only our own figures are printed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/chat/llama_peer.hpp"
#include "bench/chat/ours.hpp"
#include "bench/support/figures.hpp"
#include "bench/support/read_rate.hpp"
#include "models/arena.hpp"
#include "models/qwen2/weight_loader.hpp"

namespace troupe::bench {
namespace {

using kernels::WeightFormat;

constexpr std::size_t kReadBytes = 256u << 20;
constexpr int kPrompt = 32;
constexpr int kLongPrompt = 256;
constexpr int kSequences = 4;

struct Options {
  std::filesystem::path model;
  std::string peer;
  int rounds = 5;
  int steps = 128;
  bool busy = false;
  std::string format;  // Empty: all.
  std::string jsonl;
};

struct Format {
  WeightFormat format;
  const char* gguf;
  double decode_bar;
  double prefill_bar;
};
constexpr Format kFormats[] = {{WeightFormat::bf16, "bf16.gguf", 1.10, 1.3},
                               {WeightFormat::int8, "q8_0.gguf", 1.35, 1.6},
                               {WeightFormat::int4, "q4_0.gguf", 1.4, 1.1}};

/// One thing that both do, round by round, in tokens a second.
struct Race {
  std::string name;
  std::optional<double> bar;
  std::vector<double> ours, peer, limit;

  void add_to(Report& report) const {
    Figure figure{.name = name,
                  .value = median(ours),
                  .unit = "tok/s",
                  .limit = {},
                  .peer = {},
                  .ratio = {},
                  .bar = {}};
    if (!limit.empty()) figure.limit = median(limit);
    if (!peer.empty()) {
      figure.peer = median(peer);
      figure.ratio = Pairs{ours, peer}.ratio();
      figure.bar = bar;
    }
    report.add(figure);
  }
};

/// Of one format at one level.
struct Races {
  Race decode, prefill, decode4;
};

/// What every token reads: all packed weights. (The embedding is the head.)
double bytes_of(const std::filesystem::path& folder, WeightFormat format) {
  const auto loader = Qwen2WeightLoader::open(folder, format);
  if (!loader) throw std::runtime_error(loader.error().message);
  return static_cast<double>(loader->bytes());
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : o_{options},
        team_{options.busy ? 1
                           : static_cast<int>(std::max(
                                 1u, std::thread::hardware_concurrency()))},
        memory_{*Arena::allocate(kReadBytes)},
        large_{memory_.take_bytes(kReadBytes), kReadBytes},
        report_{"chat", options.jsonl} {
    ctx_.team = &team_;
    std::memset(large_.data(), 1, large_.size());
    const auto best = best_isa_level();
    levels_ = {best};
    if (best == IsaLevel::avx512_bf16) levels_.push_back(IsaLevel::avx512_vnni);
  }

  int run() {
    for (const auto& format : kFormats)
      if (o_.format.empty() || to_string(format.format) == o_.format)
        run_format(format);
    report_.print_table();
    return report_.all_ok() ? 0 : 1;
  }

 private:
  Clock clock() const { return o_.busy ? Clock::cpu : Clock::wall; }

  void run_format(const Format& format) {
    const auto folder = o_.model / "hf";
    std::optional<LlamaPeer> peer;
    if (!o_.peer.empty())
      peer.emplace(o_.peer, o_.model / format.gguf, ctx_.threads(), clock());
    ctx_.isa = levels_.front();
    if (peer && format.format != WeightFormat::bf16) compare(format, *peer);
    if (o_.rounds == 0) return;
    OurModel ours{folder, format.format, ctx_, clock()};
    const double bytes = bytes_of(folder, format.format);
    std::vector<Races> races;
    for (const auto isa : levels_) {
      const auto name = [&](const char* what) {
        return std::string(what) + "." + std::string(to_string(format.format)) +
               "." + std::string(to_string(isa));
      };
      // Without bf16 products no match for a peer that has them.
      std::optional<double> prefill_bar = format.prefill_bar;
      if (format.format == WeightFormat::bf16 && isa != levels_.front())
        prefill_bar.reset();
      races.push_back({{name("decode"), format.decode_bar, {}, {}, {}},
                       {name("prefill256"), prefill_bar, {}, {}, {}},
                       {name("decode4"), 1.0, {}, {}, {}}});
    }
    ours.prefill(kLongPrompt);  // It learns how fast it is.
    ours.decode(kSequences, kPrompt, 8);
    for (int round = 0; round < o_.rounds; ++round)
      for (std::size_t i = 0; i < levels_.size(); ++i) {
        ctx_.isa = levels_[i];
        run_round(races[i], ours, peer, bytes);
      }
    for (const auto& level : races) {
      level.decode.add_to(report_);
      level.prefill.add_to(report_);
      level.decode4.add_to(report_);
      add_serial(level.decode, level.decode4, format.format);
    }
  }

  void run_round(Races& races, OurModel& ours, std::optional<LlamaPeer>& peer,
                 double bytes) {
    auto& [decode, prefill, decode4] = races;
    if (!o_.busy) decode.limit.push_back(read_rate(ctx_, large_) / bytes);
    decode.ours.push_back(ours.decode(1, kPrompt, o_.steps));
    if (peer) decode.peer.push_back(peer->decode(1, kPrompt, o_.steps));
    prefill.ours.push_back(ours.prefill(kLongPrompt));
    if (peer) prefill.peer.push_back(peer->prefill(kLongPrompt));
    decode4.ours.push_back(ours.decode(kSequences, kPrompt, o_.steps));
    if (peer)
      decode4.peer.push_back(peer->decode(kSequences, kPrompt, o_.steps));
  }

  // Four answers at once beside one after the other.
  void add_serial(const Race& one, const Race& four, WeightFormat format) {
    Figure figure{.name = four.name + ".serial",
                  .value = Pairs{four.ours, one.ours}.ratio(),
                  .unit = "x serial",
                  .limit = {},
                  .peer = {},
                  .ratio = {},
                  .bar = {}};
    if (format == WeightFormat::int8) figure.bar = 2.5;
    report_.add(figure);
  }

  // How far from fp32 both roundings of the same weights lead.
  void compare(const Format& format, LlamaPeer& peer) {
    std::vector<TokenId> ids;
    std::mt19937 random{7};
    for (int i = 0; i < 64; ++i)
      ids.push_back(static_cast<TokenId>(random() % 150'000));
    const auto folder = o_.model / "hf";
    if (exact_.empty())
      exact_ = our_logits(folder, WeightFormat::f32, ctx_, ids);
    const auto ours = our_logits(folder, format.format, ctx_, ids);
    const auto theirs = peer.logits(ids);
    const auto name = std::string(to_string(format.format));
    const auto add = [&](const char* what, double our, double their) {
      report_.add({.name = what + ("." + name),
                   .value = our * 1e6,
                   .unit = "ppm",
                   .limit = {},
                   .peer = their * 1e6,
                   .ratio = our / their,
                   .bar = 1.05,
                   .lower_is_better = true});
    };
    add("logit_error", error(ours), error(theirs));
    add("divergence", divergence(ours, ids.size()),
        divergence(theirs, ids.size()));
  }

  double error(const std::vector<float>& logits) const {
    if (logits.size() != exact_.size())
      throw std::runtime_error("the peer has another vocabulary");
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < exact_.size(); ++i) {
      difference += std::pow(double{logits[i]} - exact_[i], 2);
      size += std::pow(double{exact_[i]}, 2);
    }
    return std::sqrt(difference / size);
  }

  // Mean over the rows of sum p (log p - log q).
  double divergence(const std::vector<float>& logits, std::size_t rows) const {
    const auto width = exact_.size() / rows;
    const auto log_sum = [&](const float* x) {
      const double most = *std::max_element(x, x + width);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - most);
      return most + std::log(sum);
    };
    double all = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      const float* p = exact_.data() + row * width;
      const float* q = logits.data() + row * width;
      const double of_p = log_sum(p), of_q = log_sum(q);
      for (std::size_t i = 0; i < width; ++i)
        all += std::exp(p[i] - of_p) * ((p[i] - of_p) - (q[i] - of_q));
    }
    return all / static_cast<double>(rows);
  }

  const Options& o_;
  ThreadTeam team_;
  Context ctx_;
  std::vector<IsaLevel> levels_;
  Arena memory_;
  std::span<std::byte> large_;
  std::vector<float> exact_;
  Report report_;
};

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  troupe::bench::Options options;
  CLI::App app{"Chat on the CPU beside llama.cpp"};
  app.add_option("--model", options.model,
                 "What bench/chat/make_model.py wrote")
      ->required();
  app.add_option("--peer", options.peer, "A Python that has llama_cpp");
  app.add_option(
      "--rounds", options.rounds,
      "At least 5 for a figure to quote; 0: only what rounding costs");
  app.add_option("--steps", options.steps, "Tokens of an answer");
  app.add_flag("--busy", options.busy,
               "For a machine with other work: one thread each, CPU seconds");
  app.add_option("--format", options.format, "Only bf16, int8 or int4");
  app.add_option("--out", options.jsonl, "JSON lines");
  CLI11_PARSE(app, argc, argv);
  try {
    return troupe::bench::Bench{options}.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_chat: %s\n", error.what());
    return 1;
  }
}
