#include "bench/support/figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "codec/json.hpp"
#include "core/build_info.hpp"

namespace troupe::bench {

double median(std::vector<double> values) {
  if (values.empty()) return NAN;
  std::ranges::sort(values);
  const auto n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

bool Figure::ok() const {
  if (!bar) return true;
  const double x = ratio ? *ratio : value;
  return lower_is_better ? x <= *bar : x >= *bar;
}

Report::Report(std::string bench, std::string jsonl)
    : bench_{std::move(bench)}, jsonl_{std::move(jsonl)} {}

void Report::add(Figure f) {
  Json line = {{"bench", bench_},
               {"case", f.name},
               {"value", f.value},
               {"unit", f.unit}};
  const auto put = [&](const char* name, const std::optional<double>& x) {
    line[name] = x && std::isfinite(*x) ? Json(*x) : Json(nullptr);
  };
  put("limit", f.limit);
  put("peer", f.peer);
  put("ratio", f.ratio);
  put("bar", f.bar);
  line["ok"] = f.ok();
  line["commit"] = std::string(build_commit());
  if (!jsonl_.empty()) std::ofstream{jsonl_, std::ios::app} << line << '\n';
  std::fprintf(stderr, "  %-28s %12.1f %s\n", f.name.c_str(), f.value,
               f.unit.c_str());
  figures_.push_back(std::move(f));
}

void Report::print_table() const {
  const auto cell = [](const std::optional<double>& x, const char* format) {
    char text[32] = "-";
    if (x) std::snprintf(text, sizeof text, format, *x);
    return std::string(text);
  };
  std::printf("%-28s %12s %-10s %12s %12s %7s %7s\n", bench_.c_str(), "ours",
              "unit", "limit", "peer", "ratio", "bar");
  for (const auto& f : figures_)
    std::printf("%-28s %12.1f %-10s %12s %12s %7s %7s%s\n", f.name.c_str(),
                f.value, f.unit.c_str(), cell(f.limit, "%.1f").c_str(),
                cell(f.peer, "%.1f").c_str(), cell(f.ratio, "%.2f").c_str(),
                cell(f.bar, f.lower_is_better ? "<=%.2f" : ">=%.2f").c_str(),
                f.ok() ? "" : "  missed");
}

bool Report::all_ok() const {
  return std::ranges::all_of(figures_, &Figure::ok);
}

double Pairs::ratio() const {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.size(); ++i)
    ratios.push_back(ours[i] / peer[i]);
  return median(ratios);
}

Pairs run_pairs(int pairs, const std::function<double()>& ours,
                const std::function<double()>& peer,
                const std::function<bool()>& sound) {
  Pairs out;
  for (int tries = 0; tries < 3 * pairs && int(out.ours.size()) < pairs;
       ++tries) {
    if (!sound()) continue;
    // Who goes first alternates, so that a drift favours nobody.
    double a = 0, b = 0;
    if (tries % 2) {
      b = peer();
      a = ours();
    } else {
      a = ours();
      b = peer();
    }
    if (!sound()) continue;
    out.ours.push_back(a);
    out.peer.push_back(b);
  }
  return out;
}

}  // namespace troupe::bench
