// SharedEngine: one engine as each of several owners sees it that are at work
// in it at the same time, with a table of who is alive.

#ifndef ACTORKV_TESTS_SUPPORT_SHARED_ENGINE_H_
#define ACTORKV_TESTS_SUPPORT_SHARED_ENGINE_H_

#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "tests/support/forwarding_engine.h"
#include "tests/support/memory_engine.h"

namespace actorkv {

// Whoever is not known to be dead may be at work.
struct OwnerTable {
  std::set<uint64_t> dead;  // incarnations
  Status error;             // the answer to each question, where it is one
};

class SharedEngine : public ForwardingEngine {
 public:
  SharedEngine(std::shared_ptr<Engine> base, const HostId& owner,
               std::shared_ptr<const OwnerTable> table)
      : ForwardingEngine(std::move(base)),
        owner_(owner),
        table_(std::move(table)) {}

  HostId owner() const override { return owner_; }
  Status IsAlive(const HostId& host, bool* alive) override {
    if (!table_->error.ok()) return table_->error;
    *alive = table_->dead.count(host.incarnation) == 0;
    return Status::Ok();
  }

 private:
  const HostId owner_;
  const std::shared_ptr<const OwnerTable> table_;
};

// Opens an engine in memory, each time as another owner of it.
inline std::function<std::unique_ptr<Engine>()> SharedSource(
    std::shared_ptr<const OwnerTable> table) {
  std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
  return [kept, table = std::move(table)] {
    return std::make_unique<SharedEngine>(kept, HostId{1, RandomId()}, table);
  };
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SHARED_ENGINE_H_
