// WorkFile: the work of the process that has a store open for writing, in a
// file of ours (actorkv.work) that it maps into memory, so that other processes
// see how far it is. What is in the file: kv/base/work_board.h.
//
// The file is 16,384 bytes, all written before it is mapped: a store to a page
// of a mapping that the disk has no room for would kill the process (SIGBUS).
// It is never synced, cut or made longer, and worth nothing once its process
// has ended.
//
// Invariants:
//  1. Each open for writing makes a file of its own in the place of the one
//     that was there. So a mapping of an earlier process, whatever it does
//     still, is of a file that nobody opens any more.
//  2. The process has byte 0 of its file locked as long as the file counts
//     (kv/files/lock_file.h). A reader believes a file only while somebody has
//     that lock: what a killed process left is nothing.

#ifndef ACTORKV_KV_FILES_WORK_FILE_H_
#define ACTORKV_KV_FILES_WORK_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/work_board.h"
#include "kv/files/lock_file.h"

namespace actorkv {

inline constexpr char kWorkFileName[] = "actorkv.work";

class WorkFile {
 public:
  // Makes the file in `directory`. REQUIRES: this process has the store in it
  // open for writing. Errors: kNoSpace; kInvalidArgument for a link; kIOError.
  static Status Make(const std::string& directory,
                     std::shared_ptr<WorkFile>* file);
  // Makes it where that can be done, else null: a store is as good without.
  static std::shared_ptr<WorkFile> MakeOrNone(
      const std::string& directory) noexcept;
  ~WorkFile();
  WorkFile(const WorkFile&) = delete;
  WorkFile& operator=(const WorkFile&) = delete;

  WorkBoard* board() { return &board_; }

 private:
  WorkFile(std::unique_ptr<LockFile> file, void* mapped)
      : file_(std::move(file)), mapped_(mapped), board_(mapped) {}

  const std::unique_ptr<LockFile> file_;
  void* const mapped_;
  WorkBoard board_;
};

// Adds what the process that has the store in `directory` open for writing
// works on, where that is another process. A file that is missing, or is not
// one of a live process and of this version, adds nothing. Errors: kIOError.
Status ReadWorkFile(const std::string& directory, std::vector<WorkRow>* rows);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_WORK_FILE_H_
