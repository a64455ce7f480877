#include "bench/workload.h"

namespace actorkv::bench {

bool LessIsBetter(Unit unit) {
  switch (unit) {
    case Unit::kOpsPerSecond:
    case Unit::kMbPerSecond:
      return false;
    case Unit::kP50Us:
    case Unit::kMilliseconds:
    case Unit::kBytes:
    case Unit::kCount:
      return true;
  }
  return false;
}

const char* UnitText(Unit unit) {
  switch (unit) {
    case Unit::kOpsPerSecond:
      return "/s";
    case Unit::kMbPerSecond:
      return "MB/s";
    case Unit::kP50Us:
      return "us";
    case Unit::kMilliseconds:
      return "ms";
    case Unit::kBytes:
      return "bytes";
    case Unit::kCount:
      return "";
  }
  return "";
}

std::vector<WorkloadSpec> AllWorkloads() {
  std::vector<WorkloadSpec> specs;
  AddDiskWorkloads(&specs);
  AddCommitWorkloads(&specs);
  AddReadWorkloads(&specs);
  AddScanWorkloads(&specs);
  AddThreadWorkloads(&specs);
  AddOpenWorkloads(&specs);
  AddMixedWorkloads(&specs);
  AddCopyWorkloads(&specs);
  AddMigrateWorkloads(&specs);
  AddSalvageWorkloads(&specs);
  AddPairWorkloads(&specs);
  AddHistoryWorkloads(&specs);
  AddScaleWorkloads(&specs);
  AddProcessWorkloads(&specs);
  AddOwnerWorkloads(&specs);
  return specs;
}

}  // namespace actorkv::bench
