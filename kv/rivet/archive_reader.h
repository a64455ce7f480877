// ArchiveReader: finds the actors of an archive directory
// (kv/rivet/archive_layout.h). Holds their ids, never their contents.

#ifndef ACTORKV_KV_RIVET_ARCHIVE_READER_H_
#define ACTORKV_KV_RIVET_ARCHIVE_READER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/rivet/archive_json.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

struct ArchiveActor {
  ActorMetadata metadata;
  std::string kv_bin_path;
  std::string sqlite_bin_path;  // empty: there is none
};

class ArchiveReader {
 public:
  // Errors: kNotFound; kInvalidArgument when it is not a whole archive: no
  // manifest, a bad one, or another number of actors than it says;
  // kNotSupported for an unknown version.
  static Status Open(const std::string& directory,
                     std::unique_ptr<ArchiveReader>* reader);

  const ArchiveManifest& manifest() const { return manifest_; }

  // The ids, in their order as strings.
  const std::vector<std::string>& actor_ids() const { return actor_ids_; }

  // Reads what there is of one actor. Errors: kInvalidArgument when
  // metadata.json or kv.bin is missing, metadata.json is bad or names another
  // actor, or there is a file that this version of archives does not have.
  Status ReadActor(const std::string& id, ArchiveActor* actor) const;

 private:
  ArchiveReader(std::string directory, ArchiveManifest manifest,
                std::vector<std::string> actor_ids);

  const std::string directory_;
  const ArchiveManifest manifest_;
  const std::vector<std::string> actor_ids_;
};

// Opens the pairs of a kv.bin, with the file's name in errors.
Status OpenKvBin(const std::string& path, std::unique_ptr<PairSource>* pairs);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_ARCHIVE_READER_H_
