// WorkBoard: what work of this process is under way, in memory that other
// processes can read: a file that is mapped (kv/files/work_file.h). A fixed
// number of slots, one for each piece of work; work that finds none free is not
// shown.
//
// The memory is kWorkBoardBytes, in words of 8 bytes, in the byte order of the
// machine, whose processes alone share it. DO NOT CHANGE IT without another
// version: processes of different modules share the file. kv/FORMAT.md has it
// byte by byte.
//
//   slot  word   header, the first slot
//      0     0   "actkwork"
//      0     1   version (low half), number of slots behind this one
//      0     2   pid
//      0     3   random, of the process: it knows its own board by that
//
//   slot  word   one piece of work
//      n     0   sequence: odd while the slot changes
//      n     1   WorkKind; 0: the slot is free
//      n     2   started_at_ms
//      n     3   entered_ns
//      n     4   total_bytes
//      n     5   done_bytes
//      n     6   bytes of the phase's name (low half), of the actor's
//      n     8   name of the phase, 32 bytes
//      n    12   name of the actor, 256 bytes
//
// Invariants:
//  1. A slot belongs to one piece of work, which alone writes to it. What is in
//     the memory decides nothing here, whoever else writes to it.
//  2. A reader shows no half of a change. The sequence is odd before the first
//     word of a change is stored and even, another number, after the last. Only
//     done_bytes rises without it, as one word.

#ifndef ACTORKV_KV_BASE_WORK_BOARD_H_
#define ACTORKV_KV_BASE_WORK_BOARD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: processes of different modules share them.
enum class WorkKind : uint8_t {
  kMigration = 1,
  kImport = 2,
  kExport = 3,
  kVerify = 4,
  kDoctor = 5,
  kBackup = 6,
  kReclaim = 7,
  kDiff = 8,
};

// "migration", "import", ...; null for a number that is none.
const char* WorkKindName(WorkKind what);

// WorkRow: one piece of work that is under way.
struct WorkRow {
  WorkKind what = WorkKind::kMigration;
  std::string store;           // its path; of a board: empty
  std::string actor;           // empty: of no single one
  std::string phase;           // lower case; empty: none was entered
  uint64_t done_bytes = 0;     // of this phase
  uint64_t total_bytes = 0;    // of this phase; 0: not known
  uint64_t entered_ns = 0;     // when the phase began, of the steady clock
  uint64_t started_at_ms = 0;  // of the clock on the wall, since 1970
  uint64_t pid = 0;

  // The average of this phase so far; 0: not known.
  uint64_t RateBytesPerSecond(uint64_t now_ns) const;
};

// The steady clock, which all processes of a machine share.
uint64_t SteadyNs();

inline constexpr uint32_t kWorkBoardVersion = 1;
inline constexpr size_t kWorkSlots = 31;
inline constexpr size_t kWorkSlotBytes = 512;
inline constexpr size_t kWorkBoardBytes = (kWorkSlots + 1) * kWorkSlotBytes;
inline constexpr size_t kMaxWorkPhaseBytes = 32;
inline constexpr size_t kMaxWorkActorBytes = 256;

// The bytes of a board on which nothing is, of this process.
std::string EmptyWorkBoard();

class WorkBoard {
 public:
  using Word = std::atomic<uint64_t>;
  static constexpr size_t kNoSlot = 0;

  // `memory` holds EmptyWorkBoard(), begins at a multiple of 8, and outlives
  // the board.
  explicit WorkBoard(void* memory) : words_(static_cast<Word*>(memory)) {}
  WorkBoard(const WorkBoard&) = delete;
  WorkBoard& operator=(const WorkBoard&) = delete;

  // Gives a slot that nobody has; kNoSlot where there is none. Thread-safe.
  size_t Take() noexcept;
  // Ends what Take() gave: the slot shows nothing. Thread-safe.
  void Free(size_t slot) noexcept;

  // These are for the one that has the slot, one thread at a time.
  void Show(size_t slot, const WorkRow& row) noexcept;
  void SetDone(size_t slot, uint64_t done_bytes) noexcept;

 private:
  Word* SlotWords(size_t slot) const;

  Word* const words_;
  std::mutex mutex_;
  std::array<bool, kWorkSlots + 1> taken_{};  // guarded by mutex_
};

// Three copies of a board's bytes, made one after the other.
struct WorkBoardCopies {
  std::string before;
  std::string bytes;
  std::string after;
};

// Adds what a board of another process shows. Bytes that are no board, or one
// of another version, show nothing, and so does this process's own. False: a
// slot changed while it was copied; the others were added.
bool ReadWorkBoard(const WorkBoardCopies& copies, std::vector<WorkRow>* rows);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_WORK_BOARD_H_
