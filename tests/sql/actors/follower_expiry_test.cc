// A process that follows (mode=ro) reads versions that the writer may remove at
// any moment, because it knows nothing of the follower's pins. Between any two
// reads of a statement all of that goes. The statement gives what it would have
// given, or says that the version has expired and what there is; never other
// content, and never "damaged".

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/forget_history.h"
#include "tests/support/memory_engine.h"
#include "tests/support/read_hook.h"
#include "tests/support/sql_harness.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

// Shows what the writer does at once, and says so with the epoch.
class FollowerEngine : public ReadHookEngine {
 public:
  FollowerEngine(std::shared_ptr<Engine> base, std::shared_ptr<ReadHook> hook,
                 std::atomic<std::atomic<uint64_t>*>* epoch)
      : ReadHookEngine(std::move(base), std::move(hook)), epoch_(epoch) {}
  ~FollowerEngine() override { *epoch_ = nullptr; }

  Status CatchUp(std::atomic<uint64_t>* epoch) override {
    *epoch_ = epoch;
    epoch->fetch_add(1);
    return Status::Ok();
  }

 private:
  std::atomic<std::atomic<uint64_t>*>* const epoch_;
};

class FollowerExpiryTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreRegistry::Instance()->SetEngineFactoryForTesting(
        [this](const std::string& /*directory*/, OpenMode mode,
               std::unique_ptr<Engine>* engine) {
          if (mode == OpenMode::kFollow) {
            *engine = std::make_unique<FollowerEngine>(kept_, hook_, &epoch_);
          } else {
            *engine = std::make_unique<ForwardingEngine>(kept_);
          }
          return Status::Ok();
        });
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
  }

  void TearDown() override {
    Forget();
    StoreRegistry::Instance()->SetEngineFactoryForTesting(nullptr);
  }

  void Forget() {
    hook_->Set(0, nullptr);
    writer_.reset();
    StoreRegistry::Instance()->CloseIdle();
  }

  // An actor of four versions; from then on it is open in a store of its own,
  // which the registry, as that of another process, does not know.
  void Prepare() {
    Forget();
    kept_ = NewMemoryEngine(UnboundedLimits());
    name_ = "store" + std::to_string(count_++);
    {
      SqliteDb alice;
      ASSERT_EQ(
          alice.Open("file:" + directory_.File(name_) + "/alice?vfs=actorkv"),
          SQLITE_OK);
      for (const char* sql :
           {"CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
            "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
            " WHERE i < 30) INSERT INTO t SELECT i, hex(zeroblob(300)) FROM c",
            "UPDATE t SET x = 'two' || x WHERE id % 7 = 0",
            "UPDATE t SET x = 'three' || x"}) {
        ASSERT_EQ(alice.Exec(sql), SQLITE_OK) << alice.Error();
      }
    }
    StoreRegistry::Instance()->CloseIdle();
    ASSERT_OK(Store::Open("writer", std::make_unique<ForwardingEngine>(kept_),
                          /*read_only=*/false, &writer_));
  }

  void WriterReclaims() {
    if (std::atomic<uint64_t>* const epoch = epoch_; epoch != nullptr) {
      epoch->fetch_add(1);
    }
    uint64_t ignored = 0;
    ASSERT_OK(ForgetHistory(writer_.get(), &ignored));
  }

  std::string Actor() const { return directory_.File(name_) + "/alice"; }

  // `run` gives an answer: the same each time, unless the version expires.
  template <typename Run>
  void Expect(Run run) {
    ASSERT_NO_FATAL_FAILURE(Prepare());
    const std::string good = run();
    ASSERT_NE(good.substr(0, 6), "error:") << good;
    int expired = 0;
    bool ran = true;
    for (uint64_t n = 1; ran; ++n) {
      SCOPED_TRACE("read " + std::to_string(n));
      ASSERT_NO_FATAL_FAILURE(Prepare());
      hook_->Set(n, [this] { WriterReclaims(); });
      const std::string answer = run();
      ran = hook_->ran();
      hook_->Set(0, nullptr);
      if (answer == good) continue;
      ++expired;
      const std::string text = answer + " " + LastError();
      ASSERT_NE(text.find("the oldest that is available is 4 of "),
                std::string::npos)
          << text;
    }
    EXPECT_GT(expired, 0);
  }

  void ExpectSql(const std::string& before, const std::string& after) {
    SCOPED_TRACE(before + after);
    Expect([&] { return db_.QueryText(before + "'" + Actor() + "'" + after); });
  }

  // The content of the file that an export makes, or its error.
  std::string Export(const std::string& form) {
    const std::string path = directory_.File("out");
    std::filesystem::remove(path);
    std::string answer =
        db_.QueryText("SELECT actorkv_export('" + Actor() + "', '" + path +
                      "', '" + form + "', '2')");
    const bool ok = answer.substr(0, 6) != "error:";
    EXPECT_EQ(std::filesystem::exists(path), ok);
    EXPECT_EQ(
        std::distance(std::filesystem::directory_iterator(directory_.path()),
                      std::filesystem::directory_iterator()),
        count_ + (ok ? 1 : 0))
        << "nothing is left behind";
    if (!ok || form != "db") return answer;
    SqliteDb file;
    EXPECT_EQ(file.Open(path), SQLITE_OK);
    return file.QueryText("SELECT count(*), min(length(x)), max(x) FROM t") +
           file.QueryText("PRAGMA integrity_check");
  }

  const TempDir directory_;
  const std::shared_ptr<ReadHook> hook_ = std::make_shared<ReadHook>();
  std::shared_ptr<Engine> kept_;
  std::atomic<std::atomic<uint64_t>*> epoch_{nullptr};  // the follower's
  std::shared_ptr<Store> writer_;
  int count_ = 0;
  std::string name_;
  SqliteDb db_;
};

TEST_F(FollowerExpiryTest, ExportOfADatabase) {
  Expect([this] { return Export("db"); });
}

TEST_F(FollowerExpiryTest, ExportOfPairs) {
  Expect([this] { return Export("jsonl"); });
}

TEST_F(FollowerExpiryTest, Verify) {
  ExpectSql("SELECT count(*), max(detail) FROM actorkv_verify(", ", 2)");
}

TEST_F(FollowerExpiryTest, Diff) {
  ExpectSql("SELECT count(*), max(old), min(new) FROM actorkv_diff(",
            ", 2, 3)");
}

TEST_F(FollowerExpiryTest, RestorePlan) {
  ExpectSql("SELECT page_count, changed_page_count FROM actorkv_restore_plan(",
            ", 2)");
}

TEST_F(FollowerExpiryTest, AsOf) {
  Expect([this] {
    SqliteDb past;
    if (past.Open("file:" + Actor() + "?vfs=actorkv&mode=ro&asof=2",
                  SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) != SQLITE_OK) {
      return std::string("error: ") + LastError();
    }
    return past.QueryText("SELECT count(*), min(x), max(x) FROM t");
  });
}

// Only older commits go: the head that it looks at first stays.
TEST_F(FollowerExpiryTest, DoctorOfASoundHead) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  bool ran = true;
  for (uint64_t n = 1; ran; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(Prepare());
    hook_->Set(n, [this] { WriterReclaims(); });
    EXPECT_EQ(db_.QueryText("SELECT severity, txid FROM actorkv_doctor('" +
                            Actor() + "')"),
              "info|4");
    ran = hook_->ran();
    hook_->Set(0, nullptr);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace actorkv
