// sqlite.bin: the sample page by page, and databases made and broken here.
#include "kv/rivet/rivet_v2.h"

#include <gtest/gtest.h>

#include "tests/support/memory_bytes.h"
#include "tests/support/pair_files.h"
#include "tests/support/rivet_v2_writer.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using W = RivetV2Writer;

std::string Page(char fill) { return std::string(4096, fill); }

TEST(RivetV2Test, TheSampleIsItsPlainFile) {
  std::unique_ptr<RivetV2Database> database;
  ASSERT_OK(RivetV2Database::Open(Sample("archive/actors/a4v2/sqlite.bin"),
                                  &database));
  const std::string wanted = FileContents(Sample("archive.v2.db"));
  ASSERT_EQ(uint64_t{database->page_count()} * database->page_size(),
            wanted.size());
  EXPECT_EQ(database->head().head_txid, 3U);
  for (PageNo pgno = 1; pgno <= database->page_count(); ++pgno) {
    std::string page;
    ASSERT_OK(database->ReadPage(pgno, &page));
    EXPECT_TRUE(page == wanted.substr((pgno - 1) * size_t{4096}, 4096)) << pgno;
  }
}

// 130 pages: shard 0 has 1, 2 and 5, shard 2 has 129; delta 2 has 2 and 130;
// delta 3 has 3; delta 4 is not committed.
W Made() {
  W writer;
  W::Head head;
  head.head_txid = 3;
  head.next_txid = 5;
  head.materialized_txid = 1;
  head.db_size_pages = 130;
  writer.Put(W::MetaKey(), W::Encode(head));
  writer.Put(W::ShardKey(0),
             EncodeLtx({1, 1, 100, 4096},
                       {{1, Page('a')}, {2, Page('b')}, {5, Page('e')}}));
  writer.Put(W::ShardKey(2), EncodeLtx({1, 1, 130, 4096}, {{129, Page('y')}}));
  writer.PutDelta(
      2, EncodeLtx({2, 2, 130, 4096}, {{2, Page('B')}, {130, Page('z')}}), 50);
  writer.PutDelta(3, EncodeLtx({3, 3, 130, 4096}, {{3, Page('C')}}), 10'000);
  writer.PutDelta(4, EncodeLtx({4, 4, 1, 4096}, {{1, Page('X')}}), 10'000);
  writer.PutIndex(2, 2);
  writer.PutIndex(130, 2);
  writer.PutIndex(3, 3);
  return writer;
}

// Opens what `writer` writes and reads all of its pages, one letter each.
Status ReadAll(const W& writer, std::string* letters) {
  const TempDir directory;
  const std::string path = directory.File("sqlite.bin");
  WriteContents(path, writer.Bytes());
  std::unique_ptr<RivetV2Database> database;
  if (Status s = RivetV2Database::Open(path, &database); !s.ok()) return s;
  letters->clear();
  for (PageNo pgno = 1; pgno <= database->page_count(); ++pgno) {
    std::string page;
    if (Status s = database->ReadPage(pgno, &page); !s.ok()) return s;
    EXPECT_EQ(page, Page(page[0]));
    letters->push_back(page[0]);
  }
  return Status::Ok();
}

TEST(RivetV2Test, PagesAreFoundWhereTheyAre) {
  std::string letters;
  ASSERT_OK(ReadAll(Made(), &letters));
  std::string wanted(130, '\0');
  wanted.replace(0, 5, std::string("aBC\0e", 5));
  wanted.replace(128, 2, "yz");
  EXPECT_EQ(letters, wanted);
}

TEST(RivetV2Test, WhatLiesPastTheEndDoesNotCount) {
  W writer = Made();
  W::Head head;
  head.head_txid = 3;
  head.next_txid = 5;
  head.db_size_pages = 3;
  head.origin = "";  // as older records end
  writer.Put(W::MetaKey(), W::Encode(head));
  writer.PutDelta(3, EncodeLtx({3, 3, 3, 4096}, {{3, Page('C')}}), 10'000);
  std::string letters;
  ASSERT_OK(ReadAll(writer, &letters));
  EXPECT_EQ(letters, "aBC");
}

TEST(RivetV2Test, ADatabaseMayBeEmpty) {
  W writer;
  W::Head head;
  head.head_txid = 0;
  head.db_size_pages = 0;
  writer.Put(W::MetaKey(), W::Encode(head));
  std::string letters = "x";
  ASSERT_OK(ReadAll(writer, &letters));
  EXPECT_EQ(letters, "");
}

void PutHead(W* writer, void (*change)(W::Head* head)) {
  W::Head head;
  head.head_txid = 3;
  head.next_txid = 5;
  head.db_size_pages = 130;
  change(&head);
  writer->Put(W::MetaKey(), W::Encode(head));
}

struct Broken {
  void (*damage)(W* writer);
  Code code;
  const char* error;
};

void ExpectBroken(const Broken& broken) {
  W writer = Made();
  broken.damage(&writer);
  std::string letters;
  const Status s = ReadAll(writer, &letters);
  EXPECT_TRUE(IsError(s, broken.code, broken.error));
  EXPECT_TRUE(IsError(s, broken.code, "sqlite.bin: "));
}

TEST(RivetV2Test, BrokenHeadsAreNamed) {
  const Broken kCases[] = {
      {[](W* w) { w->Remove(W::MetaKey()); }, Code::kCorruption,
       "/META is missing"},
      {[](W* w) { w->Put(W::MetaKey(), "short"); }, Code::kCorruption,
       "/META: it is cut short"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->origin = "\3"; }); },
       Code::kCorruption, "/META: the origin does not decode"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->origin = "\1more"; }); },
       Code::kCorruption, "/META: the origin does not decode"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->origin = "\2"; }); },
       Code::kInvalidArgument, "its move from layout 1 had not finished"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->schema_version = 3; }); },
       Code::kNotSupported, "schema version 3, only 2 is known"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->page_size = 512; }); },
       Code::kNotSupported, "page size 512, only 4096 is known"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->shard_size = 0; }); },
       Code::kNotSupported, "shard size 0, only 64 is known"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->next_txid = 3; }); },
       Code::kCorruption, "next_txid is not after head_txid"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->materialized_txid = 4; }); },
       Code::kCorruption, "materialized_txid is after head_txid"},
      {[](W* w) { PutHead(w, [](W::Head* h) { h->db_size_pages = 131; }); },
       Code::kCorruption,
       "/DELTA/3: the last commit left 130 pages, /META says 131"},
  };
  for (const Broken& broken : kCases) ExpectBroken(broken);
}

TEST(RivetV2Test, BrokenPartsAreNamed) {
  const Broken kCases[] = {
      {[](W* w) { w->Put("/OTHER", ""); }, Code::kCorruption,
       "a key that is not known: 2f4f54484552"},
      {[](W* w) { w->Put(W::ShardKey(1) + "x", ""); }, Code::kCorruption,
       "a key that is not known"},
      {[](W* w) { w->Put(W::IndexKey(2), "short"); }, Code::kCorruption,
       "/PIDX/delta/2: a value of 5 bytes, not of 8"},
      {[](W* w) { w->PutIndex(0, 2); }, Code::kCorruption,
       "/PIDX/delta/0: there is no page 0"},
      {[](W* w) { w->PutIndex(7, 4); }, Code::kCorruption,
       "/PIDX/delta/7: its newest version is of transaction 4, the last "
       "commit is 3"},
      {[](W* w) { w->PutIndex(7, 1); }, Code::kCorruption,
       "/PIDX/delta/7: it is in delta 1, which is missing"},
      {[](W* w) { w->PutIndex(7, 2); }, Code::kCorruption,
       "/PIDX/delta/7: /DELTA/2 does not have the page"},
      {[](W* w) {
         w->PutDelta(
             3, EncodeLtx({3, 3, 130, 4096}, {{2, Page('2')}, {3, Page('3')}}),
             10'000);
       },
       Code::kCorruption,
       "/DELTA/3: it has page 2, but /PIDX/delta/2 names the older delta 2"},
      {[](W* w) { w->Remove(W::DeltaKey(2, 1)); }, Code::kCorruption,
       "/DELTA/2/1 is missing, later pieces are there"},
      {[](W* w) { w->Remove(W::DeltaKey(2, 0)); }, Code::kCorruption,
       "/DELTA/2/0 is missing"},
      {[](W* w) { w->Put(W::DeltaKey(3, 1), "more"); }, Code::kCorruption,
       "/DELTA/3: LTX, byte"},
      {[](W* w) { w->Put(W::DeltaKey(3, 0), ""); }, Code::kCorruption,
       "/DELTA/3: LTX, byte 0: it is cut short"},
      {[](W* w) {
         w->PutDelta(3, EncodeLtx({2, 3, 130, 4096}, {{3, Page('3')}}), 10'000);
       },
       Code::kCorruption,
       "/DELTA/3: it says that it is of transactions 2 to 3"},
      {[](W* w) {
         w->PutDelta(3,
                     EncodeLtx({3, 3, 130, 512}, {{3, std::string(512, '3')}}),
                     10'000);
       },
       Code::kCorruption,
       "/DELTA/3: a page size of 512, the database has 4096"},
      {[](W* w) {
         w->PutDelta(3,
                     EncodeLtx({3, 3, 130, 4096}, {{3, std::string(512, '3')}}),
                     10'000);
       },
       Code::kCorruption, "/DELTA/3: page 3 does not unpack to 4096 bytes"},
      {[](W* w) { w->Put(W::ShardKey(0), "no"); }, Code::kCorruption,
       "/SHARD/0: LTX, byte 2: it is cut short"},
      {[](W* w) {
         w->Put(W::ShardKey(0), EncodeLtx({1, 1, 1, 4096}, {{64, Page('a')}}));
       },
       Code::kCorruption, "/SHARD/0: page 64 does not belong to it"},
      {[](W* w) {
         w->Put(W::ShardKey(2), EncodeLtx({1, 4, 1, 4096}, {}));
       },
       Code::kCorruption, "/SHARD/2: it is of transaction 4, the last"},
      {[](W* w) {
         w->Put(W::ShardKey(0), EncodeLtx({1, 1, 1, 512}, {}));
       },
       Code::kCorruption, "/SHARD/0: a page size of 512"},
      {[](W* w) { w->Put(W::ShardKey(9), std::string(1 << 20, 'x')); },
       Code::kInvalidArgument, "is larger than the limit of 1048576"},
  };
  for (const Broken& broken : kCases) ExpectBroken(broken);
}

TEST(RivetV2Test, ListsHaveLimits) {
  std::string bytes;
  for (uint32_t chunk = 0; chunk <= kMaxRivetV2Pieces; ++chunk) {
    bytes += EncodeKvBinEntry(W::DeltaKey(1, chunk), "");
  }
  RivetV2Index index;
  EXPECT_TRUE(IsError(
      index.Build(MemoryBytes(bytes)), Code::kInvalidArgument,
      "/DELTA/1/524288 is one more than the limit of 524288 of its kind"));
}

TEST(RivetV2Test, NothingMayBeThereTwice) {
  const std::pair<std::string, const char*> kCases[] = {
      {W::MetaKey(), "/META is there twice"},
      {W::ShardKey(2), "/SHARD/2 is there twice"},
      {W::DeltaKey(2, 1), "/DELTA/2/1 is there twice"},
      {W::IndexKey(3), "/PIDX/delta/3 is there twice"},
  };
  for (const auto& [key, error] : kCases) {
    W::Head head;
    const std::string value =
        key == W::MetaKey() ? W::Encode(head) : std::string(8, '\0');
    const std::string bytes = Made().Bytes() + EncodeKvBinEntry(key, value);
    RivetV2Index index;
    EXPECT_TRUE(
        IsError(index.Build(MemoryBytes(bytes)), Code::kCorruption, error));
  }
}

}  // namespace
}  // namespace actorkv
