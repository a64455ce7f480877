// HostileEngine: wraps an engine and makes its bad days happen on request, for
// tests: conflicts, failures, outcomes that are not known, read errors, and
// limits smaller than those of the wrapped engine.
//
// A test holds the plan, the engine asks it at each call. Calls are counted
// from 1 since the plan was made or Reset(), over all threads and readers.

#ifndef ACTORKV_TESTS_SUPPORT_HOSTILE_ENGINE_H_
#define ACTORKV_TESTS_SUPPORT_HOSTILE_ENGINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "kv/engine/engine.h"

namespace actorkv {

enum class CommitFault {
  kConflict,       // answers kConflict; nothing written
  kFailed,         // answers kFailed; nothing written
  kUnknownLanded,  // answers kUnknown; written, if its guards held
  kUnknownLost,    // answers kUnknown; nothing written
};

// Thread-safe.
class HostilePlan {
 public:
  // The nth commit from now on meets `fault`. `status` is what it answers
  // with; ok: a default for the fault.
  void FailCommit(uint64_t nth, CommitFault fault, Status status = Status());

  // The nth read from now on (each call of Get, Seek, Scan or SeekOne is one)
  // fails with `status`.
  void FailRead(uint64_t nth, Status status);
  // The same for the nth read of the calling thread, whatever others read. One
  // at a time.
  void FailReadHere(uint64_t nth, Status status);

  // Forgets all faults and counts.
  void Reset();

  uint64_t commit_count() const;
  uint64_t read_count() const;
  // Faults that happened. A loop over N ends when this stays 0.
  uint64_t fired_count() const;

  // For the engine: counts a call and takes its fault out of the plan.
  struct CommitAnswer {
    CommitFault fault;
    Status status;
  };
  std::optional<CommitAnswer> NextCommit();
  Status NextRead();

 private:
  mutable std::mutex mutex_;
  uint64_t commit_count_ = 0;
  uint64_t read_count_ = 0;
  uint64_t fired_count_ = 0;
  std::map<uint64_t, CommitAnswer> commit_faults_;
  std::map<uint64_t, Status> read_faults_;
  std::thread::id here_;    // none: no fault of FailReadHere()
  uint64_t here_left_ = 0;  // reads until it happens
  Status here_status_;
};

// `limits`: nullopt for those of `base`. A batch past them is refused before
// the plan is asked.
std::unique_ptr<Engine> NewHostileEngine(
    std::unique_ptr<Engine> base, std::shared_ptr<HostilePlan> plan,
    std::optional<EngineLimits> limits = std::nullopt);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_HOSTILE_ENGINE_H_
