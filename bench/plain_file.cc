#include "bench/plain_file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "bench/die.h"
#include "bench/rows.h"

namespace actorkv::bench {

void MakePlainDatabase(const std::string& path, uint64_t size_bytes) {
  constexpr size_t kPageBytes = 4096;
  constexpr int64_t kRowsAtOnce = 20;
  Connection connection("file:" + path + "?vfs=unix");
  connection.Execute("PRAGMA synchronous=OFF");
  CreateTable(&connection);
  RowSource rows(7);
  connection.Execute("BEGIN");
  Statement insert(connection, kInsertSql);
  const auto enough = static_cast<int64_t>(size_bytes / kPageBytes);
  while (connection.QueryInt("PRAGMA page_count") < enough) {
    for (int64_t i = 0; i < kRowsAtOnce; ++i) {
      insert.Bind(1, rows.NextBody());
      insert.Run();
    }
  }
  connection.Execute("COMMIT");
}

void CopyFile(const std::string& from, const std::string& to) {
  const int in = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  const int out =
      open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (in < 0 || out < 0) Die("cannot copy " + from);
  constexpr size_t kAtOnce = 1 << 20;
  ssize_t copied = 0;
  while ((copied = sendfile(out, in, nullptr, kAtOnce)) > 0) {
  }
  if (copied < 0 || fsync(out) != 0) Die("cannot copy " + from);
  close(in);
  close(out);
}

void BackUpTo(const std::string& path, const Connection& from) {
  constexpr int kPagesAtOnce = 256;
  Connection to("file:" + path + "?vfs=unix");
  to.Execute("PRAGMA synchronous=FULL");
  sqlite3_backup* const backup =
      sqlite3_backup_init(to.get(), "main", from.get(), "main");
  if (backup == nullptr) Die("cannot begin a backup to " + path);
  int code = SQLITE_OK;
  while (code == SQLITE_OK) code = sqlite3_backup_step(backup, kPagesAtOnce);
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) Die("cannot finish a backup to " + path);
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

double FileMegabytes(const std::string& path) {
  constexpr double kMb = 1e6;
  return static_cast<double>(std::filesystem::file_size(path)) / kMb;
}

uint64_t DiskBytes(const std::string& directory) {
  constexpr uint64_t kBlockBytes = 512;  // of st_blocks, see stat(2)
  uint64_t bytes = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    struct stat info = {};
    if (lstat(entry.path().c_str(), &info) != 0) continue;
    bytes += static_cast<uint64_t>(info.st_blocks) * kBlockBytes;
  }
  return bytes;
}

}  // namespace actorkv::bench
