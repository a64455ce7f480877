#include "tests/support/failing_memory.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace actorkv {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasMalloc = false;
#else
constexpr bool kHasMalloc = true;
#endif

// Plain numbers: malloc is called before objects are made, and while threads
// are.
std::atomic<int> kind{-1};       // none
std::atomic<pid_t> thread_id{};  // 0: any
std::atomic<int64_t> before{0};  // allocations until the first that fails
std::atomic<int64_t> times{0};
std::atomic<uint64_t> failed{0};
std::atomic<int64_t> first{0};  // as `before` was

bool Fails(FailingMemory::Kind wanted) {
  if (kind.load(std::memory_order_acquire) != static_cast<int>(wanted)) {
    return false;
  }
  const pid_t only = thread_id.load();
  if (only != 0 && only != gettid()) return false;
  const int64_t left = before.fetch_sub(1);
  if (left > 0 || left <= -times.load()) return false;
  ++failed;
  return true;
}

void* Allocate(std::size_t size, std::size_t alignment) {
  if (Fails(FailingMemory::Kind::kNew)) throw std::bad_alloc();
  for (;;) {
    void* memory = nullptr;
    if (alignment <= alignof(std::max_align_t)) {
      memory = std::malloc(size == 0 ? 1 : size);
    } else if (posix_memalign(&memory, alignment, size == 0 ? 1 : size) != 0) {
      memory = nullptr;
    }
    if (memory != nullptr) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* AllocateOrNull(std::size_t size, std::size_t alignment) noexcept {
  try {
    return Allocate(size, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

bool FailingMemory::Works(Kind wanted) {
  return wanted == Kind::kNew || kHasMalloc;
}

void FailingMemory::Begin(const Plan& plan) {
  thread_id = plan.where == Where::kThisThread ? gettid() : 0;
  first = static_cast<int64_t>(plan.nth) - 1;
  before = first.load();
  times = static_cast<int64_t>(plan.times);
  failed = 0;
  kind.store(static_cast<int>(plan.kind), std::memory_order_release);
}

uint64_t FailingMemory::End() {
  kind = -1;
  return failed.load();
}

uint64_t FailingMemory::Seen() {
  return static_cast<uint64_t>(first.load() - before.load());
}

#if defined(__SANITIZE_ADDRESS__)
IgnoredLeaks::IgnoredLeaks() { __lsan_disable(); }
IgnoredLeaks::~IgnoredLeaks() { __lsan_enable(); }
#else
IgnoredLeaks::IgnoredLeaks() = default;
IgnoredLeaks::~IgnoredLeaks() = default;
#endif

}  // namespace actorkv

using actorkv::Allocate;
using actorkv::AllocateOrNull;

constexpr std::size_t kPlain = 1;

void* operator new(std::size_t size) { return Allocate(size, kPlain); }
void* operator new[](std::size_t size) { return Allocate(size, kPlain); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return AllocateOrNull(size, kPlain);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return AllocateOrNull(size, kPlain);
}
void* operator new(std::size_t size, std::align_val_t alignment,
                   const std::nothrow_t& /*tag*/) noexcept {
  return AllocateOrNull(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment,
                     const std::nothrow_t& /*tag*/) noexcept {
  return AllocateOrNull(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/,
                     std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/,
                       std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}

// The names of the C library's own (glibc).
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

static bool MallocFails() {
  if (!actorkv::Fails(actorkv::FailingMemory::Kind::kMalloc)) return false;
  errno = ENOMEM;
  return true;
}

void* malloc(std::size_t size) {
  return MallocFails() ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  return MallocFails() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  return size != 0 && MallocFails() ? nullptr : __libc_realloc(memory, size);
}

}  // extern "C"
#endif
