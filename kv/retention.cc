#include "kv/retention.h"

#include <charconv>

#include "kv/history_records.h"
#include "kv/keys.h"
#include "kv/page_cache.h"
#include "kv/page_memory.h"
#include "kv/rocksdb_engine.h"
#include "kv/store.h"

namespace actorkv {

namespace {

// A hundred years: times stay far from where they would overflow.
constexpr uint64_t kMaxRetentionMs = uint64_t{36'525} * 86'400'000;
constexpr uint64_t kMaxQuotaBytes = uint64_t{1} << 62;

struct Unit {
  std::string_view name;  // of several; of one it has no s
  uint64_t ms;
};

// Largest first.
constexpr Unit kUnits[] = {
    {"weeks", 7 * uint64_t{86'400'000}},
    {"days", 86'400'000},
    {"hours", 3'600'000},
    {"minutes", 60'000},
    {"seconds", 1000},
    {"ms", 1},
};

Status BadDuration(const std::string& text) {
  return Status::InvalidArgument(
      "not a duration: " + text +
      ": write a number and weeks, days, hours, minutes, seconds or ms, as in "
      "'7 days'; at most 100 years");
}

bool IsUnit(std::string_view text, const Unit& unit) {
  return text == unit.name ||
         (unit.name.back() == 's' && unit.ms > 1 &&
          text == unit.name.substr(0, unit.name.size() - 1));
}

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
    settings->*AllSettings()[i].member = record.value;
  }
  return Status::Ok();
}

// Of the page cache's capacity: memory that is kept without a page in it.
constexpr size_t kShareOfSpares = 8;

// What is cached below it, and kept for it, goes along.
void SetCacheCapacity(const Settings& settings) {
  const size_t bytes = settings.cache_bytes == 0
                           ? PageCache::DefaultCapacity()
                           : static_cast<size_t>(settings.cache_bytes);
  PageCache::Instance()->SetCapacity(bytes);
  LimitRocksDbCaches(bytes);
  KeepSpareMemory(bytes / kShareOfSpares);
}

}  // namespace

// A store that says nothing leaves it as others set it.
void ApplySettings(const Settings& settings) {
  if (settings.cache_bytes != 0) SetCacheCapacity(settings);
}

const std::array<SettingInfo, kSettingCount>& AllSettings() {
  // A constant: the thread that serves stores reads it until the process ends,
  // when what has a destructor may be gone.
  static constexpr std::array<SettingInfo, kSettingCount> kSettings = {{
      {"cache_bytes", "bytes", &Settings::cache_bytes, kMaxQuotaBytes,
       /*of_store=*/true},
      {"quota_hard_bytes", "bytes", &Settings::quota_hard_bytes, kMaxQuotaBytes,
       /*of_store=*/false},
      {"quota_soft_bytes", "bytes", &Settings::quota_soft_bytes, kMaxQuotaBytes,
       /*of_store=*/false},
      {"reclaim_interval_ms", "ms", &Settings::reclaim_interval_ms,
       kMaxRetentionMs, /*of_store=*/true},
      {"retention_ms", "ms", &Settings::retention_ms, kMaxRetentionMs,
       /*of_store=*/false},
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

Status ParseDuration(const std::string& text, uint64_t* duration_ms) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return BadDuration(text);
  std::string_view unit_name(rest, static_cast<size_t>(end - rest));
  while (!unit_name.empty() && unit_name.front() == ' ') {
    unit_name.remove_prefix(1);
  }
  if (unit_name.empty() && rest == end) unit_name = "ms";
  for (const Unit& unit : kUnits) {
    if (!IsUnit(unit_name, unit)) continue;
    if (number > kMaxRetentionMs / unit.ms) break;
    *duration_ms = number * unit.ms;
    return Status::Ok();
  }
  return BadDuration(text);
}

std::string DurationText(uint64_t duration_ms) {
  for (const Unit& unit : kUnits) {
    if (duration_ms < unit.ms || duration_ms % unit.ms != 0) continue;
    // Hours up to two days, as people say it.
    if (unit.ms >= 86'400'000 && duration_ms < 2 * unit.ms) continue;
    const uint64_t number = duration_ms / unit.ms;
    std::string name(unit.name);
    if (number == 1 && unit.ms > 1) name.pop_back();
    return std::to_string(number) + " " + name;
  }
  return "0";
}

Status LoadSettings(EngineReader* reader, ActorId actor, Settings* settings) {
  Settings loaded;
  if (Status s = LoadFrom(reader, CatalogPartition(), &loaded); !s.ok()) {
    return s;
  }
  if (actor != ActorId{}) {
    if (Status s = LoadFrom(reader, ActorPartition(actor), &loaded); !s.ok()) {
      return s;
    }
  }
  *settings = loaded;
  return Status::Ok();
}

Status SettingsCache::Get(Store* store, ActorId actor, Settings* settings) {
  uint64_t change_count = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = actors_.find(actor);
    if (found != actors_.end()) {
      *settings = found->second;
      return Status::Ok();
    }
    change_count = change_count_;
  }
  Settings loaded;
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  if (Status s = LoadSettings(reader.get(), actor, &loaded); !s.ok()) return s;
  std::lock_guard<std::mutex> lock(mutex_);
  if (change_count == change_count_ && !store->read_only()) {
    if (actors_.size() >= kMaxActors) actors_.clear();
    actors_[actor] = loaded;
  }
  *settings = loaded;
  return Status::Ok();
}

Status SettingsCache::Set(Store* store, ActorId actor, const SettingInfo& info,
                          uint64_t value, uint64_t* previous) {
  Settings before;
  Status s = SetAll(store, actor, {{&info, value}}, &before);
  if (s.ok()) *previous = before.*info.member;
  return s;
}

Status SettingsCache::SetAll(Store* store, ActorId actor,
                             const std::vector<Change>& changes,
                             Settings* previous) {
  Settings before;
  if (Status s = Get(store, actor, &before); !s.ok()) return s;
  Settings after = before;
  Batch batch;
  for (const auto& [info, value] : changes) {
    if (value > info->max) {
      return Status::InvalidArgument(std::string(info->name) + " is " +
                                     std::to_string(value) + ", the limit is " +
                                     std::to_string(info->max));
    }
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
  const Gate::Hold hold = store->KeepHistory();
  const CommitResult result = store->Commit(batch, Durability::kSynced);
  std::lock_guard<std::mutex> lock(mutex_);
  // Also where the outcome is not known.
  ++change_count_;
  actors_.clear();
  if (!result.done()) return result.status;
  for (const Change& change : changes) {
    if (change.info->member == &Settings::cache_bytes) SetCacheCapacity(after);
  }
  *previous = before;
  return Status::Ok();
}

}  // namespace actorkv
