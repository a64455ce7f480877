// These functions know the directory of an archive: the names in it, and what
// is listed there.
//
//     manifest.json
//     actors/<id>/metadata.json
//     actors/<id>/kv.bin         the pairs (kv/rivet/kv_bin.h)
//     actors/<id>/sqlite.bin     version 2, optional (kv/rivet/rivet_v2.h)
//
// Names that begin with a dot are not part of it.

#ifndef ACTORKV_KV_RIVET_ARCHIVE_LAYOUT_H_
#define ACTORKV_KV_RIVET_ARCHIVE_LAYOUT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/rivet/archive_json.h"

namespace actorkv {

inline constexpr char kManifestName[] = "/manifest.json";
inline constexpr char kActorsName[] = "/actors";
inline constexpr char kMetadataName[] = "/metadata.json";
inline constexpr char kKvBinName[] = "/kv.bin";
inline constexpr char kSqliteBinName[] = "/sqlite.bin";

// The memory that the names of one directory may take, in bytes: half a million
// actors with ids as Rivet makes them.
inline constexpr size_t kMaxListBytes = size_t{48} << 20;

// ListDirectory() gives the names of the directories, and of everything else,
// in `directory`, in order. Errors: kNotFound; kInvalidArgument past
// kMaxListBytes; kIOError.
struct DirectoryList {
  std::vector<std::string> directories;
  std::vector<std::string> others;
};
Status ListDirectory(const std::string& directory, DirectoryList* list);

// Lists the same, with names that begin with a dot, and links that lead
// nowhere.
Status ListWholeDirectory(const std::string& directory, DirectoryList* list);

// Errors: kInvalidArgument when `id` cannot name a directory.
Status CheckArchiveActorId(std::string_view id);

// Errors: kNotFound without a manifest; those of ParseArchiveManifest().
Status ReadManifest(const std::string& directory, ArchiveManifest* manifest);

// Reads the whole file, at most kMaxArchiveJsonBytes.
Status ReadJsonFile(const std::string& path, std::string* text);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_ARCHIVE_LAYOUT_H_
