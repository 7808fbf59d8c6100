// Figures of a benchmark: medians of pairs, a table for people, and one JSON
// line each for machines.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::bench {

double median(std::vector<double> values);

/// One line of the result. `ratio` is ours against the peer, or against the
/// limit where there is no peer.
struct Figure {
  std::string name;  // "submit.50"
  double value = 0;  // Ours.
  std::string unit;
  std::optional<double> limit;  // What disk or wire allow, same run.
  std::optional<double> peer;
  std::optional<double> ratio;
  std::optional<double> bar;  // Of `ratio`; or of `value` without a ratio.
  bool lower_is_better = false;

  bool ok() const;
};

/// Prints the table and appends the lines to `jsonl` (no file: none).
class Report {
 public:
  Report(std::string bench, std::string jsonl);
  void add(Figure figure);
  void print_table() const;
  /// False when a bar was missed.
  bool all_ok() const;

 private:
  std::string bench_;
  std::string jsonl_;
  std::vector<Figure> figures_;
};

/// Runs the two sides in turn until `pairs` pairs count; a pair for which
/// `sound()` says no is run again, at most three times as often in all.
struct Pairs {
  std::vector<double> ours;
  std::vector<double> peer;
  double ratio() const;  // Median of the pairs' ratios.
};
Pairs run_pairs(int pairs, const std::function<double()>& ours,
                const std::function<double()>& peer,
                const std::function<bool()>& sound);

}  // namespace troupe::bench
