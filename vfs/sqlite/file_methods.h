// The border between SQLite's C callbacks and C++.
//
// A file class derives from sqlite3_file, is built by placement new in the
// buffer that SQLite gives to xOpen, destroyed in xClose, and has the methods
// that FileMethods calls. Nothing thrown passes the border.

#ifndef ACTORKV_VFS_SQLITE_FILE_METHODS_H_
#define ACTORKV_VFS_SQLITE_FILE_METHODS_H_

#include <type_traits>
#include <utility>

#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/sqlite_api.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

struct NobodyKnown {
  ErrorOwner operator()() const { return {}; }
};

// Runs `call`, which returns a SQLite code. An exception of it is reported as
// an error of `place`: memory that ran out with a code that SQLite takes for
// that, and that puts the pager into its error state where it comes of a file.
// It is kept as the last error of `whose()`, which is asked only then and must
// not throw.
template <typename Call, typename Whose = NobodyKnown>
int Guard(Place place, Call&& call, Whose&& whose = {}) noexcept {
  try {
    return call();
  } catch (...) {
    return ReportThrown(place, whose());
  }
}

// Runs a call that belongs to no file.
template <typename Call, typename Whose = NobodyKnown>
int Guard(Call&& call, Whose&& whose = {}) noexcept {
  return Guard(Place::kFunction, std::forward<Call>(call),
               std::forward<Whose>(whose));
}

// OwnerOf: the owner of a file's errors: what its error_owner() says, where its
// class has that.
template <typename File, typename = void>
struct OwnerOf {
  explicit OwnerOf(const sqlite3_file* /*file*/) {}
  ErrorOwner operator()() const { return {}; }
};

template <typename File>
struct OwnerOf<File, std::void_t<decltype(&File::error_owner)>> {
  explicit OwnerOf(const sqlite3_file* file) : file_(file) {}
  ErrorOwner operator()() const {
    return static_cast<const File*>(file_)->error_owner();
  }

 private:
  const sqlite3_file* const file_;
};

// FetchMethods: xFetch and xUnfetch, of a class that has Fetch() and Unfetch().
// Without them its method table is of version 1, with them of version 3. There
// is no shared memory in either, so that SQLite never uses a WAL (pager.c
// sqlite3PagerWalSupported, 3.40.1).
template <typename File, typename = void>
struct FetchMethods {
  static constexpr int kVersion = 1;
  static constexpr int (*kFetch)(sqlite3_file*, sqlite3_int64, int,
                                 void**) = nullptr;
  static constexpr int (*kUnfetch)(sqlite3_file*, sqlite3_int64,
                                   void*) = nullptr;
};

template <typename File>
struct FetchMethods<File, std::void_t<decltype(&File::Fetch)>> {
  static int Fetch(sqlite3_file* file, sqlite3_int64 offset, int size,
                   void** page) {
    return Guard(
        Place::kRead,
        [&] { return static_cast<File*>(file)->Fetch(offset, size, page); },
        OwnerOf<File>(file));
  }
  static int Unfetch(sqlite3_file* file, sqlite3_int64 offset, void* page) {
    return Guard(
        Place::kRead,
        [&] { return static_cast<File*>(file)->Unfetch(offset, page); },
        OwnerOf<File>(file));
  }
  static constexpr int kVersion = 3;
  static constexpr auto kFetch = Fetch;
  static constexpr auto kUnfetch = Unfetch;
};

// IsLeftOpen: whether a file stays as it is where SQLite closes it: it belongs
// to the process that this one was forked from. Files of a class that has
// is_of_parent() may.
template <typename File, typename = void>
struct IsLeftOpen {
  static bool Ask(const sqlite3_file* /*file*/) { return false; }
};

template <typename File>
struct IsLeftOpen<File, std::void_t<decltype(&File::is_of_parent)>> {
  static bool Ask(const sqlite3_file* file) {
    return static_cast<const File*>(file)->is_of_parent();
  }
};

// FileMethods: the method table of a file class.
template <typename File>
struct FileMethods {
  static File* Self(sqlite3_file* file) { return static_cast<File*>(file); }

  // Returns true when `file` is a File, and *cast then that.
  static bool Cast(sqlite3_file* file, File** cast) {
    if (file == nullptr || file->pMethods != &kTable) return false;
    *cast = Self(file);
    return true;
  }

  static int Close(sqlite3_file* file) {
    if (IsLeftOpen<File>::Ask(file)) return SQLITE_OK;
    const int code = Guard(Place::kLock, [&] { return Self(file)->Close(); });
    Self(file)->~File();  // whatever the code: SQLite gives the memory back
    return code;
  }
  static int Read(sqlite3_file* file, void* buffer, int size,
                  sqlite3_int64 offset) {
    return Guard(
        Place::kRead, [&] { return Self(file)->Read(buffer, size, offset); },
        OwnerOf<File>(file));
  }
  static int Write(sqlite3_file* file, const void* buffer, int size,
                   sqlite3_int64 offset) {
    return Guard(
        Place::kWrite, [&] { return Self(file)->Write(buffer, size, offset); },
        OwnerOf<File>(file));
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    return Guard(
        Place::kTruncate, [&] { return Self(file)->Truncate(size); },
        OwnerOf<File>(file));
  }
  static int Sync(sqlite3_file* file, int flags) {
    return Guard(
        Place::kSync, [&] { return Self(file)->Sync(flags); },
        OwnerOf<File>(file));
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Guard(
        Place::kFileSize, [&] { return Self(file)->FileSize(size); },
        OwnerOf<File>(file));
  }
  static int Lock(sqlite3_file* file, int level) {
    return Guard(
        Place::kLock, [&] { return Self(file)->Lock(level); },
        OwnerOf<File>(file));
  }
  static int Unlock(sqlite3_file* file, int level) {
    return Guard(
        Place::kLock, [&] { return Self(file)->Unlock(level); },
        OwnerOf<File>(file));
  }
  static int CheckReservedLock(sqlite3_file* file, int* reserved) {
    return Guard(
        Place::kLock, [&] { return Self(file)->CheckReservedLock(reserved); },
        OwnerOf<File>(file));
  }
  static int FileControl(sqlite3_file* file, int op, void* arg) {
    return Guard(
        Place::kSync, [&] { return Self(file)->FileControl(op, arg); },
        OwnerOf<File>(file));
  }
  static int SectorSize(sqlite3_file* file) { return Self(file)->SectorSize(); }
  static int DeviceCharacteristics(sqlite3_file* file) {
    return Self(file)->DeviceCharacteristics();
  }

  static constexpr sqlite3_io_methods kTable = {
      FetchMethods<File>::kVersion,
      Close,
      Read,
      Write,
      Truncate,
      Sync,
      FileSize,
      Lock,
      Unlock,
      CheckReservedLock,
      FileControl,
      SectorSize,
      DeviceCharacteristics,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      FetchMethods<File>::kFetch,
      FetchMethods<File>::kUnfetch,
  };
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_FILE_METHODS_H_
