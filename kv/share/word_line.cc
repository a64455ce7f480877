#include "kv/share/word_line.h"

#include <algorithm>

#include "kv/share/writer_turn.h"

namespace actorkv {

void WordLine::Join(Waiter* waiter, TimePoint now) {
  // Whoever writes may have begun its turn just now.
  if (line_.empty()) turn_end_ = std::max(turn_end_, now + kWriterTurn);
  line_.push_back(waiter);
  const bool is_free = !slot_->SetWaiting();
  if (is_free && IsFirst(waiter) && GiveFrom({}, now)) return;
  // Whoever took it meanwhile is to know that somebody waits.
  if (is_free) static_cast<void>(slot_->SetWaiting());
  Look(now);
}

void WordLine::Leave(Waiter* waiter) {
  line_.remove(waiter);
  if (!line_.empty()) return;
  const WriterToken writer = slot_->writer();
  static_cast<void>(slot_->Replace(writer, writer, /*somebody_waits=*/false));
}

bool WordLine::GiveFrom(WriterToken from, TimePoint now, bool only_unused) {
  if (line_.empty()) {
    return slot_->Replace(from, {}, /*somebody_waits=*/false);
  }
  Waiter* const first = line_.front();
  const WriterToken to = TokenOf(first->session);
  // Whoever writes by now keeps it.
  if (!slot_->GiveTo(from, to, /*somebody_waits=*/line_.size() > 1,
                     only_unused)) {
    return false;
  }
  line_.pop_front();
  first->has_word = true;
  confirm_by_ = now + kConfirmTime;
  turn_end_ = now + kWriterTurn;
  return true;
}

bool WordLine::MayGive(WriterToken writer, TimePoint now) const {
  if (writer.number == 0) return !slot_->somebody_waits() || now >= turn_end_;
  if (writer == kKeptToken) return false;
  // The process has it already, as for another of its threads.
  if (writer == TokenOf(line_.front()->session)) return true;
  return slot_->is_unused() && now >= confirm_by_;
}

void WordLine::Look(TimePoint now) {
  if (line_.empty()) return;
  const WriterToken writer = slot_->writer();
  if (MayGive(writer, now)) {
    const bool is_other =
        writer.number != 0 && writer != TokenOf(line_.front()->session);
    static_cast<void>(GiveFrom(writer, now, /*only_unused=*/is_other));
    return;
  }
  // Somebody else may have written over it.
  static_cast<void>(slot_->SetWaiting());
}

void WordLine::Yield(TimePoint now) {
  if (line_.empty() || slot_->writer().number != 0) return;
  static_cast<void>(GiveFrom({}, now));
}

void WordLine::Reclaim(uint32_t session) {
  static_cast<void>(slot_->Replace(kKeptToken, TokenOf(session),
                                   /*somebody_waits=*/!line_.empty()));
}

void WordLine::EndKeeping(TimePoint now) {
  if (slot_->writer() == kKeptToken) {
    static_cast<void>(GiveFrom(kKeptToken, now));
  }
}

void WordLine::EndSession(uint32_t session, TimePoint now) {
  line_.remove_if([session](Waiter* waiter) {
    if (waiter->session != session) return false;
    waiter->has_ended = true;
    return true;
  });
  const WriterToken token = TokenOf(session);
  if (slot_->writer() == token) static_cast<void>(GiveFrom(token, now));
}

bool WordLine::TakeAway(TimePoint now) {
  const WriterToken writer = slot_->writer();
  return writer.number != 0 && GiveFrom(writer, now);
}

}  // namespace actorkv
