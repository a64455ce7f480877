// FileAccess says who may use the files of a store: the mode and the owner that
// its marker has. So it does not depend on who opened the store last, or with
// which umask: as SQLite gives a journal the mode and owner of its database.
//
// Files of a store are never opened through a symbolic link, which whoever
// prepared the directory could point anywhere.

#ifndef ACTORKV_KV_FILES_FILE_ACCESS_H_
#define ACTORKV_KV_FILES_FILE_ACCESS_H_

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

struct FileAccess {
  mode_t mode = 0;  // bits of rw for owner, group and others
  uid_t owner = 0;
  gid_t group = 0;
};

// Returns the access of a file or directory, without the bits for executing.
FileAccess AccessOf(const struct stat& file);

// Returns the access that files in `directory` are to have: that of its marker,
// or of the directory where there is none.
FileAccess AccessIn(const std::string& directory);

// Gives a new file its access; the owner only where this process is root's.
// Whatever the file system refuses is left as it is.
void GiveAccess(int fd, const FileAccess& access);

// Does the same by name. Does nothing for a link, a directory, or a file with
// several names, which may be somebody else's.
void GiveAccess(const std::string& path, const FileAccess& access);

// Gives the directory `to`, which was just made, the mode and, where this
// process is root's, the owner of the directory `from`.
void CopyDirectoryAccess(const std::string& from, const std::string& to);

// Opens the file `path` of a store with `flags` of open(2), and makes it, with
// its access, where it is missing. *fd is the caller's.
// Errors: kInvalidArgument for a link or a special file; kNoSpace; kIOError;
// kNotFound when there is no such directory.
Status OpenStoreFile(const std::string& path, int flags, int* fd);

// Makes `bytes` the content of the file `path` of a store, on the disk when it
// returns; a power loss may leave any part of it. Errors: as OpenStoreFile().
Status WriteStoreFile(const std::string& path, std::string_view bytes);

// Checks a path. Errors: kInvalidArgument when it is there and not a plain
// file.
Status CheckPlainFile(const std::string& path);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_FILE_ACCESS_H_
