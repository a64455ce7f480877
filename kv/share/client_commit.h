// ClientCommit: a commit by the owner of the store.
//
//              sent whole                        answered
//   kUnsent  -------------->  waits for the  --------------->  as it says
//      ^                      answer
//      | the next owner           | the owner ends
//      | has it in doubt <--------+
//
// A batch that is in doubt may be there or not. It is sent again, once to each
// owner, as its guards make that safe: where it is there they do not hold any
// more. So what does not hold then may be the commit itself, and the caller has
// to look (kv/pages/commit.h).
//
// Invariants:
//  1. What was in doubt once is kDone or kUnknown, whatever is answered later.
//  2. A commit that is kUnknown because its guards do not hold any more, and is
//     to be synced, is synced if it is there.

#ifndef ACTORKV_KV_SHARE_CLIENT_COMMIT_H_
#define ACTORKV_KV_SHARE_CLIENT_COMMIT_H_

#include <cstdint>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/share/client_session.h"
#include "kv/share/engine_messages.h"
#include "kv/store/store_side.h"

namespace actorkv {

class ClientCommit {
 public:
  // `session` lives longer.
  ClientCommit(ClientSession* session, Durability durability)
      : session_(session), durability_(durability) {}
  ClientCommit(const ClientCommit&) = delete;
  ClientCommit& operator=(const ClientCommit&) = delete;

  // See StoreSide::Commit(). `heads` may be null. May be called once. Throws
  // nothing.
  CommitResult Run(const Batch& batch, std::vector<MovedHead>* heads) noexcept;

 private:
  Status Send(OwnerSession* owner, ClientChannel* channel,
              const std::vector<MovedHead>* heads);
  Status NameHeads(OwnerSession* owner, ClientChannel* channel,
                   const std::vector<MovedHead>& heads);
  void NoteDoubt(const ClientChannel& channel);
  // Takes what the owner answered.
  Status Take(const CommitAnswer& answer);
  // Makes what came before the guards durable.
  void SyncWhatIsThere();
  CommitResult Result(const Status& asked);
  void NoteVersions(std::vector<MovedHead>* heads) const;

  ClientSession* const session_;
  const Durability durability_;
  CommitRequest request_;
  bool is_in_doubt_ = false;  // it was sent, and not answered
  bool is_answered_ = false;
  CommitResult answer_;  // where it is answered
  std::vector<uint64_t> head_seqs_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_COMMIT_H_
