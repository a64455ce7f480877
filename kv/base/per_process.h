// PerProcess: an object of which each process has one of its own.
//
// A child of fork() has copies of all objects of its parent, and none of its
// threads. A mutex in them may be locked for ever, and what they say of
// threads, sessions and stores is said of the parent. So where the child asks
// for the object, it gets another one, made there; that of the parent is left
// as it is, for what still points to it.
//
// Where what is in the object goes on in the child, and only its mutex is in
// the way, that is a WholeMutex (kv/base/whole_mutex.h).
//
// Invariants:
//  1. The object is made at the first Get() of a process, and never destroyed:
//     exit handlers may ask for it.
//  2. In a child, before fork() returns there, Get() forgets that of the
//     parent, and ForkCount() has risen.
//
// Thread-safe. REQUIRES: a PerProcess has static storage.

#ifndef ACTORKV_KV_BASE_PER_PROCESS_H_
#define ACTORKV_KV_BASE_PER_PROCESS_H_

#include <atomic>
#include <cstdint>

namespace actorkv {

// How many calls of fork() lie between the process that asked first and this
// one: what remembers another number was made by a parent.
uint64_t ForkCount() noexcept;

// OfParent: tells of an object that has it whether a parent made it.
class OfParent {
 public:
  bool value() const { return made_at_ != ForkCount(); }

 private:
  const uint64_t made_at_ = ForkCount();
};

// ProcessSlot: what PerProcess has for each type.
class ProcessSlot {
 public:
  constexpr ProcessSlot() = default;
  ProcessSlot(const ProcessSlot&) = delete;
  ProcessSlot& operator=(const ProcessSlot&) = delete;

 protected:
  ~ProcessSlot() = default;
  void* Present() const { return object_.load(std::memory_order_acquire); }
  // The parent's, or that of one before; null: there is none.
  const void* Former() const { return former_; }
  // Returns what is there then: `made`, or what another thread made.
  void* Keep(void* made) noexcept;

 private:
  void MakeKnown() noexcept;
  static void ForgetAllInChild() noexcept;
  friend struct ForkHandler;

  std::atomic<void*> object_{nullptr};
  void* former_ = nullptr;  // changes while there is one thread
  bool is_known_ = false;
  ProcessSlot* next_ = nullptr;  // in the list of all that are known
};

template <typename T>
class PerProcess : public ProcessSlot {
 public:
  constexpr PerProcess() = default;
  // Trivial, as it must outlive all that is destroyed when the process ends.
  ~PerProcess() = default;

  T* Get() {
    return Get([](const T* /*former*/) { return new T; });
  }
  // `make` is given the parent's, or null, and returns a new one, which is
  // deleted where another thread was faster.
  template <typename Make>
  T* Get(const Make& make) {
    void* const present = Present();
    if (present != nullptr) return static_cast<T*>(present);
    T* const made = make(static_cast<const T*>(Former()));
    T* const kept = static_cast<T*>(Keep(made));
    if (kept != made) delete made;
    return kept;
  }
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_PER_PROCESS_H_
