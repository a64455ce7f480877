// NewDirectory: a directory that appears under its name only when it is whole.
//
// Until then it lies in a temporary (kv/files/temporary.h) on the same file
// system, with all that its makers put beside it. A writer that dies leaves
// that, and the next one in the same place removes it.

#ifndef ACTORKV_KV_FILES_NEW_DIRECTORY_H_
#define ACTORKV_KV_FILES_NEW_DIRECTORY_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/files/temporary.h"

namespace actorkv {

class NewDirectory {
 public:
  // Makes the temporary in `place`; the directory will be `path`. Errors:
  // kAlreadyExists; kInvalidArgument in a store and for a name that is too
  // long; kNotFound, kNoSpace, kIOError.
  static Status Create(const std::string& place, const std::string& path,
                       std::unique_ptr<NewDirectory>* directory);

  // Removes the temporary, unless Finish() succeeded.
  ~NewDirectory();
  NewDirectory(const NewDirectory&) = delete;
  NewDirectory& operator=(const NewDirectory&) = delete;

  // The path at which it is to be made. Nothing is there at first.
  std::string content() const { return temporary_.path + "/new"; }

  // Gives it its name. REQUIRES: its content is synced. Errors: kAlreadyExists;
  // kIOError.
  Status Finish();

 private:
  NewDirectory(Temporary temporary, std::string path);

  const Temporary temporary_;
  const std::string path_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_NEW_DIRECTORY_H_
