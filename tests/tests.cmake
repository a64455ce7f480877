# The tests: one executable for each directory.

actorkv_add_library(actorkv_test_support
  LINKS actorkv_kv GTest::gtest
  SOURCES
    tests/support/crash_life.cc
    tests/support/fault_fs.cc)

# actorkv_add_test(<label> <command>...): a test that is not GoogleTest's.
function(actorkv_add_test name)
  add_test(NAME ${name} COMMAND ${ARGN}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${name} TIMEOUT 3600
    ENVIRONMENT "TSAN_OPTIONS=ignore_noninstrumented_modules=1")
endfunction()

# actorkv_add_tests(<directory> LINKS <libraries> SOURCES <sources>)
function(actorkv_add_tests directory)
  cmake_parse_arguments(ARG "" "" "LINKS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${directory}_tests ${ARG_SOURCES})
  target_link_libraries(${directory}_tests PRIVATE
    actorkv_test_support ${ARG_LINKS} GTest::gtest)
  # Most of the time to build a test goes into these headers.
  target_precompile_headers(${directory}_tests PRIVATE
    <gtest/gtest.h> <functional> <map> <memory> <string> <vector>)
  actorkv_add_test(${directory} ${directory}_tests)
endfunction()

# kv's tests link neither SQLite nor the rest: kv must do without them.
actorkv_add_tests(kv LINKS actorkv_kv GTest::gtest_main ZLIB::ZLIB SOURCES
  tests/support/failing_memory.cc
  tests/kv/archive_json_test.cc
  tests/kv/archive_reader_test.cc
  tests/kv/archive_writer_test.cc
  tests/kv/bare_test.cc
  tests/kv/ballast_test.cc
  tests/kv/batch_test.cc
  tests/kv/branch_reader_test.cc
  tests/kv/branch_writer_test.cc
  tests/kv/bulk_commits_test.cc
  tests/kv/byte_source_test.cc
  tests/kv/catalog_test.cc
  tests/kv/chunk_test.cc
  tests/kv/clock_step_test.cc
  tests/kv/clock_test.cc
  tests/kv/coding_test.cc
  tests/kv/commit_counter_test.cc
  tests/kv/commit_fold_test.cc
  tests/kv/commit_test.cc
  tests/kv/container_test.cc
  tests/kv/counters_test.cc
  tests/kv/delta_write_test.cc
  tests/kv/duration_test.cc
  tests/kv/engine_conformance_test.cc
  tests/kv/engine_guard_test.cc
  tests/fuzz/targets.cc
  tests/kv/fault_fs_test.cc
  tests/kv/file_access_test.cc
  tests/kv/file_names_test.cc
  tests/kv/file_target_test.cc
  tests/kv/flatten_test.cc
  tests/kv/fuzz_corpus_test.cc
  tests/kv/group_commit_test.cc
  tests/kv/guard_memo_test.cc
  tests/kv/guard_set_test.cc
  tests/kv/hash_test.cc
  tests/kv/helper_threads_test.cc
  tests/kv/hint_learner_test.cc
  tests/kv/hints_record_test.cc
  tests/kv/hints_test.cc
  tests/kv/history_records_test.cc
  tests/kv/holder_file_test.cc
  tests/kv/hostile_engine_test.cc
  tests/kv/json_lines_test.cc
  tests/kv/keys_test.cc
  tests/kv/kv_bin_test.cc
  tests/kv/layout_view_test.cc
  tests/kv/legacy_file_test.cc
  tests/kv/legacy_import_test.cc
  tests/kv/legacy_keys_test.cc
  tests/kv/legacy_lease_test.cc
  tests/kv/legacy_record_test.cc
  tests/kv/legacy_store_test.cc
  tests/kv/legacy_undo_test.cc
  tests/kv/lineage_test.cc
  tests/kv/log_damage_test.cc
  tests/kv/log_scan_test.cc
  tests/kv/ltx_test.cc
  tests/kv/metrics_test.cc
  tests/kv/moved_store_test.cc
  tests/kv/new_directory_test.cc
  tests/kv/new_file_test.cc
  tests/kv/no_memory_test.cc
  tests/kv/open_wait_test.cc
  tests/kv/opened_directory_test.cc
  tests/kv/page_cache_test.cc
  tests/kv/page_changes_test.cc
  tests/kv/page_delta_test.cc
  tests/kv/page_list_test.cc
  tests/kv/page_memory_test.cc
  tests/kv/pair_limits_test.cc
  tests/kv/pair_window_test.cc
  tests/kv/pins_test.cc
  tests/kv/point_test.cc
  tests/kv/process_end_test.cc
  tests/kv/read_ahead_range_test.cc
  tests/kv/read_ahead_test.cc
  tests/kv/reclaim_reader_test.cc
  tests/kv/reclaim_test.cc
  tests/kv/records_test.cc
  tests/kv/rivet_engine_keys_test.cc
  tests/kv/rivet_engine_test.cc
  tests/kv/image_pairs_test.cc
  tests/kv/rivet_v2_test.cc
  tests/kv/rocksdb_block_memory_test.cc
  tests/kv/rocksdb_bulk_test.cc
  tests/kv/rocksdb_engine_test.cc
  tests/kv/rocksdb_fault_test.cc
  tests/kv/rocksdb_fence_test.cc
  tests/kv/rocksdb_log_file_test.cc
  tests/kv/rocksdb_store_files_test.cc
  tests/kv/single_partition_test.cc
  tests/kv/spare_memory_test.cc
  tests/kv/stage_test.cc
  tests/kv/status_test.cc
  tests/kv/store_directory_test.cc
  tests/kv/store_marker_test.cc
  tests/kv/store_registry_test.cc
  tests/kv/store_turns_test.cc
  tests/kv/store_test.cc
  tests/kv/temporary_test.cc
  tests/kv/time_map_test.cc
  tests/kv/utf8_test.cc
  tests/kv/zero_gap_test.cc)

# The others have all of actorkv, and a main function that registers it.
set(with_sqlite actorkv_ext SQLite::SQLite3)
actorkv_add_tests(vfs LINKS ${with_sqlite} ZLIB::ZLIB SOURCES
  tests/support/failing_memory.cc
  tests/support/main.cc
  tests/vfs/access_pattern_test.cc
  tests/vfs/actor_file_test.cc
  tests/vfs/actor_lock_test.cc
  tests/vfs/actor_path_test.cc
  tests/vfs/actor_vfs_test.cc
  tests/vfs/btree_page_test.cc
  tests/vfs/btree_reader_test.cc
  tests/vfs/call_order_test.cc
  tests/vfs/commit_content_test.cc
  tests/vfs/commit_rules_test.cc
  tests/vfs/database_header_test.cc
  tests/vfs/default_vfs_test.cc
  tests/vfs/entry_point_test.cc
  tests/vfs/fetch_test.cc
  tests/vfs/file_pragmas_test.cc
  tests/vfs/group_commit_test.cc
  tests/vfs/hints_test.cc
  tests/vfs/last_error_test.cc
  tests/vfs/legacy_journal_cut_test.cc
  tests/vfs/legacy_journal_test.cc
  tests/vfs/legacy_recovery_test.cc
  tests/vfs/legacy_view_test.cc
  tests/vfs/legacy_wal_test.cc
  tests/vfs/memory_file_test.cc
  tests/vfs/moved_store_test.cc
  tests/vfs/no_uri_test.cc
  tests/vfs/page_range_test.cc
  tests/vfs/raw_uri_test.cc
  tests/vfs/read_ahead_test.cc
  tests/vfs/recovered_file_test.cc
  tests/vfs/restore_test.cc
  tests/vfs/rivet_samples_test.cc
  tests/vfs/row_format_test.cc
  tests/vfs/schema_cookie_test.cc
  tests/vfs/snapshot_resume_test.cc
  tests/vfs/sql_features_test.cc
  tests/vfs/sqlite_error_test.cc
  tests/vfs/stacked_vfs_test.cc
  tests/vfs/synchronous_test.cc
  tests/vfs/table_removal_test.cc
  tests/vfs/transaction_test.cc
  tests/vfs/uri_test.cc)
actorkv_add_tests(sql LINKS ${with_sqlite} ZLIB::ZLIB SOURCES
  tests/support/main.cc
  tests/sql/actor_functions_test.cc
  tests/sql/actor_walk_test.cc
  tests/sql/archive_transfer_test.cc
  tests/sql/clock_back_test.cc
  tests/sql/diff_cost_test.cc
  tests/sql/diff_test.cc
  tests/sql/directory_import_test.cc
  tests/sql/doctor_test.cc
  tests/sql/expiry_test.cc
  tests/sql/follower_expiry_test.cc
  tests/sql/format1_test.cc
  tests/sql/forged_records_test.cc
  tests/sql/function_test.cc
  tests/sql/hints_test.cc
  tests/sql/history_gap_test.cc
  tests/sql/history_test.cc
  tests/sql/hostile_schema_test.cc
  tests/sql/last_error_test.cc
  tests/sql/legacy_tables_test.cc
  tests/sql/metrics_test.cc
  tests/sql/migrate_samples_test.cc
  tests/sql/migrate_test.cc
  tests/sql/name_pattern_test.cc
  tests/sql/pair_meaning_test.cc
  tests/sql/read_only_test.cc
  tests/sql/reclaim_plan_test.cc
  tests/sql/replaced_store_test.cc
  tests/sql/restore_like_test.cc
  tests/sql/retention_test.cc
  tests/sql/rivet_formats_test.cc
  tests/sql/shutdown_test.cc
  tests/sql/tables_test.cc
  tests/sql/transfer_fault_test.cc
  tests/sql/transfer_test.cc
  tests/sql/turns_test.cc
  tests/sql/verify_test.cc)
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
  tests/crash/power_loss_test.cc
  tests/crash/second_process_test.cc
  tests/crash/second_user_test.cc)

# The stock shell cannot load a module that is built with a sanitizer, and
# the rules of the house need to be checked only once.
if(NOT ACTORKV_SANITIZE)
  actorkv_add_test(module sh tests/support/check_module.sh
    $<TARGET_FILE:actorkv>)
  actorkv_add_test(golden bash tests/golden/run.sh $<TARGET_FILE:actorkv>)
  actorkv_add_test(docs python3 tests/docs.py $<TARGET_FILE:actorkv>
    $<TARGET_FILE:actorkv_static> ${PROJECT_BINARY_DIR}/actorkv.pc)
  actorkv_add_test(tidy python3 tests/tidy.py)
  actorkv_add_test(tidy_self_test python3 tests/tidy.py --self-test)
endif()
