// Reclaim in the owner, which keeps nothing but what is read, beside processes
// that take snapshots and let go of them: whoever finds that its snapshot is
// still the head has all of its pages, wherever the system stopped it on the
// way (kv/share/slate.h, invariant 1).

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kv/reclaim/reclaim.h"
#include "kv/share/share_client.h"
#include "kv/store/retention.h"
#include "tests/support/child_process.h"
#include "tests/support/client_harness.h"
#include "tests/support/share_session.h"

namespace actorkv {
namespace {

constexpr PageNo kPages = 12;
constexpr int kReaders = 3;
constexpr uint64_t kReads = 300;

// What a reader is told to do, and says.
constexpr char kLook = 'l';
constexpr char kRead = 'r';
constexpr char kSame = 's';
constexpr char kNew = 'n';
constexpr char kRight = 'y';
constexpr char kWrong = 'x';

// --- In a reader ------------------------------------------------------------

class Reader {
 public:
  explicit Reader(const std::string& path) {
    ShareClient::Parts parts;
    parts.directory = OpenDirectory(path);
    parts.path = path;
    parts.marker_id = "marker";
    parts.marker_inode = 5;
    parts.host = {1, RandomId()};
    parts.limits = UnboundedLimits();
    client_ = ConnectTo(std::move(parts));
    EXPECT_OK(Store::OpenShared(path, client_->NewEngine(), client_->NewSide(),
                                &store_));
    client_->SetStore(store_.get());
    EXPECT_OK(store_->OpenActor("alice", &actor_));
    Take();
  }
  ~Reader() {
    pin_.Release();
    actor_.reset();
    client_->SetStore(nullptr);
    store_.reset();
  }

  // Comes back to its snapshot, or takes the newest. `pause` is where it may be
  // stopped. True: it is the same.
  template <typename Pause>
  bool ComeBack(const Pause& pause) {
    pin_.Wake();
    pause();
    if (actor_->version() == version_) return true;
    pin_.Rest();
    Take();
    return false;
  }
  void Rest() { pin_.Rest(); }

  // All its pages are those of the commit that made it.
  bool IsWhole() const {
    const auto pages =
        ReadAll(store_->engine(), state_->head.snapshot, state_->lineage);
    if (!pages.has_value()) return false;
    const auto version =
        static_cast<uint32_t>(state_->head.snapshot.txid.value);
    return *pages == TestPages(kMinPageSize, kPages, version);
  }

 private:
  void Take() {
    version_ = actor_->version();
    EXPECT_OK(actor_->CurrentPinned(store_->pins(), &pin_, &state_));
  }

  std::shared_ptr<ShareClient> client_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<Actor> actor_;
  Pin pin_;
  std::shared_ptr<const HeadState> state_;
  uint64_t version_ = 0;
};

TEST(SharedReader, DISABLED_IsStopped) {
  Reader reader(ChildArgument());
  ChildSay(reader.IsWhole() ? kRight : kWrong);
  reader.Rest();
  for (char order = ChildHear(); order != 0; order = ChildHear()) {
    if (order == kLook) {
      const bool same = reader.ComeBack([] { raise(SIGSTOP); });
      ChildSay(same ? kSame : kNew);
      continue;
    }
    ChildSay(reader.IsWhole() ? kRight : kWrong);
    reader.Rest();
  }
}

TEST(SharedReader, DISABLED_ComesAndGoes) {
  std::mt19937_64 rng(TestSeed() + static_cast<uint64_t>(getpid()));
  Reader reader(ChildArgument());
  ChildSay(reader.IsWhole() ? kRight : kWrong);
  for (uint64_t i = 0; i < kReads; ++i) {
    reader.ComeBack([&rng] {
      for (uint64_t n = rng() % 3; n > 0; --n) sched_yield();
    });
    for (uint64_t n = rng() % 3; n > 0; --n) sched_yield();
    if (!reader.IsWhole()) return ChildSay(kWrong);
    if (rng() % 2 == 0) reader.Rest();
  }
  ChildSay(kRight);
}

// --- The owner --------------------------------------------------------------

class SharedReclaimTest : public ServedStore {
 protected:
  void SetUp() override {
    ServedStore::SetUp();
    const SettingInfo* info = nullptr;
    uint64_t previous = 0;
    ASSERT_OK(FindSetting("retention_ms", &info));
    ASSERT_OK(store_->settings()->Set(ActorId{}, *info, 0, &previous));
    CommitAndReclaim();
  }

  // Each page is another one then, and of the ones before nothing is kept but
  // what is read.
  void CommitAndReclaim() {
    ++version_;
    TestTransaction transaction(store_, "alice");
    for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
      transaction.Write(pgno, TestPage(kMinPageSize, pgno, version_));
    }
    ASSERT_OK(transaction.Commit());
    ASSERT_EQ(store_.State("alice")->head.snapshot.txid.value, version_);
    Reclaim();
  }
  void Reclaim() {
    uint64_t bytes = 0;
    ASSERT_OK(ReclaimAll(
        store_.get(), std::nullopt, [] { return Status::Ok(); }, &bytes));
    freed_bytes_ += bytes;
  }

  uint32_t version_ = 0;
  uint64_t freed_bytes_ = 0;
};

TEST_F(SharedReclaimTest, AReaderIsStoppedBeforeItLooks) {
  std::mt19937_64 rng(TestSeed());
  ChildProcess reader("SharedReader.DISABLED_IsStopped", directory_.path());
  ASSERT_EQ(reader.Hear(), kRight);
  uint32_t known = version_;  // what it has
  int same = 0;
  for (uint64_t i = 0; i < TestRounds(60); ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    // At any of three moments, or at none of them.
    if (rng() % 4 == 0) CommitAndReclaim();
    reader.Say(kLook);
    int status = 0;
    ASSERT_EQ(waitpid(reader.pid(), &status, WUNTRACED), reader.pid());
    ASSERT_TRUE(WIFSTOPPED(status));
    if (rng() % 3 == 0) CommitAndReclaim();
    Reclaim();
    kill(reader.pid(), SIGCONT);
    // Who finds another number asks again, also where nothing changed.
    const char said = reader.Hear();
    ASSERT_TRUE(said == kNew || (said == kSame && known == version_)) << said;
    same += said == kSame ? 1 : 0;
    known = version_;
    if (rng() % 2 == 0) CommitAndReclaim();
    Reclaim();
    reader.Say(kRead);
    ASSERT_EQ(reader.Hear(), kRight);
  }
  EXPECT_GT(same, 0);
  EXPECT_GT(freed_bytes_, 0u) << "something has to go";
  reader.CloseSays();
  EXPECT_EQ(reader.WaitForStatus(), 0);
}

TEST_F(SharedReclaimTest, ReadersComeAndGo) {
  std::vector<std::unique_ptr<ChildProcess>> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<ChildProcess>(
        "SharedReader.DISABLED_ComesAndGoes", directory_.path()));
    ASSERT_EQ(readers.back()->Hear(), kRight);
  }
  int working = kReaders;
  std::vector<pollfd> heard;
  for (const auto& reader : readers) {
    heard.push_back({reader->hears_fd(), POLLIN, 0});
  }
  while (working > 0 && !HasFatalFailure()) {
    CommitAndReclaim();
    if (poll(heard.data(), heard.size(), 0) <= 0) continue;
    for (size_t i = 0; i < heard.size(); ++i) {
      if (heard[i].revents == 0) continue;
      EXPECT_EQ(readers[i]->Hear(), kRight) << "reader " << i;
      heard[i].fd = -1;
      --working;
    }
  }
  for (const auto& reader : readers) EXPECT_EQ(reader->WaitForStatus(), 0);
  EXPECT_GT(freed_bytes_, 0u);
}

}  // namespace
}  // namespace actorkv
