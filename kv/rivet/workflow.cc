#include "kv/rivet/workflow.h"

#include <utility>

#include "kv/base/affix.h"
#include "kv/rivet/actor_persist.h"
#include "kv/rivet/bare.h"

namespace actorkv {

namespace {

constexpr size_t kVersionBytes = 2;
constexpr uint64_t kVersion = 1;

// The first bytes of items.
constexpr unsigned char kText = 0x02;
constexpr unsigned char kTuple = 0x05;
constexpr unsigned char kZero = 0x14;
constexpr unsigned char kMaxIntegerBytes = 8;

// TupleReader: takes items off the front. False for what is none, and then all
// is lost.
class TupleReader {
 public:
  explicit TupleReader(std::string_view rest) : rest_(rest) {}

  bool AtEnd() const { return rest_.empty(); }
  bool IsTuple() const {
    return !rest_.empty() && static_cast<unsigned char>(rest_[0]) == kTuple;
  }

  bool Integer(uint64_t* value) {
    if (rest_.empty()) return false;
    const int width = static_cast<unsigned char>(rest_[0]) - kZero;
    if (width < 0 || width > kMaxIntegerBytes ||
        rest_.size() <= static_cast<size_t>(width)) {
      return false;
    }
    *value = 0;
    for (int i = 1; i <= width; ++i) {
      *value = (*value << 8) |
               static_cast<unsigned char>(rest_[static_cast<size_t>(i)]);
    }
    rest_.remove_prefix(static_cast<size_t>(width) + 1);
    return true;
  }

  bool Text(std::string* text) {
    if (rest_.empty() || static_cast<unsigned char>(rest_[0]) != kText) {
      return false;
    }
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] != '\0') {
        text->push_back(rest_[i]);
      } else if (i + 1 < rest_.size() && rest_[i + 1] == '\xff') {
        text->push_back('\0');
        ++i;
      } else {
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  // Takes a tuple of two integers.
  bool Pair(uint64_t* first, uint64_t* second) {
    if (!IsTuple()) return false;
    rest_.remove_prefix(1);
    if (!Integer(first) || !Integer(second)) return false;
    if (rest_.empty() || rest_[0] != '\0') return false;
    rest_.remove_prefix(1);
    return true;
  }

 private:
  std::string_view rest_;
};

bool ReadLocation(TupleReader* reader, std::vector<WorkflowStep>* location) {
  while (!reader->AtEnd()) {
    WorkflowStep step;
    uint64_t round = 0;
    if (reader->IsTuple()) {
      if (!reader->Pair(&step.name, &round)) return false;
      step.round = round;
    } else if (!reader->Integer(&step.name)) {
      return false;
    }
    location->push_back(step);
  }
  return !location->empty();
}

WorkflowPart FieldPart(uint64_t field) {
  constexpr WorkflowPart kFields[] = {
      WorkflowPart::kUnknown, WorkflowPart::kState, WorkflowPart::kOutput,
      WorkflowPart::kError, WorkflowPart::kInput};
  return field < std::size(kFields) ? kFields[field] : WorkflowPart::kUnknown;
}

// Reads what follows the first integer.
bool ReadKey(uint64_t first, TupleReader* reader, WorkflowKey* key) {
  uint64_t field = 0;
  switch (first) {
    case 1:
      key->part = WorkflowPart::kName;
      return reader->Integer(&key->index);
    case 2:
      key->part = WorkflowPart::kHistory;
      return ReadLocation(reader, &key->location);
    case 3:
      if (!reader->Integer(&field)) return false;
      key->part = FieldPart(field);
      return true;
    case 4:
      key->part = WorkflowPart::kMetadata;
      return reader->Text(&key->entry_id);
    case 5:
      key->part = WorkflowPart::kTrace;
      return true;
    default:
      return false;
  }
}

std::string Text(BareReader* reader) { return std::string(reader->Data()); }

std::optional<std::string> OptionalText(BareReader* reader) {
  if (!reader->Bool()) return std::nullopt;
  return Text(reader);
}

std::optional<uint64_t> OptionalTime(BareReader* reader) {
  if (!reader->Bool()) return std::nullopt;
  return reader->Fixed(sizeof(uint64_t));
}

// Reads a number that names one of `names`.
template <size_t kCount>
const char* Name(BareReader* reader, const char* const (&names)[kCount]) {
  const uint64_t number = reader->Fixed(1);
  if (number < kCount) return names[number];
  reader->Fail("a kind or state that is not known");
  return "";
}

void SkipLocation(BareReader* reader) {
  constexpr size_t kLeastBytes = 1 + sizeof(uint32_t);
  for (size_t left = reader->Count(kLeastBytes); left > 0 && reader->ok();
       --left) {
    const bool is_loop = reader->Bool();
    reader->Fixed(sizeof(uint32_t));
    if (is_loop) reader->Fixed(sizeof(uint32_t));
  }
}

void SkipBranches(BareReader* reader) {
  static constexpr const char* kStates[] = {"pending", "running", "completed",
                                            "failed", "cancelled"};
  constexpr size_t kLeastBytes = 4;
  for (size_t left = reader->Count(kLeastBytes); left > 0 && reader->ok();
       --left) {
    reader->Data();
    Name(reader, kStates);
    OptionalText(reader);
    OptionalText(reader);
  }
}

// Reads what an entry of this kind has.
void ReadKind(uint64_t kind, BareReader* reader, WorkflowEntry* entry) {
  static constexpr const char* kKinds[] = {"step",    "loop",       "sleep",
                                           "message", "checkpoint", "join",
                                           "race",    "removed",    "version"};
  static constexpr const char* kSleeps[] = {"pending", "completed",
                                            "interrupted"};
  if (kind >= std::size(kKinds)) {
    reader->Fail("an entry of a kind that is not known");
    return;
  }
  entry->kind = kKinds[kind];
  switch (kind) {
    case 0:
      OptionalText(reader);
      entry->error = OptionalText(reader);
      return;
    case 1:
      reader->Data();
      reader->Fixed(sizeof(uint32_t));
      OptionalText(reader);
      return;
    case 2:
      entry->deadline_ms = reader->Fixed(sizeof(uint64_t));
      entry->status = Name(reader, kSleeps);
      return;
    case 3:
      entry->name = Text(reader);
      reader->Data();
      return;
    case 4:
      entry->name = Text(reader);
      return;
    case 5:
      return SkipBranches(reader);
    case 6:
      OptionalText(reader);
      return SkipBranches(reader);
    case 7:
      reader->Data();
      entry->name = OptionalText(reader).value_or("");
      return;
    default:
      reader->Fixed(sizeof(uint32_t));
      reader->Fixed(sizeof(uint32_t));
  }
}

Status Outcome(const BareReader& reader, uint64_t version) {
  if (reader.ok() && version != kVersion) {
    return Status::NotSupported("a value of version " +
                                std::to_string(version));
  }
  if (reader.ok()) return Status::Ok();
  return Status::Corruption("at byte " + std::to_string(reader.offset()) +
                            " of the value: " + std::string(reader.error()));
}

}  // namespace

const char* WorkflowPartName(WorkflowPart part) {
  switch (part) {
    case WorkflowPart::kName:
      return "name";
    case WorkflowPart::kHistory:
      return "history";
    case WorkflowPart::kState:
      return "state";
    case WorkflowPart::kOutput:
      return "output";
    case WorkflowPart::kError:
      return "error";
    case WorkflowPart::kInput:
      return "input";
    case WorkflowPart::kMetadata:
      return "metadata";
    case WorkflowPart::kTrace:
      return "trace";
    case WorkflowPart::kUnknown:
      break;
  }
  return "unknown";
}

WorkflowKey ParseWorkflowKey(std::string_view key) {
  if (!BeginsWith(key, kWorkflowPrefix)) return {};
  TupleReader reader(key.substr(kWorkflowPrefix.size()));
  WorkflowKey parsed;
  uint64_t first = 0;
  if (!reader.Integer(&first) || !ReadKey(first, &reader, &parsed) ||
      !reader.AtEnd()) {
    return {};
  }
  return parsed;
}

std::string WorkflowNameKey(uint64_t index) {
  constexpr unsigned char kOne[] = {kZero + 1, 1};
  std::string key(kWorkflowPrefix);
  key.append(std::begin(kOne), std::end(kOne));
  std::string number;
  for (uint64_t value = index; value > 0; value >>= 8) {
    number.insert(number.begin(), static_cast<char>(value));
  }
  key.push_back(static_cast<char>(kZero + number.size()));
  return key + number;
}

Status DecodeWorkflowEntry(std::string_view value, WorkflowEntry* entry) {
  BareReader reader(value);
  WorkflowEntry read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  if (version == kVersion) {
    read.id = Text(&reader);
    SkipLocation(&reader);
    const uint64_t kind = reader.Fixed(1);
    if (reader.ok()) ReadKind(kind, &reader, &read);
    reader.End();
  }
  Status s = Outcome(reader, version);
  if (s.ok()) *entry = std::move(read);
  return s;
}

Status DecodeWorkflowMetadata(std::string_view value,
                              WorkflowMetadata* metadata) {
  static constexpr const char* kStates[] = {"pending", "running", "completed",
                                            "failed", "exhausted"};
  BareReader reader(value);
  WorkflowMetadata read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  if (version == kVersion) {
    read.status = Name(&reader, kStates);
    read.error = OptionalText(&reader);
    read.attempts = static_cast<uint32_t>(reader.Fixed(sizeof read.attempts));
    read.last_attempt_at_ms = reader.Fixed(sizeof(uint64_t));
    read.created_at_ms = reader.Fixed(sizeof(uint64_t));
    read.completed_at_ms = OptionalTime(&reader);
    OptionalTime(&reader);
    OptionalText(&reader);
    reader.End();
  }
  Status s = Outcome(reader, version);
  if (s.ok()) *metadata = std::move(read);
  return s;
}

}  // namespace actorkv
