// What comes of a commit that wrote nothing.

#ifndef ACTORKV_KV_ENGINE_FAILED_COMMIT_H_
#define ACTORKV_KV_ENGINE_FAILED_COMMIT_H_

#include <utility>

#include "kv/base/thrown.h"
#include "kv/engine/engine.h"

namespace actorkv {

inline CommitResult Failed(Status status) {
  return {CommitOutcome::kFailed, std::move(status)};
}

// The result of `call`, which throws only where nothing was written.
template <typename Call>
CommitResult OrFailed(const Call& call) noexcept {
  CommitResult result;
  const Status thrown = Caught([&] {
    result = call();
    return Status::Ok();
  });
  return thrown.ok() ? result : Failed(thrown);
}

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_FAILED_COMMIT_H_
