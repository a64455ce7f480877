#include "kv/share/client_commit.h"

#include <cstddef>
#include <string>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/engine/engine_limits.h"
#include "kv/share/client_actor.h"
#include "kv/share/session_messages.h"
#include "kv/store/actor.h"

namespace actorkv {

CommitResult ClientCommit::Run(const Batch& batch,
                               std::vector<MovedHead>* heads) noexcept {
  const uint64_t owner_count = session_->owner_count();
  const Status asked = Caught([&] {
    if (Status s = CheckBatchLimits(batch, session_->parts().limits); !s.ok()) {
      return s;
    }
    request_.durability = durability_;
    AddBatch(batch, &request_);
    // No time in the batch is later than the last that was given.
    request_.newest_time_us =
        session_->is_of_parent() ? 0 : session_->time()->last_us();
    return session_->AskOwner([&](OwnerSession* owner, ClientChannel* channel) {
      return Send(owner, channel, heads);
    });
  });
  CommitResult result = Result(asked);
  // The versions are of the owner that there was.
  if (heads != nullptr && result.done() &&
      session_->owner_count() == owner_count) {
    NoteVersions(heads);
  }
  return result;
}

Status ClientCommit::Send(OwnerSession* owner, ClientChannel* channel,
                          const std::vector<MovedHead>* heads) {
  if (heads != nullptr) {
    if (Status s = NameHeads(owner, channel, *heads); !s.ok()) return s;
  }
  CommitAnswer answer;
  Status s = OrUndo(
      [&] {
        return channel->Ask(request_, session_->commit_patience(), &answer);
      },
      [&] { NoteDoubt(*channel); });
  if (s.ok()) return Take(answer);
  // What the owner refuses it has not begun.
  if (channel->fate() != ChannelFate::kUsable) NoteDoubt(*channel);
  return s;
}

void ClientCommit::NoteDoubt(const ClientChannel& channel) {
  if (channel.was_sent()) is_in_doubt_ = true;
}

Status ClientCommit::NameHeads(OwnerSession* owner, ClientChannel* channel,
                               const std::vector<MovedHead>& heads) {
  request_.heads.clear();
  request_.heads.reserve(heads.size());
  for (const MovedHead& head : heads) {
    CommitHead* const named = &request_.heads.emplace_back();
    ActorPlace* const place =
        static_cast<ClientActor*>(head.actor->side())->place();
    if (Status s =
            place->OpenOnce(owner, channel, session_->patience(), &named->slot);
        !s.ok()) {
      return s;
    }
    if (head.changed_pages != nullptr) {
      named->changed_pages = *head.changed_pages;
    }
    if (head.pin != nullptr) named->pin = head.pin->number();
  }
  return Status::Ok();
}

Status ClientCommit::Take(const CommitAnswer& answer) {
  is_answered_ = true;
  answer_.outcome = answer.outcome;
  answer_.status = FromWire(answer.status);
  head_seqs_ = answer.head_seqs;
  // An outcome that does not go with its status is none.
  const bool is_done = answer.outcome == CommitOutcome::kDone;
  const bool fits = is_done == answer_.status.ok() &&
                    (!is_done || head_seqs_.size() == request_.heads.size());
  if (fits) return Status::Ok();
  answer_.outcome = CommitOutcome::kUnknown;
  answer_.status = Status::Corruption(
      "the owner of the store answered a commit with what cannot be");
  return Status::Ok();
}

CommitResult ClientCommit::Result(const Status& asked) {
  if (!is_answered_) {
    if (!is_in_doubt_) return {CommitOutcome::kFailed, asked};
    return {CommitOutcome::kUnknown, asked};
  }
  if (is_in_doubt_ && answer_.done()) Add(Metric::kCommitsResolved);
  if (!is_in_doubt_ || answer_.done()) return answer_;
  if (answer_.outcome == CommitOutcome::kConflict) {
    IfMemory([this] { SyncWhatIsThere(); });
  }
  return {CommitOutcome::kUnknown, answer_.status};
}

void ClientCommit::SyncWhatIsThere() {
  if (durability_ != Durability::kSynced) return;
  Status s = session_->AskOwner([&](OwnerSession*, ClientChannel* channel) {
    DoneAnswer<Op::kSync> done;
    return channel->Ask(SyncRequest{}, session_->long_patience(), &done);
  });
  // Then it is not known whether it is there to stay.
  if (!s.ok()) answer_.status = s;
}

void ClientCommit::NoteVersions(std::vector<MovedHead>* heads) const {
  for (size_t i = 0; i < heads->size() && i < head_seqs_.size(); ++i) {
    (*heads)[i].version = head_seqs_[i];
  }
}

}  // namespace actorkv
