// The file by which other processes see what is worked on.

#include "kv/files/work_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "kv/base/work_meter.h"
#include "kv/files/store_marker.h"
#include "tests/support/child_process.h"
#include "tests/support/testing.h"
#include "tests/support/tiny_disk.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

// The byte of the header by which a process knows its own board.
constexpr size_t kProcessByte = 24;

class WorkFileTest : public testing::Test {
 protected:
  std::string Path() const { return temp_.File(kWorkFileName); }

  std::string Bytes() const { return FileContents(Path()); }

  // The rows of bytes that were made by another process.
  static std::vector<WorkRow> Decode(std::string bytes) {
    bytes[kProcessByte] = static_cast<char>(bytes[kProcessByte] ^ 1);
    std::vector<WorkRow> rows;
    EXPECT_TRUE(ReadWorkBoard({bytes, bytes, bytes}, &rows));
    return rows;
  }

  std::vector<WorkRow> Read() const {
    std::vector<WorkRow> rows;
    EXPECT_OK(ReadWorkFile(temp_.path(), &rows));
    return rows;
  }

  // Somebody has the lock of what is there, as a live process would.
  std::unique_ptr<LockFile> LockIt() const {
    std::unique_ptr<LockFile> lock;
    bool locked = false;
    EXPECT_OK(LockFile::Open(Path(), /*create=*/false, &lock));
    EXPECT_OK(lock->TryLock(0, LockFile::Kind::kExclusive, &locked));
    EXPECT_TRUE(locked);
    return lock;
  }

  void Write(const std::string& bytes) const {
    std::ofstream(Path(), std::ios::binary) << bytes;
  }

  // A board of another process with one row.
  std::string ForeignBoard() const {
    TempDir other;
    std::shared_ptr<WorkFile> file;
    EXPECT_OK(WorkFile::Make(other.path(), &file));
    WorkRow row;
    row.what = WorkKind::kImport;
    row.actor = "alice";
    row.phase = "read";
    row.started_at_ms = 7;
    row.total_bytes = 100;
    row.done_bytes = 60;
    file->board()->Show(file->board()->Take(), row);
    std::string bytes = FileContents(other.File(kWorkFileName));
    bytes[kProcessByte] = static_cast<char>(bytes[kProcessByte] ^ 1);
    return bytes;
  }

  const TempDir temp_;
};

// kv/FORMAT.md.
TEST_F(WorkFileTest, BytesAreAsTheFormatSays) {
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(temp_.path(), &file));
  WorkRow row;
  row.what = WorkKind::kBackup;
  row.actor = "alice";
  row.phase = "checkpoint";
  row.started_at_ms = 0x0102;
  row.entered_ns = 0x0304;
  row.total_bytes = 0x0506;
  row.done_bytes = 0x0708;
  file->board()->Show(file->board()->Take(), row);
  const std::string bytes = Bytes();
  ASSERT_EQ(bytes.size(), 16384u);
  EXPECT_EQ(bytes.substr(0, 8), "actkwork");
  const auto word = [&](size_t offset) {
    uint64_t value = 0;
    bytes.copy(reinterpret_cast<char*>(&value), sizeof value, offset);
    return value;
  };
  EXPECT_EQ(word(8), uint64_t{31} << 32 | 1);
  EXPECT_EQ(word(16), static_cast<uint64_t>(getpid()));
  EXPECT_NE(word(24), 0u);
  EXPECT_EQ(word(512) % 2, 0u);
  EXPECT_EQ(word(520), 6u);
  EXPECT_EQ(word(528), 0x0102u);
  EXPECT_EQ(word(536), 0x0304u);
  EXPECT_EQ(word(544), 0x0506u);
  EXPECT_EQ(word(552), 0x0708u);
  EXPECT_EQ(word(560), uint64_t{5} << 32 | 10);
  EXPECT_EQ(bytes.substr(576, 10), "checkpoint");
  EXPECT_EQ(bytes.substr(608, 5), "alice");
}

TEST_F(WorkFileTest, ShowsWhatIsUnderWay) {
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(temp_.path(), &file));
  const std::shared_ptr<WorkBoard> board(file, file->board());
  const std::string name(255, '\xff');
  {
    WorkMeter work(WorkKind::kMigration, "/s", name, board);
    work.Enter("copy", 100);
    work.Add(30);
    WorkMeter other(WorkKind::kVerify, "/s", "", board);
    const std::vector<WorkRow> rows = Decode(Bytes());
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].what, WorkKind::kMigration);
    EXPECT_EQ(rows[0].actor, name);
    EXPECT_EQ(rows[0].phase, "copy");
    EXPECT_EQ(rows[0].done_bytes, 30u);
    EXPECT_EQ(rows[0].total_bytes, 100u);
    EXPECT_GT(rows[0].started_at_ms, 0u);
    EXPECT_EQ(rows[0].pid, static_cast<uint64_t>(getpid()));
    EXPECT_EQ(rows[1].what, WorkKind::kVerify);
    EXPECT_EQ(rows[1].actor, "");
    // What this process has in its list is not read a second time.
    EXPECT_TRUE(Read().empty());
  }
  EXPECT_TRUE(Decode(Bytes()).empty());
}

TEST_F(WorkFileTest, WorkPastTheSlotsGoesOnUnseen) {
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(temp_.path(), &file));
  const std::shared_ptr<WorkBoard> board(file, file->board());
  std::vector<std::unique_ptr<WorkMeter>> work;
  for (size_t i = 0; i < kWorkSlots + 5; ++i) {
    work.push_back(std::make_unique<WorkMeter>(WorkKind::kImport, "/s",
                                               std::to_string(i), board));
    work.back()->Enter("read");
    work.back()->Add(1);
  }
  EXPECT_EQ(Decode(Bytes()).size(), kWorkSlots);
  EXPECT_EQ(ReadWork().size(), kWorkSlots + 5);
  EXPECT_EQ(Bytes().size(), kWorkBoardBytes);
  work.erase(work.begin());
  work.push_back(
      std::make_unique<WorkMeter>(WorkKind::kImport, "/s", "last", board));
  EXPECT_EQ(Decode(Bytes())[0].actor, "last");
}

TEST_F(WorkFileTest, CountsWhileItIsLockedOnly) {
  EXPECT_TRUE(Read().empty());  // there is none
  Write(ForeignBoard());
  // A process that was killed left it.
  EXPECT_TRUE(Read().empty());
  const std::unique_ptr<LockFile> lock = LockIt();
  const std::vector<WorkRow> rows = Read();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].actor, "alice");
  EXPECT_EQ(rows[0].done_bytes, 60u);
}

TEST_F(WorkFileTest, WhatIsNoBoardOfThisVersionShowsNothing) {
  const std::string board = ForeignBoard();
  const auto changed = [&](size_t offset, char byte) {
    std::string bytes = board;
    bytes[offset] = byte;
    return bytes;
  };
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"no bytes", ""},
      {"one byte", "a"},
      {"cut", board.substr(0, board.size() - 1)},
      {"zeros", std::string(kWorkBoardBytes, '\0')},
      {"all ones", std::string(kWorkBoardBytes, '\xff')},
      {"magic", changed(0, 'b')},
      {"older", changed(8, 0)},
      {"newer", changed(8, 2)},
      {"slots", changed(12, 30)},
      {"kind", changed(520, 9)},
      {"large kind", changed(527, 1)},
      {"long phase", changed(560, 33)},
      {"long actor", changed(565, 2)},
      {"name of the phase", changed(576, '\n')},
      {"in the middle of a change", changed(512, 1)},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.what);
    Write(each.bytes);
    const std::unique_ptr<LockFile> lock = LockIt();
    EXPECT_TRUE(Read().empty());
  }
}

TEST_F(WorkFileTest, AnyBytesAreRead) {
  std::mt19937_64 numbers(TestSeed());
  const std::string board = ForeignBoard();
  for (int i = 0; i < 300; ++i) {
    std::string bytes = board;
    for (int k = 0; k < 20; ++k) {
      bytes[32 + numbers() % (bytes.size() - 32)] =
          static_cast<char>(numbers());
    }
    std::vector<WorkRow> rows;
    (void)ReadWorkBoard({bytes, bytes, bytes}, &rows);
    for (const WorkRow& row : rows) {
      EXPECT_NE(WorkKindName(row.what), nullptr);
      EXPECT_LE(row.actor.size(), kMaxWorkActorBytes);
    }
  }
}

TEST_F(WorkFileTest, ALinkOrADirectoryInItsPlaceShowsNothing) {
  const TempDir other;
  std::ofstream(other.File("mine")) << "mine";
  fs::create_symlink(other.File("mine"), Path());
  std::vector<WorkRow> rows;
  EXPECT_FALSE(ReadWorkFile(temp_.path(), &rows).ok());
  // The link goes, and what it leads to stays as it is.
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(temp_.path(), &file));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(Path())));
  EXPECT_EQ(fs::file_size(other.File("mine")), 4u);
  file.reset();
  fs::remove(Path());
  fs::create_directory(Path());
  EXPECT_TRUE(Read().empty());
  EXPECT_FALSE(WorkFile::Make(temp_.path(), &file).ok());
  EXPECT_EQ(file, nullptr);
}

// Each open has a file of its own: what an earlier mapping writes is in none
// that anybody reads.
TEST_F(WorkFileTest, AnEarlierMappingWritesToNoLaterFile) {
  std::shared_ptr<WorkFile> first;
  std::shared_ptr<WorkFile> second;
  ASSERT_OK(WorkFile::Make(temp_.path(), &first));
  const std::shared_ptr<WorkBoard> board(first, first->board());
  WorkMeter late(WorkKind::kImport, "/s", "late", board);
  ASSERT_OK(WorkFile::Make(temp_.path(), &second));
  first.reset();
  late.Enter("read", 5);
  late.Add(5);
  EXPECT_TRUE(Decode(Bytes()).empty());
}

TEST_F(WorkFileTest, HasTheModeOfTheStore) {
  ASSERT_OK(WriteMarker(temp_.path()));
  ASSERT_EQ(chmod(temp_.File("actorkv.format").c_str(), 0640), 0);
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(temp_.path(), &file));
  struct stat found = {};
  ASSERT_EQ(stat(Path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0640u);
}

// A mapping over a hole would kill the process at its first store.
TEST_F(WorkFileTest, AFullDiskGivesNoFile) {
  TinyDisk disk("size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "only root mounts a disk";
  for (const uint64_t left : {uint64_t{0}, uint64_t{4096}, uint64_t{12288}}) {
    disk.Fill(left);
    std::shared_ptr<WorkFile> file;
    const Status made = WorkFile::Make(disk.File("."), &file);
    EXPECT_EQ(made.code(), Code::kNoSpace) << made.ToString();
    EXPECT_EQ(file, nullptr);
    disk.Free();
  }
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(disk.File("."), &file));
  disk.Fill(0);
  // All of its bytes are there already.
  const std::shared_ptr<WorkBoard> board(file, file->board());
  std::vector<std::unique_ptr<WorkMeter>> work;
  for (size_t i = 0; i < kWorkSlots; ++i) {
    work.push_back(std::make_unique<WorkMeter>(WorkKind::kImport, "/s",
                                               std::string(255, 'x'), board));
  }
}

TEST_F(WorkFileTest, ReadersSeeNoHalfOfAChange) {
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(temp_.path(), &file));
  const std::shared_ptr<WorkBoard> board(file, file->board());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      WorkMeter work(WorkKind::kExport, "/s", std::string(200, 'a'), board);
      work.Enter("aaaaaaaaaaaaaaaaaaaa", 10);
      work.Add(10);
      work.Enter("bbbbbbbbbbbb", 1000);
      work.Add(900);
    }
  });
  uint64_t seen = 0;
  const int fd = open(Path().c_str(), O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < 20000; ++i) {
    WorkBoardCopies copies;
    for (std::string* copy : {&copies.before, &copies.bytes, &copies.after}) {
      copy->resize(kWorkBoardBytes);
      ASSERT_EQ(pread(fd, copy->data(), copy->size(), 0),
                static_cast<ssize_t>(kWorkBoardBytes));
      (*copy)[kProcessByte] = static_cast<char>((*copy)[kProcessByte] ^ 1);
    }
    std::vector<WorkRow> rows;
    (void)ReadWorkBoard(copies, &rows);
    for (const WorkRow& row : rows) {
      ++seen;
      EXPECT_EQ(row.actor, std::string(200, 'a'));
      if (row.phase.empty()) continue;
      const bool is_small = row.phase == std::string(20, 'a');
      if (!is_small) {
        EXPECT_EQ(row.phase, std::string(12, 'b'));
      }
      EXPECT_EQ(row.total_bytes, is_small ? 10u : 1000u);
      EXPECT_LE(row.done_bytes, row.total_bytes);
    }
  }
  stop = true;
  writer.join();
  close(fd);
  EXPECT_GT(seen, 0u);
}

// --- Another process ---------------------------------------------------------

TEST(WorkFileChild, DISABLED_Works) {
  std::shared_ptr<WorkFile> file;
  ASSERT_OK(WorkFile::Make(ChildArgument(), &file));
  WorkMeter work(WorkKind::kReclaim, "/s", "alice",
                 std::shared_ptr<WorkBoard>(file, file->board()));
  work.Enter("remove", 10);
  work.Add(4);
  ChildSay('r');
  ChildHear();
}

TEST_F(WorkFileTest, AnotherProcessIsSeenUntilItIsKilled) {
  ChildProcess child("WorkFileChild.DISABLED_Works", temp_.path());
  ASSERT_EQ(child.Hear(), 'r');
  const std::vector<WorkRow> rows = Read();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].what, WorkKind::kReclaim);
  EXPECT_EQ(rows[0].actor, "alice");
  EXPECT_EQ(rows[0].phase, "remove");
  EXPECT_EQ(rows[0].done_bytes, 4u);
  EXPECT_EQ(rows[0].pid, static_cast<uint64_t>(child.pid()));
  child.Kill();
  EXPECT_EQ(Bytes().size(), kWorkBoardBytes);
  EXPECT_TRUE(Read().empty());
}

}  // namespace
}  // namespace actorkv
