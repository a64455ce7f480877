#include "kv/store/commit_ids.h"

#include <cstring>
#include <random>
#include <string>

#include "kv/base/coding.h"

namespace actorkv {

uint64_t RandomId() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

CommitId CommitIds::Next() {
  std::string bytes;
  AppendBig64(&bytes, base_);
  AppendBig64(&bytes, count_.fetch_add(1) + 1);
  CommitId id;
  std::memcpy(id.data(), bytes.data(), id.size());
  return id;
}

bool CommitIds::IsOwn(const CommitId& id) const {
  std::string base;
  AppendBig64(&base, base_);
  return std::memcmp(id.data(), base.data(), base.size()) == 0;
}

}  // namespace actorkv
