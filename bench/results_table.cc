// The table at the end of a run.

#include <cstdio>

#include "bench/results.h"

namespace actorkv::bench {

namespace {

const char* UnitText(Unit unit) {
  switch (unit) {
    case Unit::kOpsPerSecond:
      return "/s";
    case Unit::kP50Us:
      return "us";
  }
  return "";
}

void PrintBar(const Row& row) {
  const WorkloadSpec& spec = *row.spec;
  const double rate = MedianOf(row.actorkv, &Measured::value);
  if (spec.rate_bar > 0) {
    std::printf(" %3.0f/s %-5s", spec.rate_bar,
                rate >= spec.rate_bar ? "" : "BELOW");
  } else if (spec.bar > 0) {
    std::printf(" %5.2f %-5s", spec.bar,
                row.Ratio() >= spec.bar ? "" : "BELOW");
  } else {
    std::printf(" %5s %-5s", "-", "");
  }
}

void PrintRow(const Row& row) {
  const WorkloadSpec& spec = *row.spec;
  std::printf("%-8s %-50s %9.0f %9.0f %-2s %6.2f", spec.id.c_str(),
              spec.text.c_str(), MedianOf(row.unix_wal, &Measured::value),
              MedianOf(row.actorkv, &Measured::value), UnitText(spec.unit),
              row.Ratio());
  PrintBar(row);
  std::printf(" %8.2f %8.2f %8.0f %8.0f\n",
              MedianOf(row.unix_wal, &Measured::syncs_per_op),
              MedianOf(row.actorkv, &Measured::syncs_per_op),
              MedianOf(row.unix_wal, &Measured::bytes_per_op),
              MedianOf(row.actorkv, &Measured::bytes_per_op));
}

}  // namespace

void PrintTable(const Context& context, const std::vector<Row>& rows) {
  std::printf("\n");
  for (const auto& [name, value] : context) {
    std::printf("%-10s %s\n", name.c_str(), value.c_str());
  }
  std::printf(
      "\nMedians. Ratio: how many times as good as the unix VFS, WAL mode,\n"
      "synchronous=FULL, in this run. Syncs and bytes: per operation.\n\n"
      "%-8s %-50s %9s %9s %-2s %6s %5s %-5s %8s %8s %8s %8s\n",
      "", "", "unix WAL", "actorkv", "", "ratio", "bar", "", "syncs", "ours",
      "bytes", "ours");
  for (const Row& row : rows) {
    if (!row.unix_wal.empty() && !row.actorkv.empty()) PrintRow(row);
  }
}

}  // namespace actorkv::bench
