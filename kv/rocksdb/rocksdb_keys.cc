#include "kv/rocksdb/rocksdb_keys.h"

namespace actorkv {
namespace {

constexpr size_t kIdBytes = 8;

void AppendId(uint64_t id, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((id >> shift) & 0xff));
  }
}

}  // namespace

Family FamilyOf(Partition partition) {
  return partition.kind == PartitionKind::kBranch ? Family::kChunks
                                                  : Family::kDefault;
}

size_t PartitionPrefixBytes(Partition partition) {
  return FamilyOf(partition) == Family::kChunks ? kIdBytes : 1 + kIdBytes;
}

void SetPhysicalKey(Partition partition, std::string_view key,
                    std::string* physical) {
  physical->clear();
  if (FamilyOf(partition) == Family::kDefault) {
    physical->push_back(static_cast<char>(partition.kind));
  }
  AppendId(partition.id, physical);
  physical->append(key);
}

std::string PhysicalKey(Partition partition, std::string_view key) {
  std::string physical;
  physical.reserve(PartitionPrefixBytes(partition) + key.size());
  SetPhysicalKey(partition, key, &physical);
  return physical;
}

std::string PartitionEnd(Partition partition, size_t max_key_bytes) {
  std::string end = PhysicalKey(partition, "");
  // The end is the prefix plus one, with carry.
  for (size_t i = end.size(); i-- > 0;) {
    const auto next = static_cast<unsigned char>(end[i] + 1);
    end[i] = static_cast<char>(next);
    if (next != 0) return end;
  }
  // The last of all prefixes has no successor: its end is longer than any key.
  return std::string(end.size() + max_key_bytes + 1, '\xff');
}

}  // namespace actorkv
