// EncodeRivetEngineKey(): the keys of Rivet's engine, as the engine writes
// them. The module only reads them (kv/rivet/rivet_engine_keys.h).

#ifndef ACTORKV_TESTS_SUPPORT_RIVET_ENGINE_WRITER_H_
#define ACTORKV_TESTS_SUPPORT_RIVET_ENGINE_WRITER_H_

#include <string>

#include "kv/rivet/rivet_engine_keys.h"

namespace actorkv {

// REQUIRES: an actor id of kRivetActorIdBytes.
inline std::string EncodeRivetEngineKey(const RivetEngineKey& key) {
  std::string bytes(RivetActorsPrefix());
  bytes += key.actor_id + "\x05\x01";
  for (const char c : key.key) {
    bytes.push_back(c);
    if (c == '\0') bytes.push_back('\xff');
  }
  bytes.append(2, '\0');  // end of the string, and of the tuple that it is in
  if (!key.piece.has_value()) return bytes + "\x15\x2c";
  bytes += "\x15\x04";
  std::string number;
  for (uint64_t value = *key.piece; value > 0; value >>= 8) {
    number.insert(number.begin(), static_cast<char>(value));
  }
  bytes.push_back(static_cast<char>(0x14 + number.size()));
  return bytes + number;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RIVET_ENGINE_WRITER_H_
