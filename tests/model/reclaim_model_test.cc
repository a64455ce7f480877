// Random commits, stages, restores, forks, restore points, deletions, readers
// and reclaims, with commits between the steps of a reclaim and with faults,
// against an oracle that knows versions as plain pages: what it says is
// retained must be there, what is there must read as it was, and at the end
// nothing may be left.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <utility>

#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/history/restore.h"
#include "kv/history/restore_points.h"
#include "kv/reclaim/flatten.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/catalog.h"
#include "tests/model/reclaim_moment.h"
#include "tests/model/reclaim_oracle.h"
#include "tests/model/reclaim_space.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinDeltaPageSize;

// ---- The walk ---------------------------------------------------------------

class Walk {
 public:
  enum class Mode { kCalm, kFaults, kBackground };

  Walk(EngineSource source, Mode mode)
      : store_(std::move(source)),
        faults_(mode == Mode::kFaults),
        background_(mode == Mode::kBackground) {}

  void Run(uint64_t seed, uint64_t steps) {
    SCOPED_TRACE("ACTORKV_TEST_SEED=" + std::to_string(seed));
    random_.seed(seed);
    for (uint64_t step = 0; step < steps && !testing::Test::HasFailure();
         ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      Step();
    }
    if (!testing::Test::HasFailure()) EndInNothing();
  }

  size_t delta_count() const { return delta_count_; }

 private:
  uint32_t Pick(uint32_t count) {
    return static_cast<uint32_t>(random_() % count);
  }

  Line* PickLine(bool live) {
    std::vector<Line*> some;
    for (Line& line : lines_) {
      if ((line.deleted_at_us == 0) == live) some.push_back(&line);
    }
    if (some.empty()) return nullptr;
    return some[Pick(static_cast<uint32_t>(some.size()))];
  }

  void Step() {
    const uint32_t dice = Pick(20);
    Change(dice);
    if (background_) ReclaimInBackground();
    if (lines_.size() >= kMaxLines) ForgetOne();
    if (dice == 18) ReadOn();
    if (dice == 19) Reclaim();
    if (dice == 17 && faults_) {
      readers_.clear();
      store_.Reopen();
    }
    if (dice == 17 && Pick(3) == 0) SetClock();
    if (dice == 18) ExpectMoment();
  }

  void Change(uint32_t dice) {
    Line* const line = PickLine(/*live=*/true);
    if (line == nullptr && lines_.size() < kMaxLines) return Make();
    if (dice == 0 && lines_.size() < 12) return Make();
    if (line == nullptr) return;
    if (dice < 9) Commit(line);
    if (dice == 9 || dice == 10) Restore(line);
    if (dice == 11 && lines_.size() < kMaxLines) Fork(line);
    if (dice == 12) Point(line);
    if (dice == 13) DropPoint(line);
    if (dice == 14 && Pick(3) == 0) Delete(line);
    if (dice == 15) Undelete();
    if (dice == 16) {
      ASSERT_OK(Flatten(store_.get(), store_.Open(line->name).get()));
    }
  }

  // An actor that is over makes room for another; what it was is looked for at
  // the end.
  void ForgetOne() {
    for (auto line = lines_.begin(); line != lines_.end(); ++line) {
      if (!line->over || line->versions.back().there) continue;
      for (Version& version : line->versions) version.pages.clear();
      over_.push_back(std::move(*line));
      lines_.erase(line);
      return;
    }
  }

  void Make() {
    Line line;
    line.name = "a" + std::to_string(next_name_++);
    lines_.push_back(line);
    Commit(&lines_.back());
  }

  // The head is new.
  void Note(Line* line) {
    Version version;
    version.state = store_.State(line->name);
    version.pages = ReadAll(store_, line->name);
    line->id = version.state->entry.actor;
    line->versions.push_back(std::move(version));
  }

  // Mostly in a few places, so that it is stored as a delta.
  void ChangePage(PageNo pgno, std::string* page) {
    if (Pick(5) == 0) {
      *page = TestPage(kSize, pgno, Pick(1u << 30));
      page->replace(0, kSize / 2, kSize / 2, static_cast<char>(Pick(256)));
    }
    for (uint32_t i = 0, n = 1 + Pick(20); i < n; ++i) {
      (*page)[Pick(kSize)] = static_cast<char>(Pick(256));
    }
  }

  void Commit(Line* line) {
    std::vector<std::string> pages;
    if (!line->versions.empty()) pages = line->versions.back().pages;
    {
      TestTransaction transaction(store_, line->name, kSize);
      if (Pick(6) == 0 && !pages.empty()) {
        pages.resize(1 + Pick(static_cast<uint32_t>(pages.size())));
        ASSERT_OK(transaction->Truncate(static_cast<uint32_t>(pages.size())));
      }
      for (uint32_t i = 0, n = 1 + Pick(6); i < n; ++i) {
        const PageNo pgno =
            1 +
            Pick(static_cast<uint32_t>(std::min<size_t>(pages.size() + 2, 30)));
        while (pages.size() < pgno) pages.emplace_back(kSize, '\0');
        ChangePage(pgno, &pages[pgno - 1]);
        transaction.Write(pgno, pages[pgno - 1]);
      }
      if (Pick(8) == 0) {
        ASSERT_OK(transaction->Stage());
      }
      ASSERT_OK(transaction.Commit(++stamp_));
    }
    Note(line);
    ApplyStamp(stamp_, pages[0].data());
    ASSERT_TRUE(line->versions.back().pages == pages);
  }

  // Mostly one of the newest.
  const Version& PickVersion(const Line& line) {
    const auto count = static_cast<uint32_t>(line.versions.size());
    const uint32_t back = Pick(Pick(4) == 0 ? count : std::min(count, 10u));
    return line.versions[count - 1 - back];
  }

  void Restore(Line* line) {
    const Version source = PickVersion(*line);
    const TxId before = line->versions.back().state->head.snapshot.txid;
    const ::actorkv::Point point = {Point::Kind::kTxId,
                                    source.state->head.snapshot.txid.value, ""};
    std::vector<TxId> txids;
    const Status s =
        RestoreActors(store_.shared(), {line->name}, point, &txids);
    if (!IsThere(store_, *line, source)) {
      EXPECT_TRUE(IsError(s, Code::kInvalidArgument, "")) << "expired";
      return;
    }
    ASSERT_OK(s);
    Note(line);
    RestorePointRecord& undo = line->undo_points[before];
    undo.created_at_us = line->versions.back().state->head.committed_at_us;
    undo.expires_at_us = undo.created_at_us + kUndoTtlUs;
    ExpectSameButFirst(line->versions.back().pages, source.pages);
  }

  void Fork(Line* line) {
    const Version source = PickVersion(*line);
    Line fork;
    fork.name = "f" + std::to_string(next_name_++);
    ForkSpec spec;
    spec.actor = line->name;
    spec.fork = fork.name;
    spec.point = {Point::Kind::kTxId, source.state->head.snapshot.txid.value,
                  ""};
    TxId txid;
    const Status s = ForkActor(store_.shared(), spec, &txid);
    ASSERT_EQ(s.ok(), IsThere(store_, *line, source)) << s.ToString();
    if (!s.ok()) return;
    lines_.push_back(fork);
    Note(&lines_.back());
    ExpectSameButFirst(lines_.back().versions.back().pages, source.pages);
  }

  void Point(Line* line) {
    const std::string name = "p" + std::to_string(next_name_++);
    TxId txid;
    ASSERT_OK(MakeRestorePoint(store_.get(), line->name, name, 0, &txid));
    line->points[name] = txid;
  }

  void DropPoint(Line* line) {
    if (line->points.empty()) return;
    TxId txid;
    const std::string name = line->points.begin()->first;
    ASSERT_OK(DropRestorePoint(store_.get(), line->name, name, &txid));
    line->points.erase(name);
  }

  void Delete(Line* line) {
    TxId txid;
    const bool open = store_->actors()->IsOpen(line->name);
    const Status s =
        DeleteActor(store_.get(), line->name, SchemaCookie(0), &txid);
    ASSERT_EQ(s.code(), open ? Code::kBusy : Code::kOk);
    if (open) return;
    line->deleted_at_us = store_.State(line->name)->entry.deleted_at_us;
  }

  void Undelete() {
    Line* const line = PickLine(/*live=*/false);
    if (line == nullptr) return;
    TxId txid;
    const Status s = UndeleteActor(store_.get(), line->name, &txid);
    if (s.ok()) {
      line->deleted_at_us = 0;
      line->over = false;
    } else {
      EXPECT_TRUE(line->over);
      EXPECT_TRUE(IsError(s, Code::kNotFound, line->name));
    }
  }

  void ReadOn() {
    if (readers_.size() == kMaxReaders || (!readers_.empty() && Pick(2) == 0)) {
      return readers_.pop_front();
    }
    Line* const line = PickLine(/*live=*/true);
    if (line == nullptr) return;
    readers_.emplace_back();
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(
        store_.Open(line->name)
            ->CurrentPinned(store_->pins(), &readers_.back().pin, &state));
    readers_.back().version = line->versions.back();
    readers_.back().version.state = state;
    if (Pick(2) == 0) readers_.back().open = store_.Open(line->name);
  }

  // Somebody sets the clock of the machine, or it jumps. What has gone by then
  // went by what was known then.
  void SetClock() {
    constexpr int64_t kHours[] = {0, 0, -1, 1, -80, 80, 30 * 24, -90 * 24};
    Line* const line = PickLine(/*live=*/true);
    if (line == nullptr) return;
    (void)store_->reclaim_turns()->Begin();
    EndBackground();
    clock_.Set(kHours[Pick(std::size(kHours))] * ShiftedClock::kHourUs);
    Commit(line);  // so that the step is known
    for (Line& other : lines_) LookWhatIsThere(store_, &other);
  }

  // A moment of the wall means what was the head then, or nothing.
  void ExpectMoment() {
    Line* const line = PickLine(/*live=*/true);
    if (line == nullptr) return;
    LookWhatIsThere(store_, line);
    const TimeMap now = TimesOf(store_, 0);
    const uint64_t at_us =
        now.Wall(PickVersion(*line).state->head.committed_at_us) + Pick(3);
    // What is not yet, for a moment after a crash, is taken to be of now.
    if (at_us < now.wall_now_us()) ExpectHeadAt(store_, *line, now, at_us);
  }

  void EndBackground() {
    if (background_now_us_ != 0) Check(background_now_us_, /*exact=*/false);
    background_now_us_ = 0;
  }

  // Some moment from a little after now to a year after.
  uint64_t PickNow() {
    if (Pick(4) == 0) return WallClockUs() + kFar;
    const Line& line = lines_[Pick(static_cast<uint32_t>(lines_.size()))];
    const auto at = Pick(static_cast<uint32_t>(line.versions.size()));
    return line.versions[at].state->head.committed_at_us + kDayUs;
  }

  void Reclaim() {
    ReclaimOptions options;
    options.now_us = PickNow();
    (void)store_->reclaim_turns()->Begin();  // the pass in the background ends
    EndBackground();
    for (Line& line : lines_) line.Reclaimed(TimesOf(store_, options.now_us));
    const bool interleave = Pick(3) == 0;
    if (faults_ && Pick(2) == 0) {
      constexpr CommitFault kFaults[] = {CommitFault::kFailed,
                                         CommitFault::kUnknownLanded,
                                         CommitFault::kUnknownLost};
      store_.plan()->FailCommit(1 + Pick(6), kFaults[Pick(3)]);
      store_.plan()->FailRead(1 + Pick(60), Status::IOError("planned"));
      RunOnce(options, /*interleave=*/false);
      store_.plan()->Reset();
      if (Pick(2) == 0) {  // killed
        readers_.clear();
        store_.Reopen();
      }
      Check(options.now_us, /*exact=*/false);
    }
    // A round frees what the forks that the round before dropped had kept.
    const uint64_t planned = RunOnce(DryRun(options), false);
    const uint64_t freed = RunOnce(options, interleave);
    // An undo point made meanwhile may have expired to this run at once.
    for (Line& line : lines_) line.Reclaimed(TimesOf(store_, options.now_us));
    if (!interleave) {
      // More where a fork went that had kept something.
      EXPECT_LE(planned, freed);
      EXPECT_TRUE(dropped_branch_ || planned == freed);
    }
    for (int i = 0; i < 8 && !interleave; ++i) RunOnce(options, false);
    Check(options.now_us, !interleave);
    if (!interleave) {
      EXPECT_EQ(RunOnce(DryRun(options), false), 0u);
    }
  }

  static ReclaimOptions DryRun(ReclaimOptions options) {
    options.dry_run = true;
    return options;
  }

  // As the registry's thread does it: pieces of a pass between changes, and
  // flattening. What it has done when a reclaim on call comes stays.
  void ReclaimInBackground() {
    if (Pick(30) == 0) {
      const uint64_t now_us = PickNow();
      store_.upkeep()->ReclaimSoonForTesting(now_us);
      background_now_us_ = std::max(background_now_us_, now_us);
    }
    // Where the pass is nobody knows: it may have been at each of them.
    for (Line& line : lines_)
      line.Reclaimed(TimesOf(store_, background_now_us_));
    bool more = false;
    ASSERT_OK(store_.upkeep()->Maintain(&more));
    if (Pick(10) == 0) Check(background_now_us_, /*exact=*/false);
  }

  uint64_t RunOnce(const ReclaimOptions& options, bool interleave) {
    Reclaimer reclaimer(store_.get(), options);
    std::optional<SpaceUse> use;
    // Bounded, so that long reclaims do not make for longer ones.
    uint32_t changes_left = interleave ? kMaxChangesMeanwhile : 0;
    for (bool done = false; !done && !testing::Test::HasFailure();) {
      const Status s = reclaimer.Step(&use, &done);
      EXPECT_TRUE(s.ok() || store_.plan()->fired_count() != 0) << s.ToString();
      if (changes_left == 0 || Pick(4) != 0) continue;
      --changes_left;
      Change(1 + Pick(13));
    }
    dropped_branch_ = reclaimer.dropped_branch();
    return reclaimer.freed_bytes();
  }

  void Check(uint64_t now_us, bool exact) {
    const TimeMap now = TimesOf(store_, now_us);
    for (Line& line : lines_) {
      SCOPED_TRACE(line.name);
      for (size_t i = 0; i < line.versions.size(); ++i) {
        CheckVersion(line, i, now);
        if (testing::Test::HasFailure()) return;
      }
    }
    for (const Reader& reader : readers_) Expect(reader.version);
    if (exact) CheckSpace(now_us);
  }

  void CheckVersion(Line& line, size_t i, const TimeMap& now) {
    Version* const version = &line.versions[i];
    const Snapshot& snapshot = version->state->head.snapshot;
    SCOPED_TRACE("txid " + std::to_string(snapshot.txid.value));
    const bool there = IsThere(store_, line, *version);
    ASSERT_TRUE(version->there || !there) << "it came back";
    if (version->there && line.Retains(i, now)) {
      ASSERT_TRUE(there);
    }
    version->there = there;
    if (!there) version->pages.clear();
    if (!there) return;
    Version as_now = *version;
    as_now.state = WithLineageOfNow(store_, *version->state);
    Expect(as_now);
  }

  void Expect(const Version& version) {
    const auto pages = ReadAll(store_->engine(), version.state->head.snapshot,
                               version.state->lineage);
    ASSERT_TRUE(pages.has_value());
    ASSERT_TRUE(*pages == version.pages);
  }

  // Once the retention is over an actor holds what its head, its restore points
  // and its readers find, and the bases of those deltas.
  void CheckSpace(uint64_t now_us) {
    if (now_us < WallClockUs() + kFar / 2) return;
    for (const Line& line : lines_) {
      SCOPED_TRACE(line.name);
      if (!RecordKeys(store_, line.id, ForkPrefix()).empty()) continue;
      std::vector<std::shared_ptr<const HeadState>> read;
      if (!FindKept(store_, line, readers_, &read)) continue;
      const SpaceLeft left = LookAtSpace(store_, line.id, read);
      EXPECT_EQ(left.unneeded, 0u) << "of " << left.chunks;
      delta_count_ += left.deltas;
    }
  }

  void EndInNothing() {
    readers_.clear();
    for (Line& line : lines_) {
      if (line.deleted_at_us != 0 && !line.versions.back().there) continue;
      uint64_t bytes = 0;
      const Status s = PurgeActor(store_.get(), line.name, &bytes);
      ASSERT_TRUE(s.ok() || s.code() == Code::kNotFound) << s.ToString();
    }
    ReclaimOptions options;
    options.now_us = WallClockUs() + kFar;
    for (size_t i = 0; i < lines_.size() + 1; ++i) RunOnce(options, false);
    for (const KeyValue& pair : store_.Scan(CatalogPartition())) {
      EXPECT_NE(std::string("MTW").find(pair.key[0]), std::string::npos)
          << pair.key;
    }
    over_.insert(over_.end(), lines_.begin(), lines_.end());
    for (const Line& line : over_) {
      EXPECT_TRUE(store_.Scan(ActorPartition(line.id)).empty()) << line.name;
      for (const Version& version : line.versions) {
        for (const BranchPoint& point : *version.state->lineage) {
          EXPECT_TRUE(store_.Scan(BranchPartition(point.branch)).empty());
        }
      }
    }
  }

  ShiftedClock clock_;
  TestStore store_;
  const bool faults_;
  const bool background_;
  uint64_t background_now_us_ = 0;  // of all its passes
  std::mt19937_64 random_;
  static constexpr size_t kMaxLines = 40;
  static constexpr size_t kMaxReaders = 8;
  static constexpr uint32_t kMaxChangesMeanwhile = 20;
  std::deque<Line> lines_;
  std::deque<Line> over_;  // no more than names, for the end
  std::deque<Reader> readers_;
  int next_name_ = 0;
  uint32_t stamp_ = 0;
  bool dropped_branch_ = false;  // by the last run
  size_t delta_count_ = 0;       // that reclaims left, as far as looked at
};

void WalkInMemory(Walk::Mode mode) {
  const uint64_t steps = EnvironmentNumber("ACTORKV_STEPS", 1500);
  for (uint64_t i = 0; i < TestRounds(2); ++i) {
    Walk(MemorySource(), mode).Run(TestSeed() + i, steps);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ReclaimModelTest, Memory) { WalkInMemory(Walk::Mode::kCalm); }
TEST(ReclaimModelTest, MemoryWithFaults) { WalkInMemory(Walk::Mode::kFaults); }
TEST(ReclaimModelTest, InBackground) { WalkInMemory(Walk::Mode::kBackground); }

TEST(ReclaimModelTest, RocksDb) {
  for (uint64_t i = 0; i < TestRounds(2); ++i) {
    const TempDir dir;
    Walk(RocksDbSource(dir.File("store")), Walk::Mode::kFaults)
        .Run(TestSeed() + i, 200);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace actorkv
