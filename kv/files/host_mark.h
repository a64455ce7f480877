// HostMark: says that a host is at work in a store (kv/base/host_id.h).
//
// Who shares a store that another process owns marks one byte of actorkv.pid
// (kv/rocksdb/holder_file.h) with a shared lock of its open file, at
// 2^32 + incarnation % 2^62, far behind the bytes of the holder. The kernel
// takes the mark away with the process, however that ends.
//
// Invariants:
//  1. A host that made its mark before it wrote anything, and keeps it as long
//     as that is in use, is alive for everybody who asks.
//  2. A mark keeps nobody from anything: it is shared, and no holder looks at
//     it to be one.
//  3. A child of fork() does not keep the marks of its parent
//     (kv/files/lock_file.h, invariant 2).
//
// Thread-safe.

#ifndef ACTORKV_KV_FILES_HOST_MARK_H_
#define ACTORKV_KV_FILES_HOST_MARK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/host_id.h"
#include "kv/base/status.h"
#include "kv/files/lock_file.h"

namespace actorkv {

class HostMark {
 public:
  // Marks `host` in the store in `directory`, which has a holder or had one.
  // Errors: kNotFound where it never had one; kBusy while a holder of an older
  // version has the store, which locks all bytes; kIOError.
  static Status Make(const std::string& directory, const HostId& host,
                     std::unique_ptr<HostMark>* mark);

  // Takes the mark away.
  ~HostMark() = default;
  HostMark(const HostMark&) = delete;
  HostMark& operator=(const HostMark&) = delete;

 private:
  explicit HostMark(std::unique_ptr<LockFile> file);

  const std::unique_ptr<LockFile> file_;
};

// *marked: whether anybody, this process or another, has marked the host in the
// store in `directory`. Errors: kIOError, also where the system does not say.
Status IsHostMarked(const std::string& directory, const HostId& host,
                    bool* marked);

// MarkNumber: which byte is a host's, and so which host it is, as far as that
// can be told from its mark.
using MarkNumber = int64_t;
MarkNumber MarkNumberOf(const HostId& host);
// The same as IsHostMarked().
Status IsNumberMarked(const std::string& directory, MarkNumber number,
                      bool* marked);

// *numbers: those of all hosts that are marked there; of more than kMaxMarks
// some. Errors: the same.
constexpr size_t kMaxMarks = 4096;
Status ListHostMarks(const std::string& directory,
                     std::vector<MarkNumber>* numbers);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_HOST_MARK_H_
