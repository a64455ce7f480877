#include "vfs/actor_path.h"

#include <filesystem>
#include <system_error>

#include "kv/store.h"

namespace actorkv {

Status CanonicalDirectory(const std::string& directory,
                          std::string* canonical) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(directory, error);
  // Twice: in missing/../link the link shows only when ".." is gone.
  for (int i = 0; i < 2 && !error; ++i) {
    path = std::filesystem::weakly_canonical(path, error);
  }
  if (error) {
    return Status::IOError("cannot resolve " + directory + ": " +
                           error.message());
  }
  std::string text = path.string();
  // weakly_canonical keeps a trailing slash where the end does not exist.
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  *canonical = std::move(text);
  return Status::Ok();
}

Status ResolveActorPath(const std::string& name, ActorPath* path) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos) {
    return Status::InvalidArgument("not of the form STORE/ACTOR: " + name);
  }
  ActorPath resolved;
  resolved.actor = name.substr(slash + 1);
  if (Status s = CheckActorName(resolved.actor); !s.ok()) {
    return s.WithContext(name);
  }
  const std::string directory = slash == 0 ? "/" : name.substr(0, slash);
  if (Status s = CanonicalDirectory(directory, &resolved.store); !s.ok()) {
    return s;
  }
  if (FullName(resolved).size() > size_t{kMaxPathBytes}) {
    return Status::InvalidArgument("the name is " +
                                   std::to_string(FullName(resolved).size()) +
                                   " bytes long, the limit is " +
                                   std::to_string(kMaxPathBytes) + ": " + name);
  }
  *path = std::move(resolved);
  return Status::Ok();
}

std::string FullName(const ActorPath& path) {
  if (path.store == "/") return "/" + path.actor;
  return path.store + "/" + path.actor;
}

Status SplitFullName(std::string_view full_name, ActorPath* path) {
  const size_t slash = full_name.rfind('/');
  if (slash == std::string_view::npos) {
    return Status::InvalidArgument("not a full path name: " +
                                   std::string(full_name));
  }
  path->store = std::string(full_name.substr(0, slash == 0 ? 1 : slash));
  path->actor = std::string(full_name.substr(slash + 1));
  return Status::Ok();
}

bool RemoveSuffix(std::string_view suffix, std::string* name) {
  if (name->size() < suffix.size() ||
      name->compare(name->size() - suffix.size(), suffix.size(), suffix) != 0) {
    return false;
  }
  name->resize(name->size() - suffix.size());
  return true;
}

}  // namespace actorkv
