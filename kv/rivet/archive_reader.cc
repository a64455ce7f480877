#include "kv/rivet/archive_reader.h"

#include <algorithm>
#include <utility>

#include "kv/files/byte_source.h"
#include "kv/rivet/archive_layout.h"
#include "kv/rivet/kv_bin.h"
#include "kv/rivet/named_pairs.h"

namespace actorkv {

namespace {

bool Has(const std::vector<std::string>& names, const char* name) {
  // The constants of kv/rivet/archive_layout.h begin with a slash.
  return std::find(names.begin(), names.end(), name + 1) != names.end();
}

// Finds a name whose content an import would leave behind without a word.
std::string Unexpected(const DirectoryList& list, uint32_t version) {
  if (!list.directories.empty()) return list.directories.front();
  for (const std::string& name : list.others) {
    const std::string path = "/" + name;
    if (path == kMetadataName || path == kKvBinName) continue;
    // An archive of version 1 has no database beside the pairs: its writer did
    // not know one, and a file of this name is from somewhere else.
    if (path == kSqliteBinName && version >= 2) continue;
    return name;
  }
  return "";
}

}  // namespace

ArchiveReader::ArchiveReader(std::string directory, ArchiveManifest manifest,
                             std::vector<std::string> actor_ids)
    : directory_(std::move(directory)),
      manifest_(std::move(manifest)),
      actor_ids_(std::move(actor_ids)) {}

Status ArchiveReader::Open(const std::string& directory,
                           std::unique_ptr<ArchiveReader>* reader) {
  DirectoryList top;
  if (Status s = ListDirectory(directory, &top); !s.ok()) return s;
  if (!Has(top.others, kManifestName)) {
    return Status::InvalidArgument(
        "manifest.json is missing, so this is not an archive, or half of "
        "one: " +
        directory);
  }
  ArchiveManifest manifest;
  if (Status s = ReadManifest(directory, &manifest); !s.ok()) return s;
  DirectoryList actors;
  // An archive of no actors may lack the directory: what it must have is a
  // manifest that says 0.
  if (Has(top.directories, kActorsName)) {
    if (Status s = ListDirectory(directory + kActorsName, &actors); !s.ok()) {
      return s;
    }
  }
  if (!actors.others.empty()) {
    return Status::InvalidArgument(
        "not the directory of an actor: " + directory + kActorsName + "/" +
        actors.others.front());
  }
  // The manifest is written last: another number means that a writer died, or
  // that a copy is not whole.
  if (actors.directories.size() != manifest.actor_count) {
    return Status::InvalidArgument(
        "manifest.json says " + std::to_string(manifest.actor_count) +
        " actors, but there are " + std::to_string(actors.directories.size()) +
        ": " + directory);
  }
  reader->reset(new ArchiveReader(directory, std::move(manifest),
                                  std::move(actors.directories)));
  return Status::Ok();
}

Status ArchiveReader::ReadActor(const std::string& id,
                                ArchiveActor* actor) const {
  // The id makes a path, and may come from SQL: it is checked before any file
  // is touched.
  if (Status s = CheckArchiveActorId(id); !s.ok()) return s;
  const std::string directory = directory_ + kActorsName + "/" + id;
  DirectoryList list;
  if (Status s = ListDirectory(directory, &list); !s.ok()) return s;
  // Both are looked for before either is read: the error then says that the
  // directory is not whole, and not what a reader met first.
  for (const char* name : {kMetadataName, kKvBinName}) {
    if (!Has(list.others, name)) {
      return Status::InvalidArgument(std::string(name + 1) +
                                     " is missing: " + directory);
    }
  }
  if (const std::string name = Unexpected(list, manifest_.version);
      !name.empty()) {
    return Status::InvalidArgument(
        "an archive of version " + std::to_string(manifest_.version) +
        " has no such file: " + directory + "/" + name);
  }
  const std::string metadata_path = directory + kMetadataName;
  std::string text;
  if (Status s = ReadJsonFile(metadata_path, &text); !s.ok()) return s;
  ArchiveActor read;
  if (Status s = ParseActorMetadata(text, &read.metadata); !s.ok()) {
    return s.WithContext(metadata_path);
  }
  // A directory under a wrong name would put the pairs into the wrong actor.
  if (read.metadata.source_actor_id != id) {
    return Status::InvalidArgument(metadata_path + ": \"source_actor_id\" is " +
                                   read.metadata.source_actor_id);
  }
  read.kv_bin_path = directory + kKvBinName;
  if (Has(list.others, kSqliteBinName)) {
    read.sqlite_bin_path = directory + kSqliteBinName;
  }
  *actor = std::move(read);
  return Status::Ok();
}

Status OpenKvBin(const std::string& path, std::unique_ptr<PairSource>* pairs) {
  std::unique_ptr<ByteSource> source;
  if (Status s = OpenFileBytes(path, &source); !s.ok()) return s;
  *pairs = NamedPairs(path, ReadKvBin(std::move(source)));
  return Status::Ok();
}

}  // namespace actorkv
