#include "kv/share/wire.h"

#include <algorithm>

namespace actorkv {
namespace {

Status Damaged(const FrameHeader& header) {
  return Status::Corruption("a message of another process is damaged: " +
                            FrameName(header));
}

}  // namespace

void MessageWriter::Put(std::string_view bytes) {
  if (bytes.size() > kMaxFrameBytes) is_too_large_ = true;
  // What is too large is not copied as well.
  if (is_too_large_) return;
  AppendLittle32(&frame_, static_cast<uint32_t>(bytes.size()));
  frame_.append(bytes);
}

Status MessageWriter::Finish(FrameHeader header, std::string* frame) {
  if (is_too_large_ || body_bytes() > kMaxFrameBytes) {
    return Status::InvalidArgument(
        "a message between processes is too large: " + FrameName(header) +
        " has more than " + std::to_string(kMaxFrameBytes) + " bytes");
  }
  header.size_bytes = static_cast<uint32_t>(body_bytes());
  StoreFrameHeader(header, frame_.data());
  *frame = std::move(frame_);
  return Status::Ok();
}

Status MessageReader::Finish(const FrameHeader& header) const {
  if (!fields_.rest().empty()) return Damaged(header);
  return FinishPart(header);
}

Status MessageReader::FinishPart(const FrameHeader& header) const {
  return is_refused_ || !fields_.ok() ? Damaged(header) : Status::Ok();
}

uint8_t MessageReader::LimitedByte(uint8_t first, uint8_t last) {
  const uint8_t value = fields_.Byte();
  if (value >= first && value <= last) return value;
  Refuse();
  return first;
}

void MessageReader::Get(bool* value) { *value = LimitedByte(0, 1) == 1; }

void MessageReader::Get(CommitId* id) {
  const std::string_view bytes = fields_.Bytes(id->size());
  std::copy(bytes.begin(), bytes.end(), id->begin());
}

void MessageReader::Get(std::string_view* bytes) {
  const uint32_t size = fields_.Little32();
  *bytes = fields_.Bytes(size);
}

uint32_t MessageReader::Count(size_t least_bytes, size_t memory_bytes) {
  const uint32_t count = fields_.Little32();
  if (count <= fields_.rest().size() / least_bytes &&
      count <= kMaxFrameBytes / memory_bytes) {
    return count;
  }
  Refuse();
  return 0;
}

}  // namespace actorkv
