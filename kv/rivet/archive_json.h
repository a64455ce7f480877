// manifest.json and metadata.json of an archive: their fields as structs, and
// back to text. Both are read as strictly as Rivet reads them: a field that
// is not known, is missing, comes twice or has another type is an error.

#ifndef ACTORKV_KV_RIVET_ARCHIVE_JSON_H_
#define ACTORKV_KV_RIVET_ARCHIVE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// The bound is so large because a selector may list every actor by its id.
inline constexpr size_t kMaxArchiveJsonBytes = size_t{4} << 20;
inline constexpr int kMaxArchiveJsonDepth = 16;

// ActorMetadata: what an archive says of an actor beside its pairs. ToJson()
// gives the form in which it can be kept, and be given back at an export.
struct ActorMetadata {
  std::string source_actor_id;
  std::string name;                // names the kind of actor
  std::optional<std::string> key;  // users look it up under this
  std::string runner_name_selector = "default";
  std::string crash_policy = "sleep";
  int64_t create_ts = 0;  // milliseconds since 1970
};

struct ArchiveManifest {
  uint32_t version = 1;      // 2: actors may have sqlite.bin
  int64_t generated_at = 0;  // milliseconds since 1970
  std::optional<std::string> source_cluster;
  std::string source_namespace_id;
  std::string source_namespace_name;
  std::string selector = R"({"all":true})";  // a JSON object, as text
  uint64_t actor_count = 0;
};

// Errors: kInvalidArgument, naming the field.
Status ParseActorMetadata(std::string_view text, ActorMetadata* metadata);

// Errors: the same, and kNotSupported for another version than 1 and 2.
Status ParseArchiveManifest(std::string_view text, ArchiveManifest* manifest);

// REQUIRES: all strings are UTF-8 (others get replacement characters).
std::string ToJson(const ActorMetadata& metadata);
std::string ToJson(const ArchiveManifest& manifest);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_ARCHIVE_JSON_H_
