#include "kv/rocksdb/log_damage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/files/file_access.h"
#include "kv/rocksdb/log_marks.h"

namespace actorkv {
namespace {

// A note is one line (NoteBreaches()); a longer one is not ours.
constexpr size_t kMaxNoteBytes = 1024;

constexpr char kHowToMend[] =
    "compare the actors with the last export or backup and bring back what is "
    "missing; check the disk; then remove the file ";

Status FindMarkBreaches(const std::string& directory,
                        const std::vector<FoundLog>& logs,
                        std::vector<LogBreach>* breaches) {
  std::vector<LogMark> marks;
  if (Status s = ReadLogMarks(directory, &marks); !s.ok()) return s;
  for (const LogMark& mark : marks) {
    const auto found =
        std::find_if(logs.begin(), logs.end(), [&mark](const FoundLog& log) {
          return LogNumber(log.name) == mark.log;
        });
    const std::string synced =
        std::to_string(mark.end_bytes) + " bytes of it were synced";
    if (found == logs.end()) {
      // RocksDB names it with six digits at least.
      std::string digits = std::to_string(mark.log);
      digits.insert(0, 6 - std::min<size_t>(6, digits.size()), '0');
      breaches->push_back({digits + ".log", "is missing; " + synced});
    } else if (found->scan.end_bytes < mark.end_bytes) {
      breaches->push_back(
          {found->name, "is sound for " +
                            std::to_string(found->scan.end_bytes) +
                            " bytes only; " + synced});
    }
  }
  return Status::Ok();
}

Status ReadNote(const std::string& path, std::string* text) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return SystemError("open", path, errno);
  std::array<char, kMaxNoteBytes> bytes;
  const ssize_t got = pread(file.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return SystemError("read", path, errno);
  text->assign(bytes.data(), static_cast<size_t>(got));
  // Only the first line counts, whatever people wrote behind it.
  text->resize(std::min(text->size(), text->find('\n')));
  return Status::Ok();
}

}  // namespace

Status FindBreaches(const std::string& directory,
                    const std::vector<FoundLog>& logs,
                    std::vector<LogBreach>* breaches) {
  breaches->clear();
  bool sealed = false;
  Status s = FindSealBreaches(directory, logs, &sealed, breaches);
  // A seal says more than marks do, and after it nothing was written that marks
  // could tell of.
  if (!s.ok() || sealed) return s;
  return FindMarkBreaches(directory, logs, breaches);
}

void DropStranded(const std::vector<FoundLog>& logs,
                  std::vector<LogBreach>* breaches) {
  breaches->erase(std::remove_if(breaches->begin(), breaches->end(),
                                 [&logs](const LogBreach& breach) {
                                   return std::any_of(
                                       logs.begin(), logs.end(),
                                       [&breach](const FoundLog& log) {
                                         return log.name == breach.log &&
                                                log.scan.stranded_count > 0;
                                       });
                                 }),
                  breaches->end());
}

void AddStranded(const std::vector<FoundLog>& logs,
                 std::vector<LogBreach>* breaches) {
  // One log is told of once, with the more exact of two texts.
  DropStranded(logs, breaches);
  for (const FoundLog& log : logs) {
    if (log.scan.stranded_count == 0) continue;
    breaches->push_back({log.name, "is damaged after " +
                                       std::to_string(log.scan.end_bytes) +
                                       " bytes, with whole records behind"});
  }
}

Status DamagedLogs(const std::string& directory,
                   const std::vector<LogBreach>& breaches) {
  std::string text = "acknowledged commits may be gone with a log:";
  for (const LogBreach& breach : breaches) {
    text += " " + breach.log + " " + breach.detail + ";";
  }
  return Status::Corruption(
      text +
      " use a backup, or open the store for writing to go on with what is "
      "left: " +
      directory);
}

Status NoteBreaches(const std::string& directory,
                    const std::vector<LogBreach>& breaches) {
  for (const LogBreach& breach : breaches) {
    const std::string path = directory + "/" + kLostPrefix + breach.log;
    const std::string text = breach.log + " " + breach.detail + "\n";
    if (Status s = WriteStoreFile(path, text); !s.ok()) return s;
  }
  // The names must be on the disk before the logs go: they are all that tells
  // of the loss then.
  return breaches.empty() ? Status::Ok() : SyncDirectory(directory);
}

Status ListLogDamage(const DirectoryNames& directory,
                     std::vector<EngineDamage>* damage) {
  std::vector<std::string> kept;
  std::vector<std::string> lost;
  if (Status s = ListNames(directory.work_path, kStrandedPrefix, &kept);
      !s.ok()) {
    return s;
  }
  if (Status s = ListNames(directory.work_path, kLostPrefix, &lost); !s.ok()) {
    return s;
  }
  std::vector<EngineDamage> listed;
  listed.reserve(kept.size() + lost.size());
  for (const std::string& name : kept) {
    listed.push_back({EngineDamage::Kind::kStranded,
                      "commits behind a damaged record of the log were not "
                      "replayed; they are kept in " +
                          directory.path + "/" + name,
                      kHowToMend + name});
  }
  for (const std::string& name : lost) {
    std::string detail;
    if (Status s = ReadNote(directory.work_path + "/" + name, &detail);
        !s.ok()) {
      return s;
    }
    listed.push_back({EngineDamage::Kind::kLost,
                      "acknowledged commits may be gone with a log: " + detail +
                          "; noted in " + directory.path + "/" + name,
                      kHowToMend + name});
  }
  *damage = std::move(listed);
  return Status::Ok();
}

}  // namespace actorkv
