#include "kv/engine/engine_home.h"

namespace actorkv {

Status NoSuchStore(const std::string& place) {
  return Status::NotFound(
      "no such store: " + place +
      ": correct the path, or open an actor in it without mode=ro and mode=rw "
      "to make it");
}

}  // namespace actorkv
