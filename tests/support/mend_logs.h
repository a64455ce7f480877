// Cuts the logs of a directory as an open for writing does.

#ifndef ACTORKV_TESTS_SUPPORT_MEND_LOGS_H_
#define ACTORKV_TESTS_SUPPORT_MEND_LOGS_H_

#include <string>
#include <vector>

#include "kv/rocksdb/log_scan.h"

namespace actorkv {

inline Status ScanAndMendLogs(const std::string& directory) {
  std::vector<FoundLog> logs;
  if (Status s = ScanLogs(directory, &logs); !s.ok()) return s;
  return MendLogs(directory, logs);
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MEND_LOGS_H_
