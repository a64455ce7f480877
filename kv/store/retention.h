// Settings of a store and of its actors: how long history is kept, and how
// large a database may grow. What an actor does not say, the store says; what
// neither says is as in Settings.
//
// Thread-safe. A change takes the history gate, and after its commit the mutex.

#ifndef ACTORKV_KV_STORE_RETENTION_H_
#define ACTORKV_KV_STORE_RETENTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/duration.h"
#include "kv/base/pair_sizes.h"
#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/store/commit_runs.h"
#include "kv/store/history_gate.h"

namespace actorkv {

class StoreSide;

struct Settings {
  // Every commit can be restored this long after another one replaced it. 0:
  // what readers, restore points and forks need is all that is kept.
  uint64_t retention_ms = uint64_t{24} * 3600 * 1000;
  // Of page_count * page_size; 0: no limit. A commit that grows a database
  // past the soft one is a warning in actorkv_info, past the hard one it fails.
  uint64_t quota_soft_bytes = 0;
  uint64_t quota_hard_bytes = 0;
  // Of the store alone: how long reclaim in the background rests after a pass
  // (kv/reclaim/background_reclaim.h). 0: nothing is removed but on call.
  uint64_t reclaim_interval_ms = 60'000;
  // Of the page cache, which is one for all stores of the process: what was
  // set, or opened, last counts. 0: as PageCache::DefaultCapacity().
  uint64_t cache_bytes = 0;
  // Of the store alone, for imports of pairs: a pair above one of the first two
  // is refused, and the whole import with it; where the last is 1 it is kept,
  // and counted (kv/legacy/legacy_import.h).
  uint64_t max_pair_key_bytes = kMaxPairKeyBytes;
  uint64_t max_pair_value_bytes = kMaxPairValueBytes;
  uint64_t keep_oversized_pairs = 0;
  // Of the store alone: whether the process that owns it serves others. Read
  // when it is opened.
  uint64_t share = 1;
  // Of the store alone: how long the owner keeps what another process reads
  // that is stopped. 0: as long as that process lives.
  uint64_t session_pin_ms = 3'600'000;
};

struct SettingInfo {
  const char* name;
  const char* unit;
  uint64_t Settings::*member;
  uint64_t max;
  bool of_store;  // an actor has none of its own
};

constexpr size_t kSettingCount = 10;

// Gives the process what the settings of a store say of it. `engine`: the
// store's.
void ApplySettings(const Settings& settings, Engine* engine);

// All that there are, by name.
const std::array<SettingInfo, kSettingCount>& AllSettings();

// Errors: kInvalidArgument, with the names that there are.
Status FindSetting(const std::string& name, const SettingInfo** info);

// Reads them from the store. `actor`: 0 for those of the store itself.
Status LoadSettings(EngineReader* reader, ActorId actor, Settings* settings);

// The settings of this process's actors, so that a commit need not read them.
class SettingsCache {
 public:
  // What it needs of its store: `commit` is Store::Commit(). `read_only`:
  // nothing is kept, as another process may change what is read. `side`: where
  // another process owns the store, which says when that is so; null otherwise.
  struct StoreParts {
    Engine* engine;
    const StoreSide* side;
    bool read_only;
    CommitFunction commit;
    HistoryGate* history_gate;
  };
  explicit SettingsCache(StoreParts store);
  SettingsCache(const SettingsCache&) = delete;
  SettingsCache& operator=(const SettingsCache&) = delete;

  Status Get(ActorId actor, Settings* settings);

  // From now on `changed` is called after each change, before its caller hears
  // that it is done, and under the mutex: so that other processes see that
  // what they read before may be old. Null: no more. By the owner of the store.
  void Share(std::function<void()> changed);

  // Changes one, durably. `actor` as above. *previous: what counted before.
  // Errors: kInvalidArgument for a value past the limit, and for an actor where
  // the setting is the store's.
  Status Set(ActorId actor, const SettingInfo& info, uint64_t value,
             uint64_t* previous);

  // The same of several, all or none. *previous: all that counted before.
  struct Change {
    const SettingInfo* info = nullptr;
    uint64_t value = 0;
  };
  Status SetAll(ActorId actor, const std::vector<Change>& changes,
                Settings* previous);

 private:
  static constexpr size_t kMaxActors = 4096;

  void ForgetOldLocked();

  const StoreParts store_;

  std::mutex mutex_;
  uint64_t change_count_ = 0;
  uint64_t seq_ = 0;  // StoreSide::settings_seq(), at which they were right
  std::map<ActorId, Settings> actors_;
  std::function<void()> changed_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_RETENTION_H_
