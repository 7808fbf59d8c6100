// What durable jobs cost, beside a real peer and the machine's own limits, in
// one run. Usage: bench_jobs [--out FILE] [--pairs N] [--quick] [--only NAME]
// [--program PATH]. Figures: docs/performance.md.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "bench/jobs/disk_limits.hpp"
#include "bench/jobs/one_way.hpp"
#include "bench/jobs/our_node.hpp"
#include "bench/jobs/redis_peer.hpp"
#include "bench/jobs/worker_process.hpp"
#include "bench/support/figures.hpp"
#include "bench/support/process_cost.hpp"

namespace troupe::bench {
namespace {

struct Args {
  std::string out;
  std::string only;  // Prefix of case names.
  std::filesystem::path program;
  int pairs = 5;
  bool quick = false;  // A tenth of the work: to see that all runs.
};

class Bench {
 public:
  explicit Bench(Args args)
      : args_{std::move(args)},
        dir_{std::filesystem::temp_directory_path() /
             ("troupe-bench-" + std::to_string(::getpid()))},
        report_{"jobs", args_.out} {
    std::filesystem::create_directories(dir_);
  }
  ~Bench() { std::filesystem::remove_all(dir_); }

  bool run() {
    if (wanted("submit")) submits();
    if (wanted("jobs")) jobs();
    if (wanted("jobs.remote")) remote_jobs();
    if (wanted("loop")) loops();
    if (wanted("events")) events();
    if (wanted("million")) million();
    report_.print_table();
    return report_.all_ok();
  }

 private:
  bool wanted(const std::string& name) const {
    return name.starts_with(args_.only);
  }
  int scaled(int n) const { return args_.quick ? std::max(n / 10, 100) : n; }

  // A pair counts only where the disk is not stalled.
  bool disk_is_sound() {
    const double rate = append_and_sync(dir_, 1, 300, 0.1);
    if (rate < 5'000)
      std::fprintf(stderr, "  the disk syncs %.0f/s: the pair is repeated\n",
                   rate);
    return rate >= 5'000;
  }
  std::function<bool()> sound() {
    return [this] { return disk_is_sound(); };
  }

  // What used the one before has ended; all together would fill the disk.
  std::filesystem::path fresh(const std::string& name) {
    auto& given = given_[name];
    std::error_code ignored;
    std::filesystem::remove_all(given, ignored);
    return given = dir_ / (name + std::to_string(++folders_));
  }

  void submits() {
    struct Case {
      int in_flight, count;
      double bar;
    };
    for (const auto& c : {Case{1, 4'000, 0.5}, Case{50, 60'000, 1.0},
                          Case{1'000, 100'000, 1.5}}) {
      const auto ours = [&] {
        OurNode node{args_.program, fresh("ours"), 1};
        node.pause();
        return node.submits(c.in_flight, scaled(c.count));
      };
      const auto peer = [&] {
        RedisPeer redis{fresh("peer")};
        return redis.submits(c.in_flight, scaled(c.count));
      };
      const auto pairs = run_pairs(args_.pairs, ours, peer, sound());
      report_.add({.name = "submit." + std::to_string(c.in_flight),
                   .value = median(pairs.ours),
                   .unit = "/s",
                   .limit = append_and_sync(dir_, c.in_flight, 300, 0.5),
                   .peer = median(pairs.peer),
                   .ratio = pairs.ratio(),
                   .bar = c.bar});
      report_.add({.name = "limit.rocksdb." + std::to_string(c.in_flight),
                   .value = rocksdb_synced_batches(dir_, c.in_flight, 300, 0.5),
                   .unit = "/s"});
    }
  }

  void jobs() {
    struct Case {
      int workers, count;
      double bar;
    };
    for (const auto& c : {Case{1, 15'000, 0.9}, Case{50, 60'000, 1.5},
                          Case{200, 60'000, 1.5}}) {
      std::vector<double> our_cpu, peer_cpu;
      const auto ours = [&] {
        OurNode node{args_.program, fresh("ours"), c.workers};
        auto run = node.jobs(scaled(c.count));
        our_cpu.push_back(run.cpu_us_per_job);
        return run.jobs_per_s;
      };
      const auto peer = [&] {
        RedisPeer redis{fresh("peer")};
        auto run = redis.jobs(c.workers, scaled(c.count));
        peer_cpu.push_back(run.cpu_us_per_job);
        return run.jobs_per_s;
      };
      const auto pairs = run_pairs(args_.pairs, ours, peer, sound());
      const auto name = "jobs." + std::to_string(c.workers);
      report_.add({.name = name,
                   .value = median(pairs.ours),
                   .unit = "/s",
                   .peer = median(pairs.peer),
                   .ratio = pairs.ratio(),
                   .bar = c.bar});
      report_.add({.name = name + ".cpu",
                   .value = median(our_cpu),
                   .unit = "us/job",
                   .peer = median(peer_cpu),
                   .ratio = median(our_cpu) / median(peer_cpu),
                   .bar = c.workers == 1 ? std::optional<double>{} : 0.9,
                   .lower_is_better = true});
    }
  }

  // The same work done in another process, connected as nodes are.
  void remote_jobs() {
    struct Case {
      int workers, count;
    };
    for (const auto& c : {Case{1, 15'000}, Case{50, 60'000}}) {
      std::vector<double> our_cpu, peer_cpu;
      const auto ours = [&] {
        OurNode node{args_.program, fresh("ours"), c.workers};
        node.work_elsewhere(c.workers);
        auto run = node.jobs(scaled(c.count));
        our_cpu.push_back(run.cpu_us_per_job);
        return run.jobs_per_s;
      };
      const auto peer = [&] {
        RedisPeer redis{fresh("peer")};
        auto run = redis.jobs(c.workers, scaled(c.count));
        peer_cpu.push_back(run.cpu_us_per_job);
        return run.jobs_per_s;
      };
      const auto pairs = run_pairs(args_.pairs, ours, peer, sound());
      const auto name = "jobs.remote." + std::to_string(c.workers);
      report_.add({.name = name,
                   .value = median(pairs.ours),
                   .unit = "/s",
                   .peer = median(pairs.peer),
                   .ratio = pairs.ratio()});
      report_.add({.name = name + ".cpu",
                   .value = median(our_cpu),
                   .unit = "us/job",
                   .peer = median(peer_cpu),
                   .ratio = median(our_cpu) / median(peer_cpu),
                   .lower_is_better = true});
    }
  }

  static double percentile(std::vector<double> values, double p) {
    std::ranges::sort(values);
    return values[std::min(
        values.size() - 1,
        static_cast<std::size_t>(p * static_cast<double>(values.size())))];
  }

  void loops() {
    for (const double rate : {0.0, 200.0, 1'000.0}) {
      const int count = scaled(rate == 200.0 ? 600 : 3'000);
      std::vector<double> p99_ours, p99_peer;
      const auto ours = [&] {
        OurNode node{args_.program, fresh("ours"), 1};
        auto run = node.closed_loop(count, rate);
        p99_ours.push_back(percentile(run.latencies_ms, 0.99));
        return percentile(run.latencies_ms, 0.5);
      };
      const auto peer = [&] {
        RedisPeer redis{fresh("peer")};
        auto run = redis.closed_loop(count, rate);
        p99_peer.push_back(percentile(run.latencies_ms, 0.99));
        return percentile(run.latencies_ms, 0.5);
      };
      const auto pairs = run_pairs(args_.pairs, ours, peer, sound());
      const auto name = rate == 0.0 ? std::string("loop")
                                    : "loop.at_" + std::to_string(int(rate));
      const auto bar = rate == 0.0 ? std::optional<double>{1.5} : std::nullopt;
      report_.add({.name = name + ".p50",
                   .value = median(pairs.ours),
                   .unit = "ms",
                   .peer = median(pairs.peer),
                   .ratio = pairs.ratio(),
                   .bar = bar,
                   .lower_is_better = true});
      std::vector<double> ratios;
      const auto kept = std::min(p99_ours.size(), p99_peer.size());
      for (std::size_t i = 0; i < kept; ++i)
        ratios.push_back(p99_ours[i] / p99_peer[i]);
      report_.add({.name = name + ".p99",
                   .value = median(p99_ours),
                   .unit = "ms",
                   .peer = median(p99_peer),
                   .ratio = median(ratios),
                   .bar = bar,
                   .lower_is_better = true});
    }
  }

  void events();
  void million();

  Args args_;
  std::filesystem::path dir_;
  Report report_;
  int folders_ = 0;
  std::map<std::string, std::filesystem::path> given_;  // Last, by name.
};

// Progress events of one long job to one follower that asks for all of them,
// against frames that go one way, one event each.
void Bench::events() {
  // Room for what the steps tell while a pull is on its way.
  const std::string settings =
      "[event]\nlive_interval_ms = 0\nlive_events = 65536\n"
      "live_bytes = \"64MiB\"\n";
  OurNode node{args_.program, fresh("ours"), 1, settings};
  report_.add({.name = "wire.requests",
               .value = node.wire_requests(scaled(5'000)),
               .unit = "/s"});
  const int count = scaled(400'000);
  EventRun last;
  double received = 0, told = 0;
  const auto ours = [&] {
    last = node.events(count);
    received += last.received;
    told += last.told;
    return last.events_per_s;
  };
  const auto wire = [&] {
    const int bytes =
        last.bytes_per_event > 0 ? int(last.bytes_per_event) : 220;
    return one_way_frames(node.data(), count, bytes);
  };
  const auto pairs = run_pairs(args_.pairs, ours, wire, [] { return true; });
  report_.add({.name = "events",
               .value = median(pairs.ours),
               .unit = "/s",
               .limit = median(pairs.peer),
               .ratio = pairs.ratio(),
               .bar = 0.4});
  report_.add(
      {.name = "events.received", .value = 100 * received / told, .unit = "%"});
}

void Bench::million() {
  const int count = scaled(1'000'000);
  OurNode node{args_.program, fresh("ours"), 1};
  RedisPeer redis{fresh("peer")};
  node.pause();
  node.settle();
  const auto idle = pss_bytes(node.pid());
  const double empty = node.submits(50, scaled(60'000));
  node.submits(1'000, count - scaled(120'000));
  node.settle();
  const double full = node.submits(50, scaled(60'000));
  redis.submits(1'000, count);
  const auto per_job = [&](double bytes) { return bytes / count; };
  report_.add({.name = "million.memory",
               .value = per_job(double(pss_bytes(node.pid()) - idle)),
               .unit = "B/job",
               .peer = per_job(double(pss_bytes(redis.pid()))),
               .bar = 200,
               .lower_is_better = true});
  report_.add({.name = "million.disk",
               .value = per_job(double(node.disk_bytes())),
               .unit = "B/job",
               .peer = per_job(double(redis.disk_bytes())),
               .ratio = double(node.disk_bytes()) / double(redis.disk_bytes()),
               .bar = 1.0,
               .lower_is_better = true});
  report_.add({.name = "million.submit.50",
               .value = full,
               .unit = "/s",
               .limit = empty,
               .ratio = full / empty,
               .bar = 0.8});
  report_.add({.name = "million.page",
               .value = node.page_ms(20),
               .unit = "ms",
               .bar = 5,
               .lower_is_better = true});
  report_.add({.name = "million.start",
               .value = node.restart_seconds(),
               .unit = "s",
               .peer = redis.restart_seconds(),
               .bar = 2,
               .lower_is_better = true});
}

Args parse(int argc, char** argv) {
  Args args;
  args.program = std::filesystem::canonical("/proc/self/exe").parent_path() /
                 "../bin/troupe";
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto value = [&] { return std::string(++i < argc ? argv[i] : ""); };
    if (arg == "--out")
      args.out = value();
    else if (arg == "--pairs")
      args.pairs = std::max(1, std::atoi(value().c_str()));
    else if (arg == "--only")
      args.only = value();
    else if (arg == "--program")
      args.program = value();
    else if (arg == "--quick")
      args.quick = true;
    else {
      std::fprintf(
          stderr,
          "bench_jobs: '%s' is unknown; known: --out FILE, --pairs N, "
          "--only submit|jobs|jobs.remote|loop|events|million, --quick, "
          "--program PATH\n",
          arg.c_str());
      std::exit(2);
    }
  }
  return args;
}

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  try {
    // What this program starts itself as.
    const std::string role = argc > 2 ? argv[1] : "";
    if (role == "--worker" && argc == 5)
      return troupe::bench::run_worker(argv[2], argv[3], std::atoi(argv[4]));
    if (role == "--one-way-source")
      return troupe::bench::run_one_way_source(argv[2]);
    troupe::bench::Bench bench{troupe::bench::parse(argc, argv)};
    const bool ok = bench.run();
    if (!ok) std::printf("a bar was missed\n");
    return 0;  // A missed bar is a figure, not an error.
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_jobs: %s\n", e.what());
    return 1;
  }
}
