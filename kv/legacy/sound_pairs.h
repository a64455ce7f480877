// SoundPairs: the legacy pairs of an actor but those that cannot be read. A
// damaged pair is as one that is not there, so that what is left can be saved.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_LEGACY_SOUND_PAIRS_H_
#define ACTORKV_KV_LEGACY_SOUND_PAIRS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/legacy/pair_window.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

class SoundPairs : public PairReader {
 public:
  SoundPairs(Engine* engine, LegacyId legacy);

  // Errors: those of the engine but kCorruption.
  Status Get(std::string_view key, std::optional<std::string>* value) override;

  // Where the engine itself cannot read on, this goes from number to number at
  // the end of the key, as chunks have one. Errors: those of the engine;
  // kCorruption where that did not help for kMaxSteps keys.
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override;

 private:
  // A block of the engine's files has fewer chunks.
  static constexpr int kMaxSteps = 1000;

  Status SeekStored(const std::string& key, bool* found,
                    std::string_view* found_key, std::string_view* value);

  const LegacyId legacy_;
  const std::unique_ptr<EngineReader> reader_;
  PairWindow window_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_SOUND_PAIRS_H_
