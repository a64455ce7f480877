#include "kv/share/slate.h"

namespace actorkv {
namespace {

constexpr char kName[] = "actorkv.slate";
constexpr size_t kSlateBytes = (kSlatePins + 16) * sizeof(uint32_t);

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

bool Slate::IsAwake(uint32_t pin) const noexcept {
  if (pin >= kSlatePins) return true;
  const uint32_t found = word(pin)->load(std::memory_order_seq_cst);
  return found != kPinRests && found != kPinWasTaken;
}

}  // namespace actorkv
