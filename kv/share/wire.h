// MessageWriter and MessageReader make frames of messages, and messages of the
// bodies of frames. They are the only ones that know how a field is encoded:
//
//   bool                1 byte, 0 or 1
//   enum                1 byte, from the first to the last value
//   u8, u32, u64        little-endian
//   Id<>                u64
//   CommitId            16 bytes
//   bytes, text         u32 size, then the bytes
//   optional            bool, then the value where it is true
//   list                u32 count, then the items
//   Partition           u8 kind, u64 id
//   another message     its fields, in order
//
// A message is a struct with a list of its fields, in their order, by which it
// is both written and read:
//
//   struct Example {
//     uint32_t slot = 0;
//     std::vector<std::string_view> names;
//     template <typename Self, typename Wire>
//     static void Fields(Self* m, Wire* wire) {
//       wire->All(&m->slot, &m->names);
//     }
//   };
//
// One that is a frame of its own has kOp and kFlags as well. There is one
// encoding for each message, and a reader refuses any other: what is accepted
// comes out again byte for byte.
//
// Text and bytes of a message that was read are views into the frame, and valid
// as long as that is. A count is believed only as far as so many items may
// follow, and a list takes at most kMaxFrameBytes of memory, as a frame does.

#ifndef ACTORKV_KV_SHARE_WIRE_H_
#define ACTORKV_KV_SHARE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kv/base/coding.h"
#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/share/frame.h"

namespace actorkv {

// The values of an enum that a message may have, given as pairs of its first
// and its last one by LimitsOf() beside the enum.
template <typename Enum>
struct EnumLimits {
  Enum first;
  Enum last;
};

constexpr EnumLimits<PartitionKind> LimitsOf(PartitionKind) {
  return {PartitionKind::kCatalog, PartitionKind::kLegacy};
}
constexpr EnumLimits<Durability> LimitsOf(Durability) {
  return {Durability::kBuffered, Durability::kSynced};
}
constexpr EnumLimits<CommitOutcome> LimitsOf(CommitOutcome) {
  return {CommitOutcome::kDone, CommitOutcome::kUnknown};
}

class MessageWriter {
 public:
  // Begins a frame; the header is written by Finish().
  MessageWriter() : frame_(kFrameHeaderBytes, '\0') {}
  // Uses the memory of a frame that nobody needs any more.
  explicit MessageWriter(std::string frame) : frame_(std::move(frame)) {
    frame_.assign(kFrameHeaderBytes, '\0');
  }

  template <typename... Field>
  void All(const Field*... field) {
    (Put(*field), ...);
  }

  // Gives the frame. Errors: kInvalidArgument past kMaxFrameBytes, or for a
  // list that no reader takes.
  Status Finish(FrameHeader header, std::string* frame);

  size_t body_bytes() const { return frame_.size() - kFrameHeaderBytes; }

 private:
  void Put(bool value) { PutByte(value ? 1 : 0); }
  void Put(uint8_t value) { PutByte(value); }
  void Put(uint32_t value) { AppendLittle32(&frame_, value); }
  void Put(uint64_t value) { AppendLittle64(&frame_, value); }
  void Put(const CommitId& id) { frame_.append(id.begin(), id.end()); }
  void Put(std::string_view bytes);
  void Put(const Partition& partition) { All(&partition.kind, &partition.id); }
  template <typename Tag>
  void Put(Id<Tag> id) {
    Put(id.value);
  }
  template <typename Value>
  void Put(const std::optional<Value>& value) {
    Put(value.has_value());
    if (value.has_value()) Put(*value);
  }
  template <typename Item>
  void Put(const std::vector<Item>& items) {
    if (items.size() > kMaxFrameBytes / sizeof(Item)) is_too_large_ = true;
    Put(static_cast<uint32_t>(items.size()));
    for (const Item& item : items) Put(item);
  }
  template <typename Value>
  void Put(const Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      PutByte(static_cast<uint8_t>(value));
    } else {
      Value::Fields(&value, this);
    }
  }
  void PutByte(uint8_t byte) { frame_.push_back(static_cast<char>(byte)); }

  std::string frame_;
  bool is_too_large_ = false;
};

class MessageReader {
 public:
  explicit MessageReader(std::string_view body) : fields_(body) {}

  template <typename... Field>
  void All(Field*... field) {
    (Get(field), ...);
  }

  // What was read is not what is written. Later reads give nothing.
  void Refuse() {
    is_refused_ = true;
    fields_ = FieldReader({});
  }

  // Says that all was read, and that it was right. Errors: kCorruption, with
  // the frame's name.
  Status Finish(const FrameHeader& header) const;
  // The same of the beginning of a message: more may follow.
  Status FinishPart(const FrameHeader& header) const;

 private:
  void Get(bool* value);
  void Get(uint8_t* value) { *value = fields_.Byte(); }
  void Get(uint32_t* value) { *value = fields_.Little32(); }
  void Get(uint64_t* value) { *value = fields_.Little64(); }
  void Get(CommitId* id);
  void Get(std::string_view* bytes);
  void Get(Partition* partition) { All(&partition->kind, &partition->id); }
  template <typename Tag>
  void Get(Id<Tag>* id) {
    Get(&id->value);
  }
  template <typename Value>
  void Get(std::optional<Value>* value) {
    bool is_there = false;
    Get(&is_there);
    if (is_there) Get(&value->emplace());
  }
  template <typename Item>
  void Get(std::vector<Item>* items) {
    const uint32_t count = Count(LeastBytes<Item>(), sizeof(Item));
    items->reserve(count);
    for (uint32_t i = 0; i < count; ++i) Get(&items->emplace_back());
  }
  template <typename Value>
  void Get(Value* value) {
    if constexpr (std::is_enum_v<Value>) {
      constexpr auto kLimits = LimitsOf(Value{});
      *value =
          static_cast<Value>(LimitedByte(static_cast<uint8_t>(kLimits.first),
                                         static_cast<uint8_t>(kLimits.last)));
    } else {
      Value::Fields(value, this);
    }
  }

  // Reads a count; 0 and refused where not so many items can follow, each of
  // `least_bytes`, or they would take too much memory.
  uint32_t Count(size_t least_bytes, size_t memory_bytes);
  uint8_t LimitedByte(uint8_t first, uint8_t last);

  // An item without text, lists and optional values has the shortest encoding.
  template <typename Item>
  static size_t LeastBytes() {
    static const size_t bytes = [] {
      MessageWriter writer;
      const Item item{};
      writer.All(&item);
      return writer.body_bytes();
    }();
    return bytes;
  }

  FieldReader fields_;
  bool is_refused_ = false;
};

// Makes the frame of a message: header and body. `request`: the number that the
// asker gave; 0 where no answer is wanted. *frame: its memory is used again,
// and after an error nothing is in it. Errors: kInvalidArgument for a message
// that is too large.
template <typename Message>
Status EncodeInto(const Message& message, uint64_t request,
                  std::string* frame) {
  MessageWriter writer(std::move(*frame));
  frame->clear();
  Message::Fields(&message, &writer);
  FrameHeader header;
  header.op = Message::kOp;
  header.flags = Message::kFlags;
  header.request = request;
  return writer.Finish(header, frame);
}

// The same, with new memory; *frame is unchanged after an error.
template <typename Message>
Status EncodeFrame(const Message& message, uint64_t request,
                   std::string* frame) {
  std::string made;
  if (Status s = EncodeInto(message, request, &made); !s.ok()) return s;
  *frame = std::move(made);
  return Status::Ok();
}

// Reads the message of a frame. Errors: kCorruption for another op or other
// flags than the message has, and for what no EncodeFrame() makes; the text
// names the frame.
template <typename Message>
Status DecodeBody(const FrameHeader& header, std::string_view body,
                  Message* message) {
  MessageReader reader(body);
  if (header.op != Message::kOp || header.flags != Message::kFlags) {
    reader.Refuse();
    return reader.Finish(header);
  }
  Message read;
  Message::Fields(&read, &reader);
  if (Status s = reader.Finish(header); !s.ok()) return s;
  *message = std::move(read);
  return Status::Ok();
}

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_WIRE_H_
