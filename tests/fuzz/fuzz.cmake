# The fuzzers, see tests/fuzz/main.cc. Included with ACTORKV_FUZZ.

add_executable(actorkv_fuzz
  kv/rivet/archive_json.cc
  kv/rivet/bare.cc
  kv/files/byte_reader.cc
  kv/files/byte_source.cc
  kv/base/coding.cc
  kv/files/gzip.cc
  kv/base/hex.cc
  kv/rivet/json_lines.cc
  kv/rivet/kv_bin.cc
  kv/rocksdb/log_scan.cc
  kv/rivet/ltx.cc
  kv/files/new_file.cc
  kv/rivet/pair_limits.cc
  kv/files/random_file.cc
  kv/rivet/rivet_engine.cc
  kv/rivet/rivet_engine_keys.cc
  kv/rivet/rivet_v2.cc
  kv/rivet/rivet_v2_index.cc
  kv/rivet/rivet_v2_records.cc
  kv/base/status.cc
  kv/files/store_directory.cc
  kv/base/utf8.cc
  tests/fuzz/main.cc
  tests/fuzz/targets.cc)
target_compile_options(actorkv_fuzz PRIVATE
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
target_link_options(actorkv_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
target_link_libraries(actorkv_fuzz PRIVATE
  actorkv_options ${ISAL_LIBRARY} ZLIB::ZLIB ${LZ4_LIBRARY}
  nlohmann_json::nlohmann_json)
