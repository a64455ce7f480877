#include "kv/rocksdb/spare_memory.h"

#include <sys/mman.h>

#include <atomic>
#include <mutex>
#include <new>

#include "kv/base/thrown.h"

namespace actorkv {

namespace {

// The memory that is put aside; null: it was given up, or never there.
std::atomic<void*> spare{nullptr};
std::atomic<size_t> spent{0};
std::atomic<std::new_handler> previous{nullptr};

// These lie in memory that each thread has from its beginning: the handler is
// called on threads that never were here, when there is no memory for it.
[[gnu::tls_model("initial-exec")]] thread_local int use_count = 0;
// The value of `spent` when this thread tried last.
[[gnu::tls_model("initial-exec")]] thread_local size_t tried_after = 0;

bool Spend() noexcept {
  void* const memory = spare.exchange(nullptr);
  if (memory == nullptr) return false;
  munmap(memory, SpareMemory::kBytes);
  ++spent;
  return true;
}

// Returns true when operator new may find memory now: what another thread just
// gave up may be enough for both.
bool IsWorthATry() noexcept {
  if (use_count == 0) return false;
  const size_t before = spent.load();
  if (!Spend() && before == tried_after) return false;
  tried_after = spent.load();
  return true;
}

void OnNoMemory() {
  // operator new tries again when its handler returns, and calls it again where
  // that fails: so it must not return without hope.
  if (IsWorthATry()) return;
  const std::new_handler before = previous.load();
  if (before == nullptr) ThrowNoMemory();
  before();
}

}  // namespace

void SpareMemory::Install() noexcept {
  static std::once_flag once;
  std::call_once(once, [] { previous = std::set_new_handler(OnNoMemory); });
}

bool SpareMemory::Fill() noexcept {
  if (spare.load(std::memory_order_relaxed) != nullptr) return true;
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  void* expected = nullptr;
  if (!spare.compare_exchange_strong(expected, memory)) {
    munmap(memory, kBytes);  // somebody else put it aside
  }
  return true;
}

SpareMemory::Use::Use() noexcept { ++use_count; }
SpareMemory::Use::~Use() { --use_count; }

size_t SpareMemory::spent_count() { return spent.load(); }

}  // namespace actorkv
