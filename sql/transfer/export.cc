#include "sql/transfer/export.h"

#include <sys/stat.h>

#include "kv/base/duration.h"
#include "kv/base/events.h"
#include "kv/base/utf8.h"
#include "kv/base/wall_clock.h"
#include "kv/files/file_target.h"
#include "kv/format/database_header.h"
#include "kv/history/history.h"
#include "kv/legacy/image_pairs.h"
#include "kv/rivet/archive_json.h"
#include "kv/rivet/archive_writer.h"
#include "kv/rivet/json_lines.h"
#include "kv/rivet/kv_bin.h"
#include "kv/rivet/pair_limits.h"
#include "sql/bind/store_times.h"
#include "sql/history/version.h"
#include "sql/migrate/legacy_tables.h"
#include "sql/salvage/open_salvage.h"
#include "vfs/legacy/legacy_image.h"
#include "vfs/legacy/table_removal.h"

namespace actorkv {

namespace {

// A head that expires before it is pinned is looked for so often.
constexpr int kAttempts = 100;

// A database that has no pages yet, and so no page size, is exported with this
// one.
constexpr uint32_t kBlankPageSize = 4096;

// Returns a function that says whether to go on, and whether what was read so
// far is of the version.
std::function<Status()> KeepOnOf(const Connection& connection,
                                 const ExportedActor& actor) {
  return [&connection, &actor]() -> Status {
    uint64_t never = 0;
    if (Status s =
            CheckNotExpired(actor.target.store.get(), *actor.state, &never);
        !s.ok()) {
      return s;
    }
    return connection.KeepOn();
  };
}

// Returns the size of the version's database; 0: it has none, or no pages.
uint64_t SizeOf(const HeadState& state) {
  if (!state.exists) return 0;
  const Snapshot& snapshot = state.head.snapshot;
  return uint64_t{snapshot.page_count} * snapshot.page_size;
}

// Returns the size of the actor as pairs, or about that: its tables may hold
// more than it came with, or less.
uint64_t PairBytesOf(const ExportedActor& actor) {
  const uint64_t database = SizeOf(*actor.state);
  if (!actor.legacy.has_value()) return database;
  const LegacyRecord& record = actor.legacy->record;
  if (record.opaque() || !actor.state->exists) return record.bytes;
  return database + record.bytes - record.sqlite_bytes;
}

// Checks that no -wal or -journal lies beside the file: SQLite would apply it
// to the new database. SQLite follows links before it looks for them, so this
// does too.
Status CheckNoSidecars(const ImageTarget& target) {
  FileTarget end;
  if (Status s = FindFileTarget(target.path, target.overwrite, &end); !s.ok()) {
    return s;
  }
  const std::string& path = end.path;
  struct stat file = {};
  for (const char* suffix : {"-wal", "-journal"}) {
    if (lstat((path + suffix).c_str(), &file) == 0) {
      return Status::AlreadyExists(
          "there is " + path + suffix +
          ", which SQLite would apply to the exported file: remove it first");
    }
  }
  return Status::Ok();
}

// Writes a database of no pages as a file that says that it is one: a file of
// no bytes could be what is left of anything, and import does not take it.
Status WriteBlank(uint32_t page_size, const ImageTarget& file,
                  uint64_t* bytes) {
  const std::string blank =
      BlankFirstPage(IsLegalPageSize(page_size) ? page_size : kBlankPageSize);
  const ImagePages pages = {static_cast<uint32_t>(blank.size()), 1,
                            [&](PageNo, char* page) {
                              blank.copy(page, blank.size());
                              return Status::Ok();
                            }};
  return WriteImage(
      pages, file, [] { return Status::Ok(); }, bytes);
}

Status WriteDatabase(const Connection& connection, const ExportedActor& actor,
                     const ImageTarget& target, uint64_t* bytes) {
  ImageTarget file = target;
  file.work = actor.work;
  if (Status s = CheckNoSidecars(file); !s.ok()) return s;
  const std::function<Status()> keep_on = KeepOnOf(connection, actor);
  if (actor.state->exists) {
    if (actor.state->head.snapshot.page_count == 0) {
      return WriteBlank(actor.state->head.snapshot.page_size, file, bytes);
    }
    EnterWork(actor.work, "write", SizeOf(*actor.state));
    return WriteImage(actor.target.engine(), *actor.state, file, keep_on,
                      bytes);
  }
  // A legacy actor is recovered as by an open of it: the export is the database
  // that a user would see.
  EnterWork(actor.work, "recover", actor.legacy->record.sqlite_bytes);
  RecoveryOptions options;
  options.keep_on = keep_on;
  options.work = actor.work;
  std::shared_ptr<RecoveredImage> image;
  if (Status s =
          RecoverActor(actor.target.store, *actor.legacy, options, &image);
      !s.ok()) {
    return s;
  }
  if (image->page_count() == 0) {
    return WriteBlank(image->page_size(), file, bytes);
  }
  const ImagePages pages = {
      image->page_size(), image->page_count(),
      [&](PageNo pgno, char* page) { return image->ReadPage(pgno, page); }};
  EnterWork(actor.work, "write", image->size_bytes());
  return WriteImage(pages, file, keep_on, bytes);
}

// Writes what there is of a database, live or legacy.
Status WriteSalvage(const Connection& connection, const ExportedActor& actor,
                    const ImageTarget& target, uint64_t* bytes) {
  ImageTarget file = target;
  file.work = actor.work;
  if (Status s = CheckNoSidecars(file); !s.ok()) return s;
  const std::function<Status()> keep_on = KeepOnOf(connection, actor);
  std::unique_ptr<SalvagePages> left;
  if (Status s = OpenSalvagePages(
          {actor.target.store, actor.state, actor.legacy, actor.pin}, keep_on,
          &left);
      !s.ok()) {
    return s;
  }
  if (left->page_count() == 0)
    return WriteBlank(left->page_size(), file, bytes);
  const ImagePages pages = {left->page_size(), left->page_count(),
                            [&](PageNo pgno, char* page) {
                              bool sound = false;
                              return left->Read(pgno, page, &sound);
                            }};
  EnterWork(actor.work, "write",
            uint64_t{left->page_count()} * left->page_size());
  return WriteImage(pages, file, keep_on, bytes);
}

Status OpenRows(const ExportedActor& actor,
                const std::function<Status()>& keep_on,
                std::unique_ptr<TablePairs>* rows) {
  if (!actor.state->exists) {
    return Status::InvalidArgument(
        "the actor is legacy, and has no tables: leave 'tables' or "
        "'rivet-tables' out");
  }
  const TablePairs::Actor source = {
      actor.target, actor.state,
      actor.legacy.has_value() ? &*actor.legacy : nullptr};
  return TablePairs::Open(source, actor.pairs_from, keep_on, rows);
}

// Writes the actor as pairs. The tables that a migration with 'tables' made of
// pairs are left out: Rivet must not get the pairs twice.
Status WritePairs(const Connection& connection, const ExportedActor& actor,
                  PairSink* sink, uint64_t* bytes) {
  const std::function<Status()> keep_on = KeepOnOf(connection, actor);
  PairExportSource source;
  source.engine = actor.target.engine();
  source.state = actor.state;
  source.legacy = actor.legacy;
  source.work = actor.work;
  EnterWork(actor.work, "write", PairBytesOf(actor));
  std::unique_ptr<TablePairs> rows;
  if (actor.pairs_from != PairsFrom::kStored) {
    if (Status s = OpenRows(actor, keep_on, &rows); !s.ok()) return s;
    source.others = rows->others();
    source.pages = rows->pages();
    source.no_database = !rows->has_database();
    return ExportPairs(source, keep_on, sink, bytes);
  }
  // A legacy actor gives its pairs as they came; one without pairs has none of
  // our tables, and opaque ones get nothing added.
  if (!actor.state->exists || !actor.legacy.has_value() ||
      actor.legacy->record.opaque()) {
    return ExportPairs(source, keep_on, sink, bytes);
  }
  ImagePairs database(VersionPages(source.engine, actor.state));
  RemainingDatabase remaining;
  if (Status s = RemoveTables(&database, PlacedTables(), keep_on, &remaining);
      !s.ok()) {
    return s;
  }
  if (remaining.image != nullptr) {
    RecoveredImage* const image = remaining.image.get();
    bool came = true;
    if (remaining.blank) {
      if (Status s = CameWithDatabase(source.engine, *actor.legacy, &came);
          !s.ok()) {
        return s;
      }
    }
    source.pages =
        ImagePages{image->page_size(), came ? image->page_count() : 0,
                   [image](PageNo pgno, char* page) {
                     return image->ReadPage(pgno, page);
                   }};
  }
  return ExportPairs(source, keep_on, sink, bytes);
}

// Finds what an archive says of the actor: what it said when the actor came, or
// what the store knows.
Status MetadataOf(const ExportedActor& actor, ActorMetadata* metadata) {
  if (actor.legacy.has_value() && !actor.legacy->record.metadata_json.empty()) {
    return ParseActorMetadata(actor.legacy->record.metadata_json, metadata);
  }
  // An actor that was made here has no id of Rivet's: its name stands for it.
  metadata->source_actor_id = actor.target.actor;
  metadata->name = actor.target.actor;
  const TimeMap times = TimesShown(actor.target.store.get());
  metadata->create_ts = static_cast<int64_t>(
      times.Wall(actor.state->entry.created_at_us) / kUsPerMs);
  return Status::Ok();
}

Status AddToArchive(const Connection& connection, const ExportedActor& actor,
                    const std::string& path, uint64_t* bytes) {
  ActorMetadata metadata;
  std::unique_ptr<ArchiveWriter> archive;
  std::unique_ptr<PairSink> sink;
  if (Status s = MetadataOf(actor, &metadata); !s.ok()) return s;
  if (Status s = ArchiveWriter::Open(path, &archive); !s.ok()) return s;
  if (Status s = archive->AddActor(metadata, &sink); !s.ok()) return s;
  if (Status s = WritePairs(connection, actor, sink.get(), bytes); !s.ok()) {
    return s;
  }
  return archive->Finish(static_cast<int64_t>(WallClockUs() / kUsPerMs));
}

}  // namespace

Status ParseExportForm(const std::string& text, ExportForm* form) {
  if (text == "db") {
    *form = ExportForm::kDatabase;
  } else if (text == "jsonl") {
    *form = ExportForm::kJsonLines;
  } else if (text == "kv.bin") {
    *form = ExportForm::kKvBin;
  } else if (text == "archive") {
    *form = ExportForm::kArchive;
  } else if (text == "salvage") {
    *form = ExportForm::kSalvage;
  } else {
    return Status::InvalidArgument("no form '" + text +
                                   "': it is 'db', 'jsonl', 'kv.bin', "
                                   "'archive' or 'salvage'");
  }
  return Status::Ok();
}

namespace {

Status LoadNewest(const Target& target, ExportedActor* actor) {
  actor->target = target;
  if (Status s = LoadPresent(target, &actor->state); !s.ok()) return s;
  LegacyActor legacy;
  const std::unique_ptr<EngineReader> reader = target.engine()->NewReader();
  Status loaded = LoadLegacy(reader.get(), target.actor, &legacy);
  if (loaded.code() == Code::kNotFound) return Status::Ok();
  if (!loaded.ok()) return loaded;
  // The head that was loaded with the legacy record counts, so that both are of
  // one moment.
  actor->state = legacy.head;
  actor->legacy = std::move(legacy);
  return Status::Ok();
}

}  // namespace

Status LoadForExport(const Target& target, const std::string& point,
                     ExportedActor* actor) {
  if (point != "head") {
    VersionSource source;
    if (Status s = LoadNewest(target, actor); !s.ok()) return s;
    if (Status s = FindVersion(target, point, &source); !s.ok()) return s;
    actor->state = std::move(source.version);
    actor->pin = std::move(source.pin);
    return Status::Ok();
  }
  const auto pin = std::make_shared<Pin>();
  Status s;
  for (int i = 0; i < kAttempts; ++i) {
    if (s = LoadNewest(target, actor); !s.ok()) return s;
    // A legacy actor has no head to pin; its pairs do not expire.
    if (!actor->state->exists) return Status::Ok();
    s = PinVersion(target.store.get(), *actor->state, pin.get());
    if (s.code() != Code::kConflict) break;
  }
  actor->pin = pin;
  return s;
}

namespace {

// Checks that an opaque actor goes out in a form that can hold it.
Status CheckForm(const ExportedActor& actor, ExportForm form) {
  if (!actor.legacy.has_value() || !actor.legacy->record.opaque()) {
    return Status::Ok();
  }
  if (form == ExportForm::kArchive) {
    return Status::InvalidArgument(
        "its pairs are opaque, and an archive is of Rivet's pairs: export it "
        "as 'jsonl' or 'kv.bin'");
  }
  if (form == ExportForm::kDatabase && !actor.state->exists) {
    return Status::InvalidArgument(
        "its pairs are opaque, so it has no database: export it as 'jsonl' or "
        "'kv.bin', or SELECT actorkv_migrate(actor, 'tables') first");
  }
  return Status::Ok();
}

Status Write(const Connection& connection, const ExportedActor& actor,
             ExportForm form, const ImageTarget& file, uint64_t* bytes) {
  std::unique_ptr<PairSink> sink;
  if (Status s = CheckForm(actor, form); !s.ok()) return s;
  switch (form) {
    case ExportForm::kDatabase:
      return WriteDatabase(connection, actor, file, bytes);
    case ExportForm::kSalvage:
      return WriteSalvage(connection, actor, file, bytes);
    case ExportForm::kArchive:
      return AddToArchive(connection, actor, file.path, bytes);
    case ExportForm::kJsonLines:
      if (Status s = WriteJsonLines(file.path, file.overwrite, &sink);
          !s.ok()) {
        return s;
      }
      break;
    case ExportForm::kKvBin:
      if (Status s = WriteKvBin(file.path, file.overwrite, &sink); !s.ok()) {
        return s;
      }
      break;
  }
  return WritePairs(connection, actor, sink.get(), bytes);
}

void TellWhereTooLarge(const Target& target, uint64_t bytes) {
  const std::string warning = RivetSizeWarning(bytes);
  if (warning.empty()) return;
  sqlite3_log(SQLITE_WARNING, "actorkv: %s: actor=%s", warning.c_str(),
              EscapedUtf8(target.actor).c_str());
  NoteEvent(
      {EventKind::kLargeExport, target.store_path(), target.actor, warning, 0});
}

}  // namespace

// Missing pages are no damage where the version has expired, which a follower
// cannot hinder.
Status ExportActor(const Connection& connection, const ExportedActor& actor,
                   ExportForm form, const ImageTarget& file, uint64_t* bytes) {
  WorkMeter work = actor.target.BeginWork(WorkKind::kExport);
  ExportedActor shown = actor;
  shown.work = &work;
  Status s = work.Ended(Write(connection, shown, form, file, bytes));
  if (s.ok()) TellWhereTooLarge(actor.target, *bytes);
  if (s.code() != Code::kCorruption) return s;
  uint64_t never = 0;
  Status expired =
      CheckNotExpired(actor.target.store.get(), *actor.state, &never);
  return expired.ok() ? s : expired;
}

}  // namespace actorkv
