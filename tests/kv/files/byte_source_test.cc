// Bytes of files and of gzip files, in pieces of every size.
#include "kv/files/byte_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "kv/files/byte_reader.h"
#include "kv/files/gzip.h"
#include "kv/files/open_bytes.h"
#include "tests/support/memory_bytes.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

Status ReadAll(ByteSource* source, size_t piece, std::string* bytes) {
  bytes->clear();
  std::string buffer(piece, '\0');
  while (true) {
    size_t got = 0;
    if (Status s = source->Read(buffer.data(), piece, &got); !s.ok()) return s;
    if (got == 0) return Status::Ok();
    bytes->append(buffer, 0, got);
  }
}

// Zeros pack to so little that much output comes without any input.
std::string Content() {
  std::string bytes(300'000, '\0');
  for (size_t i = 0; i < 100'000; ++i) {
    bytes[i] = static_cast<char>(i * i >> 5);
  }
  return bytes;
}

TEST(ByteSourceTest, GzipIsKnownByItsContent) {
  const TempDir directory;
  const std::string content = Content();
  const std::string plain = directory.File("plain.gz");
  const std::string packed = directory.File("packed.txt");
  WriteContents(plain, content);
  WriteContents(packed, Gzip(content));
  for (const std::string& path : {plain, packed}) {
    for (const size_t piece : {1U, 1000U, 1U << 20}) {
      std::unique_ptr<ByteSource> source;
      bool gzip = false;
      ASSERT_OK(OpenBytes(path, &source, &gzip));
      EXPECT_EQ(gzip, path == packed);
      std::string bytes;
      ASSERT_OK(ReadAll(source.get(), piece, &bytes));
      EXPECT_TRUE(bytes == content);
    }
  }
}

TEST(ByteSourceTest, GzipMembersFollowOneAnother) {
  const std::string packed = Gzip("one ") + Gzip("") + Gzip("two");
  std::string bytes;
  ASSERT_OK(ReadAll(UnpackGzip(MemoryBytes(packed)).get(), 100, &bytes));
  EXPECT_EQ(bytes, "one two");
}

// As gzip(1) and tapes have it: zeros to the end of the file, and nothing else.
TEST(ByteSourceTest, ZerosBehindGzipArePassedOver) {
  const std::string packed = Gzip("one") + Gzip("");
  for (const size_t zeros : {size_t{1}, size_t{2}, size_t{511}, size_t{65535},
                             size_t{65536}, size_t{200000}}) {
    const std::string padded = packed + std::string(zeros, '\0');
    for (const size_t piece : {size_t{1}, size_t{100}}) {
      std::string bytes;
      ASSERT_OK(ReadAll(UnpackGzip(MemoryBytes(padded)).get(), piece, &bytes));
      EXPECT_EQ(bytes, "one");
    }
    for (const std::string& more : {std::string("x"), Gzip("two")}) {
      const std::string spoiled = padded + more;
      std::string bytes;
      EXPECT_TRUE(
          IsError(ReadAll(UnpackGzip(MemoryBytes(spoiled)).get(), 100, &bytes),
                  Code::kCorruption,
                  "gzip, at byte " + std::to_string(padded.size()) +
                      ": something that is not gzip behind zeros"));
    }
  }
}

TEST(ByteSourceTest, CutGzipIsAnErrorWhereverItIsCut) {
  const std::string packed = Gzip("0123456789");
  for (size_t size = 2; size < packed.size(); ++size) {
    const std::string cut = packed.substr(0, size);
    std::string bytes;
    EXPECT_TRUE(
        IsError(ReadAll(UnpackGzip(MemoryBytes(cut)).get(), 100, &bytes),
                Code::kCorruption,
                "gzip, at byte " + std::to_string(size) + ": it is cut short"));
  }
}

TEST(ByteSourceTest, DamagedGzipIsAnError) {
  const std::string packed = Gzip("0123456789");
  std::string bad_sum = packed;
  bad_sum[packed.size() - 8] =
      static_cast<char>(bad_sum[packed.size() - 8] ^ 1);
  const std::pair<std::string, const char*> kCases[] = {
      {bad_sum, "incorrect data check"},
      {packed + "tail", "incorrect header check"},
  };
  for (const auto& [input, text] : kCases) {
    std::string bytes;
    EXPECT_TRUE(
        IsError(ReadAll(UnpackGzip(MemoryBytes(input)).get(), 100, &bytes),
                Code::kCorruption, text));
  }
}

TEST(ByteSourceTest, OnlyRegularFilesAreOpened) {
  const TempDir directory;
  const std::string pipe = directory.File("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::unique_ptr<ByteSource> source;
  EXPECT_TRUE(IsError(OpenFileBytes(pipe, &source), Code::kInvalidArgument,
                      "not a regular file"));
  EXPECT_TRUE(IsError(OpenFileBytes(directory.path(), &source),
                      Code::kInvalidArgument, directory.path()));
  const std::string missing = directory.File("no");
  EXPECT_TRUE(
      IsError(OpenFileBytes(missing, &source), Code::kNotFound, missing));
}

TEST(ByteReaderTest, TakesWhatIsAskedFor) {
  const std::string content = Content();
  ByteReader reader(MemoryBytes(content));
  std::string_view seen;
  std::string taken;
  ASSERT_OK(reader.Take(ByteReader::kBufferBytes - 2, &taken));
  ASSERT_OK(reader.Peek(10, &seen));  // over the end of the buffer
  EXPECT_EQ(seen, content.substr(ByteReader::kBufferBytes - 2, 10));
  EXPECT_EQ(reader.offset(), ByteReader::kBufferBytes - 2);
  ASSERT_OK(reader.Take(size_t{1} << 40, &taken));
  EXPECT_TRUE(taken == content.substr(ByteReader::kBufferBytes - 2));
  EXPECT_EQ(reader.offset(), content.size());
  ASSERT_OK(reader.Peek(1, &seen));
  EXPECT_EQ(seen, "");
}

TEST(ByteReaderTest, LinesHaveALimit) {
  ByteReader reader(MemoryBytes("\nab\nabcdef\nx"));
  const struct {
    const char* line;
    bool ended;
  } kWanted[] = {{"", true},   {"ab", true}, {"abcd", false},
                 {"ef", true}, {"x", false}, {"", false}};
  for (const auto& wanted : kWanted) {
    std::string line;
    bool ended = false;
    ASSERT_OK(reader.TakeLine(3, &line, &ended));
    EXPECT_EQ(line, wanted.line);
    EXPECT_EQ(ended, wanted.ended) << wanted.line;
  }
}

}  // namespace
}  // namespace actorkv
