// The marker file and the identity of a directory.

#include "kv/store_marker.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(StoreMarkerTest, GoldenBytes) {
  const TempDir dir;
  ASSERT_OK(WriteMarker(dir.path()));
  EXPECT_EQ(ReadFile(dir.File("actorkv.format")), "actorkv store, format 1\n");
  EXPECT_OK(CheckMarker(dir.path()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}),
            1)
      << "no temporary file is left";
}

TEST(StoreMarkerTest, WritingAgainIsFineAlsoAfterACrash) {
  const TempDir dir;
  WriteFile(dir.File("actorkv.format.tmp"), "half");
  ASSERT_OK(WriteMarker(dir.path()));
  ASSERT_OK(WriteMarker(dir.path()));
  EXPECT_OK(CheckMarker(dir.path()));
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
      {"actorkv store, format 2\n", Code::kNotSupported,
       "store format 2 is not known; this module reads format 1"},
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

TEST(StoreIdentityTest, TellsDirectoriesApart) {
  const TempDir one;
  const TempDir two;
  StoreIdentity first;
  StoreIdentity second;
  ASSERT_OK(ReadIdentity(one.path(), &first));
  EXPECT_EQ(first.marker, 0u);
  ASSERT_OK(ReadIdentity(two.path(), &second));
  EXPECT_FALSE(first == second);
  ASSERT_OK(ReadIdentity(one.path() + "/./", &second));
  EXPECT_TRUE(first == second);
  ASSERT_OK(WriteMarker(one.path()));
  ASSERT_OK(ReadIdentity(one.path(), &second));
  EXPECT_NE(second.marker, 0u);
  EXPECT_FALSE(first == second);
}

TEST(StoreIdentityTest, WhatIsNotADirectory) {
  const TempDir dir;
  WriteFile(dir.File("file"), "x");
  StoreIdentity identity;
  EXPECT_TRUE(IsError(ReadIdentity(dir.File("file"), &identity),
                      Code::kInvalidArgument, "a store is a directory"));
  EXPECT_TRUE(IsError(ReadIdentity(dir.File("none"), &identity),
                      Code::kNotFound, "none"));
}

}  // namespace
}  // namespace actorkv
