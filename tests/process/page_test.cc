// Three processes write rows at random, each row on a page of its own; after
// each commit that was acknowledged every process reads all rows, by each of
// its connections, and finds the newest. A page that one of them still has from
// before, in SQLite's cache or in the module's, fails this.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/process/places.h"

namespace actorkv {
namespace {

constexpr int kPeers = 3;
constexpr int kRows = 150;
constexpr uint64_t kSteps = 200;
constexpr int kMostRowsOfACommit = 6;

// Of the same actor in each process: the caches of SQLite that it may have.
struct Kind {
  const char* name;
  const char* pragma;
};
constexpr Kind kKinds[] = {{"default", "PRAGMA cache_size"},
                           {"small", "PRAGMA cache_size=3"},
                           {"mapped", "PRAGMA mmap_size=268435456"}};

class PageModel : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    for (int i = 0; i < kPeers; ++i) {
      peers_.push_back(std::make_unique<Peer>());
      for (const Kind& kind : kKinds) {
        ASSERT_TRUE(Worked(peers_.back()->Open(kind.name, Uri())));
        ASSERT_TRUE(Worked(peers_.back()->Run(kind.name, kind.pragma)));
      }
      if (i > 0) continue;
      if (GetParam()) {
        ASSERT_TRUE(Worked(Any(0, "PRAGMA journal_mode=WAL")));
      }
      ASSERT_TRUE(
          Worked(Any(0,
                     "CREATE TABLE IF NOT EXISTS page(id INTEGER PRIMARY KEY,"
                     " version INT, filler BLOB)")));
    }
    std::string sql = "BEGIN; DELETE FROM page;";
    for (int id = 1; id <= kRows; ++id) {
      model_[id] = ++version_;
      sql += PutSql(id) + ";";
    }
    ASSERT_TRUE(Worked(peers_[0]->Script("default", sql + "COMMIT")));
    for (int i = 0; i < kPeers; ++i) Look(i);
  }

  std::string Uri() const {
    return GetParam() ? temp_.File("a.db") : ActorUri(temp_.File("store"), "a");
  }

  // By one of its connections.
  Answer Any(int peer, const std::string& sql) {
    const size_t kind = rng_() % std::size(kKinds);
    return peers_[static_cast<size_t>(peer)]->Run(kKinds[kind].name, sql);
  }

  // A row that fills a page, with a version that no row ever had.
  std::string PutSql(int id) const {
    return "INSERT OR REPLACE INTO page VALUES(" + std::to_string(id) + ", " +
           std::to_string(model_.at(id)) + ", zeroblob(" +
           std::to_string(3000 + model_.at(id) % 500) + "))";
  }

  // One commit of some rows, some of them gone or new.
  testing::AssertionResult Write(int peer) {
    Peer* const writer = peers_[static_cast<size_t>(peer)].get();
    const char* name = kKinds[rng_() % std::size(kKinds)].name;
    std::string sql = "BEGIN IMMEDIATE;";
    const uint64_t count = 1 + rng_() % kMostRowsOfACommit;
    for (uint64_t i = 0; i < count; ++i) {
      const int id = 1 + static_cast<int>(rng_() % kRows);
      if (rng_() % 8 == 0) {
        model_.erase(id);
        sql += "DELETE FROM page WHERE id = " + std::to_string(id) + ";";
      } else {
        model_[id] = ++version_;
        sql += PutSql(id) + ";";
      }
    }
    return Worked(writer->Script(name, sql + "COMMIT"));
  }

  // What each process has to read, by each of its connections.
  std::string Newest() const {
    std::string rows;
    for (const auto& [id, version] : model_) {
      rows += (rows.empty() ? "" : " ") + std::to_string(id) + ":" +
              std::to_string(version) + ":" +
              std::to_string(3000 + version % 500);
    }
    return rows;
  }
  Answer Read(int peer, const Kind& kind) {
    return peers_[static_cast<size_t>(peer)]->Run(
        kind.name,
        "SELECT group_concat(id || ':' || version || ':' ||"
        " length(filler), ' ') FROM (SELECT * FROM page ORDER BY id)");
  }
  void Look(int peer) {
    for (const Kind& kind : kKinds) {
      ASSERT_TRUE(Answers(Read(peer, kind), Newest()))
          << "process " << peer << ", cache " << kind.name;
    }
  }
  // Whether some process reads something else.
  bool IsSomethingWrong() {
    for (int peer = 0; peer < kPeers; ++peer) {
      for (const Kind& kind : kKinds) {
        if (!Answers(Read(peer, kind), Newest())) return true;
      }
    }
    return false;
  }

  TempDir temp_;
  std::mt19937_64 rng_{TestSeed()};
  std::vector<std::unique_ptr<Peer>> peers_;
  std::map<int, int64_t> model_;  // version by id
  int64_t version_ = 0;
};

TEST_P(PageModel, EachProcessReadsTheNewest) {
  for (uint64_t i = 0; i < TestRounds(kSteps) && !HasFailure(); ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    ASSERT_TRUE(Write(static_cast<int>(rng_() % kPeers)));
    // Now and then some miss a few commits.
    for (int peer = 0; peer < kPeers && !HasFailure(); ++peer) {
      if (rng_() % 4 != 0) Look(peer);
    }
  }
  for (int peer = 0; peer < kPeers && !HasFailure(); ++peer) Look(peer);
}

// The model is strict enough: where a single page is left out of what is said
// of changes, to whoever asks for a head, or with the commits of others, it
// sees that.
TEST_P(PageModel, APageThatIsLeftOutIsSeen) {
  if (GetParam()) GTEST_SKIP() << "files have no such messages";
  if (!HaveFailpoints()) GTEST_SKIP() << "sanitizers have these functions";
  for (const char* of_what : {"heads", "commits"}) {
    for (const auto& peer : peers_) peer->LeaveOutAPage(of_what);
    bool is_seen = false;
    for (uint64_t i = 0; i < kSteps && !is_seen && !HasFailure(); ++i) {
      // A writer may be the first to meet pages that do not go together.
      is_seen = !Write(static_cast<int>(rng_() % kPeers)) || IsSomethingWrong();
    }
    EXPECT_TRUE(is_seen) << of_what;
    // All that they know of pages goes with them.
    peers_.clear();
    model_.clear();
    SetUp();
  }
}

// A reader's transaction is one snapshot, whatever others commit.
TEST_P(PageModel, ATransactionIsOneSnapshot) {
  constexpr char kSum[] = "SELECT sum(version), count(*) FROM page";
  for (uint64_t i = 0; i < TestRounds(30) && !HasFailure(); ++i) {
    const auto reader = static_cast<int>(rng_() % kPeers);
    Peer* const peer = peers_[static_cast<size_t>(reader)].get();
    ASSERT_TRUE(Worked(peer->Run("small", "BEGIN")));
    const Answer first = peer->Run("small", kSum);
    for (int j = 1; j < kPeers; ++j) {
      ASSERT_TRUE(Write((reader + j) % kPeers));
    }
    EXPECT_TRUE(Answers(peer->Run("small", kSum), first.text));
    ASSERT_TRUE(Worked(peer->Run("small", "COMMIT")));
    Look(reader);
  }
}

INSTANTIATE_TEST_SUITE_P(, PageModel, testing::Bool(), [](const auto& is_file) {
  return std::string(is_file.param ? "Files" : "Actors");
});

}  // namespace
}  // namespace actorkv
