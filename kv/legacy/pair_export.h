// Pair export: gives an actor as pairs of layout 1, for a dump or an archive.
//
// The SQLite pairs of a live actor are made from its database as the exported
// version has it, its others are what was imported with it, if anything. Those
// of a legacy actor all are what was imported, journals and WAL included. An
// actor that came without a database, and has no page yet, has no SQLite pairs.
// The pairs of an opaque actor are what was imported, whatever its database is.

#ifndef ACTORKV_KV_LEGACY_PAIR_EXPORT_H_
#define ACTORKV_KV_LEGACY_PAIR_EXPORT_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "kv/base/work_meter.h"
#include "kv/legacy/legacy_store.h"
#include "kv/pages/image.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

struct PairExportSource {
  Engine* engine = nullptr;
  // The version to export; exists = false: a legacy actor.
  std::shared_ptr<const HeadState> state;
  std::optional<LegacyActor> legacy;  // nullopt: it never had pairs
  // The pages of its database, where they are not those of `state`.
  std::optional<ImagePages> pages;
  // Its pairs that are not of a database, in the order of their keys, where
  // they are not those that it came with. Then it has a database unless
  // `no_database` says that it has none.
  PairSource* others = nullptr;
  bool no_database = false;
  WorkMeter* work = nullptr;  // has the bytes added that the sink gets
};

// Says whether the actor came with a database among its pairs. Errors: those of
// the pairs.
Status CameWithDatabase(Engine* engine, const LegacyActor& legacy, bool* came);

// Gives the pages of the version `state`, each verified as it is read. `engine`
// must outlive the result.
ImagePages VersionPages(Engine* engine,
                        const std::shared_ptr<const HeadState>& state);

// Gives all pairs to `sink`, in the order of their keys, and finishes it.
// Memory: one page and a pair. `keep_on` is asked now and then, and last before
// that; an error of it ends the work. *bytes: of keys and values. Errors: those
// of the sink; kCorruption, naming page or key; kNotSupported for pairs of both
// layouts that contradict each other; kInvalidArgument for a pair of an actor
// that is not opaque and above Rivet's limits, naming it; kBusy, kNotFound
// where the stored pairs went meanwhile; kIOError.
Status ExportPairs(const PairExportSource& source,
                   const std::function<Status()>& keep_on, PairSink* sink,
                   uint64_t* bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_PAIR_EXPORT_H_
