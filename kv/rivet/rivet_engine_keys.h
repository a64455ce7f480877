// These parse the physical keys of actors' pairs in the database of
// Rivet's engine: tuples of FoundationDB's tuple layer.
//
//     14 15 03 15 48 40 | actor id, 19 bytes            (0, 3, 72, id,
//     05 01 | key, 00 written as 00 ff | 00 00           (key,),
//     15 2c                                              44): metadata
//     15 04 | n: 14, or 15..1c and 1..8 bytes            4, n): n-th piece
//
// and what says that a database of the actor is in the engine's depot, where
// Rivet 2.3 and later keep it:
//
//     02 10 2f | bucket branch, 16 bytes | 2f | actor id, 30 bytes of text |
//     2f 'cur'
//
// A value lies in pieces of at most 10,000 bytes; an empty one in none. Each
// key has one metadata: version:data | timestamp:i64 (BARE). It sorts behind
// the pieces.

#ifndef ACTORKV_KV_RIVET_RIVET_ENGINE_KEYS_H_
#define ACTORKV_KV_RIVET_RIVET_ENGINE_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace actorkv {

inline constexpr size_t kRivetActorIdBytes = 19;
inline constexpr size_t kRivetActorIdDigits = 30;
inline constexpr size_t kMaxRivetPieceBytes = 10'000;

// Returns the id as people see it: base 36, least significant digit first, of
// the bytes as a little-endian number. REQUIRES: kRivetActorIdBytes bytes.
std::string RivetActorIdText(std::string_view id);

// Returns false, with *id unchanged, for what is no such text.
bool ParseRivetActorIdText(std::string_view text, std::string* id);

struct RivetEngineKey {
  std::string actor_id;  // its bytes
  std::string key;
  std::optional<uint64_t> piece;  // nullopt: the metadata
};

// The prefix with which every key of any actor begins, and nothing else does.
std::string_view RivetActorsPrefix();

// Returns false, with *key unchanged, for what is no such key.
bool ParseRivetEngineKey(std::string_view bytes, RivetEngineKey* key);

inline constexpr size_t kDepotBucketBytes = 16;

// The prefix of the depot's keys of actors; with a bucket, of those in it.
std::string DepotPrefix(std::string_view bucket = {});

// Returns the key that an actor in the depot has. REQUIRES: a bucket of
// kDepotBucketBytes, an id of kRivetActorIdDigits.
std::string DepotKey(std::string_view bucket, std::string_view actor_id_text);

// Returns false, with the outputs unchanged, for what is no such key.
bool ParseDepotKey(std::string_view key, std::string* bucket,
                   std::string* actor_id_text);

// Returns true for a value that a metadata key may have.
bool IsRivetPairMetadata(std::string_view value);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_ENGINE_KEYS_H_
