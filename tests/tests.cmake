# The tests: one executable for each directory.

actorkv_add_library(actorkv_test_support
  LINKS actorkv_kv GTest::gtest
  SOURCES
    tests/support/crash_life.cc
    tests/support/fault_fs.cc
    tests/support/hostile_engine.cc
    tests/support/memory_engine.cc)

# What all tests have: the directory they run in, an end, and for TSan the
# libraries of the system as they are.
set(actorkv_test_directory ${PROJECT_SOURCE_DIR})
set(actorkv_test_seconds 3600)
set(actorkv_test_environment
  "TSAN_OPTIONS=ignore_noninstrumented_modules=1")

# actorkv_add_test(<label> <command>...): a test that is not GoogleTest's.
function(actorkv_add_test name)
  add_test(NAME ${name} COMMAND ${ARGN}
    WORKING_DIRECTORY ${actorkv_test_directory})
  set_tests_properties(${name} PROPERTIES LABELS ${name}
    TIMEOUT ${actorkv_test_seconds} ENVIRONMENT ${actorkv_test_environment})
endfunction()

# Tests are built without optimization, what they test as ever: most of the
# time of a build would go into tests.
set(actorkv_test_options $<$<CONFIG:Release>:-O0> $<$<CONFIG:Release>:-g1>)
target_compile_options(actorkv_test_support PRIVATE ${actorkv_test_options})

# actorkv_add_tests(<directory> LINKS <libraries> SOURCES <sources>): one
# executable, and a test of CTest for each of its suites
# (tests/support/suites.cmake.in).
function(actorkv_add_tests directory)
  cmake_parse_arguments(ARG "" "" "LINKS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${directory}_tests ${ARG_SOURCES})
  target_link_libraries(${directory}_tests PRIVATE
    actorkv_test_support ${ARG_LINKS} GTest::gtest)
  target_compile_options(${directory}_tests PRIVATE ${actorkv_test_options})
  # Most of the time to build a test goes into these headers.
  target_precompile_headers(${directory}_tests PRIVATE
    <gtest/gtest.h> <functional> <map> <memory> <string> <vector>)
  set(program ${PROJECT_BINARY_DIR}/${directory}_tests)
  set(suites ${PROJECT_BINARY_DIR}/${directory}_suites.cmake)
  configure_file(tests/support/suites.cmake.in ${suites} @ONLY)
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${suites})
endfunction()

# kv's tests link neither SQLite nor the rest: kv must do without them.
actorkv_add_tests(kv LINKS actorkv_kv GTest::gtest_main ZLIB::ZLIB SOURCES
  tests/fuzz/share_targets.cc
  tests/fuzz/targets.cc
  tests/kv/base/coding_test.cc
  tests/kv/base/duration_test.cc
  tests/kv/base/end_signals_test.cc
  tests/kv/base/errand_test.cc
  tests/kv/base/events_test.cc
  tests/kv/base/hash_test.cc
  tests/kv/base/invariant_test.cc
  tests/kv/base/page_memory_test.cc
  tests/kv/base/per_process_test.cc
  tests/kv/base/status_test.cc
  tests/kv/base/utf8_test.cc
  tests/kv/base/work_meter_test.cc
  tests/kv/base/workers_test.cc
  tests/kv/cache/change_log_test.cc
  tests/kv/cache/hint_learner_test.cc
  tests/kv/cache/page_cache_test.cc
  tests/kv/cache/piece_queue_test.cc
  tests/kv/engine/batch_test.cc
  tests/kv/engine/engine_conformance_test.cc
  tests/kv/engine/engine_guard_test.cc
  tests/kv/engine/group_commit_test.cc
  tests/kv/engine/guard_memo_test.cc
  tests/kv/engine/guard_set_test.cc
  tests/kv/engine/guarded_commits_test.cc
  tests/kv/engine/hostile_engine_test.cc
  tests/kv/files/byte_source_test.cc
  tests/kv/files/file_names_test.cc
  tests/kv/files/file_system_test.cc
  tests/kv/files/file_target_test.cc
  tests/kv/files/host_mark_test.cc
  tests/kv/files/new_directory_test.cc
  tests/kv/files/new_file_test.cc
  tests/kv/files/opened_directory_test.cc
  tests/kv/files/store_marker_test.cc
  tests/kv/files/temporary_test.cc
  tests/kv/files/work_file_test.cc
  tests/kv/format/chunk_test.cc
  tests/kv/format/counters_test.cc
  tests/kv/format/hints_record_test.cc
  tests/kv/format/history_records_test.cc
  tests/kv/format/keys_test.cc
  tests/kv/format/legacy_record_test.cc
  tests/kv/format/page_delta_test.cc
  tests/kv/format/page_list_test.cc
  tests/kv/format/records_test.cc
  tests/kv/format/zero_gap_test.cc
  tests/kv/history/point_test.cc
  tests/kv/inspect/delta_write_test.cc
  tests/kv/inspect/dump_test.cc
  tests/kv/inspect/hints_test.cc
  tests/kv/inspect/metrics_test.cc
  tests/kv/inspect/pair_damage_test.cc
  tests/kv/inspect/pair_text_test.cc
  tests/kv/legacy/image_pairs_test.cc
  tests/kv/legacy/legacy_import_test.cc
  tests/kv/legacy/legacy_lease_test.cc
  tests/kv/legacy/legacy_undo_test.cc
  tests/kv/legacy/pair_piece_test.cc
  tests/kv/legacy/pair_window_test.cc
  tests/kv/pages/actor_version_test.cc
  tests/kv/pages/branch_reader_test.cc
  tests/kv/pages/branch_writer_test.cc
  tests/kv/pages/bulk_commits_test.cc
  tests/kv/pages/chunk_maker_test.cc
  tests/kv/pages/commit_checks_test.cc
  tests/kv/pages/commit_test.cc
  tests/kv/pages/page_buffer_test.cc
  tests/kv/pages/preload_test.cc
  tests/kv/pages/page_list_check_test.cc
  tests/kv/pages/read_ahead_test.cc
  tests/kv/pages/single_partition_test.cc
  tests/kv/pages/stage_test.cc
  tests/kv/process/engines_test.cc
  tests/kv/process/fuzz_corpus_test.cc
  tests/kv/process/no_memory_test.cc
  tests/kv/process/not_served_test.cc
  tests/kv/process/open_wait_test.cc
  tests/kv/process/owners_test.cc
  tests/kv/process/rivet_engine_test.cc
  tests/kv/process/shared_reclaim_test.cc
  tests/kv/process/store_registry_test.cc
  tests/kv/process/store_turns_test.cc
  tests/kv/process/upkeep_test.cc
  tests/kv/reclaim/commit_fold_test.cc
  tests/kv/reclaim/flatten_test.cc
  tests/kv/reclaim/legacy_store_test.cc
  tests/kv/reclaim/page_changes_test.cc
  tests/kv/reclaim/reclaim_reader_test.cc
  tests/kv/reclaim/reclaim_test.cc
  tests/kv/reclaim/removal_check_test.cc
  tests/kv/reclaim/store_events_test.cc
  tests/kv/rivet/actor_persist_test.cc
  tests/kv/rivet/archive_json_test.cc
  tests/kv/rivet/archive_reader_test.cc
  tests/kv/rivet/archive_writer_test.cc
  tests/kv/rivet/bare_test.cc
  tests/kv/rivet/container_test.cc
  tests/kv/rivet/driver_state_test.cc
  tests/kv/rivet/json_lines_test.cc
  tests/kv/rivet/kv_bin_test.cc
  tests/kv/rivet/layout_view_test.cc
  tests/kv/rivet/legacy_file_test.cc
  tests/kv/rivet/legacy_keys_test.cc
  tests/kv/rivet/ltx_test.cc
  tests/kv/rivet/merged_pairs_test.cc
  tests/kv/rivet/pair_limits_test.cc
  tests/kv/rivet/rivet_engine_keys_test.cc
  tests/kv/rivet/rivet_v2_test.cc
  tests/kv/rivet/workflow_test.cc
  tests/kv/rocksdb/ballast_test.cc
  tests/kv/rocksdb/commit_counter_test.cc
  tests/kv/rocksdb/database_files_test.cc
  tests/kv/rocksdb/fault_fs_test.cc
  tests/kv/rocksdb/file_access_test.cc
  tests/kv/rocksdb/holder_file_test.cc
  tests/kv/rocksdb/log_damage_test.cc
  tests/kv/rocksdb/log_scan_test.cc
  tests/kv/rocksdb/moved_store_test.cc
  tests/kv/rocksdb/owner_claim_test.cc
  tests/kv/rocksdb/process_end_test.cc
  tests/kv/rocksdb/rocksdb_block_memory_test.cc
  tests/kv/rocksdb/rocksdb_bulk_test.cc
  tests/kv/rocksdb/rocksdb_engine_test.cc
  tests/kv/rocksdb/rocksdb_events_test.cc
  tests/kv/rocksdb/rocksdb_fault_test.cc
  tests/kv/rocksdb/rocksdb_fence_test.cc
  tests/kv/rocksdb/rocksdb_fork_test.cc
  tests/kv/rocksdb/rocksdb_home_test.cc
  tests/kv/rocksdb/rocksdb_log_file_test.cc
  tests/kv/rocksdb/rocksdb_log_limit_test.cc
  tests/kv/rocksdb/rocksdb_store_files_test.cc
  tests/kv/rocksdb/spare_memory_test.cc
  tests/kv/share/actor_slot_test.cc
  tests/kv/share/board_test.cc
  tests/kv/share/board_time_test.cc
  tests/kv/share/channel_test.cc
  tests/kv/share/client_call_test.cc
  tests/kv/share/client_session_test.cc
  tests/kv/share/client_store_test.cc
  tests/kv/share/frame_test.cc
  tests/kv/share/grace_period_test.cc
  tests/kv/share/head_fields_test.cc
  tests/kv/share/head_order_test.cc
  tests/kv/share/listener_test.cc
  tests/kv/share/message_bytes_test.cc
  tests/kv/share/message_damage_test.cc
  tests/kv/share/process_state_test.cc
  tests/kv/share/request_memory_test.cc
  tests/kv/share/server_limits_test.cc
  tests/kv/share/server_session_test.cc
  tests/kv/share/share_server_test.cc
  tests/kv/share/shared_memory_test.cc
  tests/kv/share/slate_test.cc
  tests/kv/share/unshared_fd_test.cc
  tests/kv/share/wire_test.cc
  tests/kv/share/word_line_test.cc
  tests/kv/share/writer_turn_test.cc
  tests/kv/store/catalog_test.cc
  tests/kv/store/clock_step_test.cc
  tests/kv/store/clock_test.cc
  tests/kv/store/lineage_test.cc
  tests/kv/store/pins_test.cc
  tests/kv/store/reclaim_turns_test.cc
  tests/kv/store/shared_clock_test.cc
  tests/kv/store/shared_writers_test.cc
  tests/kv/store/store_test.cc
  tests/kv/store/time_map_test.cc
  tests/kv/store/work_queue_test.cc
  tests/kv/store/writer_queue_test.cc
  tests/support/failing_memory.cc)

# The others have all of actorkv, and a main function that registers it.
set(with_sqlite actorkv_ext SQLite::SQLite3)
actorkv_add_tests(vfs LINKS ${with_sqlite} ZLIB::ZLIB SOURCES
  tests/support/failing_memory.cc
  tests/support/main.cc
  tests/vfs/actor/access_pattern_test.cc
  tests/vfs/actor/actor_file_test.cc
  tests/vfs/actor/actor_lock_test.cc
  tests/vfs/actor/actor_vfs_test.cc
  tests/vfs/actor/busy_wait_test.cc
  tests/vfs/actor/call_order_test.cc
  tests/vfs/actor/commit_content_test.cc
  tests/vfs/actor/commit_rules_test.cc
  tests/vfs/actor/database_header_test.cc
  tests/vfs/actor/entry_point_test.cc
  tests/vfs/actor/fetch_test.cc
  tests/vfs/actor/file_pragmas_test.cc
  tests/vfs/actor/group_commit_test.cc
  tests/vfs/actor/hints_test.cc
  tests/vfs/actor/memory_file_test.cc
  tests/vfs/actor/moved_store_test.cc
  tests/vfs/actor/no_uri_test.cc
  tests/vfs/actor/page_range_test.cc
  tests/vfs/actor/read_ahead_test.cc
  tests/vfs/actor/restore_test.cc
  tests/vfs/actor/schema_cookie_test.cc
  tests/vfs/actor/snapshot_reader_test.cc
  tests/vfs/actor/snapshot_resume_test.cc
  tests/vfs/actor/sql_features_test.cc
  tests/vfs/actor/stacked_vfs_test.cc
  tests/vfs/actor/transaction_test.cc
  tests/vfs/legacy/legacy_journal_cut_test.cc
  tests/vfs/legacy/legacy_journal_test.cc
  tests/vfs/legacy/legacy_recovery_test.cc
  tests/vfs/legacy/legacy_view_test.cc
  tests/vfs/legacy/legacy_wal_test.cc
  tests/vfs/legacy/recovered_file_test.cc
  tests/vfs/legacy/rivet_samples_test.cc
  tests/vfs/legacy/table_removal_test.cc
  tests/vfs/sqlite/actor_path_test.cc
  tests/vfs/sqlite/btree_page_test.cc
  tests/vfs/sqlite/default_vfs_test.cc
  tests/vfs/sqlite/last_error_test.cc
  tests/vfs/sqlite/raw_uri_test.cc
  tests/vfs/sqlite/sqlite_error_test.cc
  tests/vfs/sqlite/synchronous_test.cc
  tests/vfs/sqlite/uri_test.cc)
actorkv_add_tests(sql LINKS ${with_sqlite} ZLIB::ZLIB SOURCES
  tests/fuzz/sql_targets.cc
  tests/sql/actors/actor_functions_test.cc
  tests/sql/actors/events_test.cc
  tests/sql/actors/expiry_test.cc
  tests/sql/actors/follower_expiry_test.cc
  tests/sql/actors/hints_test.cc
  tests/sql/actors/metrics_test.cc
  tests/sql/actors/reclaim_plan_test.cc
  tests/sql/actors/retention_test.cc
  tests/sql/actors/tables_test.cc
  tests/sql/actors/work_test.cc
  tests/sql/bind/actor_walk_test.cc
  tests/sql/bind/format1_test.cc
  tests/sql/bind/function_test.cc
  tests/sql/bind/hostile_schema_test.cc
  tests/sql/bind/last_error_test.cc
  tests/sql/bind/read_only_test.cc
  tests/sql/bind/replaced_store_test.cc
  tests/sql/bind/shared_store_test.cc
  tests/sql/bind/shutdown_test.cc
  tests/sql/bind/turns_test.cc
  tests/sql/health/doctor_test.cc
  tests/sql/health/dump_test.cc
  tests/sql/health/forged_records_test.cc
  tests/sql/health/log_loss_test.cc
  tests/sql/health/verify_test.cc
  tests/sql/history/btree_reader_test.cc
  tests/sql/history/clock_back_test.cc
  tests/sql/history/diff_cost_test.cc
  tests/sql/history/diff_test.cc
  tests/sql/history/history_gap_test.cc
  tests/sql/history/history_test.cc
  tests/sql/history/name_pattern_test.cc
  tests/sql/history/restore_like_test.cc
  tests/sql/history/row_format_test.cc
  tests/sql/migrate/legacy_tables_test.cc
  tests/sql/migrate/migrate_samples_test.cc
  tests/sql/migrate/migrate_test.cc
  tests/sql/migrate/queue_tables_test.cc
  tests/sql/migrate/replaced_pairs_test.cc
  tests/sql/migrate/rivet_tables_test.cc
  tests/sql/migrate/rows_back_test.cc
  tests/sql/salvage/legacy_salvage_test.cc
  tests/sql/salvage/page_map_test.cc
  tests/sql/salvage/salvage_fuzz_test.cc
  tests/sql/salvage/salvage_test.cc
  tests/sql/transfer/archive_transfer_test.cc
  tests/sql/transfer/depot_import_test.cc
  tests/sql/transfer/directory_import_test.cc
  tests/sql/transfer/driver_import_test.cc
  tests/sql/transfer/opaque_test.cc
  tests/sql/transfer/pair_functions_test.cc
  tests/sql/transfer/pair_meaning_test.cc
  tests/sql/transfer/pair_sorter_test.cc
  tests/sql/transfer/rivet_formats_test.cc
  tests/sql/transfer/round_trip_test.cc
  tests/sql/transfer/transfer_fault_test.cc
  tests/sql/transfer/transfer_test.cc
  tests/support/main.cc)
actorkv_add_tests(model LINKS ${with_sqlite} SOURCES
  tests/support/main.cc
  tests/model/cookie_model_test.cc
  tests/model/page_model_test.cc
  tests/model/reclaim_model_test.cc
  tests/model/reclaim_moment.cc
  tests/model/reclaim_space.cc
  tests/model/sql_differential_test.cc)
actorkv_add_tests(fault LINKS ${with_sqlite} SOURCES
  tests/support/failing_memory.cc
  tests/support/main.cc
  tests/fault/commit_fault_test.cc
  tests/fault/corruption_test.cc
  tests/fault/disk_full_test.cc
  tests/fault/fault_world.cc
  tests/fault/io_error_test.cc
  tests/fault/many_actors_test.cc
  tests/fault/memory_bound_test.cc
  tests/fault/memory_slope_test.cc
  tests/fault/memory_sweep.cc
  tests/fault/memory_sweep_test.cc
  tests/fault/migration_fault_test.cc
  tests/fault/migration_memory_test.cc
  tests/fault/rare_fault_test.cc)
actorkv_add_tests(crash LINKS ${with_sqlite} SOURCES
  tests/support/main.cc
  tests/crash/bank.cc
  tests/crash/exit_test.cc
  tests/crash/export_kill_test.cc
  tests/crash/fork_test.cc
  tests/crash/format_kill_test.cc
  tests/crash/history_kill_test.cc
  tests/crash/kill_test.cc
  tests/crash/migration_kill_test.cc
  tests/crash/multi_actor_kill_test.cc
  tests/crash/notebook.cc
  tests/crash/pair_kill_test.cc
  tests/crash/power_loss_test.cc
  tests/crash/second_process_test.cc
  tests/crash/second_user_test.cc
  tests/crash/undo_kill_test.cc)
actorkv_add_tests(process LINKS ${with_sqlite} SOURCES
  tests/support/main.cc
  tests/process/bank.cc
  tests/process/bank_test.cc
  tests/process/death_test.cc
  tests/process/failpoint.cc
  tests/process/hostile_test.cc
  tests/process/page_test.cc
  tests/process/peer.cc
  tests/process/place_test.cc
  tests/process/serve_test.cc
  tests/process/steer_test.cc
  tests/process/stop_test.cc)

# The stock shell cannot load a module that is built with a sanitizer, and
# the rules of the house need to be checked only once.
if(NOT ACTORKV_SANITIZE)
  actorkv_add_test(module sh tests/support/check_module.sh
    $<TARGET_FILE:actorkv>)
  actorkv_add_test(golden bash tests/golden/run.sh $<TARGET_FILE:actorkv>)
  actorkv_add_test(docs python3 tests/docs.py $<TARGET_FILE:actorkv>
    $<TARGET_FILE:actorkv_static>)
  actorkv_add_test(install python3 tests/support/check_install.py
    ${PROJECT_BINARY_DIR})
  actorkv_add_test(tidy python3 tests/tidy.py)
  actorkv_add_test(tidy_self_test python3 tests/tidy.py --self-test)
endif()
