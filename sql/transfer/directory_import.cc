#include "sql/transfer/directory_import.h"

#include <utility>
#include <vector>

#include "kv/process/engines.h"
#include "kv/rivet/actor_files.h"
#include "kv/rivet/archive_reader.h"
#include "kv/rivet/container.h"
#include "kv/store/actor_name.h"
#include "sql/bind/target.h"
#include "sql/transfer/driver_import.h"
#include "sql/transfer/import_one.h"
#include "sql/transfer/import_pairs.h"

namespace actorkv {

namespace {

class ArchiveImport : public DirectoryImport {
 public:
  ArchiveImport(Connection* connection, std::shared_ptr<Store> store,
                std::unique_ptr<ArchiveReader> archive)
      : connection_(connection),
        store_(std::move(store)),
        archive_(std::move(archive)) {}

  Status Next(Outcome* outcome, bool* more) override {
    *more = next_ < archive_->actor_ids().size();
    if (!*more) return Status::Ok();
    outcome->name = archive_->actor_ids()[next_++];
    outcome->status = Import(outcome->name, &outcome->imported);
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
    // The form says where the pairs came from, which actorkv_dump() shows as
    // long as the record is there.
    spec.form = LegacyForm::kArchive;
    // The metadata goes with the actor, so that an export into an archive gives
    // them back.
    spec.metadata_json = ToJson(actor.metadata);
    spec.keep_on = [this] { return connection_->KeepOn(); };
    if (actor.sqlite_bin_path.empty()) {
      return ImportLegacy(store_, spec, pairs.get(), imported);
    }
    // Both come with one commit: an actor that has its database and not its
    // pairs, or the other way round, would look whole.
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

  Status Next(Outcome* outcome, bool* more) override {
    // An engine is walked by the last id: it may have more actors than a list
    // could hold.
    if (!pairs_done_) {
      if (Status s = engine_->NextActor(id_, &id_, more); !s.ok()) return s;
      if (*more) {
        outcome->name = id_;
        outcome->status = Import(&outcome->imported);
        return Status::Ok();
      }
      pairs_done_ = true;
    }
    return NextWithoutPairs(outcome, more);
  }

 private:
  // Actors that never had pairs are told of as well: whoever takes the rows for
  // all there was would lose them.
  Status NextWithoutPairs(Outcome* outcome, bool* more) {
    bool has_pairs = true;
    while (has_pairs) {
      if (Status s = engine_->NextDepotActor(&depot_, more);
          !s.ok() || !*more) {
        return s;
      }
      if (Status s = engine_->HasPairs(depot_.id, &has_pairs); !s.ok()) {
        return s;
      }
    }
    outcome->name = depot_.id;
    outcome->status = InDepot(depot_.id);
    return Status::Ok();
  }

  static Status InDepot(const std::string& id) {
    return Status::InvalidArgument(
        "its database is in the engine's depot, where Rivet 2.3 and later keep "
        "it, and pairs of it are older than that: with the engine stopped, and "
        "on a copy of its directory, rivet-engine depot doctor --actor-id " +
        id + " --artifact-dir DIR, then SELECT actorkv_import('" + id +
        "', 'DIR/current-depot-resolved.sqlite')");
  }

  Status Import(ImportedActor* imported) {
    bool in_depot = false;
    if (Status s = engine_->IsInDepot(id_, &in_depot); !s.ok()) return s;
    if (in_depot) return InDepot(id_);
    std::unique_ptr<PairSource> pairs;
    if (Status s = engine_->OpenPairs(id_, &pairs); !s.ok()) return s;
    ImportSpec spec;
    spec.name = id_;
    spec.form = LegacyForm::kRivetDatabase;
    spec.keep_on = [this] { return connection_->KeepOn(); };
    return ImportLegacy(store_, spec, pairs.get(), imported);
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const std::unique_ptr<RivetEngine> engine_;
  std::string id_;
  bool pairs_done_ = false;
  DepotActor depot_;
};

class FilesImport : public DirectoryImport {
 public:
  FilesImport(Connection* connection, std::shared_ptr<Store> store,
              std::string directory, std::vector<DirectoryEntry> entries)
      : connection_(connection),
        store_(std::move(store)),
        directory_(std::move(directory)),
        entries_(std::move(entries)) {}

  Status Next(Outcome* outcome, bool* more) override {
    *more = next_ < entries_.size();
    if (!*more) return Status::Ok();
    const DirectoryEntry& entry = entries_[next_++];
    outcome->skipped = entry.actor.empty();
    outcome->name = outcome->skipped ? entry.file_name : entry.actor;
    outcome->status = outcome->skipped ? Status::InvalidArgument(entry.why_not)
                                       : Import(entry, &outcome->imported);
    return Status::Ok();
  }

 private:
  Status Import(const DirectoryEntry& entry, ImportedActor* imported) {
    // A name that no actor can have fails before its file is read.
    if (Status s = CheckActorName(entry.actor); !s.ok()) return s;
    const auto target = [&](Target* found) {
      *found = {store_, entry.actor};
      return Status::Ok();
    };
    // The name says which actor it is, and the content what it is: a file may
    // be called .db and hold JSON lines.
    return ImportOne(connection_, target, directory_ + "/" + entry.file_name,
                     FileOptions{}, imported);
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const std::string directory_;
  const std::vector<DirectoryEntry> entries_;
  size_t next_ = 0;
};

// Checks that the engine has actors, so that a database that has nothing to do
// with Rivet is not taken for an engine without any.
Status CheckHasActors(RivetEngine* engine, const std::string& path) {
  std::string id;
  DepotActor depot;
  bool more = false;
  if (Status s = engine->NextActor("", &id, &more); !s.ok()) return s;
  if (more) return Status::Ok();
  if (Status s = engine->NextDepotActor(&depot, &more); !s.ok()) return s;
  if (more) return Status::Ok();
  return Status::InvalidArgument(
      "a database without any actor of Rivet's engine, neither pairs nor one "
      "in its depot: " +
      path);
}

Status NoDirectoryOfActors(ContainerForm form, const std::string& path) {
  const std::string what =
      "not a directory of actors but " + std::string(FormName(form)) + ": ";
  if (form == ContainerForm::kActorkvStore) {
    return Status::InvalidArgument(what + StoreAdvice(path));
  }
  if (form == ContainerForm::kEmptyDirectory ||
      form == ContainerForm::kOtherDirectory) {
    return Status::InvalidArgument(
        what +
        "that is an archive, the directory of Rivet's engine, the store of "
        "RivetKit's file-system driver, or has files called NAME.db, "
        "NAME.jsonl or NAME.kv.bin: " +
        path);
  }
  return Status::InvalidArgument(
      what + "one actor is imported by actorkv_import(actor, path): " + path);
}

}  // namespace

Status DirectoryImport::Open(Connection* connection,
                             std::shared_ptr<Store> store,
                             const std::string& path,
                             std::unique_ptr<DirectoryImport>* import) {
  Container container;
  if (Status s = RecogniseContainer(path, &container); !s.ok()) return s;
  // Each form has a class that gives one actor after the other, so that a
  // directory never lies in memory as a whole.
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
    if (Status s = CheckHasActors(engine.get(), path); !s.ok()) return s;
    *import = std::make_unique<EngineImport>(connection, std::move(store),
                                             std::move(engine));
    return Status::Ok();
  }
  if (container.form == ContainerForm::kDriverStore) {
    return OpenDriverImport(connection, std::move(store), path, import);
  }
  if (container.form == ContainerForm::kActorFiles) {
    std::vector<DirectoryEntry> entries;
    if (Status s = ListActorFiles(path, &entries); !s.ok()) return s;
    *import = std::make_unique<FilesImport>(connection, std::move(store), path,
                                            std::move(entries));
    return Status::Ok();
  }
  return NoDirectoryOfActors(container.form, path);
}

}  // namespace actorkv
