// The socket in a store's directory, and who reaches it.

#include "kv/share/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "kv/files/store_names.h"
#include "tests/support/forked_child.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kTestSeconds = 60;
constexpr uid_t kSomebody = 65534;

mode_t ModeOf(const std::string& path) {
  struct stat file = {};
  EXPECT_EQ(lstat(path.c_str(), &file), 0) << path;
  return file.st_mode & 07777;
}

// The names in a directory that begin as the socket's.
std::set<std::string> SocketNames(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kSocketFileName, 0) == 0) names.insert(name);
  }
  return names;
}

std::unique_ptr<ShareListener> Listen(const StoreDirectory& store) {
  std::unique_ptr<ShareListener> listener;
  EXPECT_OK(ShareListener::Make(store.opened(), &listener));
  return listener;
}

// Waits for the next one that wants to be let in.
std::unique_ptr<ShareChannel> AcceptOne(ShareListener* listener) {
  pollfd polled = {listener->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&polled, 1, 10'000), 1);
  std::unique_ptr<ShareChannel> channel;
  EXPECT_OK(listener->Accept(&channel));
  return channel;
}

// Asks "ping" and expects "pong". Says by a number where it failed, or 0.
int PingFrom(const std::string& directory) {
  std::shared_ptr<OpenedDirectory> opened;
  if (!OpenedDirectory::Open(directory, &opened).ok()) return 1;
  std::unique_ptr<ShareChannel> channel;
  if (!ShareChannel::Connect(*opened, &channel).ok()) return 2;
  if (!channel->Send(SomeFrame(1, "ping"), {}).ok()) return 3;
  ReceivedFrame frame;
  Arrival arrival = Arrival::kNothing;
  if (!channel->Receive(kForever, 0, &frame, &arrival).ok()) return 4;
  return arrival == Arrival::kFrame && frame.body() == "pong" ? 0 : 5;
}

void Pong(ShareChannel* channel) {
  ReceivedFrame frame;
  Arrival arrival = Arrival::kNothing;
  ASSERT_OK(channel->Receive(kForever, 0, &frame, &arrival));
  ASSERT_EQ(arrival, Arrival::kFrame);
  EXPECT_EQ(frame.body(), "ping");
  ASSERT_OK(channel->Send(SomeFrame(1, "pong"), {}));
}

TEST(SocketModeTest, IsForThoseWhoMayWriteToTheDirectory) {
  EXPECT_EQ(SocketModeIn(0755), 0600U);
  EXPECT_EQ(SocketModeIn(0700), 0600U);
  EXPECT_EQ(SocketModeIn(02775), 0660U);
  EXPECT_EQ(SocketModeIn(0777), 0666U);
  EXPECT_EQ(SocketModeIn(01777), 0666U);
  EXPECT_EQ(SocketModeIn(0555), 0U);
}

TEST(ListenerTest, AnotherProcessReachesIt) {
  StoreDirectory store;
  const auto listener = Listen(store);
  ForkedChild child([&] {
    return Within(kTestSeconds, [&] { return PingFrom(store.path()); });
  });
  const auto channel = AcceptOne(listener.get());
  ASSERT_NE(channel, nullptr);
  PeerProcess peer;
  ASSERT_OK(channel->Peer(&peer));
  EXPECT_EQ(peer.pid, child.pid());
  EXPECT_EQ(peer.uid, getuid());
  Pong(channel.get());
  EXPECT_EQ(child.Wait(), 0);
}

TEST(ListenerTest, ALongPathDoesNotMatter) {
  TempDir temp;
  std::string path = temp.path();
  while (path.size() < 277) {
    path += "/" + std::string(std::min<size_t>(100, 276 - path.size()), 'd');
    if (path.size() == 276) path += "d";
  }
  ASSERT_EQ(path.size(), 277U);
  fs::create_directories(path);
  StoreDirectory store(path);
  const auto listener = Listen(store);
  ForkedChild child(
      [&] { return Within(kTestSeconds, [&] { return PingFrom(path); }); });
  const auto channel = AcceptOne(listener.get());
  ASSERT_NE(channel, nullptr);
  Pong(channel.get());
  EXPECT_EQ(child.Wait(), 0);
}

TEST(ListenerTest, WithoutProcALongPathIsAnError) {
  EXPECT_OK(CheckSocketPath(std::string(107, 'p'), "shown"));
  const Status status = CheckSocketPath(std::string(108, 'p'), "shown");
  EXPECT_TRUE(IsError(status, Code::kIOError,
                      "at most 107 bytes where /proc is not mounted, this one "
                      "has 108: shown"));
  EXPECT_EQ(status.system_errno(), ENAMETOOLONG);
}

TEST(ListenerTest, HasItsModeWhateverTheUmask) {
  struct Case {
    mode_t directory;
    mode_t umask;
    mode_t socket;
  };
  for (const Case& c :
       {Case{0755, 0, 0600}, Case{02775, 0077, 0660}, Case{0777, 0777, 0666}}) {
    StoreDirectory store;
    ASSERT_EQ(chmod(store.path().c_str(), c.directory), 0);
    const mode_t before = umask(c.umask);
    const auto listener = Listen(store);
    umask(before);
    EXPECT_EQ(ModeOf(store.File(kSocketFileName)), c.socket)
        << std::oct << c.directory;
  }
}

TEST(ListenerTest, LeavesOneNameWhileItLivesAndNoneAfter) {
  StoreDirectory store;
  auto listener = Listen(store);
  EXPECT_EQ(SocketNames(store.path()), std::set<std::string>{kSocketFileName});
  listener.reset();
  EXPECT_EQ(SocketNames(store.path()), std::set<std::string>{});
}

TEST(ListenerTest, RemovesWhatOwnersLeftThatDiedWhileTheyMadeOne) {
  StoreDirectory store;
  const std::string dead = store.File("actorkv.sock.1.1");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(dead.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, dead.c_str(), dead.size());
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);
  WriteFile(store.File("actorkv.sock.notes"), "somebody's");
  const auto listener = Listen(store);
  EXPECT_EQ(SocketNames(store.path()),
            (std::set<std::string>{kSocketFileName, "actorkv.sock.notes"}));
}

TEST(ListenerTest, TakesThePlaceOfADeadOwnersSocket) {
  StoreDirectory store;
  // It is killed, so that the name stays.
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  ForkedChild owner([&] {
    std::unique_ptr<ShareListener> listener;
    const bool made = ShareListener::Make(store.opened(), &listener).ok();
    if (!made || write(pipe_fds[1], "x", 1) != 1) return 1;
    alarm(kTestSeconds);
    pause();
    return 0;
  });
  char byte = 0;
  ASSERT_EQ(read(pipe_fds[0], &byte, 1), 1);
  owner.Kill();
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  ASSERT_EQ(SocketNames(store.path()), std::set<std::string>{kSocketFileName});
  std::unique_ptr<ShareChannel> channel;
  const Status status = ShareChannel::Connect(*store.opened(), &channel);
  EXPECT_TRUE(IsError(status, Code::kBusy,
                      "cannot share the store: connect " +
                          store.File(kSocketFileName) +
                          ": Connection refused"));
  EXPECT_EQ(status.system_errno(), ECONNREFUSED);
  const auto listener = Listen(store);
  ASSERT_OK(ShareChannel::Connect(*store.opened(), &channel));
  EXPECT_NE(AcceptOne(listener.get()), nullptr);
}

TEST(ListenerTest, WithoutASocketThereIsNobody) {
  StoreDirectory store;
  std::unique_ptr<ShareChannel> channel;
  const Status status = ShareChannel::Connect(*store.opened(), &channel);
  EXPECT_TRUE(IsError(status, Code::kNotFound,
                      "connect " + store.File(kSocketFileName)));
  EXPECT_EQ(status.system_errno(), ENOENT);
  EXPECT_EQ(channel, nullptr);
}

// In a child, which becomes another user. Returns errno of its connect.
int ConnectAsSomebody(const OpenedDirectory& directory) {
  if (setgroups(0, nullptr) != 0 || setgid(kSomebody) != 0 ||
      setuid(kSomebody) != 0) {
    return 255;
  }
  std::unique_ptr<ShareChannel> channel;
  return ShareChannel::Connect(directory, &channel).system_errno();
}

TEST(ListenerTest, WhoMayNotWriteToTheDirectoryMayNotConnect) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  StoreDirectory store;
  for (const auto& [mode, error] : {std::pair<mode_t, int>{0755, EACCES},
                                    std::pair<mode_t, int>{0777, 0}}) {
    ASSERT_EQ(chmod(store.path().c_str(), mode), 0);
    const auto listener = Listen(store);
    ForkedChild child([&] {
      return Within(kTestSeconds,
                    [&] { return ConnectAsSomebody(*store.opened()); });
    });
    EXPECT_EQ(child.Wait(), error) << std::oct << mode;
  }
}

// A process of root makes files for the owner of the directory.
TEST(ListenerTest, BelongsToTheOwnerOfTheDirectory) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  StoreDirectory store;
  ASSERT_EQ(chown(store.path().c_str(), kSomebody, kSomebody), 0);
  ASSERT_EQ(chmod(store.path().c_str(), 0755), 0);
  const auto listener = Listen(store);
  ForkedChild child([&] {
    return Within(kTestSeconds,
                  [&] { return ConnectAsSomebody(*store.opened()); });
  });
  EXPECT_EQ(child.Wait(), 0);
}

TEST(ListenerTest, GoesWithTheDirectoryThatWasOpened) {
  TempDir temp;
  const std::string path = temp.File("store");
  fs::create_directory(path);
  StoreDirectory store(path);
  fs::rename(path, temp.File("moved"));
  fs::create_directory(path);
  const auto listener = Listen(store);
  EXPECT_TRUE(SocketNames(path).empty());
  EXPECT_EQ(SocketNames(temp.File("moved")),
            std::set<std::string>{kSocketFileName});
}

TEST(ListenerTest, IsNotMadeInTheDirectoryOfAnotherStore) {
  StoreDirectory store;
  fs::remove(store.File(kMarkerFileName));
  ASSERT_OK(WriteMarker(store.path()));
  std::unique_ptr<ShareListener> listener;
  EXPECT_TRUE(IsError(ShareListener::Make(store.opened(), &listener),
                      Code::kFenced, store.path()));
  EXPECT_EQ(SocketNames(store.path()), std::set<std::string>{});
}

TEST(ListenerTest, AFailureLeavesNothingAndSaysWhatItWas) {
  StoreDirectory store;
  // rename() does not put a file in the place of a directory.
  fs::create_directories(store.File(kSocketFileName) + "/in the way");
  std::unique_ptr<ShareListener> listener;
  const Status status = ShareListener::Make(store.opened(), &listener);
  EXPECT_TRUE(IsError(status, Code::kIOError,
                      "cannot share the store: rename " + store.path()));
  EXPECT_EQ(status.system_errno(), EISDIR);
  EXPECT_EQ(listener, nullptr);
  EXPECT_EQ(SocketNames(store.path()), std::set<std::string>{kSocketFileName});
}

TEST(ListenerTest, LeavesTheSocketOfItsSuccessor) {
  StoreDirectory store;
  auto first = Listen(store);
  const auto second = Listen(store);
  first.reset();
  EXPECT_EQ(SocketNames(store.path()), std::set<std::string>{kSocketFileName});
}

TEST(ListenerTest, WithNobodyThereAcceptWaitsForNobody) {
  StoreDirectory store;
  const auto listener = Listen(store);
  std::unique_ptr<ShareChannel> channel;
  ASSERT_OK(listener->Accept(&channel));
  EXPECT_EQ(channel, nullptr);
}

// A stopped owner lets nobody in: whoever comes then must not stand still.
TEST(ListenerTest, ConnectingWaitsForNobody) {
  StoreDirectory store;
  const auto listener = Listen(store);
  std::vector<std::unique_ptr<ShareChannel>> channels;
  Status status;
  while (status.ok() && channels.size() < 10'000) {
    channels.emplace_back();
    status = ShareChannel::Connect(*store.opened(), &channels.back());
  }
  EXPECT_TRUE(IsError(status, Code::kBusy, store.File(kSocketFileName)));
  EXPECT_EQ(status.system_errno(), EAGAIN);
  EXPECT_GT(channels.size(), 64U);
}

TEST(ListenerTest, WithoutADescriptorAcceptSaysSo) {
  StoreDirectory store;
  const auto listener = Listen(store);
  std::unique_ptr<ShareChannel> client;
  ASSERT_OK(ShareChannel::Connect(*store.opened(), &client));
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {3, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  std::unique_ptr<ShareChannel> channel;
  const Status status = listener->Accept(&channel);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(IsError(status, Code::kIOError, "accept at " + store.path()));
  EXPECT_EQ(status.system_errno(), EMFILE);
  // It still waits.
  ASSERT_OK(listener->Accept(&channel));
  EXPECT_NE(channel, nullptr);
}

TEST(ListenerTest, APeerThatDiesInTheMiddleOfAFrameIsNoticed) {
  StoreDirectory store;
  const auto listener = Listen(store);
  ForkedChild child([&] {
    std::unique_ptr<ShareChannel> channel;
    if (!ShareChannel::Connect(*store.opened(), &channel).ok()) return 1;
    const std::string frame = SomeFrame(1, std::string(1000, 'x'));
    if (send(channel->fd(), frame.data(), 500, MSG_NOSIGNAL) != 500) return 2;
    alarm(kTestSeconds);
    pause();
    return 3;
  });
  const auto channel = AcceptOne(listener.get());
  ASSERT_NE(channel, nullptr);
  // All that it sent is there before it dies.
  char bytes[500];
  ASSERT_EQ(recv(channel->fd(), bytes, sizeof bytes, MSG_PEEK | MSG_WAITALL),
            500);
  child.Kill();
  ReceivedFrame frame;
  Arrival arrival = Arrival::kNothing;
  EXPECT_TRUE(IsError(channel->Receive(kForever, 0, &frame, &arrival),
                      Code::kCorruption, "ended in the middle, 516 bytes"));
}

// A child that kept the socket would leave others waiting at its door.
TEST(ListenerTest, AChildOfForkClosesItAndLeavesTheName) {
  StoreDirectory store;
  auto listener = Listen(store);
  int ready[2];
  int pipe_fds[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  ForkedChild child([&] {
    close(pipe_fds[1]);
    if (listener->fd() >= 0) return 1;
    listener.reset();
    char byte = 0;
    if (write(ready[1], "x", 1) != 1) return 2;
    return read(pipe_fds[0], &byte, 1) == 0 ? 0 : 3;
  });
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  std::unique_ptr<ShareChannel> channel;
  EXPECT_OK(ShareChannel::Connect(*store.opened(), &channel));
  // Without unlinking it, as by a kill.
  ASSERT_EQ(
      rename(store.File(kSocketFileName).c_str(), store.File("kept").c_str()),
      0);
  listener.reset();
  ASSERT_EQ(
      rename(store.File("kept").c_str(), store.File(kSocketFileName).c_str()),
      0);
  EXPECT_EQ(ShareChannel::Connect(*store.opened(), &channel).system_errno(),
            ECONNREFUSED)
      << "while the child lives";
  close(pipe_fds[1]);
  EXPECT_EQ(child.Wait(), 0);
  for (const int fd : {pipe_fds[0], ready[0], ready[1]}) close(fd);
}

}  // namespace
}  // namespace actorkv
