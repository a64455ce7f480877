#include "kv/share/board.h"

#include <algorithm>
#include <string>
#include <utility>

namespace actorkv {
namespace {

constexpr char kName[] = "actorkv.board";

// "akboard" as the bytes of a word, and the version.
constexpr uint64_t kLayout = 0x01'64'72'61'6f'62'6b'61;

constexpr size_t kClockOffset = 0;
constexpr size_t kLayoutOffset = 64;
constexpr size_t kIncarnationOffset = 72;
constexpr size_t kSettingsOffset = 80;
constexpr size_t kCatalogOffset = 88;
constexpr size_t kClockOffsetOffset = 96;
constexpr size_t kSlotsOffset = 128;
constexpr size_t kSlotBytes = 64;
constexpr size_t kBoardBytes = kSlotsOffset + kBoardSlots * kSlotBytes;

static_assert(sizeof(ActorSlot) == kSlotBytes, "as the table says");

}  // namespace

Board::Board(std::unique_ptr<SharedMemory> memory)
    : memory_(std::move(memory)),
      clock_last_us_(WordAt(kClockOffset)),
      settings_seq_(WordAt(kSettingsOffset)),
      catalog_seq_(WordAt(kCatalogOffset)),
      clock_offset_us_(WordAt(kClockOffsetOffset)) {}

Board::Word* Board::WordAt(size_t offset) const {
  return reinterpret_cast<Word*>(static_cast<char*>(memory_->data()) + offset);
}

Status Board::Make(const OpenedDirectory& directory, uint64_t incarnation,
                   std::unique_ptr<Board>* board) {
  std::unique_ptr<SharedMemory> memory;
  if (Status s = SharedMemory::Make(directory, kName, kBoardBytes, &memory);
      !s.ok()) {
    return s;
  }
  std::unique_ptr<Board> made(new Board(std::move(memory)));
  made->WordAt(kLayoutOffset)->store(kLayout);
  made->WordAt(kIncarnationOffset)->store(incarnation);
  *board = std::move(made);
  return Status::Ok();
}

Status Board::Adopt(int fd, uint64_t incarnation,
                    std::unique_ptr<Board>* board) {
  std::unique_ptr<SharedMemory> memory;
  if (Status s = SharedMemory::Adopt(fd, kName, kBoardBytes, &memory);
      !s.ok()) {
    return s;
  }
  std::unique_ptr<Board> made(new Board(std::move(memory)));
  const uint64_t layout = made->WordAt(kLayoutOffset)->load();
  if (layout != kLayout) {
    return Status::Corruption("actorkv.board has layout " +
                              std::to_string(layout) + ", not " +
                              std::to_string(kLayout));
  }
  const uint64_t found = made->WordAt(kIncarnationOffset)->load();
  if (found != incarnation) {
    return Status::Corruption("actorkv.board is of the owner " +
                              std::to_string(found) + ", not of " +
                              std::to_string(incarnation));
  }
  *board = std::move(made);
  return Status::Ok();
}

Status Board::NextTime(uint64_t wall_us, uint64_t* time_us) {
  // One word has one order of changes that all agree on: nothing else is needed
  // for times that differ.
  uint64_t last = clock_last_us_->load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    next = std::max(wall_us, last + 1);
    if (last >= kLatestTimeUs || next > kLatestTimeUs) {
      return Status::Corruption(
          "the time of the store that its processes share cannot be: last=" +
          std::to_string(last) + " us, wall=" + std::to_string(wall_us) +
          " us: close all connections to the store and open them again");
    }
  } while (!clock_last_us_->compare_exchange_weak(last, next,
                                                  std::memory_order_relaxed));
  *time_us = next;
  return Status::Ok();
}

void Board::RaiseTime(uint64_t at_least_us) noexcept {
  uint64_t last = clock_last_us_->load(std::memory_order_relaxed);
  while (last < at_least_us &&
         !clock_last_us_->compare_exchange_weak(last, at_least_us,
                                                std::memory_order_relaxed)) {
  }
}

ActorSlot* Board::slot(uint32_t number) noexcept {
  if (number >= kBoardSlots) return nullptr;
  auto* const slots = reinterpret_cast<ActorSlot*>(
      static_cast<char*>(memory_->data()) + kSlotsOffset);
  return slots + number;
}

void Board::RaiseHeads() noexcept {
  for (uint32_t number = 0; number < kBoardSlots; ++number) {
    ActorSlot* const raised = slot(number);
    // Slots are given from the first on.
    if (!raised->was_used()) return;
    raised->RaiseHead();
  }
}

}  // namespace actorkv
