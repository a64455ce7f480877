// Damage: a bit of a chunk or a record, a chunk that is gone, a format of the
// future, a bit of RocksDB's own files. Reads give an error that names the
// page, never zeros and never wrong data; other pages and other actors go on.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/files/store_marker.h"
#include "kv/format/chunk.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/store/actor.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr int kRows = 60;  // of 1 KB each: some twenty pages
constexpr char kAllRows[] =
    "SELECT count(*), sum(id), group_concat(body, '') FROM t";

class CorruptionTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string actor : {"a", "b"}) {
      SqliteDb db;
      ASSERT_EQ(Open(&db, actor), SQLITE_OK) << LastError();
      ASSERT_EQ(
          db.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);"
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                  "FROM n LIMIT " +
                  std::to_string(kRows) +
                  ") INSERT INTO t SELECT i, printf('%04d', i) || "
                  "hex(randomblob(500)) FROM n"),
          SQLITE_OK);
      all_rows_[actor] = db.QueryText(kAllRows);
    }
  }
  void TearDown() override { CloseStore(store_); }

  int Open(SqliteDb* db, const std::string& actor) {
    return db->Open(ActorUri(store_, actor), SqliteDb::kReadWriteCreate);
  }

  // Closes the store, and changes it below all that checks.
  void Change(const std::function<void(Engine*)>& change) {
    CloseStore(store_);
    std::unique_ptr<Engine> engine;
    ASSERT_OK(OpenRocksDbEngine(store_, OpenMode::kExisting, &engine));
    change(engine.get());
  }

  void Put(Partition partition, const std::string& key,
           const std::string& value) {
    Change([&](Engine* engine) {
      Batch batch;
      batch.Put(partition, key, value);
      ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
    });
  }

  std::shared_ptr<const HeadState> Head(const std::string& actor) {
    std::shared_ptr<const HeadState> state;
    Change([&](Engine* engine) {
      ASSERT_OK(LoadHeadState(engine->NewReader().get(), actor, &state));
    });
    return state;
  }

  // The newest chunk of each page of actor a.
  std::map<PageNo, KeyValue> Chunks() {
    std::map<PageNo, KeyValue> chunks;
    branch_ = BranchPartition(Head("a")->head.snapshot.branch);
    Change([&](Engine* engine) {
      std::vector<KeyValue> pairs;
      ASSERT_OK(engine->NewReader()->Scan(branch_, "", 100000, &pairs));
      for (const KeyValue& pair : pairs) {
        PageNo pgno = 0;
        TxId txid;
        ASSERT_OK(ParseChunkKey(pair.key, &pgno, &txid));
        chunks.emplace(pgno, pair);
      }
    });
    return chunks;
  }

  // Reads every row by its key: those of one page, or few, are an error that
  // names the page; the others are right.
  void ExpectOnlyPageFails(PageNo pgno, int code, const std::string& reason) {
    SqliteDb db;
    ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
    int failed = 0;
    for (int id = 1; id <= kRows; ++id) {
      const std::string key = std::to_string(id);
      const std::string got = db.QueryText(
          "SELECT substr(body, 1, 4) + 0 FROM t WHERE id = " + key);
      if (got == key) continue;
      ++failed;
      EXPECT_EQ(db.ErrorCode(), code) << got;
      const std::string text = LastError();
      const std::string page = "pgno=" + std::to_string(pgno);
      EXPECT_NE(text.find(page), std::string::npos) << text;
      EXPECT_NE(text.find("actor=a"), std::string::npos) << text;
      EXPECT_NE(text.find(reason), std::string::npos) << text;
    }
    EXPECT_GT(failed, 0);
    EXPECT_LT(failed, 10);
    EXPECT_NE(db.QueryText("PRAGMA integrity_check"), "ok");
    ExpectActorBWorks();
  }

  void ExpectActorBWorks() {
    SqliteDb db;
    ASSERT_EQ(Open(&db, "b"), SQLITE_OK) << LastError();
    EXPECT_EQ(db.QueryText(kAllRows), all_rows_["b"]) << LastError();
    EXPECT_EQ(db.Exec("UPDATE t SET id = id WHERE id = 1"), SQLITE_OK);
  }

  TempDir temp_;
  std::string store_ = temp_.File("store");
  std::map<std::string, std::string> all_rows_;
  Partition branch_{PartitionKind::kBranch, 0};
};

// A page in the middle of the table.
constexpr PageNo kPage = 8;

TEST_F(CorruptionTest, AFlippedBitOfAChunkIsNeverRead) {
  const KeyValue chunk = Chunks().at(kPage);
  std::vector<size_t> bits;
  for (size_t bit = 0; bit < 8 * kChunkHeaderBytes; bit += 5) {
    bits.push_back(bit);
  }
  for (size_t bit = 8 * kChunkHeaderBytes; bit < 8 * chunk.value.size();
       bit += 2003) {
    bits.push_back(bit);
  }
  for (size_t bit : bits) {
    std::string value = chunk.value;
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
    Put(branch_, chunk.key, value);
    SqliteDb db;
    ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
    EXPECT_EQ(db.QueryText(kAllRows).substr(0, 5), "error") << "bit " << bit;
    EXPECT_NE(LastError().find("pgno=8"), std::string::npos) << LastError();
  }
  Put(branch_, chunk.key, chunk.value);
  SqliteDb db;
  ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryText(kAllRows), all_rows_["a"]);
}

// A page that is a delta, and the whole version below it.
class DeltaCorruptionTest : public CorruptionTest {
 protected:
  void SetUp() override {
    CorruptionTest::SetUp();
    const std::map<PageNo, KeyValue> before = Chunks();
    {
      SqliteDb db;
      ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
      // A row of page 8, whose key the tests ask for.
      ASSERT_EQ(db.Exec("UPDATE t SET body = substr(body, 1, 500) || 'XYZ' || "
                        "substr(body, 504) WHERE id % 2 = 0"),
                SQLITE_OK);
      all_rows_["a"] = db.QueryText(kAllRows);
    }
    base_ = before.at(kPage);
    delta_ = Chunks().at(kPage);
    ASSERT_NE(base_.key, delta_.key);
    ASSERT_LT(delta_.value.size(), 1000u) << "no delta";
  }

  // Each of these changes is an error of page 8, and taken back.
  void ExpectNeverRead(const KeyValue& chunk, size_t byte) {
    std::string value = chunk.value;
    value[byte] = static_cast<char>(value[byte] ^ 8);
    Put(branch_, chunk.key, value);
    SqliteDb db;
    ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
    EXPECT_EQ(db.QueryText(kAllRows).substr(0, 5), "error") << "byte " << byte;
    EXPECT_NE(LastError().find("pgno=8"), std::string::npos) << LastError();
  }

  KeyValue base_;
  KeyValue delta_;
};

TEST_F(DeltaCorruptionTest, AFlippedBitOfTheDeltaIsNeverRead) {
  for (size_t byte = 0; byte < delta_.value.size(); byte += 3) {
    ExpectNeverRead(delta_, byte);
  }
  Put(branch_, delta_.key, delta_.value);
  SqliteDb db;
  ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryText(kAllRows), all_rows_["a"]);
}

TEST_F(DeltaCorruptionTest, AFlippedBitOfItsBaseIsNeverRead) {
  for (size_t byte = 0; byte < kChunkHeaderBytes; byte += 2) {
    ExpectNeverRead(base_, byte);
  }
  for (size_t byte = kChunkHeaderBytes; byte < base_.value.size();
       byte += 331) {
    ExpectNeverRead(base_, byte);
  }
  Put(branch_, base_.key, base_.value);
  SqliteDb db;
  ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryText(kAllRows), all_rows_["a"]);
}

TEST_F(DeltaCorruptionTest, AMissingBaseIsAnErrorOfItsPage) {
  Change([&](Engine* engine) {
    Batch batch;
    batch.Delete(branch_, base_.key);
    ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
  });
  ExpectOnlyPageFails(kPage, SQLITE_IOERR_DATA, "is missing");
}

TEST_F(CorruptionTest, OtherPagesAndActorsGoOn) {
  const KeyValue chunk = Chunks().at(kPage);
  std::string value = chunk.value;
  value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 4);
  Put(branch_, chunk.key, value);
  ExpectOnlyPageFails(kPage, SQLITE_IOERR_DATA, "checksum");
}

TEST_F(CorruptionTest, AChunkOfAnotherPageIsNotThisPage) {
  const std::map<PageNo, KeyValue> chunks = Chunks();
  Put(branch_, chunks.at(kPage).key, chunks.at(kPage + 1).value);
  ExpectOnlyPageFails(kPage, SQLITE_IOERR_DATA, "");
}

TEST_F(CorruptionTest, AMissingChunkIsNotZeros) {
  const KeyValue chunk = Chunks().at(kPage);
  Change([&](Engine* engine) {
    Batch batch;
    batch.Delete(branch_, chunk.key);
    ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
  });
  ExpectOnlyPageFails(kPage, SQLITE_IOERR_DATA, "missing");
}

TEST_F(CorruptionTest, AChunkOfTheFutureIsRefusedByItsVersion) {
  const KeyValue chunk = Chunks().at(kPage);
  std::string value = chunk.value;
  value[0] = 77;
  Put(branch_, chunk.key, value);
  ExpectOnlyPageFails(kPage, SQLITE_IOERR_READ, "77");
}

TEST_F(CorruptionTest, ADamagedHeadIsAnErrorOfItsActorAlone) {
  const std::shared_ptr<const HeadState> state = Head("a");
  const Partition partition = ActorPartition(state->entry.actor);
  for (size_t i = 0; i < state->head_bytes.size(); i += 3) {
    std::string value = state->head_bytes;
    value[i] = static_cast<char>(value[i] ^ 16);
    Put(partition, HeadKey(), value);
    SqliteDb db;
    const int code = Open(&db, "a");
    EXPECT_TRUE(code == SQLITE_IOERR_DATA || (i == 0 && code != SQLITE_OK))
        << code;
    EXPECT_NE(LastError().find("actor=a"), std::string::npos) << LastError();
  }
  ExpectActorBWorks();
  Put(partition, HeadKey(), state->head_bytes);
  SqliteDb db;
  ASSERT_EQ(Open(&db, "a"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryText(kAllRows), all_rows_["a"]);
}

TEST_F(CorruptionTest, AStoreRecordOfTheFutureIsRefusedByName) {
  StoreRecord record;
  record.format = 77;
  const std::string key = StoreRecordKey();
  Put(CatalogPartition(), key, EncodeRecord(key, record));
  SqliteDb db;
  EXPECT_EQ(Open(&db, "a"), SQLITE_CANTOPEN);
  EXPECT_NE(LastError().find("77"), std::string::npos) << LastError();
}

// Names, sizes and times of all files.
std::string Listing(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    files[file.path().string()] =
        std::to_string(file.file_size()) + " " +
        std::to_string(file.last_write_time().time_since_epoch().count());
  }
  std::string text;
  for (const auto& [name, what] : files) text += name + " " + what + "\n";
  return text;
}

TEST_F(CorruptionTest, AMarkerOfTheFutureIsRefusedBeforeAnythingIsTouched) {
  CloseStore(store_);
  std::ofstream(store_ + "/" + kMarkerFileName) << "actorkv store, format 77\n";
  const std::string before = Listing(store_);
  SqliteDb db;
  EXPECT_EQ(Open(&db, "a"), SQLITE_CANTOPEN);
  EXPECT_NE(LastError().find("format 77"), std::string::npos) << LastError();
  EXPECT_EQ(db.Open(ActorUri(store_, "a") + "&mode=ro"), SQLITE_CANTOPEN);
  EXPECT_EQ(Listing(store_), before);
}

// The content of a copy of the store with one byte of one file changed: right
// or an error.
TEST_F(CorruptionTest, AFlippedByteOfATableFileIsNeverRead) {
  // An open makes tables of what was in the log.
  Change([](Engine*) {});
  const std::string whole = store_;
  int trials = 0;
  int errors = 0;
  for (const auto& file : std::filesystem::directory_iterator(whole)) {
    if (file.path().extension() != ".sst") continue;
    const uint64_t step = file.file_size() / 25 + 1;
    for (uint64_t at = 0; at < file.file_size(); at += step) {
      store_ = temp_.File("copy" + std::to_string(trials++));
      std::filesystem::copy(whole, store_);
      std::fstream copy(store_ + "/" + file.path().filename().string(),
                        std::ios::in | std::ios::out | std::ios::binary);
      copy.seekg(static_cast<std::streamoff>(at));
      const int byte = copy.get();
      copy.seekp(static_cast<std::streamoff>(at));
      copy.put(static_cast<char>(byte ^ 32));
      copy.close();
      SqliteDb db;
      const bool opened = Open(&db, "a") == SQLITE_OK;
      const std::string rows = opened ? db.QueryText(kAllRows) : "error";
      if (rows.substr(0, 5) == "error") {
        ++errors;
        EXPECT_FALSE(LastError().empty());
      } else {
        EXPECT_EQ(rows, all_rows_["a"]) << file.path() << " at " << at;
      }
      db.Close();
      CloseStore(store_);
      std::filesystem::remove_all(store_);
    }
  }
  store_ = whole;
  EXPECT_GT(trials, 20);
  EXPECT_GT(errors, 5);
}

}  // namespace
}  // namespace actorkv
