// A transaction addressed in bytes, and what of page 1 it decides: size,
// counters, WAL mode, schema cookie.

#include "vfs/actor/transaction.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "kv/base/coding.h"
#include "kv/base/metrics.h"
#include "kv/inspect/metrics_report.h"
#include "kv/store/store.h"
#include "kv/store/writer_queue.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// Page 1 of a database.
std::string FirstPage(uint32_t page_size, uint32_t counter,
                      uint32_t page_count) {
  std::string page(page_size, '\0');
  std::memcpy(page.data(), "SQLite format 3", 16);
  page[16] = static_cast<char>(page_size >> 8);
  page[17] = static_cast<char>(page_size >> 16);
  page[kWriteVersionOffset] = 1;
  page[kReadVersionOffset] = 1;
  StoreBig32(page.data() + 24, counter);
  StoreBig32(page.data() + 28, page_count);
  StoreBig32(page.data() + kCookieOffset, 1);
  StoreBig32(page.data() + 92, counter);
  return page;
}

class TransactionTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Store::Open("test", NewMemoryEngine(UnboundedLimits()), false,
                          &store_));
    ASSERT_OK(store_->OpenActor("a", &actor_));
    writer_ = std::make_unique<Writer>(actor_->writers());
  }

  // Begins on the present head; `floors` as a deleted actor leaves them.
  void Begin(uint32_t stamp_floor = 0, uint32_t cookie_floor = 0) {
    std::shared_ptr<const HeadState> base;
    ASSERT_OK(actor_->Current(&base));
    ASSERT_OK(actor_->Reserve(writer_.get(), base->head.snapshot,
                              base->head.generation));
    auto changed = std::make_shared<HeadState>(*base);
    if (stamp_floor != 0) changed->entry.stamp_floor = stamp_floor;
    if (cookie_floor != 0) changed->entry.cookie_floor = cookie_floor;
    transaction_ = std::make_unique<Transaction>(store_, actor_, changed);
  }
  void Write(uint64_t offset, const std::string& bytes) {
    ASSERT_OK(transaction_->Write(offset, bytes.size(), bytes.data()));
  }
  std::string Read(uint64_t offset, size_t size) {
    std::string bytes(size, 'x');
    size_t copied = 0;
    EXPECT_OK(transaction_->Read({offset, size, bytes.data()}, &copied));
    read_inside_ = copied;
    return bytes;
  }
  Status Commit() {
    std::vector<PendingCommit> commits(1);
    Status s = transaction_->Prepare(Origin::kSql, &commits.front());
    if (s.ok()) s = CommitAll(store_.get(), Durability::kBuffered, &commits);
    if (s.ok()) committed_ = commits[0].state;
    transaction_.reset();
    actor_->Release(writer_.get());
    return s;
  }
  std::string Committed(PageNo pgno) {
    BranchReader reader(store_->engine());
    const Snapshot& snapshot = committed_->head.snapshot;
    reader.SetSnapshot(snapshot, committed_->lineage);
    std::string page(snapshot.page_size, 'x');
    EXPECT_OK(reader.ReadPage(pgno, page.data()));
    return page;
  }

  Transaction* transaction() { return transaction_.get(); }
  const Snapshot& snapshot() const { return committed_->head.snapshot; }
  size_t read_inside() const { return read_inside_; }

 private:
  std::shared_ptr<Store> store_;
  std::shared_ptr<Actor> actor_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Transaction> transaction_;
  std::shared_ptr<const HeadState> committed_;
  size_t read_inside_ = 0;
};

TEST_F(TransactionTest, WritesOfAnyExtent) {
  Begin();
  EXPECT_EQ(Read(0, 5), std::string(5, '\0'));
  EXPECT_EQ(read_inside(), 0u);
  Write(0, FirstPage(512, 1, 3));
  Write(512, std::string(1024, 'b'));
  Write(1000, "across the border of two pages");
  EXPECT_EQ(Read(998, 34), "bbacross the border of two pagesbb");
  EXPECT_EQ(Read(1530, 10), std::string("bbbbbb\0\0\0\0", 10));
  EXPECT_EQ(read_inside(), 6u);
  EXPECT_EQ(transaction()->size_bytes(), 1536u);
  ASSERT_OK(transaction()->Truncate(1030));
  EXPECT_EQ(transaction()->size_bytes(), 1030u);
  Write(1535, "x");
  EXPECT_EQ(Read(1028, 4), std::string("es\0\0", 4)) << "no old bytes";
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().page_size, 512u);
  EXPECT_EQ(snapshot().page_count, 3u);
  EXPECT_EQ(snapshot().stamp, 1u);
  EXPECT_EQ(Committed(3)[511], 'x');
}

// Who decides whether to publish and who prepares the commit see one page 1.
TEST_F(TransactionTest, PageOneIsReadOnceForACommit) {
  Begin();
  Write(0, FirstPage(4096, 1, 2));
  Write(4096, std::string(4096, 'b'));
  ASSERT_OK(Commit());
  Begin();
  Write(4096, std::string(4096, 'c'));  // so that page 1 is the base's
  bool counts = true;
  ASSERT_OK(transaction()->CountsNewVersion(&counts));
  EXPECT_FALSE(counts);
  const MetricsSnapshot before = ReadMetrics();
  PendingCommit commit;
  ASSERT_OK(transaction()->Prepare(Origin::kSql, &commit));
  const MetricsSnapshot after = ReadMetrics();
  for (const Metric metric : {Metric::kCacheLooks, Metric::kEngineReads}) {
    EXPECT_EQ(after.value(metric), before.value(metric));
  }
  EXPECT_EQ(commit.spec.page_count, 2u);
}

// What was read of page 1 ends with each change of it.
TEST_F(TransactionTest, APageOneThatChangesIsReadAnew) {
  const auto counter_counts = [this] {
    bool counts = false;
    EXPECT_OK(transaction()->CountsNewVersion(&counts));
    return counts;
  };
  Begin();
  Write(0, FirstPage(512, 7, 4));
  Write(512, std::string(1536, 'b'));
  ASSERT_OK(Commit());
  Begin();
  Write(0, FirstPage(512, 7, 4));
  EXPECT_FALSE(counter_counts()) << "the base's counter";
  Write(27, "\x08");
  EXPECT_TRUE(counter_counts());
  Write(27, "\x07");
  EXPECT_FALSE(counter_counts());
  Write(16, "zz");
  EXPECT_FALSE(counter_counts()) << "no database";
  ASSERT_OK(transaction()->Truncate(0));
  EXPECT_FALSE(counter_counts());
  Write(0, FirstPage(512, 9, 3));
  EXPECT_TRUE(counter_counts());
  ASSERT_OK(transaction()->Truncate(99));
  EXPECT_FALSE(counter_counts()) << "a header that is cut";
  Write(512, std::string(1024, 'd'));
  EXPECT_TRUE(counter_counts()) << "and ends in zeros";
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().page_count, 3u);
}

TEST_F(TransactionTest, SizeIsThatOfPageOne) {
  Begin();
  Write(0, FirstPage(512, 1, 2));
  Write(512, std::string(2048, 'b'));
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().page_count, 2u);
  // Where the counters do not agree, it is that of the file.
  Begin();
  std::string page = FirstPage(512, 2, 1);
  StoreBig32(page.data() + 92, 1);
  Write(0, page);
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().page_count, 2u);
}

TEST_F(TransactionTest, PagesAreCutByTheNewSize) {
  Begin();
  Write(0, FirstPage(1024, 1, 2));
  Write(1024, std::string(1024, 'b'));
  ASSERT_OK(Commit());
  Begin();
  // In units of the old size, as VACUUM writes.
  const std::string page = FirstPage(2048, 2, 2);
  Write(0, page.substr(0, 1024));
  Write(1024, page.substr(1024));
  Write(2048, std::string(1024, 'c'));
  Write(3072, std::string(1024, 'd'));
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().page_size, 2048u);
  EXPECT_EQ(snapshot().page_count, 2u);
  EXPECT_EQ(Committed(1), page);
  EXPECT_EQ(Committed(2), std::string(1024, 'c') + std::string(1024, 'd'));
}

TEST_F(TransactionTest, CounterAlwaysRises) {
  struct Case {
    uint32_t counter;
    uint32_t stamp;
  };
  uint32_t base = 0;
  for (const Case& c : {Case{5, 5}, Case{5, 6}, Case{2, 7}, Case{100, 100}}) {
    Begin();
    Write(0, FirstPage(512, c.counter, 1));
    bool counts = false;
    ASSERT_OK(transaction()->CountsNewVersion(&counts));
    EXPECT_EQ(counts, c.counter != base);
    ASSERT_OK(Commit());
    EXPECT_EQ(snapshot().stamp, c.stamp);
    const DatabaseHeader header = ParseHeader(Committed(1));
    EXPECT_EQ(header.change_counter, c.stamp);
    EXPECT_TRUE(header.counters_agree);
    base = c.stamp;
  }
}

// A new actor under the name of a deleted one repeats nothing of it.
TEST_F(TransactionTest, NewActorIsAboveTheFloorsOfTheOld) {
  Begin(/*stamp_floor=*/70, /*cookie_floor=*/30);
  Write(0, FirstPage(512, 1, 1));
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().stamp, 71u);
  EXPECT_EQ(ParseHeader(Committed(1)).cookie, 31u);
}

// The pager has a page 1 with the old cookie: it must not find the counter
// that it wrote, or it would go on with it.
TEST_F(TransactionTest, RaisedCookieRaisesTheCounterToo) {
  Begin(/*stamp_floor=*/3, /*cookie_floor=*/30);
  Write(0, FirstPage(512, 9, 1));
  ASSERT_OK(Commit());
  EXPECT_EQ(snapshot().stamp, 10u);
  EXPECT_EQ(ParseHeader(Committed(1)).cookie, 31u);
}

TEST_F(TransactionTest, ChangeToWalIsRefusedAndACopyInWalIsNot) {
  Begin();
  Write(0, FirstPage(512, 1, 2));
  Write(512, std::string(512, 'b'));
  ASSERT_OK(Commit());
  std::string page = FirstPage(512, 2, 2);
  page[kWriteVersionOffset] = 2;
  page[kReadVersionOffset] = 2;
  Begin();
  Write(0, page);
  EXPECT_TRUE(IsError(Commit(), Code::kNotSupported, "no WAL mode"));
  page[200] = 'x';
  Begin();
  Write(0, page);
  ASSERT_OK(Commit());
  const DatabaseHeader header = ParseHeader(Committed(1));
  EXPECT_EQ(header.write_version, 1);
  EXPECT_EQ(header.read_version, 1);
  EXPECT_EQ(header.change_counter, 3u) << "above the pager's own";
}

TEST_F(TransactionTest, Differs) {
  Begin();
  bool differs = true;
  ASSERT_OK(transaction()->Differs(&differs));
  EXPECT_FALSE(differs);
  Write(0, FirstPage(512, 1, 1));
  ASSERT_OK(transaction()->Differs(&differs));
  EXPECT_TRUE(differs);
  ASSERT_OK(Commit());
  Begin();
  Write(0, FirstPage(512, 1, 1));
  ASSERT_OK(transaction()->Differs(&differs));
  EXPECT_FALSE(differs);
  Write(300, "x");
  ASSERT_OK(transaction()->Differs(&differs));
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace actorkv
