// These change the names of files: renames that replace nothing, or nothing but
// a regular file, and names that are durable.

#ifndef ACTORKV_KV_FILES_FILE_NAMES_H_
#define ACTORKV_KV_FILES_FILE_NAMES_H_

#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// Returns the directory that holds the name: "." of a bare name. Refers to
// `path`.
std::string_view DirectoryOf(std::string_view path);

// Says what a file's mode stands for: "a FIFO", "a directory" and the like.
const char* KindOfFile(unsigned mode);

// Returns kAlreadyExists, naming the path.
Status ExistsAlready(const std::string& path);

// Gives `from` the name `to`, which must be free: kAlreadyExists otherwise.
Status RenameWithoutReplacing(const std::string& from, const std::string& to);

// Gives the file `from` the name `to` in place of the regular file that has it.
// An open of `to` meanwhile gets the one or the other. Something that takes the
// place of that file at the last moment, and is none itself, is put back, or
// keeps the name `from` where `to` has changed once more; the error says so.
// Errors: kNotFound when nothing has the name any more; kInvalidArgument when
// it is no regular file; kIOError.
Status RenameOverFile(const std::string& from, const std::string& to);

// Makes names in the directory of `path` durable.
Status SyncDirectoryOf(const std::string& path);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_FILE_NAMES_H_
