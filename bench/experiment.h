// Experiment: what says several things at once. Each of them, a figure, has a
// row of its own in the table, and the rows of one experiment share its runs.

#ifndef ACTORKV_BENCH_EXPERIMENT_H_
#define ACTORKV_BENCH_EXPERIMENT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/workload.h"

namespace actorkv::bench {

// What an experiment says, by the name of the figure.
using Figures = std::map<std::string, Sample>;

class Experiment {
 public:
  virtual ~Experiment() = default;
  virtual Figures Run() = 0;
};

using MakeExperiment =
    std::function<std::unique_ptr<Experiment>(const Backend&, const Effort&)>;

template <typename E>
MakeExperiment Making() {
  return [](const Backend& backend, const Effort& effort) {
    return std::make_unique<E>(backend, effort);
  };
}

// A row: a figure of the experiment of that name.
struct FigureRow {
  std::string id;
  std::string text;
  Unit unit = Unit::kOpsPerSecond;
  std::string experiment;
  std::string figure;
};

// Adds it, with many samples; the caller may say more of it.
WorkloadSpec* AddFigure(const FigureRow& row, const MakeExperiment& make,
                        std::vector<WorkloadSpec>* specs);

// Samples of one number.
Sample Rate(double count, double seconds);
Sample OfUs(double us);
Sample Amount(double amount);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_EXPERIMENT_H_
