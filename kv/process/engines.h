// The engines: the one place that knows which kinds there are, and which names
// are whose.
//
// A store is named by the path of a directory, or by a scheme and what follows
// it ("rados://POOL"). The names of schemes whose engine is not part of the
// module are refused: no directory is made of them.

#ifndef ACTORKV_KV_PROCESS_ENGINES_H_
#define ACTORKV_KV_PROCESS_ENGINES_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine_home.h"
#include "kv/rivet/rivet_engine.h"

namespace actorkv {

// The home of what `place` names. Never destroyed. Errors: those of
// CheckScheme().
Status FindHome(std::string_view place, EngineHome** home);

// One of each kind.
const std::vector<EngineHome*>& AllHomes();

// Ok for a path, and for a scheme that has an engine. Errors: kNotSupported,
// with the name.
Status CheckScheme(std::string_view name);

// EngineHome::Canonical() of the home that `place` has.
Status CanonicalPlace(const std::string& place, std::string* canonical);

// Opens the directory of an engine of Rivet that has been stopped. No file in
// it is changed or added. Memory: what its database's log holds, and buffers.
// Errors: kNotFound; kNotSupported for files of a newer database, saying what
// to do instead; kCorruption; kIOError.
Status OpenRivetEngine(const std::string& directory,
                       std::unique_ptr<RivetEngine>* engine);

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_ENGINES_H_
