# The fuzzers, see tests/fuzz/main.cc. Included with ACTORKV_FUZZ.

add_executable(actorkv_fuzz
  kv/archive_json.cc
  kv/bare.cc
  kv/byte_reader.cc
  kv/byte_source.cc
  kv/coding.cc
  kv/gzip.cc
  kv/hex.cc
  kv/json_lines.cc
  kv/kv_bin.cc
  kv/log_scan.cc
  kv/ltx.cc
  kv/new_file.cc
  kv/pair_limits.cc
  kv/random_file.cc
  kv/rivet_engine.cc
  kv/rivet_engine_keys.cc
  kv/rivet_v2.cc
  kv/rivet_v2_index.cc
  kv/rivet_v2_records.cc
  kv/status.cc
  kv/store_directory.cc
  kv/utf8.cc
  tests/fuzz/main.cc
  tests/fuzz/targets.cc)
target_compile_options(actorkv_fuzz PRIVATE
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
target_link_options(actorkv_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
target_link_libraries(actorkv_fuzz PRIVATE
  actorkv_options ${ISAL_LIBRARY} ZLIB::ZLIB ${LZ4_LIBRARY}
  nlohmann_json::nlohmann_json)
