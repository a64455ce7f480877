#include "sql/transfer/driver_import.h"

#include <optional>
#include <utility>
#include <vector>

#include "kv/rivet/driver_store.h"
#include "sql/bind/target.h"
#include "sql/transfer/import_one.h"
#include "sql/transfer/import_pairs.h"

namespace actorkv {

namespace {

class DriverImport : public DirectoryImport {
 public:
  DriverImport(Connection* connection, std::shared_ptr<Store> store,
               const std::string& path)
      : connection_(connection), store_(std::move(store)), driver_(path) {}

  Status Open() { return driver_.List(&actors_); }

  Status Next(Outcome* outcome, bool* more) override {
    *more = next_ < actors_.size();
    if (!*more) return Status::Ok();
    const DriverActor& actor = actors_[next_++];
    outcome->name = actor.id;
    outcome->status = Import(actor, &outcome->imported);
    return Status::Ok();
  }

 private:
  Status Import(const DriverActor& actor, ImportedActor* imported) {
    DriverState state;
    FileOptions options;
    if (actor.has_state) {
      if (Status s = driver_.ReadState(actor.id, &state); !s.ok()) return s;
      options.metadata_json = ToJson(DriverMetadata(state));
    } else {
      // A name is no reason to leave an actor behind.
      options.notes.emplace_back(
          "state/" + actor.id +
          " is missing, which would have its name and key");
    }
    if (Status s = AddAlarm(actor.id, &options); !s.ok()) return s;
    if (state.pair_count == 0) return ImportDatabase(actor, options, imported);
    return ImportState(actor, options, imported);
  }

  // The alarm is no pair, and no database has it.
  Status AddAlarm(const std::string& id, FileOptions* options) {
    std::optional<uint64_t> at_ms;
    if (Status s = driver_.ReadAlarm(id, &at_ms); !s.ok()) return s;
    if (at_ms.has_value()) {
      options->notes.push_back("alarms/" + id + " says to wake it at_ms=" +
                               std::to_string(*at_ms) + ", which no pair says");
    }
    return Status::Ok();
  }

  // Pairs of a RivetKit that has them in the database, 2.1.3 to 2.2.1.
  Status ImportDatabase(const DriverActor& actor, const FileOptions& options,
                        ImportedActor* imported) {
    if (!actor.has_database) {
      return Status::InvalidArgument("databases/" + actor.id +
                                     ".db is missing, which has its pairs");
    }
    const auto target = [&](Target* found) {
      *found = {store_, actor.id};
      return Status::Ok();
    };
    return ImportOne(connection_, target, driver_.DatabasePath(actor.id),
                     options, imported);
  }

  // Pairs of 2.0, in the state file. A later RivetKit takes them into table kv
  // at its start, and drops them here with its next write: those of kv count.
  Status ImportState(const DriverActor& actor, const FileOptions& options,
                     ImportedActor* imported) {
    KvFileContent content = KvFileContent::kNothing;
    if (actor.has_database) {
      if (Status s = LookAtKvFile(connection_, driver_.DatabasePath(actor.id),
                                  &content);
          !s.ok()) {
        return s;
      }
    }
    if (content == KvFileContent::kPairs) {
      return ImportDatabase(actor, options, imported);
    }
    if (content == KvFileContent::kTables) {
      return Status::InvalidArgument(
          "it has pairs in state/" + actor.id +
          ", and tables of its own in databases/" + actor.id +
          ".db, which no actor of a later RivetKit has: import the file with "
          "actorkv_import(actor, path), and the pairs from a copy of the "
          "directory without it");
    }
    std::unique_ptr<PairSource> pairs;
    if (Status s = driver_.OpenStatePairs(actor.id, &pairs); !s.ok()) return s;
    ImportSpec spec;
    spec.name = actor.id;
    spec.form = LegacyForm::kDriverFile;
    spec.metadata_json = options.metadata_json;
    spec.notes = options.notes;
    spec.keep_on = [this] { return connection_->KeepOn(); };
    return ImportLegacy(store_, spec, pairs.get(), imported);
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const DriverStore driver_;
  std::vector<DriverActor> actors_;
  size_t next_ = 0;
};

}  // namespace

Status OpenDriverImport(Connection* connection, std::shared_ptr<Store> store,
                        const std::string& path,
                        std::unique_ptr<DirectoryImport>* import) {
  auto driver =
      std::make_unique<DriverImport>(connection, std::move(store), path);
  if (Status s = driver->Open(); !s.ok()) return s;
  *import = std::move(driver);
  return Status::Ok();
}

}  // namespace actorkv
