// Helpers for all tests: temporary directories, assertions on Status, the
// seed and the length of random tests.

#ifndef ACTORKV_TESTS_SUPPORT_TESTING_H_
#define ACTORKV_TESTS_SUPPORT_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <system_error>

#include "kv/base/status.h"

namespace actorkv {

// Removes a directory with all that is in it, also beside somebody who removes
// files in it, as RocksDB does in the background.
inline void RemoveDirectory(const std::string& path) {
  std::error_code error;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::filesystem::remove_all(path, error);
    if (!std::filesystem::exists(path)) return;
  }
  ADD_FAILURE() << path << ": " << error.message();
}

// A new empty directory under $TMPDIR (or the system's), removed with all
// that is in it when the object goes.
class TempDir {
 public:
  TempDir() {
    std::string name =
        (std::filesystem::temp_directory_path() / "actorkv.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();
    }
    path_ = std::filesystem::canonical(name).string();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

  // The path of `name` in the directory.
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Used by the macros below; the message shows code and text.
inline testing::AssertionResult IsOk(const char* expression,
                                     const Status& status) {
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << expression << " is " << status.ToString();
}

// Succeeds when `status` has code `code` and its message contains `part`.
inline testing::AssertionResult IsError(const Status& status, Code code,
                                        const std::string& part) {
  bool found = status.message().find(part) != std::string_view::npos;
  if (status.code() == code && found) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "expected " << CodeName(code) << " with \"" << part << "\", got "
         << status.ToString();
}

#define EXPECT_OK(expression) EXPECT_PRED_FORMAT1(::actorkv::IsOk, (expression))
#define ASSERT_OK(expression) ASSERT_PRED_FORMAT1(::actorkv::IsOk, (expression))

// A number from the environment, or `fallback` when it is not set.
inline uint64_t EnvironmentNumber(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

// The seed of this run: ACTORKV_SEED, or a new one. It is printed at its first
// use, so that any failure can be repeated.
inline uint64_t TestSeed() {
  static const uint64_t seed = [] {
    uint64_t value = EnvironmentNumber("ACTORKV_SEED", std::random_device()());
    std::fprintf(stderr, "to repeat this run: ACTORKV_SEED=%llu\n",
                 static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

// How many rounds a random test makes: `rounds`, or as many times more as
// ACTORKV_STRESS says (`make stress` sets it).
inline uint64_t TestRounds(uint64_t rounds) {
  return rounds * EnvironmentNumber("ACTORKV_STRESS", 1);
}

// Makes the file, or replaces what is in it.
inline void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// What is in the file; nothing where it is missing.
inline std::string FileContents(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_TESTING_H_
