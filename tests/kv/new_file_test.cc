// NewFile: whole or not there.
#include "kv/new_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>

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
