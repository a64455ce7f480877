# The benchmarks, included from CMakeLists.txt.

add_executable(actorkv_bench
  bench/backend.cc
  bench/connection.cc
  bench/die.cc
  bench/experiment.cc
  bench/io_count.cc
  bench/machine.cc
  bench/main.cc
  bench/memory_use.cc
  bench/os_cache.cc
  bench/plain_file.cc
  bench/process.cc
  bench/results.cc
  bench/results_json.cc
  bench/results_table.cc
  bench/rows.cc
  bench/runner.cc
  bench/timing.cc
  bench/workload.cc
  bench/workloads_commit.cc
  bench/workloads_copy.cc
  bench/workloads_disk.cc
  bench/workloads_history.cc
  bench/workloads_migrate.cc
  bench/workloads_mixed.cc
  bench/workloads_open.cc
  bench/workloads_owner.cc
  bench/workloads_pairs.cc
  bench/workloads_process.cc
  bench/workloads_read.cc
  bench/workloads_salvage.cc
  bench/workloads_scale.cc
  bench/workloads_scan.cc
  bench/workloads_thread.cc)
target_link_libraries(actorkv_bench PRIVATE
  actorkv_ext SQLite::SQLite3 benchmark::benchmark
  nlohmann_json::nlohmann_json)

# What the benchmarks of many processes run: an application that knows SQLite,
# and loads the module.
add_executable(actorkv_bench_process
  bench/connection.cc
  bench/die.cc
  bench/process_main.cc
  bench/rows.cc
  bench/timing.cc)
target_include_directories(actorkv_bench_process PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(actorkv_bench_process PRIVATE
  SQLite::SQLite3 Threads::Threads)
add_dependencies(actorkv_bench actorkv actorkv_bench_process)

if(BUILD_TESTING AND NOT ACTORKV_SANITIZE)
  actorkv_add_test(bench_report python3 bench/report.py self-test)
endif()
