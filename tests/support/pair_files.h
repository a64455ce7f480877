// Pairs in tests: read a source to its end, write a file, name a sample.

#ifndef ACTORKV_TESTS_SUPPORT_PAIR_FILES_H_
#define ACTORKV_TESTS_SUPPORT_PAIR_FILES_H_

#include <zlib.h>

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/rivet/pairs.h"
#include "tests/support/testing.h"

namespace actorkv {

using Pair = std::pair<std::string, std::string>;

// All pairs of `source` up to its end or its error.
inline Status ReadAllPairs(PairSource* source, std::vector<Pair>* pairs) {
  pairs->clear();
  while (true) {
    KeyValue pair;
    bool more = false;
    if (Status s = source->Next(&pair, &more); !s.ok()) return s;
    if (!more) return Status::Ok();
    pairs->emplace_back(std::move(pair.key), std::move(pair.value));
  }
}

inline void WriteContents(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// `bytes` as one gzip member.
inline std::string Gzip(std::string_view bytes) {
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8,
               Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  std::string copy(bytes);  // zlib wants it writable
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// A file of tests/rivet/; tests run in the root of the tree.
inline std::string Sample(const std::string& name) {
  return "tests/rivet/" + name;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_PAIR_FILES_H_
