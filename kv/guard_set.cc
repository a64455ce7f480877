#include "kv/guard_set.h"

#include <utility>

namespace actorkv {

GuardSet::Claim::Claim(GuardSet* set, std::vector<std::string> keys)
    : set_(set), keys_(std::move(keys)) {
  if (keys_.empty()) return;
  std::unique_lock<std::mutex> lock(set_->mutex_);
  set_->released_.wait(lock, [this] { return set_->AllFree(keys_); });
  set_->claimed_.insert(keys_.begin(), keys_.end());
}

GuardSet::Claim::~Claim() {
  if (keys_.empty()) return;
  {
    std::lock_guard<std::mutex> lock(set_->mutex_);
    for (const std::string& key : keys_) set_->claimed_.erase(key);
  }
  set_->released_.notify_all();
}

bool GuardSet::AllFree(const std::vector<std::string>& keys) const {
  for (const std::string& key : keys) {
    if (claimed_.count(key) != 0) return false;
  }
  return true;
}

}  // namespace actorkv
