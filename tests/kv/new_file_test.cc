// NewFile: whole or not there.
#include "kv/new_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "kv/store_directory.h"
#include "kv/store_marker.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t EntryCount(const TempDir& directory) {
  const std::filesystem::directory_iterator entries(directory.path());
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

TEST(NewFileTest, AppearsWhenItIsWhole) {
  const TempDir directory;
  const std::string path = directory.File("f");
  std::string bytes(3'000'001, 'a');
  for (size_t i = 0; i < bytes.size(); i += 7) bytes[i] = static_cast<char>(i);
  std::unique_ptr<NewFile> file;
  ASSERT_OK(NewFile::Create(path, &file));
  ASSERT_OK(file->Append(std::string_view(bytes).substr(0, 10)));
  ASSERT_OK(file->Append(std::string_view(bytes).substr(10)));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_OK(file->Finish(/*overwrite=*/false));
  EXPECT_EQ(file->size_bytes(), bytes.size());
  file.reset();
  EXPECT_TRUE(Contents(path) == bytes);
  EXPECT_EQ(EntryCount(directory), 1U);
}

// Not even with leave to overwrite.
TEST(NewFileTest, IsNotMadeInAStore) {
  const TempDir directory;
  ASSERT_OK(WriteMarker(directory.path()));
  for (const char* name : {"f", "CURRENT", "actorkv.format"}) {
    std::unique_ptr<NewFile> file;
    const Status s = NewFile::Create(directory.File(name), &file);
    EXPECT_EQ(s.code(), Code::kInvalidArgument);
    EXPECT_NE(s.message().find("is a store"), std::string::npos) << s.message();
  }
  const Status s = MakeDirectory(directory.File("d"));
  EXPECT_EQ(s.code(), Code::kInvalidArgument);
  EXPECT_EQ(EntryCount(directory), 1U);
  EXPECT_OK(MakeDirectory(directory.path())) << "it is there";
}

TEST(NewFileTest, LeavesNothingBehindWhenItIsGivenUp) {
  const TempDir directory;
  std::unique_ptr<NewFile> file;
  ASSERT_OK(NewFile::Create(directory.File("f"), &file));
  ASSERT_OK(file->Append("x"));
  file.reset();
  EXPECT_EQ(EntryCount(directory), 0U);
}

TEST(NewFileTest, ReplacesOnlyWhenTold) {
  const TempDir directory;
  const std::string path = directory.File("f");
  std::ofstream(path) << "old";
  for (const bool overwrite : {false, true}) {
    std::unique_ptr<NewFile> file;
    ASSERT_OK(NewFile::Create(path, &file));
    ASSERT_OK(file->Append("new"));
    const Status s = file->Finish(overwrite);
    EXPECT_EQ(s.code(), overwrite ? Code::kOk : Code::kAlreadyExists);
    file.reset();
    EXPECT_EQ(Contents(path), overwrite ? "new" : "old");
    EXPECT_EQ(EntryCount(directory), 1U);
  }
}

TEST(NewFileTest, ErrorsNameTheFile) {
  const TempDir directory;
  std::unique_ptr<NewFile> file;
  const std::string missing = directory.File("no/f");
  EXPECT_TRUE(
      IsError(NewFile::Create(missing, &file), Code::kNotFound, missing));
  const std::string longer = directory.File(std::string(300, 'x'));
  ASSERT_OK(NewFile::Create(longer, &file));
  EXPECT_TRUE(IsError(file->Finish(false), Code::kIOError, longer));
}

}  // namespace
}  // namespace actorkv
