# The fuzzers, see tests/fuzz/main.cc. Included with ACTORKV_FUZZ.

# What reads foreign bytes, and what that stands on.
file(GLOB actorkv_fuzz_sources ${PROJECT_SOURCE_DIR}/kv/base/*.cc
  ${PROJECT_SOURCE_DIR}/kv/files/*.cc ${PROJECT_SOURCE_DIR}/kv/format/*.cc
  ${PROJECT_SOURCE_DIR}/kv/rivet/*.cc)
add_executable(actorkv_fuzz
  ${actorkv_fuzz_sources}
  kv/engine/engine.cc
  kv/engine/engine_limits.cc
  kv/engine/prefix_scan.cc
  kv/rocksdb/database_files.cc
  kv/rocksdb/database_names.cc
  kv/rocksdb/log_scan.cc
  kv/share/call_messages.cc
  kv/share/channel.cc
  kv/share/committed_head.cc
  kv/share/engine_messages.cc
  kv/share/frame.cc
  kv/share/head_fields.cc
  kv/share/session_messages.cc
  kv/share/unshared_fd.cc
  kv/share/wire.cc
  kv/share/wire_status.cc
  kv/store/lineage.cc
  sql/history/row_format.cc
  sql/history/value_json.cc
  sql/salvage/page_map.cc
  sql/salvage/page_map_strays.cc
  sql/salvage/stored_rows.cc
  sql/salvage/table_salvage.cc
  tests/fuzz/main.cc
  tests/fuzz/share_targets.cc
  tests/fuzz/sql_targets.cc
  tests/fuzz/targets.cc
  tests/support/memory_engine.cc
  vfs/sqlite/btree_page.cc)
target_compile_options(actorkv_fuzz PRIVATE
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
target_link_options(actorkv_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
target_link_libraries(actorkv_fuzz PRIVATE
  actorkv_options PkgConfig::LIBRARIES nlohmann_json::nlohmann_json)
