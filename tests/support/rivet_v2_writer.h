// Writes LTX blobs and sqlite.bin files for tests, from pages.

#ifndef ACTORKV_TESTS_SUPPORT_RIVET_V2_WRITER_H_
#define ACTORKV_TESTS_SUPPORT_RIVET_V2_WRITER_H_

#include <lz4.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "kv/base/coding.h"
#include "kv/rivet/bare.h"
#include "kv/rivet/kv_bin.h"

namespace actorkv {

struct LtxOptions {
  uint64_t min_txid = 1;
  uint64_t max_txid = 1;
  uint32_t commit_pages = 1;
  uint32_t page_size = 4096;
};

inline std::string PackPage(std::string_view page) {
  std::string block(
      static_cast<size_t>(LZ4_compressBound(static_cast<int>(page.size()))),
      '\0');
  const int size = LZ4_compress_default(page.data(), block.data(),
                                        static_cast<int>(page.size()),
                                        static_cast<int>(block.size()));
  block.resize(static_cast<size_t>(size));
  return block;
}

inline std::string EncodeLtx(const LtxOptions& options,
                             const std::map<uint32_t, std::string>& pages) {
  std::string blob = "LTX1";
  for (const uint32_t field :
       {uint32_t{2}, options.page_size, options.commit_pages}) {
    AppendBig32(&blob, field);
  }
  AppendBig64(&blob, options.min_txid);
  AppendBig64(&blob, options.max_txid);
  blob.resize(100, '\0');
  std::string index;
  for (const auto& [pgno, page] : pages) {
    const std::string block = PackPage(page);
    AppendBareUint(&index, pgno);
    AppendBareUint(&index, blob.size());
    AppendBareUint(&index, 10 + block.size());
    AppendBig32(&blob, pgno);
    blob += std::string("\0\1", 2);
    AppendBig32(&blob, static_cast<uint32_t>(block.size()));
    blob += block;
  }
  AppendBareUint(&index, 0);
  blob += std::string(6, '\0') + index;
  AppendBig64(&blob, index.size());
  return blob + std::string(16, '\0');
}

// The entries of a sqlite.bin by their keys; tests break them as they like.
class RivetV2Writer {
 public:
  struct Head {
    uint32_t schema_version = 2;
    uint64_t head_txid = 1;
    uint64_t next_txid = 2;
    uint64_t materialized_txid = 0;
    uint32_t db_size_pages = 1;
    uint32_t page_size = 4096;
    uint32_t shard_size = 64;
    std::string origin = std::string(1, '\0');  // empty in older records
  };

  static std::string MetaKey() { return "/META"; }
  static std::string ShardKey(uint32_t shard) {
    std::string key = "/SHARD/";
    AppendBig32(&key, shard);
    return key;
  }
  static std::string DeltaKey(uint64_t txid, uint32_t chunk) {
    std::string key = "/DELTA/";
    AppendBig64(&key, txid);
    key += "/";
    AppendBig32(&key, chunk);
    return key;
  }
  static std::string IndexKey(uint32_t pgno) {
    std::string key = "/PIDX/delta/";
    AppendBig32(&key, pgno);
    return key;
  }

  static std::string Encode(const Head& head) {
    std::string value;
    AppendLittle32(&value, head.schema_version);
    AppendLittle64(&value, 1);  // generation
    AppendLittle64(&value, head.head_txid);
    AppendLittle64(&value, head.next_txid);
    AppendLittle64(&value, head.materialized_txid);
    AppendLittle32(&value, head.db_size_pages);
    AppendLittle32(&value, head.page_size);
    AppendLittle32(&value, head.shard_size);
    value += std::string(24, '\0');  // creation_ts_ms, storage_used, max
    return value + head.origin;
  }

  void Put(const std::string& key, const std::string& value) {
    entries_[key] = value;
  }
  void PutDelta(uint64_t txid, const std::string& blob, size_t piece_bytes) {
    for (uint32_t i = 0; i * piece_bytes < blob.size(); ++i) {
      Put(DeltaKey(txid, i), blob.substr(i * piece_bytes, piece_bytes));
    }
  }
  void PutIndex(uint32_t pgno, uint64_t txid) {
    std::string value;
    AppendBig64(&value, txid);
    Put(IndexKey(pgno), value);
  }
  void Remove(const std::string& key) { entries_.erase(key); }

  std::string Bytes() const {
    std::string bytes;
    for (const auto& [key, value] : entries_) {
      bytes += EncodeKvBinEntry(key, value);
    }
    return bytes;
  }

 private:
  std::map<std::string, std::string> entries_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RIVET_V2_WRITER_H_
