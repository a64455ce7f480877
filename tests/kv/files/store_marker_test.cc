// The marker file and the identity of a directory.

#include "kv/files/store_marker.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "kv/base/types.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

TEST(StoreMarkerTest, GoldenBytes) {
  const TempDir dir;
  ASSERT_OK(WriteMarker(dir.path()));
  const std::string text = FileContents(dir.File("actorkv.format"));
  const std::string begin = "actorkv store, format 3\nid ";
  ASSERT_EQ(text.size(), begin.size() + 33);
  EXPECT_EQ(text.substr(0, begin.size()), begin);
  const std::string id = text.substr(begin.size(), 32);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
  Marker marker;
  ASSERT_OK(ReadMarker(dir.path(), &marker));
  EXPECT_EQ(marker.format, 3u);
  EXPECT_EQ(marker.id, id);
  EXPECT_EQ(NamesIn(dir.path()).size(), 1u) << "no temporary file is left";
}

TEST(StoreMarkerTest, RaisingKeepsTheId) {
  const TempDir dir;
  WriteFile(dir.File(kMarkerFileName),
            "actorkv store, format 2\nid 00112233445566778899aabbccddeeff\n");
  bool raised = false;
  ASSERT_OK(RaiseMarker(dir.path(), &raised));
  EXPECT_TRUE(raised);
  Marker marker;
  ASSERT_OK(ReadMarker(dir.path(), &marker));
  EXPECT_TRUE(marker == (Marker{3, "00112233445566778899aabbccddeeff"}));
}

TEST(StoreMarkerTest, FrozenBytesAreRead) {
  const TempDir dir;
  Marker marker;
  WriteFile(dir.File(kMarkerFileName),
            "actorkv store, format 3\nid 00112233445566778899aabbccddeeff\n");
  ASSERT_OK(ReadMarker(dir.path(), &marker));
  EXPECT_TRUE(marker == (Marker{3, "00112233445566778899aabbccddeeff"}));
  WriteFile(dir.File(kMarkerFileName),
            "actorkv store, format 2\nid 00112233445566778899aabbccddeeff\n");
  ASSERT_OK(ReadMarker(dir.path(), &marker));
  EXPECT_TRUE(marker == (Marker{2, "00112233445566778899aabbccddeeff"}));
  WriteFile(dir.File(kMarkerFileName), "actorkv store, format 1\n");
  ASSERT_OK(ReadMarker(dir.path(), &marker));
  EXPECT_TRUE(marker == (Marker{1, ""}));
}

// What modules of format 1 compare: the text behind "format " up to the end of
// the line, with "1".
TEST(StoreMarkerTest, ModulesOfFormat1RefuseItByName) {
  const TempDir dir;
  ASSERT_OK(WriteMarker(dir.path()));
  const std::string text = FileContents(dir.File("actorkv.format"));
  const std::string begin = "actorkv store, format ";
  ASSERT_EQ(text.substr(0, begin.size()), begin);
  EXPECT_EQ(text.substr(begin.size(), text.find('\n') - begin.size()),
            std::to_string(kStoreFormat));
}

TEST(StoreMarkerTest, EachHasAnIdOfItsOwn) {
  const TempDir one;
  const TempDir two;
  ASSERT_OK(WriteMarker(one.path()));
  ASSERT_OK(WriteMarker(two.path()));
  EXPECT_NE(FileContents(one.File(kMarkerFileName)),
            FileContents(two.File(kMarkerFileName)));
}

TEST(StoreMarkerTest, OneThatIsThereStays) {
  const TempDir dir;
  ASSERT_OK(WriteMarker(dir.path()));
  const std::string first = FileContents(dir.File(kMarkerFileName));
  ASSERT_OK(WriteMarker(dir.path()));
  EXPECT_EQ(FileContents(dir.File(kMarkerFileName)), first);
}

// What a crash leaves, and what others put there.
TEST(StoreMarkerTest, LeftoversGoAndLinksAreNotFollowed) {
  const TempDir dir;
  const TempDir other;
  WriteFile(other.File("precious"), "precious");
  WriteFile(dir.File("actorkv.format.tmp-0"), "half");
  std::filesystem::create_symlink(other.File("precious"),
                                  dir.File("actorkv.format.tmp"));
  ASSERT_OK(WriteMarker(dir.path()));
  EXPECT_OK(CheckMarker(dir.path()));
  EXPECT_EQ(NamesIn(dir.path()).size(), 1u);
  EXPECT_EQ(FileContents(other.File("precious")), "precious");
}

TEST(StoreMarkerTest, ManyMakeOne) {
  for (int round = 0; round < 20; ++round) {
    const TempDir dir;
    std::vector<std::thread> threads;
    std::vector<Marker> seen(4);
    threads.reserve(seen.size());
    for (Marker& marker : seen) {
      threads.emplace_back([&dir, &marker] {
        EXPECT_OK(WriteMarker(dir.path()));
        EXPECT_OK(ReadMarker(dir.path(), &marker));
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Marker& marker : seen) EXPECT_TRUE(marker == seen[0]);
    EXPECT_EQ(NamesIn(dir.path()).size(), 1u);
  }
}

TEST(StoreMarkerTest, RaisedOnceWithItsAccess) {
  const TempDir dir;
  WriteFile(dir.File(kMarkerFileName), "actorkv store, format 1\n");
  WriteFile(dir.File("actorkv.format.tmp-1"), "actorkv store, form");
  std::filesystem::permissions(dir.File(kMarkerFileName),
                               std::filesystem::perms(0640));
  bool raised = false;
  ASSERT_OK(RaiseMarker(dir.path(), &raised));
  EXPECT_TRUE(raised);
  Marker marker;
  ASSERT_OK(ReadMarker(dir.path(), &marker));
  EXPECT_EQ(marker.format, kStoreFormat);
  EXPECT_EQ(marker.id.size(), 32u);
  EXPECT_EQ(NamesIn(dir.path()).size(), 1u);
  EXPECT_EQ(std::filesystem::status(dir.File(kMarkerFileName)).permissions(),
            std::filesystem::perms(0640));
  const std::string text = FileContents(dir.File(kMarkerFileName));
  ASSERT_OK(RaiseMarker(dir.path(), &raised));
  EXPECT_FALSE(raised);
  EXPECT_EQ(FileContents(dir.File(kMarkerFileName)), text);
}

TEST(StoreMarkerTest, WhatIsNoneOrUnknownIsNotRaised) {
  const TempDir dir;
  bool raised = true;
  ASSERT_OK(RaiseMarker(dir.path(), &raised));
  EXPECT_FALSE(raised);
  EXPECT_TRUE(NamesIn(dir.path()).empty());
  WriteFile(dir.File(kMarkerFileName), "actorkv store, format 99\n");
  EXPECT_EQ(RaiseMarker(dir.path(), &raised).code(), Code::kNotSupported);
  EXPECT_EQ(FileContents(dir.File(kMarkerFileName)),
            "actorkv store, format 99\n");
}

TEST(StoreMarkerTest, WhatIsNotOurMarkerIsRefused) {
  const struct {
    std::string text;
    Code code;
    std::string message;
  } kCases[] = {
      {"", Code::kCorruption, "not a store marker"},
      {"actorkv", Code::kCorruption, "not a store marker"},
      {"something else, format 1\n", Code::kCorruption, "not a store marker"},
      {std::string(1000, 'x'), Code::kCorruption, "not a store marker"},
      {"actorkv store, format 3", Code::kCorruption, "not a store marker"},
      {"actorkv store, format 3\n", Code::kCorruption, "not a store marker"},
      {"actorkv store, format 3\nid 00112233445566778899aabbccddeef\n",
       Code::kCorruption, "not a store marker"},
      {"actorkv store, format 3\nid 00112233445566778899aabbccddeeFF\n",
       Code::kCorruption, "not a store marker"},
      {"actorkv store, format 3\nid 00112233445566778899aabbccddeeff",
       Code::kCorruption, "not a store marker"},
      {"actorkv store, format 3\nid 00112233445566778899aabbccddeeff\n\n",
       Code::kCorruption, "not a store marker"},
      {"actorkv store, format 4\n", Code::kNotSupported,
       "store format 4 is not known; this module reads formats 1 to 3"},
      {"actorkv store, format 10\n", Code::kNotSupported, "store format 10 is"},
  };
  for (const auto& c : kCases) {
    const TempDir dir;
    WriteFile(dir.File(kMarkerFileName), c.text);
    EXPECT_TRUE(IsError(CheckMarker(dir.path()), c.code, c.message)) << c.text;
  }
}

TEST(StoreMarkerTest, NoMarkerAndNoDirectory) {
  const TempDir dir;
  EXPECT_TRUE(
      IsError(CheckMarker(dir.path()), Code::kNotFound, "actorkv.format"));
  EXPECT_TRUE(IsError(CheckMarker(dir.File("none")), Code::kNotFound, "none"));
  EXPECT_TRUE(IsError(WriteMarker(dir.File("none")), Code::kNotFound, "none"));
}

}  // namespace
}  // namespace actorkv
