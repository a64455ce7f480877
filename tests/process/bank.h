// Bank: four actors with accounts, and tellers in processes of their own that
// move money, within one actor and between two. Each move is in a log that the
// same transaction writes, and each teller says which moves it was told are
// done: so what was lost, torn or made up is found at the end.

#ifndef ACTORKV_TESTS_PROCESS_BANK_H_
#define ACTORKV_TESTS_PROCESS_BANK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace actorkv {

inline constexpr int kBankActors = 4;

// What a teller says: that it began, or of one move how it went.
struct Saying {
  enum Kind : uint32_t { kBegan, kDone, kBusy, kFailed, kLeft };
  uint32_t kind = kFailed;
  // Of the move: by one statement alone (SQLite may send it again), in one
  // actor; by a transaction in one; or in two.
  enum Shape : uint32_t { kStatement, kTransaction, kPair };
  uint32_t shape = kStatement;
  uint32_t number = 0;  // of the move, from 1 on for each teller
  int32_t code = 0;     // what SQLite said
};

// Where the bank's databases are: actors of a store, or files that stand for
// them in a directory.
struct BankPlace {
  std::string directory;
  bool is_files = false;

  std::string Uri(int actor) const;
};

// Makes the actors, each with its accounts. True when they are there.
bool FoundBank(const BankPlace& place);

class Teller {
 public:
  // `number`: of this teller, never used before.
  Teller(const BankPlace& place, int number, uint64_t seed);

  int number() const { return number_; }
  pid_t pid() const { return process_->pid(); }
  const std::vector<Saying>& said() const { return said_; }
  bool has_begun() const { return !said_.empty(); }
  int hears_fd() const { return process_->hears_fd(); }

  // Takes what it has said by now, without waiting. False at its end.
  bool Listen();
  // Kills it, and takes what it said before.
  void Kill();
  // Lets it finish, close and exit. The status as WaitForStatus() says it.
  int End();

 private:
  const int number_;
  std::unique_ptr<ChildProcess> process_;
  std::vector<Saying> said_;
  std::string rest_;
};

// Compares what the tellers said with what is there; the failures are in the
// test's. Returns how many moves are in the log.
int64_t CheckBank(const BankPlace& place,
                  const std::vector<std::unique_ptr<Teller>>& tellers);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_PROCESS_BANK_H_
