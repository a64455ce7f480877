#include "vfs/actor/vfs_name.h"

#include "kv/process/engines.h"
#include "vfs/actor/plain_name.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/raw_uri.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

namespace {

// Puts a store before a bare name.
Status AddStore(std::string* name) {
  if (name->find('/') != std::string::npos) return Status::Ok();
  if (GetDefaultVfs() == DefaultVfs::kActors && !DefaultStore().empty()) {
    *name = DefaultStore() + "/" + *name;
    return Status::Ok();
  }
  // As for files, a name without a directory is in the current one. But it
  // must not turn that into a store, which nobody named.
  PlaceKind here = PlaceKind::kForeign;
  EngineHome* home = nullptr;
  if (!IsInStore(*name) && FindHome(".", &home).ok() &&
      home->Look(".", &here).ok() && here == PlaceKind::kFresh) {
    return Status::InvalidArgument(
        "no store is named: write STORE/ACTOR for an actor, ./" + *name +
        " for one in the current directory, file:" + *name +
        "?vfs=" + BaseVfsName() + " for a plain file: " + *name);
  }
  *name = "./" + *name;
  return Status::Ok();
}

Status CheckLength(const std::string& full_name, const std::string& name) {
  if (full_name.size() <= size_t{kMaxPathBytes}) return Status::Ok();
  return Status::InvalidArgument("the name and its parameters are " +
                                 std::to_string(full_name.size()) +
                                 " bytes long, the limit is " +
                                 std::to_string(kMaxPathBytes) + ": " + name);
}

// Keeps the parameters that xOpen needs.
Status KeepParameters(const RawUri& uri, UriPairs* kept) {
  const bool is_actor_anyway =
      GetDefaultVfs() == DefaultVfs::kActors ||
      (GetDefaultVfs() == DefaultVfs::kStores && IsInStore(uri.path));
  for (const auto& [key, value] : uri.parameters) {
    if (Status s = CheckUriParameter(key, value); !s.ok()) return s;
    // Drivers strip their own parameters, which begin with "_", and `cache` is
    // SQLite's: the VFS has no use for either.
    if (key[0] == '_' || key == "cache") continue;
    if (key == "vfs" && is_actor_anyway) continue;
    kept->emplace_back(key, value);
  }
  return Status::Ok();
}

Status ResolveRawUri(const std::string& name, std::string* full_name) {
  RawUri uri;
  if (Status s = ParseRawUri(name, &uri); !s.ok()) return s;
  const std::string* const vfs = uri.Find("vfs");
  if (vfs != nullptr && *vfs != kVfsName) {
    return ResolvePlainUri(uri, *vfs, full_name);
  }
  if (vfs == nullptr && IsPlainByDefault(uri.path)) {
    return ResolvePlainUri(uri, BaseVfsName(), full_name);
  }
  UriPairs kept;
  ActorPath path;
  if (Status s = KeepParameters(uri, &kept); !s.ok()) return s;
  if (Status s = AddStore(&uri.path); !s.ok()) return s;
  if (Status s = ResolveActorPath(uri.path, &path); !s.ok()) return s;
  std::string resolved = FullName(path);
  if (!kept.empty()) resolved += "//" + EncodeUriPairs(kept);
  if (Status s = CheckLength(resolved, name); !s.ok()) return s;
  *full_name = std::move(resolved);
  return Status::Ok();
}

}  // namespace

bool IsPlainByDefault(const std::string& name) {
  return GetDefaultVfs() == DefaultVfs::kStores && !IsInStore(name);
}

Status ResolveVfsName(const std::string& name, std::string* full_name) {
  if (IsRawUri(name)) return ResolveRawUri(name, full_name);
  std::string given = name;
  ActorPath path;
  if (Status s = AddStore(&given); !s.ok()) return s;
  if (Status s = ResolveActorPath(given, &path); !s.ok()) return s;
  *full_name = FullName(path);
  return Status::Ok();
}

}  // namespace actorkv
