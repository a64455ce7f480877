// build/bench.json: everything that was measured, for programs.
//
//   {"context": {name: text, ...},
//    "workloads": [
//      {"id", "text", "unit", "less_is_better",
//       "ratio": of actorkv to unix_wal or null, "delete_ratio": or null,
//       "asked": text or "", "met": true or false,
//       "sides": {"unix_wal" | "unix_delete" | "actorkv":
//                   {"median", "samples": [...], "syncs_per_op",
//                    "bytes_per_op", "memory_bytes", "busy_count"}, ...}},
//      ...]}

#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/results.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;
using Json = nlohmann::ordered_json;

Json SideOf(const Row& row, Kind kind) {
  Json samples = Json::array();
  for (const Measured& sample : row.of(kind)) samples.push_back(sample.value);
  return {{"median", row.Median(kind, &Measured::value)},
          {"samples", samples},
          {"syncs_per_op", row.Median(kind, &Measured::syncs_per_op)},
          {"bytes_per_op", row.Median(kind, &Measured::bytes_per_op)},
          {"memory_bytes", row.Median(kind, &Measured::memory_bytes)},
          {"busy_count", row.Median(kind, &Measured::busy_count)}};
}

Json RatioOf(const Row& row, Kind kind) {
  const double ratio = row.Ratio(kind);
  return ratio > 0 ? Json(ratio) : Json(nullptr);
}

Json WorkloadOf(const Row& row, const std::vector<Row>& rows) {
  const WorkloadSpec& spec = *row.spec;
  const Verdict verdict = Judge(row, rows);
  Json workload = {{"id", spec.id},
                   {"text", spec.text},
                   {"unit", UnitText(spec.unit)},
                   {"less_is_better", LessIsBetter(spec.unit)},
                   {"ratio", RatioOf(row, Kind::kActorkv)},
                   {"delete_ratio", RatioOf(row, Kind::kUnixDelete)},
                   {"asked", verdict.asked},
                   {"asked_ratio", verdict.ratio},
                   {"met", verdict.met},
                   {"sides", Json::object()}};
  for (const Kind kind : {Kind::kUnixWal, Kind::kUnixDelete, Kind::kActorkv}) {
    if (!row.has(kind)) continue;
    workload["sides"][Backend::NameOf(kind)] = SideOf(row, kind);
  }
  return workload;
}

}  // namespace

bool WriteJson(const std::string& path, const Context& context,
               const std::vector<Row>& rows) {
  Json document = {{"context", Json::object()}, {"workloads", Json::array()}};
  for (const auto& [name, value] : context) document["context"][name] = value;
  for (const Row& row : rows) {
    if (!row.has(Kind::kUnixWal) && !row.has(Kind::kActorkv)) continue;
    document["workloads"].push_back(WorkloadOf(row, rows));
  }
  std::ofstream out(path);
  out << document.dump(1) << "\n";
  return out.flush().good();
}

}  // namespace actorkv::bench
