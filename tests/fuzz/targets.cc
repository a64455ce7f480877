#include "tests/fuzz/targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/hex.h"
#include "kv/files/gzip.h"
#include "kv/rivet/actor_persist.h"
#include "kv/rivet/archive_json.h"
#include "kv/rivet/driver_state.h"
#include "kv/rivet/json_lines.h"
#include "kv/rivet/kv_bin.h"
#include "kv/rivet/rivet_engine.h"
#include "kv/rivet/rivet_engine_keys.h"
#include "kv/rivet/rivet_v2.h"
#include "kv/rivet/workflow.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/share_targets.h"
#include "tests/support/memory_bytes.h"
#include "tests/support/rivet_engine_writer.h"

namespace actorkv {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Past this, more output teaches nothing: gzip packs 1000 to 1.
constexpr size_t kMaxUnpackedBytes = size_t{4} << 20;
constexpr PageNo kMaxPagesRead = 200;

bool ReadAll(PairSource* source, Pairs* pairs) {
  while (true) {
    KeyValue pair;
    bool more = false;
    if (!Accepted(source->Next(&pair, &more))) return false;
    if (!more) return true;
    pairs->emplace_back(std::move(pair.key), std::move(pair.value));
  }
}

// Gives at most `piece` bytes at a time.
class Trickle : public ByteSource {
 public:
  Trickle(std::string_view bytes, size_t piece)
      : source_(MemoryBytes(bytes)), piece_(piece) {}
  Status Read(char* buffer, size_t size, size_t* got) override {
    return source_->Read(buffer, std::min(size, piece_), got);
  }

 private:
  const std::unique_ptr<ByteSource> source_;
  const size_t piece_;
};

void FuzzJsonLines(std::string_view input) {
  Pairs pairs;
  const bool accepted =
      ReadAll(ReadJsonLines(MemoryBytes(input)).get(), &pairs);
  Pairs again;
  const bool accepted_again =
      ReadAll(ReadJsonLines(std::make_unique<Trickle>(input, 3)).get(), &again);
  Require(accepted == accepted_again && pairs == again,
          "the sizes of pieces do not matter");
  std::string lines;
  for (const auto& [key, value] : pairs) {
    lines += R"({"k":")" + ToHex(key) + R"(","v":")" + ToHex(value) + "\"}\n";
  }
  again.clear();
  Require(ReadAll(ReadJsonLines(MemoryBytes(lines)).get(), &again) &&
              pairs == again,
          "pairs come back from JSON lines");
}

void FuzzKvBin(std::string_view input) {
  Pairs pairs;
  const bool accepted = ReadAll(ReadKvBin(MemoryBytes(input)).get(), &pairs);
  Pairs again;
  const bool accepted_again =
      ReadAll(ReadKvBin(std::make_unique<Trickle>(input, 3)).get(), &again);
  Require(accepted == accepted_again && pairs == again,
          "the sizes of pieces do not matter");
  std::string written;
  for (const auto& [key, value] : pairs) {
    written += EncodeKvBinEntry(key, value);
  }
  Require(input.substr(0, written.size()) == written,
          "there is one encoding for one pair");
  Require(!accepted || written.size() == input.size(), "nothing is left out");
}

// True, with *output, when the input ends well.
bool Unpack(std::unique_ptr<ByteSource> packed, size_t piece,
            std::string* output) {
  const std::unique_ptr<ByteSource> source = UnpackGzip(std::move(packed));
  std::string buffer(piece, '\0');
  while (output->size() < kMaxUnpackedBytes) {
    size_t got = 0;
    if (!Accepted(source->Read(buffer.data(), piece, &got))) return false;
    if (got == 0) return true;
    output->append(buffer, 0, got);
  }
  output->resize(kMaxUnpackedBytes);
  return true;
}

void FuzzGzip(std::string_view input) {
  std::string output;
  const bool accepted = Unpack(MemoryBytes(input), size_t{1} << 16, &output);
  std::string again;
  const bool accepted_again =
      Unpack(std::make_unique<Trickle>(input, 1), 1000, &again);
  Require(accepted == accepted_again, "the sizes of pieces do not matter");
  // Before an error, how much came out depends on the pieces.
  Require(!accepted || output == again, "the output does not change");
}

class StringInput : public LtxInput {
 public:
  explicit StringInput(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size_bytes() const override { return bytes_.size(); }
  Status Read(uint64_t offset, size_t size, char* buffer) override {
    Require(offset <= bytes_.size() && size <= bytes_.size() - offset,
            "reads stay inside the blob");
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), size, buffer);
    return Status::Ok();
  }

 private:
  const std::string_view bytes_;
};

void FuzzLtx(std::string_view input) {
  StringInput blob(input);
  LtxHeader header;
  PageNo last = 0;
  uint64_t end = kLtxHeaderBytes;
  std::vector<LtxFrame> frames;
  const Status s = ScanLtx(&blob, &header, [&](const LtxFrame& frame) {
    Require(frame.pgno > last && frame.offset == end, "frames are in order");
    last = frame.pgno;
    end += frame.size_bytes;
    frames.push_back(frame);
    return Status::Ok();
  });
  if (!Accepted(s)) return;
  for (const LtxFrame& frame : frames) {
    std::string page;
    if (Accepted(DecodeLtxFrame(input.substr(frame.offset, frame.size_bytes),
                                frame.pgno, header.page_size, &page))) {
      Require(page.size() == header.page_size, "a page has its size");
    }
  }
}

void FuzzRivetV2(std::string_view input) {
  const int fd = memfd_create("sqlite.bin", MFD_CLOEXEC);
  const ssize_t written = write(fd, input.data(), input.size());
  Require(written == static_cast<ssize_t>(input.size()), "a memory file");
  std::unique_ptr<RivetV2Database> database;
  if (Accepted(RivetV2Database::Open("/proc/self/fd/" + std::to_string(fd),
                                     &database))) {
    const PageNo end = std::min(database->page_count(), kMaxPagesRead);
    for (PageNo pgno = 1; pgno <= end; ++pgno) {
      std::string page;
      if (!Accepted(database->ReadPage(pgno, &page))) continue;
      Require(page.size() == database->page_size(), "a page has its size");
    }
  }
  close(fd);
}

// A database of the engine as a map.
class MapSpace : public SortedPairSpace {
 public:
  using Map = std::map<std::string, std::string>;
  explicit MapSpace(Map map) : map_(std::move(map)) {}

  std::unique_ptr<SortedPairs> NewPosition() override {
    return std::make_unique<Position>(map_);
  }

 private:
  class Position : public SortedPairs {
   public:
    explicit Position(const Map& map) : map_(map), at_(map.end()) {}
    Status Seek(std::string_view key, bool* valid) override {
      at_ = map_.lower_bound(std::string(key));
      *valid = at_ != map_.end();
      return Status::Ok();
    }
    Status Next(bool* valid) override {
      Require(at_ != map_.end(), "a position moves while it is valid");
      *valid = ++at_ != map_.end();
      return Status::Ok();
    }
    std::string_view key() const override { return at_->first; }
    std::string_view value() const override { return at_->second; }

   private:
    const Map& map_;
    Map::const_iterator at_;
  };

  const Map map_;
};

// The input is a kv.bin of physical pairs.
void FuzzRivetEngine(std::string_view input) {
  Pairs physical;
  ReadAll(ReadKvBin(MemoryBytes(input)).get(), &physical);
  MapSpace::Map map;
  for (const auto& [key, value] : physical) {
    RivetEngineKey parsed;
    if (ParseRivetEngineKey(key, &parsed)) {
      Require(EncodeRivetEngineKey(parsed) == key,
              "there is one encoding for one key");
    }
    map[key] = value;
  }
  RivetEngine engine(std::make_unique<MapSpace>(std::move(map)));
  std::string id;
  bool more = true;
  while (Accepted(engine.NextActor(id, &id, &more)) && more) {
    std::unique_ptr<PairSource> source;
    Require(engine.OpenPairs(id, &source).ok(), "an id that was listed opens");
    Pairs pairs;
    const bool accepted = ReadAll(source.get(), &pairs);
    Require(!accepted || !pairs.empty(), "an actor that is listed has pairs");
  }
}

void FuzzArchiveJson(std::string_view input) {
  ActorMetadata metadata;
  if (Accepted(ParseActorMetadata(input, &metadata))) {
    ActorMetadata again;
    Require(ParseActorMetadata(ToJson(metadata), &again).ok() &&
                ToJson(again) == ToJson(metadata),
            "metadata comes back");
  }
  ArchiveManifest manifest;
  if (Accepted(ParseArchiveManifest(input, &manifest))) {
    ArchiveManifest again;
    Require(ParseArchiveManifest(ToJson(manifest), &again).ok() &&
                ToJson(again) == ToJson(manifest),
            "a manifest comes back");
  }
}

// What decodes comes back when it is encoded and decoded once more.
template <typename Value>
void FuzzPersist(std::string_view input) {
  Value value;
  if (!Accepted(DecodePersist(input, &value))) return;
  const std::string written = EncodePersist(value);
  Value again;
  Require(
      DecodePersist(written, &again).ok() && EncodePersist(again) == written,
      "a value comes back");
  // Versions 3 and 4 have one encoding.
  Require(input[0] < 3 || input.substr(1) == written.substr(1),
          "nothing is left out");
}

// The first byte says which value the rest is.
void FuzzActorPersist(std::string_view input) {
  if (input.empty()) return;
  const std::string_view value = input.substr(1);
  TextPairs texts;
  std::vector<std::string> names;
  std::optional<int64_t> alarm;
  switch (input[0]) {
    case 0:
      return FuzzPersist<PersistedActor>(value);
    case 1:
      return FuzzPersist<PersistedConnection>(value);
    case 2:
      return FuzzPersist<QueueMetadata>(value);
    case 3:
      return FuzzPersist<QueueMessage>(value);
    case 4:
      Require(
          !Accepted(DecodeAlarm(value, &alarm)) || EncodeAlarm(alarm) == value,
          "an alarm comes back");
      return;
    default:
      if (DecodeCborMap(value, &texts)) {
        TextPairs again;
        Require(DecodeCborMap(EncodeCborMap(texts), &again) && again == texts,
                "a map comes back");
      }
      if (DecodeCborArray(value, &names)) {
        std::vector<std::string> again;
        Require(
            DecodeCborArray(EncodeCborArray(names), &again) && again == names,
            "an array comes back");
      }
  }
}

void FuzzDriverState(std::string_view input) {
  DriverState state;
  Pairs pairs;
  const bool accepted = Accepted(ReadDriverState(MemoryBytes(input), &state));
  const bool pairs_accepted = ReadAll(
      DriverStatePairs(std::make_unique<Trickle>(input, 3)).get(), &pairs);
  Require(accepted == pairs_accepted, "the sizes of pieces do not matter");
  Require(!accepted || pairs.size() == state.pair_count, "pairs are counted");
  if (accepted) {
    ActorMetadata metadata;
    (void)Accepted(
        ParseActorMetadata(ToJson(DriverMetadata(state)), &metadata));
  }
  uint64_t at_ms = 0;
  (void)Accepted(DecodeDriverAlarm(input, &at_ms));
}

// The length of a key, the key, a value.
void FuzzWorkflow(std::string_view input) {
  if (input.empty()) return;
  const size_t size =
      std::min(static_cast<size_t>(static_cast<unsigned char>(input[0])),
               input.size() - 1);
  const std::string_view key_bytes = input.substr(1, size);
  const WorkflowKey key = ParseWorkflowKey(key_bytes);
  Require(key.part != WorkflowPart::kHistory || !key.location.empty(),
          "an entry of the history has a place");
  if (key.part == WorkflowPart::kName) {
    const WorkflowKey again = ParseWorkflowKey(WorkflowNameKey(key.index));
    Require(again.part == key.part && again.index == key.index,
            "the key of a name comes back");
  }
  WorkflowEntry entry;
  WorkflowMetadata metadata;
  (void)Accepted(DecodeWorkflowEntry(input.substr(1 + size), &entry));
  (void)Accepted(DecodeWorkflowMetadata(input.substr(1 + size), &metadata));
}

}  // namespace

const FuzzTarget kFuzzTargets[kFuzzTargetCount] = {
    {"json_lines", FuzzJsonLines},
    {"kv_bin", FuzzKvBin},
    {"gzip", FuzzGzip},
    {"ltx", FuzzLtx},
    {"rivet_v2", FuzzRivetV2},
    {"rivet_engine", FuzzRivetEngine},
    {"archive_json", FuzzArchiveJson},
    {"actor_persist", FuzzActorPersist},
    {"driver_state", FuzzDriverState},
    {"workflow", FuzzWorkflow},
    {"share_messages", FuzzShareMessages},
    {"share_frames", FuzzShareFrames},
    {"share_heads", FuzzShareHeads},
};

}  // namespace actorkv
