// The engines: the one place that knows which kinds there are.

#ifndef ACTORKV_KV_PROCESS_ENGINES_H_
#define ACTORKV_KV_PROCESS_ENGINES_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/rivet/rivet_engine.h"

namespace actorkv {

// Opens the directory of an engine of Rivet that has been stopped. No file in
// it is changed or added. Memory: what its database's log holds, and buffers.
// Errors: kNotFound; kNotSupported for files of a newer database, saying what
// to do instead; kCorruption; kIOError.
Status OpenRivetEngine(const std::string& directory,
                       std::unique_ptr<RivetEngine>* engine);

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_ENGINES_H_
