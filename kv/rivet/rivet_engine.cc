#include "kv/rivet/rivet_engine.h"

#include <utility>

#include "kv/base/affix.h"
#include "kv/base/hex.h"
#include "kv/rivet/pair_limits.h"
#include "kv/rivet/rivet_engine_keys.h"

namespace actorkv {

namespace {

Status BadKey(std::string_view key, const std::string& what) {
  return Status::Corruption("engine key " + ToHex(key) + ": " + what);
}

std::string ActorPrefix(const std::string& id) {
  return std::string(RivetActorsPrefix()) + id;
}

// Returns the least text that is after all that begin with `prefix`.
std::string AfterAllWith(std::string prefix) {
  // The prefix of actors begins with a byte below 0xff, so something is left.
  while (prefix.back() == '\xff') prefix.pop_back();
  ++prefix.back();
  return prefix;
}

// EnginePairs: puts pairs together from their pieces and metadata.
class EnginePairs : public PairSource {
 public:
  EnginePairs(std::unique_ptr<SortedPairs> position, const std::string& id)
      : position_(std::move(position)), prefix_(ActorPrefix(id)) {}

  Status Next(KeyValue* pair, bool* more) override {
    if (!begun_) {
      // The first seek waits for the first pair: who opens many actors and
      // reads one pays for one.
      begun_ = true;
      if (Status s = position_->Seek(prefix_, &valid_); !s.ok()) return s;
    }
    if (!InActor()) {
      *more = false;
      return Status::Ok();
    }
    KeyValue read;
    if (Status s = TakePair(&read); !s.ok()) return s;
    *pair = std::move(read);
    *more = true;
    return Status::Ok();
  }

 private:
  bool InActor() const {
    return valid_ && BeginsWith(position_->key(), prefix_);
  }

  // Takes one pair: from its first piece, if there is one, up to the metadata.
  Status TakePair(KeyValue* pair) {
    uint64_t pieces = 0;
    while (true) {
      // The pieces end with the actor and no metadata came: the value may have
      // lost pieces, too, so it is damage and no pair.
      if (!InActor()) return NoMetadata(pair->key);
      const std::string_view physical = position_->key();
      RivetEngineKey key;
      if (!ParseRivetEngineKey(physical, &key)) {
        return BadKey(physical, "not the key of a pair");
      }
      if (pieces == 0) {
        if (Status s = CheckPairKeySize(key.key.size(), kMaxStoredKeyBytes);
            !s.ok()) {
          return s;
        }
        pair->key = key.key;
      } else if (key.key != pair->key) {
        return NoMetadata(pair->key);
      }
      // Metadata sort behind the pieces, so they end the pair; a pair without
      // pieces has an empty value.
      if (!key.piece.has_value()) return TakeMetadata();
      if (*key.piece != pieces) {
        return BadKey(physical, "piece " + std::to_string(pieces) +
                                    " of the value is missing before it");
      }
      if (Status s = TakePiece(&pair->value); !s.ok()) return s;
      ++pieces;
    }
  }

  Status TakePiece(std::string* value) {
    const std::string_view piece = position_->value();
    if (piece.empty() || piece.size() > kMaxRivetPieceBytes) {
      return BadKey(position_->key(),
                    "a piece of " + std::to_string(piece.size()) + " bytes");
    }
    // Each piece is checked, so that pieces without end take no memory without
    // end.
    if (Status s = CheckPairValueSize(value->size() + piece.size(),
                                      kMaxStoredValueBytes);
        !s.ok()) {
      return s.WithContext("engine key " + ToHex(position_->key()));
    }
    value->append(piece);
    return Advance();
  }

  Status TakeMetadata() {
    if (!IsRivetPairMetadata(position_->value())) {
      return BadKey(position_->key(), "metadata does not decode");
    }
    return Advance();
  }

  Status Advance() { return position_->Next(&valid_); }

  Status NoMetadata(std::string_view key) const {
    return Status::Corruption("key " + ToHex(key) +
                              " has a value but no metadata");
  }

  const std::unique_ptr<SortedPairs> position_;
  const std::string prefix_;
  bool begun_ = false;
  bool valid_ = false;  // says whether position_ stands on a pair
};

Status NoId(std::string_view text) {
  return Status::InvalidArgument("not the id of an actor of Rivet: " +
                                 std::string(text));
}

}  // namespace

RivetEngine::RivetEngine(std::unique_ptr<SortedPairSpace> space)
    : space_(std::move(space)) {}

Status RivetEngine::NextActor(std::string_view after, std::string* id,
                              bool* more) {
  std::string target(RivetActorsPrefix());
  if (!after.empty()) {
    std::string after_id;
    if (!ParseRivetActorIdText(after, &after_id)) return NoId(after);
    // The pairs of one actor are skipped at once, however many there are.
    target = AfterAllWith(ActorPrefix(after_id));
  }
  const std::unique_ptr<SortedPairs> position = space_->NewPosition();
  bool valid = false;
  if (Status s = position->Seek(target, &valid); !s.ok()) return s;
  *more = valid && BeginsWith(position->key(), RivetActorsPrefix());
  if (!*more) return Status::Ok();
  const std::string_view key = position->key();
  if (key.size() < RivetActorsPrefix().size() + kRivetActorIdBytes) {
    return BadKey(key, "not the key of a pair");
  }
  *id = RivetActorIdText(
      key.substr(RivetActorsPrefix().size(), kRivetActorIdBytes));
  return Status::Ok();
}

Status RivetEngine::HasPairs(std::string_view id, bool* has) {
  std::string bytes;
  if (!ParseRivetActorIdText(id, &bytes)) return NoId(id);
  const std::unique_ptr<SortedPairs> position = space_->NewPosition();
  const std::string prefix = ActorPrefix(bytes);
  bool valid = false;
  if (Status s = position->Seek(prefix, &valid); !s.ok()) return s;
  *has = valid && BeginsWith(position->key(), prefix);
  return Status::Ok();
}

// An actor is sought in each bucket; there is one for each namespace.
Status RivetEngine::IsInDepot(std::string_view id, bool* is) {
  const std::unique_ptr<SortedPairs> position = space_->NewPosition();
  const size_t bucket_end = DepotPrefix().size() + kDepotBucketBytes;
  std::string target = DepotPrefix();
  *is = false;
  for (;;) {
    bool valid = false;
    if (Status s = position->Seek(target, &valid); !s.ok()) return s;
    if (!valid || !BeginsWith(position->key(), DepotPrefix()) ||
        position->key().size() < bucket_end) {
      return Status::Ok();
    }
    const std::string bucket(
        position->key().substr(DepotPrefix().size(), kDepotBucketBytes));
    const std::string key = DepotKey(bucket, id);
    if (Status s = position->Seek(key, &valid); !s.ok()) return s;
    *is = valid && position->key() == key;
    if (*is) return Status::Ok();
    target = AfterAllWith(DepotPrefix(bucket));
  }
}

Status RivetEngine::NextDepotActor(DepotActor* actor, bool* more) {
  const std::unique_ptr<SortedPairs> position = space_->NewPosition();
  bool valid = false;
  std::string target = actor->key.empty() ? DepotPrefix() : actor->key + '\0';
  Status s = position->Seek(target, &valid);
  for (; s.ok() && valid && BeginsWith(position->key(), DepotPrefix());
       s = position->Next(&valid)) {
    DepotActor found;
    std::string bucket;
    // The depot may have keys of other kinds beside these.
    if (!ParseDepotKey(position->key(), &bucket, &found.id)) continue;
    found.key = std::string(position->key());
    *actor = std::move(found);
    *more = true;
    return s;
  }
  *more = false;
  return s;
}

Status RivetEngine::OpenPairs(std::string_view id,
                              std::unique_ptr<PairSource>* pairs) {
  std::string bytes;
  if (!ParseRivetActorIdText(id, &bytes)) return NoId(id);
  *pairs = std::make_unique<EnginePairs>(space_->NewPosition(), bytes);
  return Status::Ok();
}

}  // namespace actorkv
