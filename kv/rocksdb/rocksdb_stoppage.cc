#include "kv/rocksdb/rocksdb_stoppage.h"

#include <utility>

namespace actorkv {
namespace {

class StoppageListener : public rocksdb::EventListener {
 public:
  explicit StoppageListener(std::shared_ptr<Stoppage> stoppage)
      : stoppage_(std::move(stoppage)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                         rocksdb::Status* status) override {
    if (reason == rocksdb::BackgroundErrorReason::kCompaction &&
        status->IsNoSpace()) {
      stoppage_->Begin();
    }
  }

 private:
  const std::shared_ptr<Stoppage> stoppage_;
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> Stoppage::NewListener(
    std::shared_ptr<Stoppage> stoppage) {
  return std::make_shared<StoppageListener>(std::move(stoppage));
}

}  // namespace actorkv
