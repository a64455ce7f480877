#include "kv/inspect/pair_text.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/hex.h"
#include "kv/base/utf8.h"
#include "kv/format/get_record.h"
#include "kv/format/zero_gap.h"
#include "kv/inspect/record_json.h"
#include "kv/pages/delta_reader.h"

namespace actorkv {

namespace {

constexpr char kUnknown[] = "unknown ";

// Of a record that does not decode.
constexpr size_t kMaxRawBytes = 256;

// --- Names of keys -----------------------------------------------------------
//
// Each adds to *text what stands behind the word. Errors: it is no such key.

uint64_t NumberOf(uint64_t number) { return number; }
template <typename Tag>
uint64_t NumberOf(Id<Tag> id) {
  return id.value;
}

// Functions are template arguments, so that a kind is a row of plain function
// pointers and needs no class of its own.
template <std::string (*kKey)()>
Status OnlyOne(std::string_view key, std::string* /*text*/) {
  return key == kKey() ? Status::Ok() : Status::Corruption("malformed key");
}

template <typename Number, Status (*kParse)(std::string_view, Number*)>
Status NumberName(std::string_view key, std::string* text) {
  Number number{};
  Status s = kParse(key, &number);
  if (s.ok()) *text += std::to_string(NumberOf(number));
  return s;
}

template <Status (*kParse)(std::string_view, std::string*)>
Status TextName(std::string_view key, std::string* text) {
  std::string name;
  Status s = kParse(key, &name);
  if (s.ok()) *text += EscapedUtf8(name);
  return s;
}

Status CommitName(std::string_view key, std::string* text) {
  BranchId branch;
  TxId txid;
  Status s = ParseCommitKey(key, &branch, &txid);
  if (!s.ok()) return s;
  *text +=
      std::to_string(txid.value) + " @ branch " + std::to_string(branch.value);
  return s;
}

Status ForkName(std::string_view key, std::string* text) {
  BranchId branch;
  BranchId child;
  Status s = ParseForkKey(key, &branch, &child);
  if (!s.ok()) return s;
  *text +=
      std::to_string(child.value) + " @ branch " + std::to_string(branch.value);
  return s;
}

Status PairName(std::string_view key, std::string* text) {
  std::string_view pair_key;
  Status s = ParsePairKey(key, &pair_key);
  if (s.ok()) *text += ToHex(pair_key);
  return s;
}

Status PageName(std::string_view key, std::string* text) {
  PageNo pgno = 0;
  TxId txid;
  Status s = ParseChunkKey(key, &pgno, &txid);
  if (!s.ok()) return s;
  *text += std::to_string(pgno) + " @ txid " + std::to_string(txid.value);
  return s;
}

// --- Fields of records -------------------------------------------------------
//
// Each adds the fields of a record that decodes. Errors: what is wrong with it,
// also where some are added.

template <typename Record>
Status Fields(const StoredPair& pair, JsonFields* fields) {
  Record record;
  Status s = DecodeRecord(pair.key, pair.value, &record);
  if (s.ok()) AddFields(record, fields);
  return s;
}

// The list of pages is checked here, because DecodeRecord() takes it as it is.
Status CommitFields(const StoredPair& pair, JsonFields* fields) {
  CommitRecord record;
  if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) return s;
  AddFields(record, fields);
  return CheckPageList(record);
}

Status LimitFields(const StoredPair& pair, JsonFields* fields) {
  uint64_t limit_us = 0;
  if (Status s = ParseClockLimitKey(pair.key, &limit_us); !s.ok()) return s;
  if (!pair.value.empty()) {
    return Status::Corruption("a clock limit has no value");
  }
  fields->Number("limit_us", limit_us);
  return Status::Ok();
}

Status PairFields(const StoredPair& pair, JsonFields* fields) {
  std::string_view key;
  std::string_view value;
  if (Status s = ParsePairKey(pair.key, &key); !s.ok()) return s;
  if (Status s =
          DecodePair(LegacyId{pair.partition.id}, key, pair.value, &value);
      !s.ok()) {
    return s;
  }
  fields->Number("value_bytes", value.size());
  return Status::Ok();
}

Status DecodeChunkOf(const StoredPair& pair, ChunkId* id, DecodedChunk* chunk) {
  id->branch = BranchId{pair.partition.id};
  if (Status s = ParseChunkKey(pair.key, &id->pgno, &id->txid); !s.ok()) {
    return s;
  }
  return DecodeChunk(*id, pair.value, chunk);
}

Status ChunkFields(const StoredPair& pair, JsonFields* fields) {
  ChunkId id;
  DecodedChunk chunk;
  Status s = DecodeChunkOf(pair, &id, &chunk);
  if (s.ok()) AddFields(chunk, fields);
  return s;
}

// --- The kinds ---------------------------------------------------------------

// A kind is found by the beginning of the key and told by its word: both ways
// between keys and texts go over this table, so they agree.
struct KeyKind {
  PartitionKind partition;
  std::string key_prefix;
  std::string word;  // the text begins with it
  Status (*name)(std::string_view key, std::string* text);
  Status (*fields)(const StoredPair& pair, JsonFields* fields);
};

// The tables are never destroyed, as a dump may run while the process ends.
const std::vector<KeyKind>& CatalogKinds() {
  constexpr auto kIn = PartitionKind::kCatalog;
  static const auto* const kinds = new std::vector<KeyKind>{
      {kIn, StoreRecordKey(), "store", OnlyOne<StoreRecordKey>,
       Fields<StoreRecord>},
      {kIn, ActorEntryPrefix(), "actor ", TextName<ParseActorEntryKey>,
       Fields<ActorEntry>},
      {kIn, DeletedEntryPrefix(), "deleted actor ",
       NumberName<ActorId, ParseDeletedEntryKey>, Fields<ActorEntry>},
      {kIn, StagePrefix(), "stage ", NumberName<BranchId, ParseStageKey>,
       Fields<StageRecord>},
      {kIn, ImportPrefix(), "import ", NumberName<LegacyId, ParseImportKey>,
       Fields<StageRecord>},
      {kIn, ClockLimitPrefix(), "clock limit ",
       NumberName<uint64_t, ParseClockLimitKey>, LimitFields},
      {kIn, ClockStepPrefix(), "clock step ",
       NumberName<uint64_t, ParseClockStepKey>, Fields<ClockStep>},
      {kIn, SettingPrefix(), "setting ", TextName<ParseSettingKey>,
       Fields<SettingRecord>},
  };
  return *kinds;
}

const std::vector<KeyKind>& ActorKinds() {
  constexpr auto kIn = PartitionKind::kActor;
  static const auto* const kinds = new std::vector<KeyKind>{
      {kIn, HeadKey(), "head", OnlyOne<HeadKey>, Fields<Head>},
      {kIn, HintsKey(), "hints", OnlyOne<HintsKey>, Fields<HintsRecord>},
      {kIn, BranchRecordPrefix(), "branch ",
       NumberName<BranchId, ParseBranchRecordKey>, Fields<BranchRecord>},
      {kIn, CommitPrefix(), "commit ", CommitName, CommitFields},
      {kIn, LegacyRecordKey(), "legacy", OnlyOne<LegacyRecordKey>,
       Fields<LegacyRecord>},
      {kIn, RestorePointPrefix(), "restore point ",
       TextName<ParseRestorePointKey>, Fields<RestorePointRecord>},
      {kIn, RestorePrefix(), "restore ", NumberName<TxId, ParseRestoreKey>,
       Fields<RestoreRecord>},
      {kIn, ForkPrefix(), "fork ", ForkName, Fields<ForkRecord>},
      {kIn, SettingPrefix(), "setting ", TextName<ParseSettingKey>,
       Fields<SettingRecord>},
  };
  return *kinds;
}

const std::vector<KeyKind>& KindsOf(PartitionKind kind) {
  static const auto* const pages = new std::vector<KeyKind>{
      {PartitionKind::kBranch, "", "page ", PageName, ChunkFields}};
  static const auto* const pairs = new std::vector<KeyKind>{
      {PartitionKind::kLegacy, PairKey(""), "pair ", PairName, PairFields}};
  switch (kind) {
    case PartitionKind::kCatalog:
      return CatalogKinds();
    case PartitionKind::kActor:
      return ActorKinds();
    case PartitionKind::kBranch:
      return *pages;
    case PartitionKind::kLegacy:
      break;
  }
  return *pairs;
}

// Null: none is known.
const KeyKind* KindOf(PartitionKind partition, std::string_view key) {
  for (const KeyKind& kind : KindsOf(partition)) {
    if (BeginsWith(key, kind.key_prefix)) return &kind;
  }
  return nullptr;
}

// --- Where keys are ---------------------------------------------------------

// One of the two begins with the other.
bool IsWithin(std::string_view a, std::string_view b) {
  return BeginsWith(a, b) || BeginsWith(b, a);
}

// What every chunk key of the page begins with.
std::string PagePrefix(PageNo pgno) {
  // Keys of one page differ by the txid alone, so what its first and its last
  // key share is the page.
  std::string newest = ChunkKey(pgno, kLastTxId);
  const std::string oldest = ChunkKey(pgno, TxId{});
  const auto end = std::mismatch(newest.begin(), newest.end(), oldest.begin());
  newest.erase(end.first, newest.end());
  return newest;
}

// Of "page 7 ...", the keys of that page; of less, those of all.
std::string PagesFrom(std::string_view begin, const KeyKind& kind) {
  PageNo pgno = 0;
  if (begin.size() <= kind.word.size()) return kind.key_prefix;
  // A number that does not end may still grow: "page 7" may become "page 71",
  // so only a blank behind it names the page.
  const char* const first = begin.data() + kind.word.size();
  const auto read = std::from_chars(first, begin.data() + begin.size(), pgno);
  const bool is_whole = read.ec == std::errc() &&
                        read.ptr != begin.data() + begin.size() &&
                        *read.ptr == ' ';
  return is_whole ? PagePrefix(pgno) : kind.key_prefix;
}

// --- What is wrong -----------------------------------------------------------

Status UnknownKey(std::string_view key) {
  return Status::Corruption("a key of no known kind: bytes=" + BytesText(key));
}

// Of a chunk that decodes: the hash of its page, which the chunk says.
Status CheckWhole(const ChunkId& id, const DecodedChunk& chunk) {
  // An empty chunk does not say how large its page is, so there is nothing to
  // compare its hash with.
  if (chunk.codec == Codec::kEmpty) return Status::Ok();
  const size_t bytes = chunk.codec == Codec::kGap ? PageBytesOf(chunk.payload)
                                                  : chunk.payload.size();
  std::string page(bytes, '\0');
  Status s =
      UnpackPage(id, chunk, static_cast<uint32_t>(page.size()), page.data());
  if (!s.ok() || chunk.page_hash == PageHash(id.pgno, page)) return s;
  return Status::Corruption("page hash mismatch: " + ChunkName(id));
}

Status CheckDelta(EngineReader* reader, const ChunkId& id,
                  const DecodedChunk& chunk) {
  std::string page(chunk.delta.page_size, '\0');
  Status s = UnpackDelta(reader, id, chunk, page.data());
  if (s.ok()) return s;
  // Reclaim removes a delta before its base: then it was sound.
  bool is_there = true;
  const Status again = HasKey(reader, BranchPartition(id.branch),
                              ChunkKey(id.pgno, id.txid), &is_there);
  return again.ok() && !is_there ? again : s;
}

Status CheckPage(EngineReader* reader, const StoredPair& pair) {
  ChunkId id;
  DecodedChunk chunk;
  if (Status s = DecodeChunkOf(pair, &id, &chunk); !s.ok()) return s;
  return chunk.codec == Codec::kDelta ? CheckDelta(reader, id, chunk)
                                      : CheckWhole(id, chunk);
}

// What is stored is wrong, or of a newer version; not the machine.
bool IsDamage(const Status& status) {
  return status.code() == Code::kCorruption ||
         status.code() == Code::kNotSupported;
}

// Bytes of what nobody could read are the last thing that can be said of it; a
// page of them would hide the row.
void AddRaw(const StoredPair& pair, JsonFields* fields) {
  std::string raw = ToHex(pair.value.substr(0, kMaxRawBytes));
  if (pair.value.size() > kMaxRawBytes) raw += "...";
  fields->Text("raw", raw);
}

}  // namespace

std::string PartitionText(Partition partition) {
  const std::string id = std::to_string(partition.id);
  switch (partition.kind) {
    case PartitionKind::kCatalog:
      return "catalog";
    case PartitionKind::kActor:
      return "actor " + id;
    case PartitionKind::kBranch:
      return "branch " + id;
    case PartitionKind::kLegacy:
      break;
  }
  return "legacy " + id;
}

bool ParsePartition(std::string_view text, Partition* partition) {
  // The text is made for each kind and compared: whatever PartitionText()
  // writes is read, and nothing else.
  for (const PartitionKind kind :
       {PartitionKind::kCatalog, PartitionKind::kActor, PartitionKind::kBranch,
        PartitionKind::kLegacy}) {
    Partition parsed = {kind, 0};
    const size_t blank = text.find(' ');
    if (blank != std::string_view::npos) {
      std::from_chars(text.data() + blank + 1, text.data() + text.size(),
                      parsed.id);
    }
    if (text != PartitionText(parsed)) continue;
    *partition = parsed;
    return true;
  }
  return false;
}

std::string KeyText(Partition partition, std::string_view key) {
  const KeyKind* const kind = KindOf(partition.kind, key);
  if (kind != nullptr) {
    std::string text = kind->word;
    if (kind->name(key, &text).ok()) return text;
  }
  return kUnknown + ToHex(key);
}

bool FindKeys(PartitionKind kind, std::string_view begin,
              std::string* key_prefix) {
  std::vector<const KeyKind*> found;
  for (const KeyKind& one : KindsOf(kind)) {
    const bool has_name = one.word.back() == ' ';
    // Where names follow, the text asked for may be shorter or longer than the
    // word; a kind without names is one text.
    const bool may =
        has_name ? IsWithin(begin, one.word) : BeginsWith(one.word, begin);
    if (may) found.push_back(&one);
  }
  const bool any = IsWithin(begin, kUnknown);
  if (!any && found.empty()) return false;
  key_prefix->clear();
  // Several kinds, or unknown keys that may be anywhere: the whole partition is
  // looked through.
  if (any || found.size() > 1) return true;
  *key_prefix = kind == PartitionKind::kBranch ? PagesFrom(begin, *found[0])
                                               : found[0]->key_prefix;
  return true;
}

Status DescribePair(EngineReader* reader, const StoredPair& pair,
                    RecordText* text) {
  RecordText described;
  JsonFields fields;
  const KeyKind* const kind = KindOf(pair.partition.kind, pair.key);
  if (kind == nullptr) {
    described.problem = UnknownKey(pair.key);
    AddRaw(pair, &fields);
  } else {
    if (!pair.value.empty()) {
      fields.Number("version", static_cast<uint8_t>(pair.value[0]));
    }
    std::string name;
    described.problem = kind->name(pair.key, &name);
    // A record that decodes shows its fields; one that gave none shows its
    // bytes.
    const std::string before = fields.Object();
    if (described.problem.ok()) {
      described.problem = kind->fields(pair, &fields);
    }
    if (fields.Object() == before) AddRaw(pair, &fields);
  }
  if (described.problem.ok() && pair.partition.kind == PartitionKind::kBranch) {
    described.problem = CheckPage(reader, pair);
  }
  // An error of the machine ends the dump, as every row after it would have the
  // same.
  if (!described.problem.ok() && !IsDamage(described.problem)) {
    return described.problem;
  }
  described.json = fields.Object();
  *text = std::move(described);
  return Status::Ok();
}

}  // namespace actorkv
