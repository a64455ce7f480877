#include "kv/rivet/merged_pairs.h"

#include "kv/base/hex.h"

namespace actorkv {

Status ReaderPairs::Next(KeyValue* pair, bool* more) {
  do {
    if (Status s = reader_->Seek(from_, &found_); !s.ok()) return s;
    *more = found_.has_value();
    if (!*more) return Status::Ok();
    from_ = found_->key;
    from_ += '\0';  // the least key behind it
  } while (wants_ != nullptr && !wants_(*found_));
  // Swapped, so that the caller's strings are used again.
  std::swap(*pair, *found_);
  return Status::Ok();
}

Status MergedPairs::Fill(Source* source) {
  if (source->next.has_value() || source->ended) return Status::Ok();
  KeyValue pair;
  bool more = false;
  if (Status s = source->pairs->Next(&pair, &more); !s.ok()) return s;
  if (more) source->next = std::move(pair);
  source->ended = !more;
  return Status::Ok();
}

Status MergedPairs::Next(KeyValue* pair, bool* more) {
  Source* first = nullptr;
  for (Source& source : sources_) {
    if (Status s = Fill(&source); !s.ok()) return s;
    if (!source.next.has_value()) continue;
    if (first == nullptr || source.next->key < first->next->key) {
      first = &source;
    }
  }
  *more = first != nullptr;
  if (!*more) return Status::Ok();
  // Equal keys come one after the other, whichever sources have them.
  if (last_key_.has_value() && first->next->key <= *last_key_) {
    const bool twice = first->next->key == *last_key_;
    return Status::InvalidArgument(std::string("the key comes ") +
                                   (twice ? "twice" : "out of order") +
                                   ": key=" + BytesText(first->next->key));
  }
  last_key_ = first->next->key;
  *pair = std::move(*first->next);
  first->next.reset();
  return Status::Ok();
}

}  // namespace actorkv
