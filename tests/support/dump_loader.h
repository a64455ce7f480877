// Reads dumps of pairs for tests: lines {"k":"HEX","v":"HEX"}, gzip or not.

#ifndef ACTORKV_TESTS_SUPPORT_DUMP_LOADER_H_
#define ACTORKV_TESTS_SUPPORT_DUMP_LOADER_H_

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <string_view>

#include "tests/support/legacy_pairs.h"

namespace actorkv {

inline std::string Unhex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The next text that follows a colon, with or without a blank, as bytes.
inline bool NextHex(const std::string& text, size_t* at, std::string* bytes) {
  const size_t colon = text.find(':', *at);
  if (colon == std::string::npos) return false;
  const size_t begin = text.find('"', colon) + 1;
  const size_t end = text.find('"', begin);
  *bytes = Unhex(std::string_view{text}.substr(begin, end - begin));
  *at = end + 1;
  return true;
}

inline void LoadDump(const std::string& path, MemoryPairs* pairs) {
  gzFile file = gzopen(path.c_str(), "rb");
  ASSERT_NE(file, nullptr) << path;
  std::string text;
  char buffer[65536];
  for (int n = 0; (n = gzread(file, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(n));
  }
  gzclose(file);
  size_t at = 0;
  std::string key;
  while (NextHex(text, &at, &key)) {
    std::string value;
    ASSERT_TRUE(NextHex(text, &at, &value)) << path;
    pairs->Put(key, value);
  }
  ASSERT_FALSE(pairs->pairs()->empty()) << path;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_DUMP_LOADER_H_
