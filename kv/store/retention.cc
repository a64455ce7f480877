#include "kv/store/retention.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "kv/base/page_memory.h"
#include "kv/cache/page_cache.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/store/store_side.h"

namespace actorkv {

namespace {

constexpr uint64_t kMaxQuotaBytes = uint64_t{1} << 62;

// Sets what the partition has a record of.
Status LoadFrom(EngineReader* reader, Partition partition, Settings* settings) {
  std::vector<std::string> keys;
  for (const SettingInfo& info : AllSettings()) {
    keys.push_back(SettingKey(info.name));
  }
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(partition, {keys.begin(), keys.end()}, &values);
      !s.ok()) {
    return s;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].has_value()) continue;
    SettingRecord record;
    if (Status s = DecodeRecord(keys[i], *values[i], &record); !s.ok()) {
      return s.WithContext(AllSettings()[i].name);
    }
    // None is past its limit, unless somebody else wrote it.
    settings->*AllSettings()[i].member =
        std::min(record.value, AllSettings()[i].max);
  }
  return Status::Ok();
}

// Of the page cache's capacity: memory that is kept without a page in it.
constexpr size_t kShareOfSpares = 8;

// What is cached below it, and kept for it, goes along.
void SetCacheCapacity(const Settings& settings, Engine* engine) {
  PageCache* const cache = PageCache::Instance();
  if (settings.cache_bytes == 0) {
    cache->UseDefaultCapacity();
  } else {
    cache->SetCapacity(static_cast<size_t>(settings.cache_bytes));
  }
  const size_t bytes = cache->capacity_bytes();
  engine->LimitCaches(bytes);
  KeepSpareMemory(bytes / kShareOfSpares);
}

}  // namespace

// A store that says nothing leaves it as others set it.
void ApplySettings(const Settings& settings, Engine* engine) {
  if (settings.cache_bytes != 0) SetCacheCapacity(settings, engine);
}

const std::array<SettingInfo, kSettingCount>& AllSettings() {
  // A constant: the thread that serves stores reads it until the process ends,
  // when what has a destructor may be gone.
  static constexpr std::array<SettingInfo, kSettingCount> kSettings = {{
      {"cache_bytes", "bytes", &Settings::cache_bytes, kMaxQuotaBytes,
       /*of_store=*/true},
      {"keep_oversized_pairs", "0 or 1", &Settings::keep_oversized_pairs, 1,
       /*of_store=*/true},
      {"max_pair_key_bytes", "bytes", &Settings::max_pair_key_bytes,
       kMaxStoredKeyBytes, /*of_store=*/true},
      {"max_pair_value_bytes", "bytes", &Settings::max_pair_value_bytes,
       kMaxStoredValueBytes, /*of_store=*/true},
      {"quota_hard_bytes", "bytes", &Settings::quota_hard_bytes, kMaxQuotaBytes,
       /*of_store=*/false},
      {"quota_soft_bytes", "bytes", &Settings::quota_soft_bytes, kMaxQuotaBytes,
       /*of_store=*/false},
      {"reclaim_interval_ms", "ms", &Settings::reclaim_interval_ms,
       kMaxDurationMs, /*of_store=*/true},
      {"retention_ms", "ms", &Settings::retention_ms, kMaxDurationMs,
       /*of_store=*/false},
      {"session_pin_ms", "ms", &Settings::session_pin_ms, kMaxDurationMs,
       /*of_store=*/true},
      {"share", "0 or 1", &Settings::share, 1, /*of_store=*/true},
  }};
  return kSettings;
}

Status FindSetting(const std::string& name, const SettingInfo** info) {
  std::string names;
  for (const SettingInfo& setting : AllSettings()) {
    if (name == setting.name) {
      *info = &setting;
      return Status::Ok();
    }
    names += std::string(names.empty() ? "" : ", ") + setting.name;
  }
  return Status::InvalidArgument("no such setting: " + name +
                                 ": there are: " + names);
}

Status LoadSettings(EngineReader* reader, ActorId actor, Settings* settings) {
  Settings loaded;
  if (Status s = LoadFrom(reader, CatalogPartition(), &loaded); !s.ok()) {
    return s;
  }
  if (actor != ActorId{}) {
    // What an actor has of its own stands above what the store has.
    if (Status s = LoadFrom(reader, ActorPartition(actor), &loaded); !s.ok()) {
      return s;
    }
  }
  *settings = loaded;
  return Status::Ok();
}

SettingsCache::SettingsCache(StoreParts store) : store_(std::move(store)) {}

Status SettingsCache::Get(ActorId actor, Settings* settings) {
  uint64_t change_count = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ForgetOldLocked();
    const auto found = actors_.find(actor);
    if (found != actors_.end()) {
      *settings = found->second;
      return Status::Ok();
    }
    // Noted before the read: where a change ends in between, what was read may
    // be old and is not kept.
    change_count = change_count_;
  }
  Settings loaded;
  const std::unique_ptr<EngineReader> reader = store_.engine->NewReader();
  if (Status s = LoadSettings(reader.get(), actor, &loaded); !s.ok()) return s;
  std::lock_guard<std::mutex> lock(mutex_);
  if (change_count == change_count_ && !store_.read_only) {
    // All at once, as which of them is asked for next is not known; each costs
    // one read.
    if (actors_.size() >= kMaxActors) actors_.clear();
    actors_[actor] = loaded;
  }
  *settings = loaded;
  return Status::Ok();
}

void SettingsCache::ForgetOldLocked() {
  if (store_.side == nullptr) return;
  const uint64_t seq = store_.side->settings_seq();
  if (seq == seq_) return;
  seq_ = seq;
  ++change_count_;
  actors_.clear();
}

void SettingsCache::Share(std::function<void()> changed) {
  std::lock_guard<std::mutex> lock(mutex_);
  changed_ = std::move(changed);
}

Status SettingsCache::Set(ActorId actor, const SettingInfo& info,
                          uint64_t value, uint64_t* previous) {
  Settings before;
  Status s = SetAll(actor, {{&info, value}}, &before);
  if (s.ok()) *previous = before.*info.member;
  return s;
}

Status SettingsCache::SetAll(ActorId actor, const std::vector<Change>& changes,
                             Settings* previous) {
  Settings before;
  if (Status s = Get(actor, &before); !s.ok()) return s;
  Settings after = before;
  Batch batch;
  for (const auto& [info, value] : changes) {
    if (value > info->max) {
      return Status::InvalidArgument(std::string(info->name) + " is " +
                                     std::to_string(value) + ", the limit is " +
                                     std::to_string(info->max));
    }
    // It would be stored, and nobody would ever read it.
    if (info->of_store && actor != ActorId{}) {
      return Status::InvalidArgument(std::string(info->name) +
                                     " is a setting of the store");
    }
    const std::string key = SettingKey(info->name);
    batch.Put(actor == ActorId{} ? CatalogPartition() : ActorPartition(actor),
              key, EncodeRecord(key, SettingRecord{value}));
    after.*(info->member) = value;
  }
  // What reclaim has decided by the old values is decided anew.
  const Gate::Hold hold = store_.history_gate->Keep();
  const CommitResult result = store_.commit(batch, Durability::kSynced);
  std::lock_guard<std::mutex> lock(mutex_);
  // Also where the outcome is not known.
  ++change_count_;
  actors_.clear();
  if (changed_ != nullptr) changed_();
  if (!result.done()) return result.status;
  for (const Change& change : changes) {
    // After the commit: a capacity that is not stored would be gone with the
    // process, and nobody would know why.
    if (change.info->member == &Settings::cache_bytes) {
      SetCacheCapacity(after, store_.engine);
    }
  }
  *previous = before;
  return Status::Ok();
}

}  // namespace actorkv
