#include "sql/transfer/import_pairs.h"

#include <utility>

#include "kv/format/database_header.h"
#include "kv/legacy/image_pairs.h"
#include "kv/legacy/legacy_store.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/rivet_v2.h"
#include "sql/bind/target.h"
#include "vfs/legacy/legacy_recovery.h"
#include "vfs/migrate/image_commit.h"

namespace actorkv {

namespace {

// Returns how many pages the database has by the metadata of its main file.
// Trouble with them is the migration's to report.
uint64_t PageCountOf(Engine* engine, LegacyId legacy) {
  LegacyPairs stored(engine, legacy);
  LayoutOneView pairs(&stored);
  LegacyFile main(&pairs, LegacyTag::kMain);
  if (!main.Open().ok() || main.size_bytes() == 0) return 0;
  char header[kHeaderBytes] = {};
  size_t copied = 0;
  if (!main.Read(0, sizeof header, header, &copied).ok()) return 0;
  const uint32_t page_size =
      ParseHeader(std::string_view(header, copied)).page_size;
  return page_size == 0 ? 0 : main.size_bytes() / page_size;
}

// SomePairs is the pairs of a dump, and fails when there are none: a file that
// was cut to nothing must not become an actor that has nothing.
class SomePairs : public PairSource {
 public:
  SomePairs(const std::string& path, PairSource* pairs)
      : path_(path), pairs_(pairs) {}

  Status Next(KeyValue* pair, bool* more) override {
    if (Status s = pairs_->Next(pair, more); !s.ok()) return s;
    if (!*more && !any_) {
      return Status::InvalidArgument(
          "there is no pair in it, and the dump of an actor has at least "
          "one: " +
          path_);
    }
    any_ = true;
    return Status::Ok();
  }

  std::string Place() const override { return pairs_->Place(); }

 private:
  const std::string& path_;
  PairSource* const pairs_;
  bool any_ = false;
};

}  // namespace

Status ImportLegacy(const std::shared_ptr<Store>& store, const ImportSpec& spec,
                    PairSource* source, ImportedActor* imported) {
  LegacyRecord record;
  if (Status s = ImportPairs(store, spec, source, &record); !s.ok()) return s;
  // The actor is there as it came. That it becomes a database is another call,
  // which can be undone.
  imported->state = LegacyState::kLegacy;
  imported->form = LegacyFormName(record.form);
  imported->bytes = record.bytes;
  imported->page_count =
      record.opaque()
          ? 0
          : PageCountOf(Target{store, spec.name}.engine(), record.legacy);
  return Status::Ok();
}

namespace {

// DatabaseImport: pairs with a database beside them.
struct DatabaseImport {
  const std::shared_ptr<Store>& store;
  const ImportSpec& spec;
  PairSource* source;
  const std::string& sqlite_bin;
  WorkMeter* work;
};

Status Bring(const DatabaseImport& given, ImportedActor* imported) {
  const auto& [store, spec, source, sqlite_bin, work] = given;
  std::unique_ptr<RivetV2Database> database;
  if (Status s = RivetV2Database::Open(sqlite_bin, &database); !s.ok()) {
    return s;
  }
  ImagePairs pages({database->page_size(), database->page_count(),
                    [&](PageNo pgno, char* buffer) {
                      std::string page;
                      Status s = database->ReadPage(pgno, &page);
                      if (s.ok()) page.copy(buffer, page.size());
                      return s;
                    }});
  const uint64_t size_bytes =
      uint64_t{database->page_count()} * database->page_size();
  work->Enter("recover", size_bytes);
  RecoveryOptions options;
  options.keep_on = spec.keep_on;
  options.work = work;
  std::unique_ptr<RecoveredImage> image;
  // The pages are shown as pairs of layout 1, so that the same recovery checks
  // them as checks a database in pairs.
  if (Status s = Recover(&pages, options, &image); !s.ok()) {
    return s.WithContext(sqlite_bin);
  }
  LegacyImport import(store);
  import.ShowIn(work);
  // The pairs are stored first and belong to nobody; the commit of the database
  // makes them the actor's.
  if (Status s = import.ReadAll(spec, source); !s.ok()) return s;
  ImageCommit commit;
  commit.store = store;
  commit.name = spec.name;
  commit.pages = PagesOf(image.get());
  commit.origin = Origin::kImport;
  commit.keep_on = spec.keep_on;
  commit.work = work;
  commit.copied = [&given] {
    given.work->Enter("commit");
    return Status::Ok();
  };
  commit.also = [&](const HeadState& made, Batch* batch) {
    import.AddTo(made, batch);
  };
  Status committed = CommitImage(commit);
  // A commit that failed may have been made even so, and then the pairs are the
  // actor's.
  import.Detach();
  if (!committed.ok()) return committed;
  imported->state = LegacyState::kLive;
  imported->form = LegacyFormName(import.record()->form);
  imported->bytes = import.record()->bytes + image->size_bytes();
  imported->page_count = image->page_count();
  return Status::Ok();
}

}  // namespace

Status ImportWithDatabase(const std::shared_ptr<Store>& store,
                          const ImportSpec& spec, PairSource* source,
                          const std::string& sqlite_bin,
                          ImportedActor* imported) {
  WorkMeter work = Target{store, spec.name}.BeginWork(WorkKind::kImport);
  return work.Ended(Bring({store, spec, source, sqlite_bin, &work}, imported));
}

Status ImportDump(Connection* connection, const FindTarget& find_target,
                  const DumpFile& dump, ImportedActor* imported) {
  std::unique_ptr<PairSource> pairs;
  // The dump is opened before the target, so that a bad path makes no store.
  if (Status s = OpenDump(dump.path, &pairs); !s.ok()) return s;
  Target target;
  if (Status s = find_target(&target); !s.ok()) return s;
  ImportSpec spec;
  spec.name = target.actor;
  spec.form = dump.form == ContainerForm::kKvBin ? LegacyForm::kKvBin
                                                 : LegacyForm::kJsonLines;
  spec.opaque = dump.opaque;
  spec.keep_on = [connection] { return connection->KeepOn(); };
  SomePairs some(dump.path, pairs.get());
  return ImportLegacy(target.store, spec, &some, imported);
}

}  // namespace actorkv
