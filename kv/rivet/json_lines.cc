#include "kv/rivet/json_lines.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/hex.h"
#include "kv/base/utf8.h"
#include "kv/files/byte_reader.h"
#include "kv/files/new_file.h"
#include "kv/rivet/pair_limits.h"

namespace actorkv {

namespace {

using nlohmann::json;

// LineHandler: takes the members of one line; the first thing that does not
// belong there ends the parse, with `error` set.
class LineHandler : public nlohmann::json_sax<json> {
 public:
  std::optional<std::string> key_digits;
  std::optional<std::string> value_digits;
  std::string error;

  bool start_object(size_t) override {
    return depth_++ == 0 || Fail("an object inside the object");
  }
  bool end_object() override { return true; }
  bool key(std::string& name) override {
    if (name != "k" && name != "v") {
      return Fail(R"(a member other than "k" and "v")");
    }
    member_ = name == "k" ? &key_digits : &value_digits;
    // Two keys in one line are no pair: parsers differ in which one they take.
    return !member_->has_value() || Fail("\"" + name + "\" twice");
  }
  bool string(std::string& text) override {
    if (member_ == nullptr) return Fail("not an object");
    *member_ = std::move(text);
    return true;
  }
  // Keys and values are hexadecimal texts, as any byte may be in them. A number
  // or null is nothing that a writer of dumps makes.
  bool null() override { return NoString(); }
  bool boolean(bool) override { return NoString(); }
  bool number_integer(int64_t) override { return NoString(); }
  bool number_unsigned(uint64_t) override { return NoString(); }
  bool number_float(double, const std::string&) override { return NoString(); }
  bool binary(json::binary_t&) override { return NoString(); }
  bool start_array(size_t) override { return NoString(); }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail("not JSON at column " + std::to_string(position));
  }

 private:
  // Returning false ends the parse: nlohmann's SAX interface has no other way
  // to say so.
  bool Fail(std::string text) {
    error = std::move(text);
    return false;
  }
  bool NoString() {
    return Fail(member_ == nullptr ? "not an object" : "not a string");
  }

  int depth_ = 0;
  std::optional<std::string>* member_ = nullptr;
};

// Parses `line`; *error is empty when it is a pair.
void ParseLine(const std::string& line, KeyValue* pair, std::string* error) {
  LineHandler handler;
  if (!json::sax_parse(line, &handler)) {
    // The parser would tell of the column alone.
    *error = IsUtf8(line) ? handler.error : "not UTF-8";
  } else if (!handler.key_digits.has_value()) {
    *error = "\"k\" is missing";
  } else if (!handler.value_digits.has_value()) {
    *error = "\"v\" is missing";
  } else if (!FromHex(*handler.key_digits, &pair->key)) {
    *error = "\"k\" is not hexadecimal";
  } else if (!FromHex(*handler.value_digits, &pair->value)) {
    *error = "\"v\" is not hexadecimal";
  }
}

class JsonLinesReader : public PairSource {
 public:
  explicit JsonLinesReader(std::unique_ptr<ByteSource> source)
      : reader_(std::move(source)) {}

  Status Next(KeyValue* pair, bool* more) override {
    std::string line;
    if (Status s = NextLine(&line); !s.ok()) return s;
    if (line.empty()) {
      *more = false;
      return Status::Ok();
    }
    KeyValue read;
    std::string error;
    ParseLine(line, &read, &error);
    if (!error.empty()) {
      // A dump that was cut short shows as a bad last line.
      return Bad(ended_ ? error : error + "; the file ends in this line");
    }
    if (Status s = CheckPairSize(read.key, read.value, kStoredPairLimits);
        !s.ok()) {
      return s.WithContext(Place());
    }
    *pair = std::move(read);
    *more = true;
    return Status::Ok();
  }

  std::string Place() const override {
    return "line " + std::to_string(number_);
  }

 private:
  // Takes the next line; *line is empty at the end.
  Status NextLine(std::string* line) {
    bool empty_before = false;
    while (true) {
      if (Status s = reader_.TakeLine(kMaxJsonLineBytes, line, &ended_);
          !s.ok()) {
        return s.WithContext("after line " + std::to_string(number_));
      }
      if (number_ == 0 && BeginsWith(*line, kByteOrderMark)) {
        line->erase(0, kByteOrderMark.size());
      }
      // No bytes and no newline: the end of the file.
      if (line->empty() && !ended_) return Status::Ok();
      ++number_;
      if (!line->empty()) break;
      empty_before = true;
    }
    if (line->size() > kMaxJsonLineBytes) {
      return Bad("longer than the limit of " +
                 std::to_string(kMaxJsonLineBytes) + " bytes for a line");
    }
    // Empty lines may follow the last pair, so they are an error only once
    // another line comes.
    return empty_before ? Bad("an empty line before it") : Status::Ok();
  }

  Status Bad(const std::string& what) const {
    return Status::InvalidArgument(Place() + ": " + what);
  }

  ByteReader reader_;
  uint64_t number_ = 0;  // the line read last, from 1
  bool ended_ = false;   // the last line did, with a newline
};

class JsonLinesWriter : public PairSink {
 public:
  explicit JsonLinesWriter(std::unique_ptr<NewFile> file)
      : file_(std::move(file)) {}

  Status Add(std::string_view key, std::string_view value) override {
    // Hexadecimal digits need no escapes, so the line is put together without a
    // writer of JSON.
    return file_->Append(R"({"k":")" + ToHex(key) + R"(","v":")" +
                         ToHex(value) + "\"}\n");
  }
  Status Finish() override { return file_->Finish(); }

 private:
  const std::unique_ptr<NewFile> file_;
};

}  // namespace

std::unique_ptr<PairSource> ReadJsonLines(std::unique_ptr<ByteSource> source) {
  return std::make_unique<JsonLinesReader>(std::move(source));
}

Status WriteJsonLines(const std::string& path, bool overwrite,
                      std::unique_ptr<PairSink>* sink) {
  std::unique_ptr<NewFile> file;
  if (Status s = NewFile::Create(path, overwrite, &file); !s.ok()) return s;
  *sink = std::make_unique<JsonLinesWriter>(std::move(file));
  return Status::Ok();
}

}  // namespace actorkv
