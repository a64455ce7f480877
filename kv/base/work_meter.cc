#include "kv/base/work_meter.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "kv/base/duration.h"
#include "kv/base/metrics.h"
#include "kv/base/per_process.h"
#include "kv/base/wall_clock.h"
#include "kv/base/whole_mutex.h"

namespace actorkv {
namespace {

// Never destroyed: work goes on until the process has ended.
WholeMutex list_mutex;
WorkMeter* newest = nullptr;  // guarded by list_mutex
uint64_t list_forks = 0;      // ForkCount() of whose work this is

// A child of fork() begins with none. REQUIRES: list_mutex is held.
void ForgetThoseOfParent() noexcept {
  if (list_forks == ForkCount()) return;
  list_forks = ForkCount();
  newest = nullptr;
}

struct PhaseMetric {
  WorkKind what;
  const char* phase;
  Metric latency;
};
constexpr PhaseMetric kPhaseMetrics[] = {
    {WorkKind::kMigration, "layouts", Metric::kMigrationLayoutsLatency},
    {WorkKind::kMigration, "recover", Metric::kMigrationRecoverLatency},
    {WorkKind::kMigration, "copy", Metric::kMigrationCopyLatency},
    {WorkKind::kMigration, "commit", Metric::kMigrationCommitLatency},
    {WorkKind::kMigration, "tables", Metric::kMigrationTablesLatency},
    {WorkKind::kImport, "recover", Metric::kImportRecoverLatency},
    {WorkKind::kImport, "read", Metric::kImportReadLatency},
    {WorkKind::kImport, "commit", Metric::kImportCommitLatency},
};

struct OutcomeMetrics {
  WorkKind what;
  Metric done;
  Metric interrupted;
  Metric failed;
  Metric latency;
};
constexpr OutcomeMetrics kOutcomeMetrics[] = {
    {WorkKind::kMigration, Metric::kMigrations, Metric::kMigrationInterrupts,
     Metric::kMigrationFailures, Metric::kMigrationLatency},
    {WorkKind::kImport, Metric::kImports, Metric::kImportInterrupts,
     Metric::kImportFailures, Metric::kImportLatency},
};

void CountOutcome(WorkKind what, Code code, uint64_t duration_ns) noexcept {
  for (const OutcomeMetrics& metrics : kOutcomeMetrics) {
    if (metrics.what != what) continue;
    Add(code == Code::kOk            ? metrics.done
        : code == Code::kInterrupted ? metrics.interrupted
                                     : metrics.failed);
    Record(metrics.latency, duration_ns);
  }
}

}  // namespace

WorkMeter::WorkMeter(WorkKind what, std::string_view store,
                     std::string_view actor, std::shared_ptr<WorkBoard> board)
    : board_(std::move(board)), begun_ns_(SteadyNs()) {
  row_.what = what;
  row_.store = store;
  row_.actor = actor;
  // Enter() takes no memory: it runs in the middle of the work.
  row_.phase.reserve(kMaxWorkPhaseBytes);
  row_.entered_ns = begun_ns_;
  row_.started_at_ms = WallClockUs() / kUsPerMs;
  row_.pid = static_cast<uint64_t>(getpid());
  if (board_ != nullptr) slot_ = board_->Take();
  if (slot_ != WorkBoard::kNoSlot) board_->Show(slot_, row_);
  const std::lock_guard<WholeMutex> lock(list_mutex);
  ForgetThoseOfParent();
  older_ = newest;
  if (older_ != nullptr) older_->newer_ = this;
  newest = this;
}

WorkMeter::~WorkMeter() {
  if (!ended_) CountPhase(SteadyNs());
  // In a child of fork() the slot is the parent's, and its work goes on.
  if (row_.pid != static_cast<uint64_t>(getpid())) return;
  if (slot_ != WorkBoard::kNoSlot) board_->Free(slot_);
  const std::lock_guard<WholeMutex> lock(list_mutex);
  (newer_ == nullptr ? newest : newer_->older_) = older_;
  if (older_ != nullptr) older_->newer_ = newer_;
}

void WorkMeter::CountPhase(uint64_t now_ns) const noexcept {
  if (phase_ == nullptr) return;
  for (const PhaseMetric& metric : kPhaseMetrics) {
    if (metric.what != row_.what || std::strcmp(metric.phase, phase_) != 0) {
      continue;
    }
    Record(metric.latency, now_ns - row_.entered_ns);
  }
}

void WorkMeter::Enter(const char* phase, uint64_t total_bytes) noexcept {
  const bool is_new = phase_ == nullptr || std::strcmp(phase_, phase) != 0;
  if (!is_new && row_.total_bytes == total_bytes) return;
  if (row_.pid != static_cast<uint64_t>(getpid())) return;
  const uint64_t now_ns = SteadyNs();
  if (is_new) CountPhase(now_ns);
  const std::lock_guard<WholeMutex> lock(list_mutex);
  if (is_new) {
    done_bytes_.store(0, std::memory_order_relaxed);
    row_.phase.assign(phase, std::min(std::strlen(phase), kMaxWorkPhaseBytes));
    row_.entered_ns = now_ns;
    phase_ = phase;
  }
  row_.total_bytes = total_bytes;
  row_.done_bytes = done_bytes_.load(std::memory_order_relaxed);
  if (slot_ != WorkBoard::kNoSlot) board_->Show(slot_, row_);
}

Status WorkMeter::Ended(Status outcome) noexcept {
  const uint64_t now_ns = SteadyNs();
  ended_ = true;
  CountPhase(now_ns);
  CountOutcome(row_.what, outcome.code(), now_ns - begun_ns_);
  return outcome;
}

std::vector<WorkRow> ReadWork() {
  std::vector<WorkRow> rows;
  const std::lock_guard<WholeMutex> lock(list_mutex);
  ForgetThoseOfParent();
  for (const WorkMeter* work = newest; work != nullptr; work = work->older_) {
    rows.push_back(work->row_);
    rows.back().done_bytes = work->done_bytes_.load(std::memory_order_relaxed);
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

}  // namespace actorkv
