#include "kv/share/slate.h"

namespace actorkv {
namespace {

constexpr char kName[] = "actorkv.slate";
constexpr size_t kSlateBytes = kSlatePins * sizeof(uint32_t);

}  // namespace

Status Slate::Make(const OpenedDirectory& directory,
                   std::unique_ptr<Slate>* slate) {
  std::unique_ptr<SharedMemory> memory;
  if (Status s = SharedMemory::Make(directory, kName, kSlateBytes, &memory);
      !s.ok()) {
    return s;
  }
  slate->reset(new Slate(std::move(memory)));
  return Status::Ok();
}

Status Slate::Adopt(int fd, std::unique_ptr<Slate>* slate) {
  std::unique_ptr<SharedMemory> memory;
  if (Status s = SharedMemory::Adopt(fd, kName, kSlateBytes, &memory);
      !s.ok()) {
    return s;
  }
  slate->reset(new Slate(std::move(memory)));
  return Status::Ok();
}

void Slate::Wake(uint32_t pin) noexcept {
  // Not released only: what its process reads next must not be read before.
  word(pin)->store(1, std::memory_order_seq_cst);
}

void Slate::Rest(uint32_t pin) noexcept {
  word(pin)->store(0, std::memory_order_release);
}

bool Slate::Resume(uint32_t pin, const ActorSlot& slot,
                   uint64_t head_seq) noexcept {
  Wake(pin);
  if (slot.head_seq() == head_seq) return true;
  Rest(pin);
  return false;
}

bool Slate::IsAwake(uint32_t pin) const noexcept {
  return pin >= kSlatePins || word(pin)->load(std::memory_order_seq_cst) != 0;
}

}  // namespace actorkv
