#include "kv/rivet/kv_bin.h"

#include <utility>

#include "kv/base/coding.h"
#include "kv/files/new_file.h"
#include "kv/rivet/bare.h"

namespace actorkv {

namespace {

std::string AtByte(uint64_t offset) {
  return "at byte " + std::to_string(offset);
}

Status Bad(uint64_t offset, std::string_view what) {
  return Status::Corruption(AtByte(offset) + ": " + std::string(what));
}

class KvBinReader : public PairSource {
 public:
  explicit KvBinReader(std::unique_ptr<ByteSource> source)
      : reader_(std::move(source)) {}

  Status Next(KeyValue* pair, bool* more) override {
    // Errors name the byte at which an entry begins, so that somebody can look
    // at it.
    begin_ = reader_.offset();
    KvBinEntry entry;
    bool has_entry = false;
    if (Status s =
            TakeKvBinEntry(&reader_, kMaxKvBinEntryBytes, &entry, &has_entry);
        !s.ok()) {
      return s;
    }
    if (has_entry) {
      if (Status s = CheckPairSize(entry.pair.key, entry.pair.value,
                                   kStoredPairLimits);
          !s.ok()) {
        return s.WithContext(Place());
      }
      *pair = std::move(entry.pair);
    }
    *more = has_entry;
    return Status::Ok();
  }

  std::string Place() const override { return AtByte(begin_); }

 private:
  ByteReader reader_;
  uint64_t begin_ = 0;  // of the last entry
};

class KvBinWriter : public PairSink {
 public:
  explicit KvBinWriter(std::unique_ptr<NewFile> file)
      : file_(std::move(file)) {}

  Status Add(std::string_view key, std::string_view value) override {
    // The writer has the limits of the reader: a file that it made can be read
    // again.
    if (Status s = CheckPairSize(key, value, kStoredPairLimits); !s.ok()) {
      return s;
    }
    entry_.clear();
    AppendKvBinEntry(key, value, &entry_);
    return file_->Append(entry_);
  }
  Status Finish() override { return file_->Finish(); }

 private:
  const std::unique_ptr<NewFile> file_;
  std::string entry_;
};

}  // namespace

Status TakeKvBinEntry(ByteReader* reader, size_t limit, KvBinEntry* entry,
                      bool* more) {
  const uint64_t begin = reader->offset();
  std::string bytes;
  if (Status s = reader->Take(kEntryLengthBytes, &bytes); !s.ok()) return s;
  if (bytes.empty()) {
    *more = false;
    return Status::Ok();
  }
  if (bytes.size() < kEntryLengthBytes) {
    return Bad(begin, "the length of an entry is cut short");
  }
  const uint32_t length = LoadBig32(bytes.data());
  // Nothing is allocated for a length that cannot be right.
  if (length > limit) {
    return Status::InvalidArgument(
        AtByte(begin) + ": an entry of " + std::to_string(length) +
        " bytes is larger than the limit of " + std::to_string(limit));
  }
  if (Status s = reader->Take(length, &bytes); !s.ok()) return s;
  if (bytes.size() < length) {
    return Bad(begin,
               "an entry of " + std::to_string(length) + " bytes is cut short");
  }
  BareReader fields(bytes);
  const std::string_view key = fields.Data();
  const std::string_view value = fields.Data();
  // The value ends here; End() may move on to where something is wrong.
  const size_t end = fields.offset();
  fields.End();
  const uint64_t payload = begin + kEntryLengthBytes;
  if (!fields.ok()) return Bad(payload + fields.offset(), fields.error());
  entry->pair = KeyValue{std::string(key), std::string(value)};
  entry->value_offset = payload + end - value.size();
  *more = true;
  return Status::Ok();
}

std::unique_ptr<PairSource> ReadKvBin(std::unique_ptr<ByteSource> source) {
  return std::make_unique<KvBinReader>(std::move(source));
}

void AppendKvBinEntry(std::string_view key, std::string_view value,
                      std::string* out) {
  const size_t begin = out->size();
  out->append(kEntryLengthBytes, '\0');
  const size_t payload = out->size();
  AppendBareData(out, key);
  AppendBareData(out, value);
  // The length fits: the limits of a key and a value together are far below 4
  // GiB.
  StoreBig32(out->data() + begin, static_cast<uint32_t>(out->size() - payload));
}

std::string EncodeKvBinEntry(std::string_view key, std::string_view value) {
  std::string entry;
  AppendKvBinEntry(key, value, &entry);
  return entry;
}

Status WriteKvBin(const std::string& path, bool overwrite,
                  std::unique_ptr<PairSink>* sink) {
  std::unique_ptr<NewFile> file;
  if (Status s = NewFile::Create(path, overwrite, &file); !s.ok()) return s;
  *sink = std::make_unique<KvBinWriter>(std::move(file));
  return Status::Ok();
}

}  // namespace actorkv
