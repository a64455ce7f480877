// Stored pairs as text: pages of every codec, and what is damaged or not known.

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "kv/format/chunk.h"
#include "kv/inspect/pair_text.h"
#include "tests/support/memory_engine.h"
#include "tests/support/pair_examples.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using pair_examples::All;
using pair_examples::kActor;
using pair_examples::kBranch;
using pair_examples::PairExample;
using pair_examples::TestCommit;

class PairDamageTest : public testing::Test {
 protected:
  RecordText Describe(Partition partition, const std::string& key,
                      const std::string& value) {
    RecordText text;
    EXPECT_OK(DescribePair(reader_.get(), {partition, key, value}, &text));
    return text;
  }

  void Put(Partition partition, const std::string& key,
           const std::string& value) {
    Batch batch;
    batch.Put(partition, key, value);
    ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
    reader_->Refresh();
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
  std::unique_ptr<EngineReader> reader_ = engine_->NewReader();
};

// --- Pages -------------------------------------------------------------------

std::string PageOf(char fill, size_t zeros) {
  std::string page(4096, fill);
  page.replace(1000, zeros, std::string(zeros, '\0'));
  return page;
}

TEST_F(PairDamageTest, ChunksOfEveryCodec) {
  const ChunkId id{kBranch, 7, {99}};
  const Partition partition = BranchPartition(kBranch);
  const std::string key = ChunkKey(id.pgno, id.txid);
  EXPECT_EQ(KeyText(partition, key), "page 7 @ txid 99");
  std::set<Codec> codecs;
  const auto describe = [&](const ChunkId& at, const std::string& value) {
    DecodedChunk chunk;
    EXPECT_OK(DecodeChunk(at, value, &chunk));
    codecs.insert(chunk.codec);
    const RecordText text =
        Describe(partition, ChunkKey(at.pgno, at.txid), value);
    EXPECT_OK(text.problem);
    return std::regex_replace(text.json, std::regex("[0-9a-f]{16}"), "HASH");
  };
  const auto chunk_of = [&](const ChunkId& at, const std::string& page) {
    return EncodeChunk(at, page, PageHash(at.pgno, page));
  };
  EXPECT_EQ(describe(id, chunk_of(id, std::string(4096, '\0'))),
            R"({"version":1,"codec":"empty","payload_bytes":0,)"
            R"("page_hash":"HASH"})");
  const std::string base = PageOf('a', 0);
  EXPECT_EQ(describe(id, chunk_of(id, base)),
            R"({"version":1,"codec":"raw","payload_bytes":4096,)"
            R"("page_hash":"HASH"})");
  EXPECT_EQ(describe(id, chunk_of(id, PageOf('a', 2000))),
            R"({"version":1,"codec":"gap","payload_bytes":2104,)"
            R"("page_hash":"HASH","page_bytes":4096,"gap_begin":1000,)"
            R"("gap_bytes":2000})");
  Put(partition, key, chunk_of(id, base));
  const ChunkId newer{kBranch, 7, {100}};
  std::string page = base;
  page[0] = 'x';
  page[17] = page[40] = page[4095] = 'y';
  StoredForm form;
  form.base = id.txid;
  form.changed.AddDifferences(base, page);
  const std::string delta =
      EncodeDeltaChunk(newer, EncodeDelta(form, page), PageHash(7, page));
  EXPECT_EQ(describe(newer, delta),
            R"({"version":1,"codec":"delta","payload_bytes":104,)"
            R"("page_hash":"HASH","base_txid":99,"page_bytes":4096,)"
            R"("block_bytes":16,"block_count":4,"blocks":"0-2 255"})");
  EXPECT_EQ(codecs.size(), 4U) << "a new codec: show it here";
}

TEST_F(PairDamageTest, ADeltaIsAsSoundAsItsBase) {
  const Partition partition = BranchPartition(kBranch);
  const std::string base = PageOf('a', 0);
  std::string page = base;
  page[5] = 'b';
  StoredForm form;
  form.base = {99};
  form.changed.AddDifferences(base, page);
  const ChunkId id{kBranch, 7, {100}};
  const std::string key = ChunkKey(7, {100});
  const std::string delta =
      EncodeDeltaChunk(id, EncodeDelta(form, page), PageHash(7, page));
  Put(partition, key, delta);
  const RecordText missing = Describe(partition, key, delta);
  EXPECT_EQ(missing.problem.code(), Code::kCorruption);
  EXPECT_NE(missing.json.find("\"base_txid\":99"), std::string::npos);
  const std::string other = PageOf('c', 0);
  Put(partition, ChunkKey(7, {99}),
      EncodeChunk({kBranch, 7, {99}}, other, PageHash(7, other)));
  EXPECT_TRUE(IsError(Describe(partition, key, delta).problem,
                      Code::kCorruption, "do not make the page"));
  Put(partition, ChunkKey(7, {99}),
      EncodeChunk({kBranch, 7, {99}}, base, PageHash(7, base)));
  EXPECT_OK(Describe(partition, key, delta).problem);
}

TEST_F(PairDamageTest, APageWithAnotherHash) {
  const std::string page = PageOf('a', 0);
  const ChunkId id{kBranch, 7, {99}};
  EXPECT_TRUE(IsError(Describe(BranchPartition(kBranch), ChunkKey(7, {99}),
                               EncodeChunk(id, page, 1))
                          .problem,
                      Code::kCorruption, "page hash mismatch"));
}

// --- What is damaged or not known --------------------------------------------

TEST_F(PairDamageTest, DamagedRecordsShowTheirBytes) {
  for (const PairExample& example : All()) {
    if (example.value.empty()) continue;
    SCOPED_TRACE(example.key_text);
    std::string damaged = example.value;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    const RecordText text = Describe(example.partition, example.key, damaged);
    EXPECT_EQ(text.problem.code(), Code::kCorruption);
    EXPECT_NE(text.json.find(",\"raw\":\"0"), std::string::npos) << text.json;
    std::string newer = example.value;
    newer[0] = 9;
    const RecordText unknown = Describe(example.partition, example.key, newer);
    EXPECT_TRUE(IsError(unknown.problem, Code::kNotSupported, "version 9"));
    EXPECT_EQ(unknown.json.substr(0, 20), "{\"version\":9,\"raw\":\"");
    const RecordText empty = Describe(example.partition, example.key, "");
    EXPECT_EQ(empty.problem.code(), Code::kCorruption);
    EXPECT_EQ(empty.json, "{\"raw\":\"\"}");
  }
}

TEST_F(PairDamageTest, RawBytesAreCut) {
  const RecordText text =
      Describe(ActorPartition(kActor), HeadKey(), std::string(10'000, 'a'));
  EXPECT_EQ(text.json.size(),
            2 * 256 + std::string("{\"version\":97,\"raw\":\"...\"}").size());
}

TEST_F(PairDamageTest, KeysOfNoKnownKind) {
  const Partition actor = ActorPartition(kActor);
  EXPECT_EQ(KeyText(actor, "Z\xff"), "unknown 5aff");
  const RecordText text = Describe(actor, "Z\xff", "\x01\x23");
  EXPECT_TRUE(IsError(text.problem, Code::kCorruption, "of no known kind"));
  EXPECT_EQ(text.json, "{\"raw\":\"0123\"}");
  for (const std::string& key : {HeadKey() + "x", CommitKey(kBranch, {1}) + "x",
                                 std::string("B"), RestorePointKey("")}) {
    EXPECT_EQ(KeyText(actor, key).substr(0, 8), "unknown ") << key;
    EXPECT_EQ(Describe(actor, key, "\x01").problem.code(), Code::kCorruption);
  }
  std::string layout = ChunkKey(7, {1});
  layout[0] = 3;
  const Partition branch = BranchPartition(kBranch);
  EXPECT_EQ(KeyText(branch, layout).substr(0, 10), "unknown 03");
  EXPECT_TRUE(IsError(Describe(branch, layout, "").problem, Code::kNotSupported,
                      "chunk layout 3"));
}

TEST_F(PairDamageTest, NamesThatAreNoUtf8AreEscaped) {
  const std::string name("a\xff\0b", 4);
  EXPECT_EQ(KeyText(CatalogPartition(), ActorEntryKey(name)),
            "actor a\\xff\\x00b");
}

TEST_F(PairDamageTest, AClockLimitHasNoValue) {
  EXPECT_TRUE(
      IsError(Describe(CatalogPartition(), ClockLimitKey(1), "x").problem,
              Code::kCorruption, "has no value"));
}

TEST_F(PairDamageTest, LongListsOfPagesAreCut) {
  CommitRecord record = TestCommit();
  const std::string key = CommitKey(kBranch, {1234});
  const auto pages = [&] {
    const RecordText text =
        Describe(ActorPartition(kActor), key, EncodeRecord(key, record));
    const size_t at = text.json.find("\"listed_page_count\"");
    return std::make_pair(text.json.substr(at), text.problem);
  };
  std::vector<PageNo> odd;
  for (PageNo pgno = 1; pgno < 20'001; pgno += 2) odd.push_back(pgno);
  record.page_list = EncodePageList(odd);
  const std::string begin = "\"listed_page_count\":10000,\"pages\":\"1 3 5 7 ";
  EXPECT_EQ(pages().first.substr(0, begin.size()), begin);
  const std::string end = "195 197 199 ...\"}";
  EXPECT_EQ(pages().first.substr(pages().first.size() - end.size()), end);
  EXPECT_LT(pages().first.size(), 600U);
  // All pages that there can be, in one run of a few bytes.
  record.page_list = std::string("\x00\xff\xff\xff\xff\x0f", 6);
  EXPECT_EQ(pages().first,
            "\"listed_page_count\":4294967295,\"pages\":\"1-4294967295\"}");
  record.page_list = std::string("\x00\x03\x05", 3);
  EXPECT_EQ(pages().first, "\"listed_page_count\":3,\"pages\":\"1-3\"}");
  EXPECT_TRUE(
      IsError(pages().second, Code::kCorruption, "list of pages damaged"));
}

TEST_F(PairDamageTest, AnErrorOfReadingIsNoProblemOfTheRecord) {
  class Broken : public EngineReader {
   public:
    Status Get(Partition, const std::vector<std::string_view>&,
               std::vector<std::optional<std::string>>*) override {
      return Status::IOError("injected");
    }
    Status Seek(Partition, const std::vector<std::string_view>&,
                std::vector<std::optional<KeyValue>>*) override {
      return Status::IOError("injected");
    }
    Status Scan(Partition, std::string_view, size_t,
                std::vector<KeyValue>*) override {
      return Status::IOError("injected");
    }
    Status SeekOne(Partition, std::string_view, bool*, std::string_view*,
                   std::string_view*) override {
      return Status::IOError("injected");
    }
    void Refresh() override {}
  };
  const std::string base = PageOf('a', 0);
  std::string page = base;
  page[5] = 'b';
  StoredForm form;
  form.base = {99};
  form.changed.AddDifferences(base, page);
  const std::string delta = EncodeDeltaChunk(
      {kBranch, 7, {100}}, EncodeDelta(form, page), PageHash(7, page));
  Broken reader;
  RecordText text;
  const std::string key = ChunkKey(7, {100});
  EXPECT_TRUE(IsError(
      DescribePair(&reader, {BranchPartition(kBranch), key, delta}, &text),
      Code::kIOError, "injected"));
  EXPECT_EQ(text.json, "");
}

}  // namespace
}  // namespace actorkv
