// Where a second process stands and what it may do: other users, long paths,
// another root, a mount that is read-only; a socket that is gone, or behind
// which is something else; a directory that is another one by now.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "kv/share/session_messages.h"
#include "kv/share/wire_status.h"
#include "tests/process/places.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr char kOtherUser[] = "65534";
constexpr char kAccess[] =
    "SELECT value FROM actorkv_info WHERE name = 'store_access'";

class PlaceTest : public ProcessTest {
 protected:
  std::string Socket() const { return store_ + "/actorkv.sock"; }
};

TEST_F(PlaceTest, ALongPath) {
  fs::path deep = temp_.path();
  while (deep.string().size() + 41 < 277) deep /= std::string(40, 'd');
  deep /= std::string(277 - deep.string().size() - 1, 's');
  ASSERT_EQ(deep.string().size(), 277u);
  fs::create_directories(deep.parent_path());
  Peer owner;
  Peer other;
  ASSERT_TRUE(Worked(owner.Open("a", ActorUri(deep.string(), "a"))));
  ASSERT_TRUE(Worked(owner.Run("a", "CREATE TABLE t(x)")));
  ASSERT_TRUE(Worked(other.Open("a", ActorUri(deep.string(), "a"))));
  EXPECT_TRUE(Worked(other.Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner.Run("a", kCount), "1"));
}

TEST_F(PlaceTest, AnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  auto owner = Found();
  ASSERT_EQ(chmod(temp_.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(store_.c_str(), 0755), 0);
  Peer other;
  ASSERT_TRUE(Worked(other.System("user", kOtherUser)));
  const Answer refused = other.Open("a", Uri());
  EXPECT_NE(refused.code, SQLITE_OK);
  EXPECT_NE(refused.text.find("ermission denied"), std::string::npos)
      << refused.text;
  EXPECT_NE(refused.text.find("directory is of user 0, mode 755, and this "
                              "process of user 65534"),
            std::string::npos)
      << refused.text;
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
}

// Whoever may change the directory may share the store.
TEST_F(PlaceTest, AnotherUserWhoMayWrite) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  ASSERT_EQ(chmod(temp_.path().c_str(), 0755), 0);
  ASSERT_EQ(mkdir(store_.c_str(), 0777), 0);
  ASSERT_EQ(chmod(store_.c_str(), 0777), 0);
  auto owner = Found();
  Peer other;
  ASSERT_TRUE(Worked(other.System("user", kOtherUser)));
  ASSERT_TRUE(Worked(other.Open("a", Uri())));
  EXPECT_TRUE(Worked(other.Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "2"));
}

TEST_F(PlaceTest, AnotherRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can have another root";
  auto owner = Found();
  Peer other;
  ASSERT_TRUE(Worked(other.System("root", temp_.path())));
  // There is no /proc. The path is short.
  EXPECT_TRUE(Worked(other.Open("a", ActorUri("/store", "a"))));
  EXPECT_TRUE(Worked(other.Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "2"));
}

// Without /proc a socket is reached by its path, which may be too long.
TEST_F(PlaceTest, AnotherRootAndALongPath) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can have another root";
  const std::string name = "/" + std::string(120, 's');
  const std::string store = temp_.path() + name;
  Peer owner;
  ASSERT_TRUE(Worked(owner.Open("a", ActorUri(store, "a"))));
  ASSERT_TRUE(Worked(owner.Run("a", "CREATE TABLE t(x)")));
  Peer other;
  ASSERT_TRUE(Worked(other.System("root", temp_.path())));
  EXPECT_TRUE(Refused(other.Open("a", ActorUri(name, "a")), SQLITE_CANTOPEN,
                      "where /proc is not mounted"));
  ASSERT_TRUE(Worked(other.Open("a", ActorUri(name, "a") + "&mode=ro")));
  EXPECT_TRUE(Answers(other.Run("a", kCount), "0"));
}

// One kernel, and so one store, whatever else a container has of its own.
TEST_F(PlaceTest, NamespacesOfItsOwn) {
  auto owner = Found();
  int rows = 1;
  for (const char* kind : {"net", "user", "pid"}) {
    SCOPED_TRACE(kind);
    Peer other;
    if (const Answer answer = other.System("namespace", kind);
        answer.code != 0) {
      std::printf("no %s namespace of its own here: %s\n", kind,
                  std::strerror(answer.code));
      continue;
    }
    ASSERT_TRUE(Worked(other.Open("a", Uri())));
    EXPECT_TRUE(Worked(other.Run("a", kInsert)));
    EXPECT_TRUE(Answers(other.Run("a", kAccess), "shares"));
    EXPECT_TRUE(Answers(owner->Run("a", kCount), std::to_string(++rows)));
  }
  if (rows == 1) GTEST_SKIP() << "no namespaces here";
}

// A policy of the system refuses what an owner needs to serve: it says so, and
// so does who would share the store; with mode=ro it can be followed.
TEST_F(PlaceTest, AnOwnerThatMayNotServe) {
  for (const char* call : {"socket", "bind"}) {
    SCOPED_TRACE(call);
    Peer owner;
    ASSERT_TRUE(Worked(owner.System("refuse", call)));
    ASSERT_TRUE(Worked(owner.Open("a", Uri())));
    ASSERT_TRUE(Worked(owner.Run("a", "CREATE TABLE IF NOT EXISTS t(x)")));
    const Answer why = owner.Run(
        "a",
        "SELECT level || ': ' || value FROM actorkv_info WHERE name = "
        "'not_shared'");
    EXPECT_EQ(why.text.rfind("warning: cannot share the store: ", 0), 0u)
        << why.text;
    EXPECT_NE(why.text.find("Permission denied"), std::string::npos)
        << why.text;
    Peer other;
    EXPECT_TRUE(Refused(other.Open("a", Uri() + "&open_timeout_ms=100"),
                        SQLITE_BUSY, "process " + std::to_string(owner.pid())));
    ASSERT_TRUE(Worked(other.Open("b", Uri() + "&mode=ro")));
    EXPECT_TRUE(Answers(other.Run("b", kAccess), "follows"));
    EXPECT_TRUE(Answers(other.Run("b", kCount), "0"));
    EXPECT_EQ(owner.End(), 0);
  }
}

// Without memory of its own that has no name, a file without one will do.
TEST_F(PlaceTest, AnOwnerWithoutMemfd) {
  Peer owner;
  ASSERT_TRUE(Worked(owner.System("refuse", "memfd_create")));
  ASSERT_TRUE(Worked(owner.Open("a", Uri())));
  ASSERT_TRUE(Worked(owner.Run("a", "CREATE TABLE t(x)")));
  auto other = OpenPeer();
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner.Run("a", kCount), "1"));
}

TEST_F(PlaceTest, AProcessThatMayNotConnect) {
  auto owner = Found();
  for (const char* call : {"socket", "connect"}) {
    SCOPED_TRACE(call);
    Peer other;
    ASSERT_TRUE(Worked(other.System("refuse", call)));
    const Answer refused = other.Open("a", Uri());
    EXPECT_TRUE(Refused(refused, SQLITE_CANTOPEN, "cannot share the store: "));
    EXPECT_TRUE(Refused(refused, SQLITE_CANTOPEN, Socket()));
    EXPECT_TRUE(Refused(refused, SQLITE_CANTOPEN, "Permission denied"));
    // It follows, and says why.
    ASSERT_TRUE(Worked(other.Open("b", Uri() + "&mode=ro")));
    EXPECT_TRUE(Answers(other.Run("b", kAccess), "follows"));
    EXPECT_TRUE(Answers(other.Run("b", kCount), "1"));
    EXPECT_TRUE(Answers(other.Run("b",
                                  "SELECT level FROM actorkv_info WHERE name = "
                                  "'not_shared'"),
                        "warning"));
  }
}

// A look beside an owner goes by the socket.
TEST_F(PlaceTest, AReaderBesideAnOwner) {
  auto owner = Found();
  Peer reader;
  ASSERT_TRUE(Worked(reader.Open("a", Uri() + "&mode=ro")));
  EXPECT_TRUE(Answers(reader.Run("a", kAccess), "shares"));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  EXPECT_TRUE(Answers(reader.Run("a", kCount), "2"));
  EXPECT_EQ(reader.Run("a", kInsert).code & 0xff, SQLITE_READONLY);
}

TEST_F(PlaceTest, AReadOnlyMount) {
  auto owner = Found();
  Peer other;
  if (const Answer answer = other.System("read_only", store_);
      answer.code != 0) {
    GTEST_SKIP() << "no mount of its own here: " << std::strerror(answer.code);
  }
  ASSERT_TRUE(Worked(other.Open("a", Uri() + "&mode=ro")));
  EXPECT_TRUE(Answers(other.Run("a", kAccess), "shares"));
  EXPECT_TRUE(Answers(other.Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  EXPECT_TRUE(Answers(other.Run("a", kCount), "2"));
  EXPECT_EQ(other.Run("a", kInsert).code & 0xff, SQLITE_READONLY);
}

TEST_F(PlaceTest, TheSocketIsGone) {
  auto owner = Found();
  ASSERT_EQ(unlink(Socket().c_str()), 0);
  Peer other;
  const Answer refused = other.Open("a", Uri() + "&open_timeout_ms=100");
  EXPECT_NE(refused.code, SQLITE_OK);
  EXPECT_NE(refused.text.find("process " + std::to_string(owner->pid())),
            std::string::npos)
      << refused.text;
  EXPECT_TRUE(
      Refused(refused, SQLITE_BUSY, "(it does not serve others: no socket)"));
  // Nothing else has changed for who was there, and the next owner serves.
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  EXPECT_EQ(owner->End(), 0);
  EXPECT_TRUE(Worked(other.Open("a", Uri())));
  auto third = OpenPeer();
  EXPECT_TRUE(Answers(third->Run("a", kCount), "2"));
}

// Another store comes to be where the first one was: nobody who had the first
// one open sees anything of it, with or without its owner.
TEST_F(PlaceTest, AnotherStoreIsMovedIn) {
  const std::string second = temp_.File("second");
  {
    Peer maker;
    ASSERT_TRUE(Worked(maker.Open("a", ActorUri(second, "a"))));
    ASSERT_TRUE(Worked(maker.Run("a", "CREATE TABLE t(x)")));
    for (int i = 0; i < 7; ++i) {
      ASSERT_TRUE(Worked(maker.Run("a", kInsert)));
    }
    ASSERT_EQ(maker.End(), 0);
  }
  auto owner = Found();
  auto other = OpenPeer();
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  fs::rename(store_, temp_.File("first"));
  fs::rename(second, store_);
  const auto expect_first = [](const Answer& answer) {
    EXPECT_TRUE(answer.code != SQLITE_OK || answer.text == "1") << answer.text;
  };
  expect_first(owner->Run("a", kCount));
  expect_first(other->Run("a", kCount));
  owner->Kill();
  expect_first(other->Run("a", kCount));
  // A process that had nothing to do with the first has the second.
  auto late = OpenPeer();
  EXPECT_TRUE(Answers(late->Run("a", kCount), "7"));
  expect_first(other->Run("a", kCount));
}

// Something that holds the store's lock and has a socket there, but speaks
// otherwise.
class FalseOwner {
 public:
  FalseOwner(const std::string& store, const std::string& says, bool closes)
      : says_(says), closes_(closes) {
    lock_ = open((store + "/actorkv.pid").c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 1;
    lock.l_len = 1;
    EXPECT_EQ(fcntl(lock_, F_OFD_SETLK, &lock), 0);
    listening_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = store + "/actorkv.sock";
    unlink(path.c_str());
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listening_, reinterpret_cast<const sockaddr*>(&address),
                   sizeof address),
              0);
    EXPECT_EQ(listen(listening_, 16), 0);
    thread_ = std::thread([this] { Run(); });
  }
  ~FalseOwner() {
    over_ = true;
    thread_.join();
    close(listening_);
    close(lock_);
  }
  FalseOwner(const FalseOwner&) = delete;
  FalseOwner& operator=(const FalseOwner&) = delete;

 private:
  void Run() {
    while (!over_) {
      pollfd wanted = {listening_, POLLIN, 0};
      if (poll(&wanted, 1, 20) != 1) continue;
      const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      send(fd, says_.data(), says_.size(), MSG_NOSIGNAL);
      if (closes_) close(fd);  // else it is kept, and nobody cares
    }
  }

  const std::string says_;
  const bool closes_;
  int lock_ = -1;
  int listening_ = -1;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// An owner with a module that has no protocol in common with this one.
TEST_F(PlaceTest, AnOwnerOfAnotherProtocol) {
  ASSERT_EQ(Found()->End(), 0);
  ModuleVersion newer;
  newer.protocol_min = kNewestProtocol + 8;
  newer.protocol_max = kNewestProtocol + 9;
  newer.pid = 4711;
  newer.module = "9.9";
  uint32_t picked = 0;
  const Status refusal = PickProtocol(newer, ModuleVersion(), &picked);
  ASSERT_FALSE(refusal.ok());
  const FalseOwner owner(
      store_, EncodeErrorFrame(Op::kHello, /*request=*/1, refusal), false);
  Peer other;
  const Answer refused = other.Open("a", Uri());
  EXPECT_TRUE(Refused(refused, SQLITE_CANTOPEN,
                      "store is open in process 4711 with module 9.9"));
  EXPECT_TRUE(Refused(refused, SQLITE_CANTOPEN, "or mode=ro to follow"));
  ASSERT_TRUE(Worked(other.Open("b", Uri() + "&mode=ro")));
  EXPECT_TRUE(Answers(other.Run("b", kCount), "1"));
}

TEST_F(PlaceTest, ASocketOfSomethingElse) {
  ASSERT_EQ(Found()->End(), 0);
  const std::string junk(64, '\x5a');
  for (const auto& [says, closes] : {std::pair<std::string, bool>("", true),
                                     {junk, true},
                                     {junk, false},
                                     {"", false}}) {
    SCOPED_TRACE(std::to_string(says.size()) + (closes ? " closes" : ""));
    const FalseOwner owner(store_, says, closes);
    Peer other;
    const auto begin = std::chrono::steady_clock::now();
    const Answer refused = other.Open("a", Uri() + "&open_timeout_ms=100");
    EXPECT_NE(refused.code, SQLITE_OK);
    // By what it calls the store, or by who has it.
    EXPECT_TRUE(refused.text.find(store_) != std::string::npos ||
                refused.text.find("process " + std::to_string(getpid())) !=
                    std::string::npos)
        << refused.text;
    EXPECT_LT(std::chrono::steady_clock::now() - begin,
              std::chrono::seconds(30));
  }
  auto after = OpenPeer();
  EXPECT_TRUE(Answers(after->Run("a", kCount), "1"));
}

}  // namespace
}  // namespace actorkv
