#include "sql/import_pairs.h"

#include <utility>

#include "kv/archive_reader.h"
#include "kv/layout_view.h"
#include "kv/legacy_file.h"
#include "kv/legacy_import.h"
#include "kv/legacy_store.h"
#include "kv/rivet_engine.h"
#include "kv/rivet_v2.h"
#include "kv/rivet_v2_pairs.h"
#include "sql/target.h"
#include "vfs/database_header.h"
#include "vfs/image_commit.h"
#include "vfs/legacy_recovery.h"

namespace actorkv {

namespace {

// What the metadata of the main file say. Trouble with them is the
// migration's to report.
uint64_t PageCountOf(Store* store, LegacyId legacy) {
  LegacyPairs stored(store->engine(), legacy);
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

Status ImportLegacy(const std::shared_ptr<Store>& store, const ImportSpec& spec,
                    PairSource* source, ImportedActor* imported) {
  LegacyRecord record;
  if (Status s = ImportPairs(store, spec, source, &record); !s.ok()) return s;
  imported->state = LegacyState::kLegacy;
  imported->bytes = record.bytes;
  imported->page_count = PageCountOf(store.get(), record.legacy);
  return Status::Ok();
}

// The pairs and the database in one commit.
Status ImportWithDatabase(const std::shared_ptr<Store>& store,
                          const ImportSpec& spec, PairSource* source,
                          const std::string& sqlite_bin,
                          ImportedActor* imported) {
  std::unique_ptr<RivetV2Database> database;
  if (Status s = RivetV2Database::Open(sqlite_bin, &database); !s.ok()) {
    return s;
  }
  RivetV2Pairs pages(database.get());
  RecoveryOptions options;
  options.keep_on = spec.keep_on;
  std::unique_ptr<RecoveredImage> image;
  if (Status s = Recover(&pages, options, &image); !s.ok()) {
    return s.WithContext(sqlite_bin);
  }
  LegacyImport import(store);
  if (Status s = import.ReadAll(spec, source); !s.ok()) return s;
  ImageCommit commit;
  commit.store = store;
  commit.name = spec.name;
  commit.pages = PagesOf(image.get());
  commit.origin = Origin::kImport;
  commit.keep_on = spec.keep_on;
  commit.also = [&](const HeadState& made, Batch* batch) {
    import.AddTo(made, batch);
  };
  Status committed = CommitImage(commit);
  import.Detach();
  if (!committed.ok()) return committed;
  imported->state = LegacyState::kLive;
  imported->bytes = import.record()->bytes + image->size_bytes();
  imported->page_count = image->page_count();
  return Status::Ok();
}

class ArchiveImport : public DirectoryImport {
 public:
  ArchiveImport(Connection* connection, std::shared_ptr<Store> store,
                std::unique_ptr<ArchiveReader> archive)
      : connection_(connection),
        store_(std::move(store)),
        archive_(std::move(archive)) {}

  Status Next(std::string* name, bool* more, ImportedActor* imported,
              Status* outcome) override {
    *more = next_ < archive_->actor_ids().size();
    if (!*more) return Status::Ok();
    *name = archive_->actor_ids()[next_++];
    *outcome = Import(*name, imported);
    return Status::Ok();
  }

 private:
  Status Import(const std::string& id, ImportedActor* imported) {
    ArchiveActor actor;
    std::unique_ptr<PairSource> pairs;
    if (Status s = archive_->ReadActor(id, &actor); !s.ok()) return s;
    if (Status s = OpenKvBin(actor.kv_bin_path, &pairs); !s.ok()) return s;
    ImportSpec spec;
    spec.name = id;
    spec.form = LegacyForm::kArchive;
    spec.metadata_json = ToJson(actor.metadata);
    spec.keep_on = [this] { return connection_->KeepOn(); };
    if (actor.sqlite_bin_path.empty()) {
      return ImportLegacy(store_, spec, pairs.get(), imported);
    }
    return ImportWithDatabase(store_, spec, pairs.get(), actor.sqlite_bin_path,
                              imported);
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const std::unique_ptr<ArchiveReader> archive_;
  size_t next_ = 0;
};

class EngineImport : public DirectoryImport {
 public:
  EngineImport(Connection* connection, std::shared_ptr<Store> store,
               std::unique_ptr<RivetEngine> engine)
      : connection_(connection),
        store_(std::move(store)),
        engine_(std::move(engine)) {}

  Status Next(std::string* name, bool* more, ImportedActor* imported,
              Status* outcome) override {
    if (Status s = engine_->NextActor(id_, &id_, more); !s.ok()) return s;
    if (!*more) return Status::Ok();
    *name = id_;
    *outcome = Import(imported);
    return Status::Ok();
  }

 private:
  Status Import(ImportedActor* imported) {
    std::unique_ptr<PairSource> pairs;
    if (Status s = engine_->OpenPairs(id_, &pairs); !s.ok()) return s;
    ImportSpec spec;
    spec.name = id_;
    spec.form = LegacyForm::kRocksDb;
    spec.keep_on = [this] { return connection_->KeepOn(); };
    return ImportLegacy(store_, spec, pairs.get(), imported);
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const std::unique_ptr<RivetEngine> engine_;
  std::string id_;
};

}  // namespace

Status ImportDump(Connection* connection, const std::string& actor,
                  const std::string& path, ContainerForm form,
                  ImportedActor* imported) {
  std::unique_ptr<PairSource> pairs;
  if (Status s = OpenDump(path, &pairs); !s.ok()) return s;
  Target target;
  if (Status s = ResolveTarget(connection, actor, StoreUse::kCreate, &target);
      !s.ok()) {
    return s;
  }
  ImportSpec spec;
  spec.name = target.actor;
  spec.form = form == ContainerForm::kKvBin ? LegacyForm::kKvBin
                                            : LegacyForm::kJsonLines;
  spec.keep_on = [connection] { return connection->KeepOn(); };
  return ImportLegacy(target.store, spec, pairs.get(), imported);
}

Status DirectoryImport::Open(Connection* connection,
                             std::shared_ptr<Store> store,
                             const std::string& path,
                             std::unique_ptr<DirectoryImport>* import) {
  Container container;
  if (Status s = RecogniseContainer(path, &container); !s.ok()) return s;
  if (container.form == ContainerForm::kArchive) {
    std::unique_ptr<ArchiveReader> archive;
    if (Status s = ArchiveReader::Open(path, &archive); !s.ok()) return s;
    *import = std::make_unique<ArchiveImport>(connection, std::move(store),
                                              std::move(archive));
    return Status::Ok();
  }
  if (container.form == ContainerForm::kRivetEngine) {
    std::unique_ptr<RivetEngine> engine;
    if (Status s = OpenRivetEngine(path, &engine); !s.ok()) return s;
    *import = std::make_unique<EngineImport>(connection, std::move(store),
                                             std::move(engine));
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "not a directory of actors but " + std::string(FormName(container.form)) +
      ": one actor is imported by actorkv_import(actor, path): " + path);
}

}  // namespace actorkv
