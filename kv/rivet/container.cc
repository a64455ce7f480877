#include "kv/rivet/container.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/coding.h"
#include "kv/base/hex.h"
#include "kv/base/system_error.h"
#include "kv/base/utf8.h"
#include "kv/files/byte_reader.h"
#include "kv/files/open_bytes.h"
#include "kv/files/store_marker.h"
#include "kv/rivet/actor_files.h"
#include "kv/rivet/archive_layout.h"
#include "kv/rivet/driver_state.h"
#include "kv/rivet/json_lines.h"
#include "kv/rivet/kv_bin.h"
#include "kv/rivet/named_pairs.h"
#include "kv/rivet/rivet_v2_records.h"

namespace actorkv {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kSqliteMagic = "SQLite format 3\0"sv;
constexpr size_t kFirstBytes = 8;  // shown of a file that is not known

// The bytes that are looked at: the magic, or an entry of sqlite.bin up to the
// end of its key.
constexpr size_t kLookBytes = 32;

bool Exists(const std::string& path) {
  struct stat there = {};
  return stat(path.c_str(), &there) == 0;
}

bool IsDirectory(const std::string& path) {
  struct stat there = {};
  return stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode);
}

// Returns true for an entry of kv.bin whose key is one of sqlite.bin's.
bool IsSqliteBin(std::string_view begin) {
  if (begin.size() <= kEntryLengthBytes) return false;
  const std::string_view payload = begin.substr(kEntryLengthBytes);
  // the length of a short key is one byte
  const auto key_bytes = static_cast<uint8_t>(payload[0]);
  RivetV2Key key;
  return key_bytes < payload.size() &&
         ParseRivetV2Key(payload.substr(1, key_bytes), &key);
}

// Tells the form of a file. The first byte decides between the dumps: the
// length of an entry of kv.bin begins with a zero, or it would be past the
// limit.
ContainerForm FormOf(std::string_view begin) {
  if (begin.empty()) return ContainerForm::kEmpty;
  if (begin.substr(0, kSqliteMagic.size()) == kSqliteMagic) {
    return ContainerForm::kSqlite;
  }
  if (begin[0] == '\0') {
    if (IsSqliteBin(begin)) return ContainerForm::kSqliteBin;
    // A file that is shorter than its first length is taken for kv.bin: the
    // reader of kv.bin says that it is cut short.
    const bool fits = begin.size() < kEntryLengthBytes ||
                      LoadBig32(begin.data()) <= kMaxKvBinEntryBytes;
    return fits ? ContainerForm::kKvBin : ContainerForm::kUnknown;
  }
  // Editors on some systems put a mark before text. It is no part of JSON, and
  // the reader of lines passes it over as well.
  if (BeginsWith(begin, kByteOrderMark)) {
    begin.remove_prefix(kByteOrderMark.size());
  }
  const size_t first = begin.find_first_not_of(" \t\r\n");
  // A file that begins with blanks alone may be an empty dump; its reader says
  // what is wrong with any other.
  if (first == std::string_view::npos || begin[first] == '{') {
    return ContainerForm::kJsonLines;
  }
  return ContainerForm::kUnknown;
}

Status FormOfDirectory(const std::string& path, ContainerForm* form) {
  // A store of ours comes first: it has a CURRENT file as well.
  if (Exists(path + "/" + kMarkerFileName) ||
      Exists(path + "/" + kHolderFileName)) {
    *form = ContainerForm::kActorkvStore;
    return Status::Ok();
  }
  // Half an archive is recognised, too: its reader says what is missing.
  if (Exists(path + kManifestName) || Exists(path + kActorsName)) {
    *form = ContainerForm::kArchive;
    return Status::Ok();
  }
  // Every RocksDB directory has a CURRENT. Whether actors are in it is for its
  // reader to find out, which has to open it.
  if (Exists(path + "/CURRENT")) {
    *form = ContainerForm::kRivetEngine;
    return Status::Ok();
  }
  // The driver makes all three at its start; of empty ones copies may lack
  // some.
  if (IsDirectory(path + kDriverStateName) &&
      (IsDirectory(path + kDriverDatabasesName) ||
       IsDirectory(path + kDriverAlarmsName))) {
    *form = ContainerForm::kDriverStore;
    return Status::Ok();
  }
  std::vector<DirectoryEntry> entries;
  if (Status s = ListActorFiles(path, &entries); !s.ok()) return s;
  *form = entries.empty() ? ContainerForm::kEmptyDirectory
                          : ContainerForm::kOtherDirectory;
  for (const DirectoryEntry& entry : entries) {
    if (!entry.actor.empty()) *form = ContainerForm::kActorFiles;
  }
  return Status::Ok();
}

// Opens the file; *reader stands at the beginning of what `container`
// describes.
Status OpenAndRecognise(const std::string& path, Container* container,
                        std::unique_ptr<ByteReader>* reader) {
  Container found;
  std::unique_ptr<ByteSource> source;
  // What is packed by gzip is recognised by what it holds: the name of a file
  // says nothing here.
  if (Status s = OpenBytes(path, &source, &found.gzip); !s.ok()) return s;
  auto bytes = std::make_unique<ByteReader>(std::move(source));
  std::string_view begin;
  if (Status s = bytes->Peek(kLookBytes, &begin); !s.ok()) {
    return s.WithContext(path);
  }
  found.form = FormOf(begin);
  found.first_bytes = ToHex(begin.substr(0, kFirstBytes));
  *container = std::move(found);
  *reader = std::move(bytes);
  return Status::Ok();
}

// ReaderBytes: the source of a dump after its first bytes were looked at.
class ReaderBytes : public ByteSource {
 public:
  explicit ReaderBytes(std::unique_ptr<ByteReader> reader)
      : reader_(std::move(reader)) {}

  Status Read(char* buffer, size_t size, size_t* got) override {
    return reader_->TakeSome(buffer, size, got);
  }

 private:
  const std::unique_ptr<ByteReader> reader_;
};

}  // namespace

std::string_view FormName(ContainerForm form) {
  switch (form) {
    case ContainerForm::kEmpty:
      return "an empty file";
    case ContainerForm::kSqlite:
      return "a SQLite database";
    case ContainerForm::kJsonLines:
      return "JSON lines";
    case ContainerForm::kKvBin:
      return "kv.bin";
    case ContainerForm::kSqliteBin:
      return "sqlite.bin, the database of an actor in an archive";
    case ContainerForm::kArchive:
      return "an archive of actors";
    case ContainerForm::kRivetEngine:
      return "a RocksDB directory";
    case ContainerForm::kActorkvStore:
      return "a store of actorkv";
    case ContainerForm::kDriverStore:
      return "the store of RivetKit's file-system driver";
    case ContainerForm::kActorFiles:
      return "a directory of actors' files";
    case ContainerForm::kEmptyDirectory:
      return "an empty directory";
    case ContainerForm::kOtherDirectory:
      return "a directory of something else";
    case ContainerForm::kUnknown:
      break;
  }
  return "nothing that is known here";
}

Status RecogniseContainer(const std::string& path, Container* container) {
  struct stat there = {};
  if (stat(path.c_str(), &there) != 0) {
    // A file that cannot be looked at is another error than one that is not
    // there: the caller may go on without the latter only.
    return errno == ENOENT ? Status::NotFound("no such file: " + path)
                           : SystemError("find", path, errno);
  }
  if (S_ISDIR(there.st_mode)) {
    Container found;
    if (Status s = FormOfDirectory(path, &found.form); !s.ok()) return s;
    *container = std::move(found);
    return Status::Ok();
  }
  std::unique_ptr<ByteReader> reader;
  return OpenAndRecognise(path, container, &reader);
}

Status OpenDump(const std::string& path, std::unique_ptr<PairSource>* pairs) {
  Container container;
  std::unique_ptr<ByteReader> reader;
  if (Status s = OpenAndRecognise(path, &container, &reader); !s.ok()) {
    return s;
  }
  auto bytes = std::make_unique<ReaderBytes>(std::move(reader));
  if (container.form == ContainerForm::kKvBin) {
    *pairs = NamedPairs(path, ReadKvBin(std::move(bytes)));
    return Status::Ok();
  }
  if (container.form == ContainerForm::kJsonLines ||
      container.form == ContainerForm::kEmpty) {
    *pairs = NamedPairs(path, ReadJsonLines(std::move(bytes)));
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "not a dump of an actor but " + std::string(FormName(container.form)) +
      " (first bytes " + container.first_bytes + "): " + path);
}

}  // namespace actorkv
