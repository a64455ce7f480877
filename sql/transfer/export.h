// Export: an actor, live or legacy, as a file or in an archive.

#ifndef ACTORKV_SQL_TRANSFER_EXPORT_H_
#define ACTORKV_SQL_TRANSFER_EXPORT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kv/base/work_meter.h"
#include "kv/legacy/pair_export.h"
#include "kv/pages/image.h"
#include "sql/bind/connection.h"
#include "sql/bind/target.h"
#include "sql/migrate/table_pairs.h"

namespace actorkv {

enum class ExportForm {
  kDatabase,   // 'db': a plain SQLite file; of a legacy actor, recovered
  kJsonLines,  // 'jsonl': all pairs in layout 1, see kv/legacy/pair_export.h
  kKvBin,      // 'kv.bin': the same
  kArchive,    // 'archive': the same, in a directory of version 1
  kSalvage,    // 'salvage': a plain SQLite file, zeros where pages are lost
};

// Reads the name of a form. Errors: kInvalidArgument, naming the forms.
Status ParseExportForm(const std::string& text, ExportForm* form);

// ExportedActor is an actor as it is now, or as it was.
struct ExportedActor {
  Target target;
  std::shared_ptr<const HeadState> state;
  std::optional<LegacyActor> legacy;
  std::shared_ptr<const Pin> pin;  // of a live one
  // Of a live one in a form of pairs: where those come from that are not of its
  // database.
  PairsFrom pairs_from = PairsFrom::kStored;
  WorkMeter* work = nullptr;  // shows its export
};

// Loads the actor as it was at `point`. Errors: kNotFound; those of
// ResolvePoint().
Status LoadForExport(const Target& target, const std::string& point,
                     ExportedActor* actor);

// Writes a file, or with kArchive adds to the archive in the directory
// file.path, which is made where it is missing. *bytes is the size of the file,
// and with kArchive that of keys and values. What is larger than Rivet takes is
// written, and told in SQLite's log and in the events. Errors: kAlreadyExists;
// kInvalidArgument for an opaque actor in a form that cannot hold it;
// kInvalidArgument, kNotSupported of TablePairs::Open();
// kCorruption; kNoSpace; kIOError; kInterrupted.
Status ExportActor(const Connection& connection, const ExportedActor& actor,
                   ExportForm form, const ImageTarget& file, uint64_t* bytes);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_EXPORT_H_
