// PageModel: what a store must hold, as plain vectors and maps. It knows
// nothing of branches, chunks and stages, so it cannot share their errors.

#ifndef ACTORKV_TESTS_SUPPORT_PAGE_MODEL_H_
#define ACTORKV_TESTS_SUPPORT_PAGE_MODEL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/store_harness.h"

namespace actorkv {

// The pages of a database as they are written, without the stamp.
struct ModelDatabase {
  uint32_t page_size = 0;
  std::map<PageNo, std::string> pages;  // those that are not zeros
  uint32_t page_count = 0;
  std::optional<uint32_t> stamp;

  std::string Page(PageNo pgno) const {
    const auto it = pages.find(pgno);
    std::string page =
        it == pages.end() ? std::string(page_size, '\0') : it->second;
    if (pgno == 1 && stamp.has_value()) ApplyStamp(*stamp, page.data());
    return page;
  }

  void Write(PageNo pgno, const std::string& page) {
    pages[pgno] = page;
    page_count = std::max(page_count, pgno);
  }

  void Truncate(uint32_t count) {
    pages.erase(pages.upper_bound(count), pages.end());
    page_count = count;
  }

  std::vector<std::string> All() const {
    std::vector<std::string> all;
    for (PageNo pgno = 1; pgno <= page_count; ++pgno) {
      all.push_back(Page(pgno));
    }
    return all;
  }
};

// One actor: its databases, newest last, each with the state that a reader of
// that time would hold.
struct ModelActor {
  struct Version {
    ModelDatabase database;
    std::shared_ptr<const HeadState> state;
  };
  bool exists = false;
  std::vector<Version> versions;  // also of deleted actors of the name

  ModelDatabase Newest() const {
    return exists ? versions.back().database : ModelDatabase();
  }
};

class PageModel {
 public:
  ModelActor& operator[](const std::string& name) { return actors_[name]; }

  // The commit of `database` is done.
  void Committed(const TestStore& store, const std::string& name,
                 const ModelDatabase& database) {
    ModelActor& actor = actors_[name];
    actor.exists = true;
    actor.versions.push_back({database, store.State(name)});
    ASSERT_EQ(actor.versions.back().state->head.digest,
              DigestOf(database.All()));
  }

  // Every actor, with its digest, and its versions, as far as kept.
  void ExpectSame(const TestStore& store) {
    for (const auto& [name, actor] : actors_) {
      SCOPED_TRACE(name);
      ASSERT_EQ(store.State(name)->exists, actor.exists);
      if (actor.exists) ExpectPages(store, name, actor.Newest().All());
      for (const ModelActor::Version& version : actor.versions) {
        ExpectVersion(store, version);
        if (testing::Test::HasFailure()) return;
      }
    }
  }

  // Forgets all but the newest `count` versions of each actor.
  void KeepVersions(size_t count) {
    for (auto& [name, actor] : actors_) {
      auto& versions = actor.versions;
      if (versions.size() <= count) continue;
      versions.erase(versions.begin(),
                     versions.end() - static_cast<ptrdiff_t>(count));
    }
  }

 private:
  // By the lineage that the reader holds, and by the one in the store.
  static void ExpectVersion(const TestStore& store,
                            const ModelActor::Version& version) {
    const Snapshot& snapshot = version.state->head.snapshot;
    SCOPED_TRACE("txid=" + std::to_string(snapshot.txid.value));
    const std::vector<std::string> pages = version.database.All();
    std::shared_ptr<const Lineage> stored;
    ASSERT_OK(LoadLineage(store->engine()->NewReader().get(),
                          version.state->entry.actor, snapshot.branch,
                          &stored));
    for (const auto& lineage : {version.state->lineage, stored}) {
      const auto read = ReadAll(store->engine(), snapshot, lineage);
      ASSERT_TRUE(read.has_value());
      ASSERT_TRUE(*read == pages);
    }
  }

  std::map<std::string, ModelActor> actors_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_PAGE_MODEL_H_
