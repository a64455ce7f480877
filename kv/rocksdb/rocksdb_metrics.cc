#include "kv/rocksdb/rocksdb_metrics.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"

namespace actorkv {

namespace {

class MetricsListener : public rocksdb::EventListener {
 public:
  // Ends the stalls that are under way: a database that is closed does not
  // stall any more.
  ~MetricsListener() override {
    for (const auto& [family, begin] : stalls_) AddStall(begin);
  }

  void OnTableFileCreated(const rocksdb::TableFileCreationInfo& info) override {
    if (!info.status.ok()) return;
    Add(info.reason == rocksdb::TableFileCreationReason::kCompaction
            ? Metric::kCompactedBytes
            : Metric::kFlushedBytes,
        info.file_size);
  }

  void OnExternalFileIngested(
      rocksdb::DB* /*db*/,
      const rocksdb::ExternalFileIngestionInfo& info) override {
    const rocksdb::TableProperties& table = info.table_properties;
    Add(Metric::kIngestedBytes,
        table.data_size + table.index_size + table.filter_size);
  }

  // Each family has its own condition. Those of two overlap rarely, and then
  // the time counts twice.
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override {
    const bool stalls =
        info.condition.cur != rocksdb::WriteStallCondition::kNormal;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = stalls_.find(info.cf_name);
    if (stalls && known == stalls_.end()) {
      Add(Metric::kWriteStalls);
      NoteStall(info.cf_name);
    } else if (!stalls && known != stalls_.end()) {
      AddStall(known->second);
      stalls_.erase(known);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Notes when a stall began; its time is not counted where there is no memory
  // for that.
  void NoteStall(const std::string& family) {
    static_cast<void>(IfMemory([&] { stalls_.emplace(family, Clock::now()); }));
  }

  static void AddStall(Clock::time_point begin) {
    const std::chrono::nanoseconds time = Clock::now() - begin;
    Add(Metric::kWriteStallTime, static_cast<uint64_t>(time.count()));
  }

  std::mutex mutex_;
  std::map<std::string, Clock::time_point> stalls_;  // by family, since when
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> NewMetricsListener() {
  return std::make_shared<MetricsListener>();
}

}  // namespace actorkv
