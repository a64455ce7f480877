#include "kv/engine/guard_set.h"

#include <algorithm>
#include <utility>

namespace actorkv {

GuardSet::Claim::Claim(GuardSet* set, std::vector<std::string> keys)
    : set_(set), keys_(std::move(keys)) {
  // All keys at once or none: who held one and waited for another could wait
  // for one who does the opposite.
  if (keys_.empty()) return;
  std::unique_lock<std::mutex> lock(set_->mutex_);
  set_->released_.wait(lock, [this] { return set_->AllFree(keys_); });
  next_ = set_->granted_;
  // The claims are a list through themselves, so that nothing is allocated.
  if (next_ != nullptr) next_->previous_ = this;
  set_->granted_ = this;
}

GuardSet::Claim::~Claim() {
  if (keys_.empty()) return;
  {
    std::lock_guard<std::mutex> lock(set_->mutex_);
    (previous_ == nullptr ? set_->granted_ : previous_->next_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
  }
  // All wake: which of them can go on depends on the keys that each wants.
  set_->released_.notify_all();
}

bool GuardSet::Claim::Has(const std::string& key) const {
  return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
}

bool GuardSet::AllFree(const std::vector<std::string>& keys) const {
  // Claims are few, one for each thread that commits, and so are their keys: a
  // list is faster than a table.
  for (const Claim* claim = granted_; claim != nullptr; claim = claim->next_) {
    for (const std::string& key : keys) {
      if (claim->Has(key)) return false;
    }
  }
  return true;
}

}  // namespace actorkv
