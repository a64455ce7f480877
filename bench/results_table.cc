// The table at the end of a run. Its columns and those of bench/README.md
// (bench/report.py) are the same.

#include <cstdio>

#include "bench/results.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;

constexpr Kind kKinds[] = {Kind::kUnixWal, Kind::kUnixDelete, Kind::kActorkv};

std::string Cell(const Row& row, Kind kind, double Measured::*field) {
  return row.has(kind) ? ShortText(row.Median(kind, field)) : "-";
}

std::string RatioCell(const Row& row, Kind kind) {
  const double ratio = row.Ratio(kind);
  return ratio > 0 ? ShortText(ratio) : "-";
}

void PrintRow(const Row& row, const std::vector<Row>& rows) {
  const WorkloadSpec& spec = *row.spec;
  const Verdict verdict = Judge(row, rows);
  std::printf("%-10s %-48s", spec.id.c_str(), spec.text.c_str());
  for (const Kind kind : kKinds) {
    std::printf(" %7s", Cell(row, kind, &Measured::value).c_str());
  }
  std::printf(" %-5s %6s %6s %11s %-5s", UnitText(spec.unit),
              RatioCell(row, Kind::kUnixDelete).c_str(),
              RatioCell(row, Kind::kActorkv).c_str(),
              verdict.asked.empty() ? "-" : verdict.asked.c_str(),
              verdict.met ? "" : "BELOW");
  for (double Measured::*field :
       {&Measured::syncs_per_op, &Measured::bytes_per_op,
        &Measured::memory_bytes, &Measured::busy_count}) {
    std::printf(" |");
    for (const Kind kind : kKinds) {
      std::printf(" %5s", Cell(row, kind, field).c_str());
    }
  }
  std::printf("\n");
}

void PrintHead() {
  std::printf(
      "\nMedians of the samples of this run, unix WAL, unix DELETE and "
      "actorkv\n"
      "in turn, all with synchronous=FULL. Ratios are to unix WAL: how many\n"
      "times as good, whatever the unit. Syncs and bytes written are for each\n"
      "operation; memory is the peak over what the process had before. "
      "\"raw\":\n"
      "0.9 of R1 is less than the ratio that is asked for, and will do.\n\n");
  std::printf("%-10s %-48s %7s %7s %7s %-5s %6s %6s %11s %-5s", "", "", "WAL",
              "DELETE", "actorkv", "", "DELETE", "ours", "asked", "");
  for (const char* name : {"syncs/op", "bytes/op", "memory", "busy"}) {
    std::printf(" | %-17s", name);
  }
  std::printf("\n");
}

}  // namespace

void PrintTable(const Context& context, const std::vector<Row>& rows) {
  std::printf("\n");
  for (const auto& [name, value] : context) {
    std::printf("%-10s %s\n", name.c_str(), value.c_str());
  }
  PrintHead();
  for (const Row& row : rows) {
    if (row.has(Kind::kUnixWal) || row.has(Kind::kActorkv)) PrintRow(row, rows);
  }
}

}  // namespace actorkv::bench
