#include "sql/salvage/open_salvage.h"

#include <cstring>
#include <utility>

#include "kv/history/history.h"
#include "kv/pages/branch_reader.h"
#include "sql/bind/target.h"
#include "sql/history/version.h"
#include "sql/salvage/legacy_pages.h"

namespace actorkv {

namespace {

class VersionPages : public SalvagePages {
 public:
  VersionPages(const SalvageSource& source, std::function<Status()> keep_on)
      : store_(source.store),
        version_(source.version),
        pin_(source.pin),
        keep_on_(std::move(keep_on)),
        reader_(Target{store_, {}}.engine()) {
    reader_.SetSnapshot(version_->head.snapshot, version_->lineage);
  }

  uint32_t page_size() const override { return reader_.snapshot().page_size; }
  PageNo page_count() const override { return reader_.snapshot().page_count; }

  Status Read(PageNo pgno, char* page, bool* sound) override {
    Status s = reader_.ReadPage(pgno, page);
    *sound = s.ok();
    if (s.code() != Code::kCorruption) return s;
    std::memset(page, 0, page_size());
    // Pages of an expired version can look damaged, so that it has expired
    // counts for more.
    return CheckNotExpired(store_.get(), *version_, &epoch_);
  }

  Status KeepOn() override {
    if (Status s = CheckNotExpired(store_.get(), *version_, &epoch_); !s.ok()) {
      return s;
    }
    return keep_on_();
  }

 private:
  const std::shared_ptr<Store> store_;
  const std::shared_ptr<const HeadState> version_;
  const std::shared_ptr<const Pin> pin_;  // released before the store goes
  const std::function<Status()> keep_on_;
  uint64_t epoch_ = 0;
  BranchReader reader_;
};

// Finds what there is of the actor at the point.
Status FindSource(const Target& target, const std::string& point,
                  SalvageSource* source) {
  std::shared_ptr<const HeadState> state;
  const std::unique_ptr<EngineReader> reader = target.engine()->NewReader();
  if (Status s = LoadHeadState(reader.get(), target.actor, &state); !s.ok()) {
    return s;
  }
  source->store = target.store;
  source->version = state;
  if (state->is_legacy && point == "head") {
    LegacyActor legacy;
    if (Status s = LoadLegacy(reader.get(), target.actor, &legacy); !s.ok()) {
      return s;
    }
    source->legacy = std::move(legacy);
    return Status::Ok();
  }
  VersionSource version;
  if (Status s = FindVersion(target, point, &version); !s.ok()) return s;
  source->version = version.version;
  source->pin = version.pin;
  return Status::Ok();
}

}  // namespace

Status OpenSalvagePages(const SalvageSource& source,
                        std::function<Status()> keep_on,
                        std::unique_ptr<SalvagePages>* pages) {
  if (!source.legacy.has_value() || source.version->exists) {
    *pages = std::make_unique<VersionPages>(source, std::move(keep_on));
    return Status::Ok();
  }
  auto made = std::make_unique<LegacyPages>(
      source.store, source.legacy->record.legacy, std::move(keep_on));
  if (Status s = made->Open(); !s.ok()) return s;
  *pages = std::move(made);
  return Status::Ok();
}

Status OpenSalvagePages(Connection* connection, const std::string& argument,
                        const std::string& point,
                        std::unique_ptr<SalvagePages>* pages) {
  Target target;
  SalvageSource source;
  if (Status s = ResolveTarget(connection, argument, StoreUse::kRead, &target);
      !s.ok()) {
    return s;
  }
  if (Status s = FindSource(target, point, &source); !s.ok()) return s;
  return OpenSalvagePages(
             source, [connection] { return connection->KeepOn(); }, pages)
      .WithContext("actor=" + target.actor);
}

}  // namespace actorkv
