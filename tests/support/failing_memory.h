// FailingMemory: makes chosen allocations of this process fail, for tests.
//
// A test binary with failing_memory.cc in it has its own operator new, which
// the libraries that it loads use as well, and, but under a sanitizer, its own
// malloc. One plan at a time.
//
//   kNew     operator new throws, as where the handler of the program
//            (std::set_new_handler) gave up
//   kMalloc  malloc, calloc and realloc give nothing; operator new then does
//            what the standard says

#ifndef ACTORKV_TESTS_SUPPORT_FAILING_MEMORY_H_
#define ACTORKV_TESTS_SUPPORT_FAILING_MEMORY_H_

#include <cstdint>

namespace actorkv {

class FailingMemory {
 public:
  enum class Kind { kNew, kMalloc };
  enum class Where { kThisThread, kAnyThread };

  struct Plan {
    Kind kind = Kind::kNew;
    Where where = Where::kThisThread;
    uint64_t nth = 1;    // from now on, of this kind; 1 is the next
    uint64_t times = 1;  // that and those behind it
  };

  // Whether plans of this kind have an effect in this build.
  static bool Works(Kind kind);

  static void Begin(const Plan& plan);
  // Nothing fails any more. Returns how many failed.
  static uint64_t End();
  // Of the plan that was begun last: how many allocations it looked at.
  static uint64_t Seen();
};

// IgnoredLeaks: what this thread allocates meanwhile is no leak to a sanitizer.
// For RocksDB, which loses what it has made when std::bad_alloc passes it.
class IgnoredLeaks {
 public:
  IgnoredLeaks();
  ~IgnoredLeaks();
  IgnoredLeaks(const IgnoredLeaks&) = delete;
  IgnoredLeaks& operator=(const IgnoredLeaks&) = delete;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FAILING_MEMORY_H_
