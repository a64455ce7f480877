// build/bench.json: everything that was measured, for programs.
//
//   {"context": {name: text, ...},
//    "workloads": [{"id", "text", "unit": "per second" | "p50 us",
//                   "bar": number or null, "ratio": number,
//                   "unix": {"median", "samples": [...], "syncs_per_op",
//                            "bytes_per_op"},
//                   "actorkv": {...}}, ...]}

#include <fstream>

#include "bench/results.h"

namespace actorkv::bench {

namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < ' ') continue;
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

void WriteSamples(const char* name, const std::vector<Measured>& samples,
                  std::ostream* out) {
  *out << "     \"" << name << R"(": {"median": )"
       << MedianOf(samples, &Measured::value) << ", \"samples\": [";
  const char* separator = "";
  for (const Measured& sample : samples) {
    *out << separator << sample.value;
    separator = ", ";
  }
  *out << "], \"syncs_per_op\": " << MedianOf(samples, &Measured::syncs_per_op)
       << ", \"bytes_per_op\": " << MedianOf(samples, &Measured::bytes_per_op)
       << "}";
}

void WriteRow(const Row& row, std::ostream* out) {
  const WorkloadSpec& spec = *row.spec;
  *out << "    {\"id\": " << Quoted(spec.id)
       << ", \"text\": " << Quoted(spec.text) << ",\n     \"unit\": "
       << (spec.unit == Unit::kP50Us ? "\"p50 us\"" : "\"per second\"")
       << ", \"bar\": ";
  if (spec.bar > 0) {
    *out << spec.bar;
  } else {
    *out << "null";
  }
  *out << ", \"ratio\": " << row.Ratio() << ",\n";
  WriteSamples("unix", row.unix_wal, out);
  *out << ",\n";
  WriteSamples("actorkv", row.actorkv, out);
  *out << "}";
}

}  // namespace

bool WriteJson(const std::string& path, const Context& context,
               const std::vector<Row>& rows) {
  std::ofstream out(path);
  out << "{\n  \"context\": {";
  const char* separator = "\n";
  for (const auto& [name, value] : context) {
    out << separator << "    " << Quoted(name) << ": " << Quoted(value);
    separator = ",\n";
  }
  out << "\n  },\n  \"workloads\": [";
  separator = "\n";
  for (const Row& row : rows) {
    if (row.unix_wal.empty() || row.actorkv.empty()) continue;
    out << separator;
    WriteRow(row, &out);
    separator = ",\n";
  }
  out << "\n  ]\n}\n";
  return out.flush().good();
}

}  // namespace actorkv::bench
