#include "kv/rocksdb_stoppage.h"

namespace actorkv {
namespace {

class StoppageListener : public rocksdb::EventListener {
 public:
  explicit StoppageListener(Stoppage* stoppage) : stoppage_(stoppage) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                         rocksdb::Status* status) override {
    if (reason == rocksdb::BackgroundErrorReason::kCompaction &&
        status->IsNoSpace()) {
      stoppage_->Begin();
    }
  }

 private:
  Stoppage* const stoppage_;
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> Stoppage::NewListener() {
  return std::make_shared<StoppageListener>(this);
}

}  // namespace actorkv
