#include "tests/model/reclaim_moment.h"

#include <gtest/gtest.h>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/history/point.h"

namespace actorkv {

bool IsThere(const TestStore& store, const Line& line, const Version& version) {
  const Snapshot& snapshot = version.state->head.snapshot;
  bool has = false;
  EXPECT_OK(HasKey(store->engine()->NewReader().get(), ActorPartition(line.id),
                   CommitKey(snapshot.branch, snapshot.txid), &has));
  return has;
}

void LookWhatIsThere(const TestStore& store, Line* line) {
  for (Version& version : line->versions) {
    version.there = version.there && IsThere(store, *line, version);
  }
}

TimeMap TimesOf(const TestStore& store, uint64_t now_us) {
  TimeMap times;
  EXPECT_OK(LoadTimeMap(store->engine()->NewReader().get(), store->clock(),
                        now_us, &times));
  return times;
}

void ExpectHeadAt(const TestStore& store, const Line& line, const TimeMap& now,
                  uint64_t at_us) {
  const auto& versions = line.versions;
  size_t count = versions.size();  // that were there by then
  while (count > 0 &&
         now.Wall(versions[count - 1].state->head.committed_at_us) > at_us) {
    --count;
  }
  const bool known = count > 0 && versions[count - 1].there &&
                     (count == versions.size() || versions[count].there);
  Pin pin;
  std::shared_ptr<const HeadState> found;
  const PointOf of = {store.get(), line.name, store.State(line.name)};
  const Status s =
      ResolvePoint(of, {Point::Kind::kTime, at_us, ""}, &pin, &found);
  ASSERT_EQ(s.ok(), known) << s.ToString() << ": version " << count << " of "
                           << versions.size();
  if (known) {
    EXPECT_TRUE(found->head.snapshot ==
                versions[count - 1].state->head.snapshot);
  } else {
    EXPECT_NE(s.message().find("the oldest that is available"),
              std::string_view::npos);
  }
}

}  // namespace actorkv
