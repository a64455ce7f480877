#include "vfs/sqlite/actor_path.h"

#include "kv/process/engines.h"
#include "kv/store/actor_name.h"

namespace actorkv {

Status ResolveActorPath(const std::string& name, ActorPath* path) {
  // A scheme without an engine is told by its name, before a directory that is
  // called so could be made.
  if (Status s = CheckScheme(name); !s.ok()) return s;
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos) {
    return Status::InvalidArgument("not of the form STORE/ACTOR: " + name);
  }
  ActorPath resolved;
  resolved.actor = name.substr(slash + 1);
  if (Status s = CheckActorName(resolved.actor); !s.ok()) {
    return s.WithContext(name);
  }
  // The last slash divides: names of actors have none, directories may have
  // many.
  const std::string directory = slash == 0 ? "/" : name.substr(0, slash);
  if (Status s = CanonicalPlace(directory, &resolved.store); !s.ok()) {
    return s;
  }
  // SQLite has a buffer of mxPathname bytes for what xFullPathname gives, and
  // names of journals are made from it.
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

std::string_view QueryOf(std::string_view full_name) {
  // Two slashes at the front mark a plain file (vfs/actor/plain_name.h).
  const size_t end = full_name.substr(0, 2) == "//" ? std::string_view::npos
                                                    : full_name.find("//", 1);
  return end == std::string_view::npos ? std::string_view()
                                       : full_name.substr(end + 2);
}

Status SplitFullName(std::string_view full_name, ActorPath* path) {
  // A full name has no empty part, so two slashes in it begin the parameters of
  // a URI that SQLite did not read.
  full_name = full_name.substr(0, full_name.find("//", 1));
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
