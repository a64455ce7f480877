#include "kv/base/work_board.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "kv/base/host_id.h"

namespace actorkv {
namespace {

static_assert(WorkBoard::Word::is_always_lock_free,
              "processes share the words");
static_assert(sizeof(WorkBoard::Word) == sizeof(uint64_t), "no gap");

constexpr uint64_t kNsPerSecond = 1'000'000'000;

constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr size_t kSlotWords = kWorkSlotBytes / kWordBytes;

// "actkwork" as the bytes of a word.
constexpr char kMagic[] = "actkwork";
static_assert(sizeof kMagic == kWordBytes + 1);

enum HeaderWord : size_t { kMagicWord, kVersionWord, kPidWord, kProcessWord };
enum SlotWord : size_t {
  kSequence = 0,
  kWhat = 1,
  kStartedAt = 2,
  kEntered = 3,
  kTotal = 4,
  kDone = 5,
  kSizes = 6,
  kPhase = 8,
  kActor = 12,
};
static_assert(kPhase + kMaxWorkPhaseBytes / kWordBytes == kActor);
static_assert(kActor + kMaxWorkActorBytes / kWordBytes <= kSlotWords);

using SlotCopy = std::array<uint64_t, kSlotWords>;

// Two processes may have one pid, in two pid namespaces.
uint64_t ThisProcess() {
  static const uint64_t id = RandomId();
  return id;
}

uint64_t Halves(size_t low, size_t high) {
  return static_cast<uint64_t>(low) | static_cast<uint64_t>(high) << 32;
}

// Stores with release: who reads one of these words, and acquires, sees that
// the sequence is odd.
void StoreText(std::string_view text, WorkBoard::Word* words) {
  for (size_t at = 0; at < text.size(); at += kWordBytes) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at,
                std::min(kWordBytes, text.size() - at));
    words[at / kWordBytes].store(word, std::memory_order_release);
  }
}

SlotCopy CopyOf(std::string_view board, size_t slot) {
  SlotCopy copy;
  std::memcpy(copy.data(), board.data() + slot * kWorkSlotBytes,
              kWorkSlotBytes);
  return copy;
}

bool IsPhaseName(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool IsForeignBoard(std::string_view bytes, uint64_t* pid) {
  if (bytes.size() != kWorkBoardBytes) return false;
  const SlotCopy header = CopyOf(bytes, 0);
  *pid = header[kPidWord];
  return std::memcmp(header.data(), kMagic, kWordBytes) == 0 &&
         header[kVersionWord] == Halves(kWorkBoardVersion, kWorkSlots) &&
         header[kProcessWord] != ThisProcess();
}

// False where the slot is free, or has what no version 1 writes.
bool DecodeSlot(const SlotCopy& slot, WorkRow* row) {
  const auto phase_bytes = static_cast<uint32_t>(slot[kSizes]);
  const auto actor_bytes = static_cast<uint32_t>(slot[kSizes] >> 32);
  const auto what = static_cast<WorkKind>(slot[kWhat]);
  if (slot[kWhat] > UINT8_MAX || WorkKindName(what) == nullptr ||
      phase_bytes > kMaxWorkPhaseBytes || actor_bytes > kMaxWorkActorBytes) {
    return false;
  }
  const auto* const text = reinterpret_cast<const char*>(slot.data());
  row->what = what;
  row->phase.assign(text + kPhase * kWordBytes, phase_bytes);
  row->actor.assign(text + kActor * kWordBytes, actor_bytes);
  row->started_at_ms = slot[kStartedAt];
  row->entered_ns = slot[kEntered];
  row->total_bytes = slot[kTotal];
  row->done_bytes = slot[kDone];
  return IsPhaseName(row->phase);
}

}  // namespace

const char* WorkKindName(WorkKind what) {
  switch (what) {
    case WorkKind::kMigration:
      return "migration";
    case WorkKind::kImport:
      return "import";
    case WorkKind::kExport:
      return "export";
    case WorkKind::kVerify:
      return "verify";
    case WorkKind::kDoctor:
      return "doctor";
    case WorkKind::kBackup:
      return "backup";
    case WorkKind::kReclaim:
      return "reclaim";
    case WorkKind::kDiff:
      return "diff";
  }
  return nullptr;
}

uint64_t SteadyNs() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

uint64_t WorkRow::RateBytesPerSecond(uint64_t now_ns) const {
  if (entered_ns == 0 || now_ns <= entered_ns) return 0;
  const double seconds =
      static_cast<double>(now_ns - entered_ns) / double{kNsPerSecond};
  // A file may hold any number, and not each is one of 64 bits afterwards.
  const double rate = static_cast<double>(done_bytes) / seconds;
  return rate < static_cast<double>(INT64_MAX) ? static_cast<uint64_t>(rate)
                                               : 0;
}

std::string EmptyWorkBoard() {
  SlotCopy header = {};
  std::memcpy(header.data(), kMagic, kWordBytes);
  header[kVersionWord] = Halves(kWorkBoardVersion, kWorkSlots);
  header[kPidWord] = static_cast<uint64_t>(getpid());
  header[kProcessWord] = ThisProcess();
  std::string bytes(kWorkBoardBytes, '\0');
  std::memcpy(bytes.data(), header.data(), sizeof header);
  return bytes;
}

WorkBoard::Word* WorkBoard::SlotWords(size_t slot) const {
  return words_ + slot * kSlotWords;
}

size_t WorkBoard::Take() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t slot = 1; slot <= kWorkSlots; ++slot) {
    if (taken_[slot]) continue;
    taken_[slot] = true;
    return slot;
  }
  return kNoSlot;
}

void WorkBoard::Free(size_t slot) noexcept {
  // One word, which is never torn: the rest says nothing without it.
  SlotWords(slot)[kWhat].store(0, std::memory_order_release);
  const std::lock_guard<std::mutex> lock(mutex_);
  taken_[slot] = false;
}

void WorkBoard::Show(size_t slot, const WorkRow& row) noexcept {
  Word* const words = SlotWords(slot);
  const std::string_view phase =
      std::string_view{row.phase}.substr(0, kMaxWorkPhaseBytes);
  const std::string_view actor =
      std::string_view{row.actor}.substr(0, kMaxWorkActorBytes);
  // Odd, whatever somebody else may have made of it.
  const uint64_t sequence = words[kSequence].load() | 1;
  words[kSequence].store(sequence);
  words[kWhat].store(static_cast<uint64_t>(row.what),
                     std::memory_order_release);
  words[kStartedAt].store(row.started_at_ms, std::memory_order_release);
  words[kEntered].store(row.entered_ns, std::memory_order_release);
  words[kTotal].store(row.total_bytes, std::memory_order_release);
  words[kDone].store(row.done_bytes, std::memory_order_release);
  words[kSizes].store(Halves(phase.size(), actor.size()),
                      std::memory_order_release);
  StoreText(phase, words + kPhase);
  StoreText(actor, words + kActor);
  words[kSequence].store(sequence + 1, std::memory_order_release);
}

void WorkBoard::SetDone(size_t slot, uint64_t done_bytes) noexcept {
  SlotWords(slot)[kDone].store(done_bytes, std::memory_order_relaxed);
}

bool ReadWorkBoard(const WorkBoardCopies& copies, std::vector<WorkRow>* rows) {
  uint64_t pid = 0;
  if (!IsForeignBoard(copies.before, &pid) ||
      !IsForeignBoard(copies.bytes, &pid) ||
      !IsForeignBoard(copies.after, &pid)) {
    return true;
  }
  bool whole = true;
  for (size_t slot = 1; slot <= kWorkSlots; ++slot) {
    const uint64_t before = CopyOf(copies.before, slot)[kSequence];
    const uint64_t after = CopyOf(copies.after, slot)[kSequence];
    if (before != after || before % 2 != 0) {
      whole = false;
      continue;
    }
    WorkRow row;
    row.pid = pid;
    if (DecodeSlot(CopyOf(copies.bytes, slot), &row)) {
      rows->push_back(std::move(row));
    }
  }
  return whole;
}

}  // namespace actorkv
