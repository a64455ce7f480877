#include "kv/rivet/actor_files.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "kv/base/affix.h"
#include "kv/rivet/archive_layout.h"

namespace actorkv {

namespace {

constexpr std::string_view kSuffixes[] = {".db", ".jsonl", ".kv.bin"};
constexpr std::string_view kDatabaseSuffix = ".db";
// SQLite puts these beside a database. They are read with it and are no actors
// of their own.
constexpr std::string_view kSidecars[] = {"-wal", "-shm", "-journal"};

// Returns true when `name` belongs to a database among `files`, which are
// sorted.
bool BelongsToADatabase(std::string_view name,
                        const std::vector<std::string>& files) {
  for (const std::string_view sidecar : kSidecars) {
    if (!EndsWith(name, sidecar)) continue;
    const std::string_view of = name.substr(0, name.size() - sidecar.size());
    if (!EndsWith(of, kDatabaseSuffix)) return false;
    // Alone it is no file of SQLite: then its name is told like any other that
    // is not known.
    return std::binary_search(files.begin(), files.end(), of);
  }
  return false;
}

DirectoryEntry EntryOf(const std::string& name) {
  for (const std::string_view suffix : kSuffixes) {
    // A suffix alone names no actor.
    if (EndsWith(name, suffix) && name.size() > suffix.size()) {
      return {name, name.substr(0, name.size() - suffix.size()), ""};
    }
  }
  return {name, "",
          "not the file of an actor: those are called NAME.db, NAME.jsonl or "
          "NAME.kv.bin"};
}

}  // namespace

Status ListActorFiles(const std::string& directory,
                      std::vector<DirectoryEntry>* entries) {
  DirectoryList list;
  if (Status s = ListWholeDirectory(directory, &list); !s.ok()) return s;
  std::vector<DirectoryEntry> found;
  for (const std::string& name : list.directories) {
    // What is no actor is told as well: an import of a directory leaves nothing
    // out without a word.
    found.push_back({name, "", "a directory"});
  }
  for (const std::string& name : list.others) {
    if (!BelongsToADatabase(name, list.others)) found.push_back(EntryOf(name));
  }
  // In the order of names, whatever the file system's is: two imports say the
  // same in the same order.
  std::sort(found.begin(), found.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) {
              return a.file_name < b.file_name;
            });
  *entries = std::move(found);
  return Status::Ok();
}

}  // namespace actorkv
