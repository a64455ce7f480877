#include "kv/rivet/archive_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/base/utf8.h"
#include "kv/base/wall_clock.h"
#include "kv/files/directory.h"
#include "kv/files/file_names.h"
#include "kv/files/new_directory.h"
#include "kv/files/new_file.h"
#include "kv/rivet/archive_layout.h"
#include "kv/rivet/kv_bin.h"

namespace actorkv {

namespace {

Status WriteFile(const std::string& path, const std::string& text,
                 bool overwrite) {
  std::unique_ptr<NewFile> file;
  if (Status s = NewFile::Create(path, overwrite, &file); !s.ok()) return s;
  if (Status s = file->Append(text); !s.ok()) return s;
  return file->Finish();
}

Status WriteManifest(const std::string& directory, int64_t now_ms,
                     uint64_t actor_count, bool overwrite) {
  ArchiveManifest manifest;
  manifest.generated_at = now_ms;
  // There is no cluster. The name says whose the archive is, by which
  // CheckOurs() knows it again.
  manifest.source_cluster = kArchiveSourceCluster;
  manifest.source_namespace_id = kArchiveSourceCluster;
  manifest.source_namespace_name = kArchiveSourceCluster;
  manifest.actor_count = actor_count;
  return WriteFile(directory + kManifestName, ToJson(manifest), overwrite);
}

// ActorSink: an actor on its way into the archive.
class ActorSink : public PairSink {
 public:
  explicit ActorSink(std::unique_ptr<NewDirectory> directory)
      : directory_(std::move(directory)) {}

  Status Begin(const ActorMetadata& metadata) {
    const std::string content = directory_->content();
    // Everything is written under a name that readers pass over, and gets its
    // own with one rename.
    if (Status s = MakeDirectory(content); !s.ok()) return s;
    if (Status s = WriteFile(content + kMetadataName, ToJson(metadata),
                             /*overwrite=*/false);
        !s.ok()) {
      return s;
    }
    return WriteKvBin(content + kKvBinName, /*overwrite=*/false, &pairs_);
  }

  Status Add(std::string_view key, std::string_view value) override {
    return pairs_->Add(key, value);
  }

  Status Finish() override {
    // The file is whole and synced before its directory moves to where readers
    // look: invariant 1.
    if (Status s = pairs_->Finish(); !s.ok()) return s;
    return directory_->Finish();
  }

 private:
  const std::unique_ptr<NewDirectory> directory_;
  // writes into the directory, so it goes first
  std::unique_ptr<PairSink> pairs_;
};

// DirectoryLock: held while actors are counted and the count is written, as two
// writers must not overtake each other in between. It ends with the process at
// the latest.
class DirectoryLock {
 public:
  ~DirectoryLock() {
    if (fd_ >= 0) close(fd_);
  }
  DirectoryLock() = default;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  Status Take(const std::string& directory) {
    fd_ = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd_ < 0) return SystemError("open", directory, errno);
    // flock() locks the open file, so two connections of one process exclude
    // each other as well, which POSIX locks would not.
    while (flock(fd_, LOCK_EX) != 0) {
      if (errno != EINTR) return SystemError("lock", directory, errno);
    }
    return Status::Ok();
  }

 private:
  int fd_ = -1;
};

// Looks at a directory without a manifest: it must be new, or we would make an
// archive of somebody's files.
Status CheckNew(const std::string& directory) {
  DirectoryList top;
  if (Status s = ListDirectory(directory, &top); !s.ok()) return s;
  DirectoryList actors;
  for (const std::string& name : top.directories) {
    if ("/" + name != kActorsName) top.others.push_back(name);
  }
  if (!top.others.empty()) {
    return Status::InvalidArgument(
        "the directory holds other files (" + top.others.front() +
        "), an archive goes to a new one: " + directory);
  }
  // An empty actors/ may be there: a writer may have died before its manifest.
  if (top.directories.empty()) return Status::Ok();
  if (Status s = ListDirectory(directory + kActorsName, &actors); !s.ok()) {
    return s;
  }
  if (actors.directories.empty() && actors.others.empty()) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "the directory holds actors but no manifest.json, so it is no archive "
      "that actorkv made; remove it first: " +
      directory);
}

Status CheckIsDirectory(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) {
    return SystemError("look at", path, errno);
  }
  if (S_ISDIR(file.st_mode)) return Status::Ok();
  return Status::InvalidArgument("an archive is a directory, this is " +
                                 std::string(KindOfFile(file.st_mode)) + ": " +
                                 path);
}

Status CheckOurs(const std::string& directory,
                 const ArchiveManifest& manifest) {
  if (manifest.version == 1 &&
      manifest.source_cluster == kArchiveSourceCluster) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "actors are only added to an archive that actorkv made, which this one "
      "is not: " +
      directory);
}

}  // namespace

ArchiveWriter::ArchiveWriter(std::string directory)
    : directory_(std::move(directory)) {}

Status ArchiveWriter::Open(const std::string& path,
                           std::unique_ptr<ArchiveWriter>* writer) {
  std::string directory = path;
  // Names are put behind it with a slash of their own.
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  if (Status s = MakeDirectory(directory); !s.ok()) return s;
  if (Status s = CheckIsDirectory(directory); !s.ok()) return s;
  ArchiveManifest manifest;
  Status read = ReadManifest(directory, &manifest);
  const bool is_new = read.code() == Code::kNotFound;
  if (is_new) {
    if (Status s = CheckNew(directory); !s.ok()) return s;
  } else if (!read.ok()) {
    return read;
  } else if (Status s = CheckOurs(directory, manifest); !s.ok()) {
    return s;
  }
  if (Status s = MakeDirectory(directory + kActorsName); !s.ok()) return s;
  if (is_new) {
    // The manifest comes first and says 0 actors: a writer that dies leaves an
    // archive that is whole, or one whose count tells that it is not.
    Status written =
        WriteManifest(directory, static_cast<int64_t>(WallClockUs() / 1000),
                      /*actor_count=*/0, /*overwrite=*/false);
    // Another writer may have begun the same archive.
    if (!written.ok() && written.code() != Code::kAlreadyExists) {
      return written;
    }
  }
  // The name of the archive itself is durable before any actor in it is.
  if (Status s = SyncDirectoryOf(directory); !s.ok()) return s;
  writer->reset(new ArchiveWriter(std::move(directory)));
  return Status::Ok();
}

Status ArchiveWriter::AddActor(const ActorMetadata& metadata,
                               std::unique_ptr<PairSink>* sink) {
  if (Status s = CheckArchiveActorId(metadata.source_actor_id); !s.ok()) {
    return s;
  }
  for (const std::string& text :
       {metadata.source_actor_id, metadata.name, metadata.key.value_or(""),
        metadata.runner_name_selector, metadata.crash_policy}) {
    // JsonString() would replace such bytes, and the id would not be the
    // directory's name any more.
    if (!IsUtf8(text)) {
      return Status::InvalidArgument(
          "metadata of the actor that is not UTF-8: " +
          metadata.source_actor_id);
    }
  }
  const std::string path =
      directory_ + kActorsName + "/" + metadata.source_actor_id;
  std::unique_ptr<NewDirectory> made;
  Status created = NewDirectory::Create(directory_, path, &made);
  // An actor that is there stays as it is: readers may be at it, and a
  // directory cannot be replaced in one step.
  if (created.code() == Code::kAlreadyExists) {
    return Status::AlreadyExists("the archive has this actor: " + path);
  }
  if (!created.ok()) return created;
  auto actor = std::make_unique<ActorSink>(std::move(made));
  if (Status s = actor->Begin(metadata); !s.ok()) return s;
  *sink = std::move(actor);
  return Status::Ok();
}

Status ArchiveWriter::Finish(int64_t now_ms) {
  DirectoryLock lock;
  if (Status s = lock.Take(directory_); !s.ok()) return s;
  DirectoryList actors;
  if (Status s = ListDirectory(directory_ + kActorsName, &actors); !s.ok()) {
    return s;
  }
  // The directories are counted, not what this writer added: others may add at
  // the same time.
  return WriteManifest(directory_, now_ms, actors.directories.size(),
                       /*overwrite=*/true);
}

}  // namespace actorkv
