#include "kv/store/commit_ids.h"

#include <cstring>
#include <string>

#include "kv/base/coding.h"

namespace actorkv {

namespace {

constexpr int kCountBits = 64 - kHostSlotBits;

}  // namespace

CommitId CommitIds::Next() {
  std::string bytes;
  AppendBig64(&bytes, owner_.incarnation);
  AppendBig64(&bytes,
              uint64_t{owner_.slot} << kCountBits | (count_.fetch_add(1) + 1));
  CommitId id;
  std::memcpy(id.data(), bytes.data(), id.size());
  return id;
}

bool CommitIds::IsOwn(const CommitId& id) const { return HostOf(id) == owner_; }

HostId HostOf(const CommitId& id) {
  const std::string bytes(id.begin(), id.end());
  HostId owner;
  owner.incarnation = LoadBig64(bytes.data());
  owner.slot =
      static_cast<uint16_t>(LoadBig64(&bytes[sizeof(uint64_t)]) >> kCountBits);
  return owner;
}

}  // namespace actorkv
