// MemorySweep: a process in which one allocation of an operation fails, then
// the next one, and so on; for tests/fault/memory_sweep_test.cc.
//
// After each it looks at what must hold: nothing is torn or lost, what this
// process sees is what a store that is opened afresh shows, the next commits
// work, and actorkv_verify has no row. A process that dies says where.

#ifndef ACTORKV_TESTS_FAULT_MEMORY_SWEEP_H_
#define ACTORKV_TESTS_FAULT_MEMORY_SWEEP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/failing_memory.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {

// A store with the actors that the operations use, and two connections: main is
// a, with b attached; and one whose main is in memory, for functions.
class SweepWorld {
 public:
  // `directory` has, or gets, the store.
  explicit SweepWorld(std::string directory);

  // Makes the store. Once.
  void Make();
  void Open();
  void Close();  // and the store

  SqliteDb* files() { return &files_; }
  SqliteDb* functions() { return &functions_; }
  std::string File(const std::string& name) const {
    return directory_ + "/" + name;
  }
  std::string store() const { return File("store"); }
  std::string Uri(const std::string& actor) const;

  // Looks at everything; the texts of what is wrong. `number` is of the step
  // that ended with `code`, and that stores it in both a and b.
  std::vector<std::string> Check(int64_t number, int code, bool stores);

 private:
  // The pairs of both actors, and their sums of everything else.
  std::string Look(std::vector<std::string>* wrong);

  const std::string directory_;
  SqliteDb files_;
  SqliteDb functions_;
};

struct SweepOperation {
  const char* name;
  bool stores;  // the number of its step, in a and b
  bool opens;   // or closes the connections, which are opened anew after it
  // Before each step. `number` is of the step, and used once.
  std::function<void(SweepWorld* world, int64_t number)> prepare;
  // The step; its SQLite code.
  std::function<int(SweepWorld* world, int64_t number)> run;
};

const std::vector<SweepOperation>& SweepOperations();

// What the child is told: "operation kind where first stride last directory".
struct SweepOrder {
  size_t operation = 0;
  FailingMemory::Plan plan;  // nth: the first
  uint64_t stride = 1;
  uint64_t last = 0;  // 0: only counts what the operation allocates
  std::string directory;

  std::string ToText() const;
  static SweepOrder FromText(const std::string& text);
};

// In the child: runs the order, and writes "at N", "seen N", "wrong N TEXT" and
// "died FRAMES" as lines to the file `report` of its directory.
void RunSweep(const SweepOrder& order);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_FAULT_MEMORY_SWEEP_H_
