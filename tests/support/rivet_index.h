// The samples of tests/rivet/ as its index tells them, and the sum over the
// content of a database file.

#ifndef ACTORKV_TESTS_SUPPORT_RIVET_INDEX_H_
#define ACTORKV_TESTS_SUPPORT_RIVET_INDEX_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace actorkv {

struct RivetSample {
  std::string id;
  std::string file;
  std::string outcome;         // "ok", "error" or "ok_or_error"
  std::string content_sha256;  // where it is "ok"
  std::string layout1_keyspace;
};

// The text of a field in a line like  "name": "text",
inline bool JsonField(const std::string& line, const std::string& name,
                      std::string* text) {
  const std::string start = "\"" + name + "\": \"";
  const size_t at = line.find(start);
  if (at == std::string::npos) return false;
  const size_t begin = at + start.size();
  *text = line.substr(begin, line.find('"', begin) - begin);
  return true;
}

// Those that are dumps; the index has one field a line.
inline std::vector<RivetSample> RivetSamples() {
  std::ifstream index("tests/rivet/index.json");
  std::vector<RivetSample> samples;
  std::string id;
  for (std::string line; std::getline(index, line);) {
    if (JsonField(line, "id", &id)) samples.push_back({id, "", "", "", ""});
    if (samples.empty()) continue;
    RivetSample& sample = samples.back();
    JsonField(line, "file", &sample.file);
    JsonField(line, "outcome", &sample.outcome);
    JsonField(line, "content_sha256", &sample.content_sha256);
    JsonField(line, "layout1_keyspace", &sample.layout1_keyspace);
  }
  // The archive is not a dump.
  samples.erase(
      std::remove_if(samples.begin(), samples.end(),
                     [](const auto& s) { return s.file.back() == '/'; }),
      samples.end());
  EXPECT_GE(samples.size(), 24u) << "run this from the root of the tree";
  return samples;
}

// The content_sha256 of a plain SQLite file, as tests/rivet/dbsum.py takes it.
inline std::string ContentSum(const std::string& path) {
  std::FILE* pipe =
      popen(("python3 tests/rivet/dbsum.py '" + path + "'").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  for (size_t n = 0;
       (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    text.append(buffer.data(), n);
  }
  EXPECT_EQ(pclose(pipe), 0) << text;
  std::string sum = text;
  JsonField(text, "content_sha256", &sum);
  return sum;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RIVET_INDEX_H_
