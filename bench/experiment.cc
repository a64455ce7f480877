#include "bench/experiment.h"

#include <utility>

namespace actorkv::bench {

namespace {

constexpr double kUsPerSecond = 1e6;

// One figure of an experiment, whose runs all its figures share: those that
// are there are told in their order, then it is run again.
class FigureOf : public Workload {
 public:
  FigureOf(const Backend& backend, const Effort& effort, std::string experiment,
           std::string figure, MakeExperiment make)
      : backend_(backend),
        effort_(effort),
        experiment_(std::move(experiment)),
        figure_(std::move(figure)),
        make_(std::move(make)) {}

  void SetUp() override {
    if (Runs().empty()) made_ = make_(backend_, effort_);
  }

  Sample Run() override {
    std::vector<Figures>& runs = Runs();
    if (next_ == runs.size()) {
      if (made_ == nullptr) made_ = make_(backend_, effort_);
      runs.push_back(made_->Run());
    }
    return runs[next_++].at(figure_);
  }

 private:
  std::vector<Figures>& Runs() const {
    static auto* const all = new std::map<std::string, std::vector<Figures>>;
    return (*all)[experiment_ + backend_.name()];
  }

  const Backend backend_;
  const Effort effort_;
  const std::string experiment_;
  const std::string figure_;
  const MakeExperiment make_;
  std::unique_ptr<Experiment> made_;
  size_t next_ = 0;
};

}  // namespace

WorkloadSpec* AddFigure(const FigureRow& row, const MakeExperiment& make,
                        std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = row.id;
  spec.text = row.text;
  spec.unit = row.unit;
  spec.many = true;
  spec.make = [=](const Backend& backend, const Effort& effort) {
    return std::make_unique<FigureOf>(backend, effort, row.experiment,
                                      row.figure, make);
  };
  specs->push_back(std::move(spec));
  return &specs->back();
}

Sample Rate(double count, double seconds) {
  Sample sample;
  sample.op_count = static_cast<uint64_t>(count);
  sample.seconds = seconds;
  return sample;
}

Sample OfUs(double us) {
  Sample sample;
  sample.p50_us = us;
  sample.seconds = us / kUsPerSecond;
  return sample;
}

Sample Amount(double amount) {
  Sample sample;
  sample.amount = amount;
  return sample;
}

}  // namespace actorkv::bench
