#include "kv/rivet/json_text.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace actorkv {

namespace {

using nlohmann::json;

// CopyHandler: writes what is parsed.
class CopyHandler : public nlohmann::json_sax<json> {
 public:
  explicit CopyHandler(JsonWriter* writer) : writer_(writer) {}

  bool null() override { return Value("null"); }
  bool boolean(bool value) override { return Value(value ? "true" : "false"); }
  bool number_integer(int64_t value) override {
    return Value(std::to_string(value));
  }
  bool number_unsigned(uint64_t value) override {
    return Value(std::to_string(value));
  }
  bool number_float(double /*value*/, const std::string& text) override {
    // The text as it was written keeps its digits, where a double would round
    // them.
    return Value(text);
  }
  bool string(std::string& value) override { return Value(JsonString(value)); }
  bool binary(json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return Open('{'); }
  bool key(std::string& name) override {
    writer_->Key(name);
    return true;
  }
  bool end_object() override { return Close('}'); }
  bool start_array(size_t /*size*/) override { return Open('['); }
  bool end_array() override { return Close(']'); }
  bool parse_error(size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  bool Value(std::string_view text) {
    writer_->Value(text);
    return true;
  }
  bool Open(char bracket) {
    writer_->Open(bracket);
    return true;
  }
  bool Close(char bracket) {
    writer_->Close(bracket);
    return true;
  }

  JsonWriter* const writer_;
};

// MembersHandler: collects the members of the outer object, each with a writer
// of its own.
class MembersHandler : public nlohmann::json_sax<json> {
 public:
  using Kind = JsonMember::Kind;

  explicit MembersHandler(size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return Scalar(Kind::kNull, "null", 0); }
  bool boolean(bool value) override {
    return Scalar(Kind::kOther, value ? "true" : "false", 0);
  }
  bool number_integer(int64_t value) override {
    return Scalar(Kind::kInteger, std::to_string(value), value);
  }
  bool number_unsigned(uint64_t value) override {
    constexpr auto kMax = uint64_t{std::numeric_limits<int64_t>::max()};
    // A number past 63 bits keeps its text and is no integer: a caller that
    // wants one says so, instead of taking one that wrapped around.
    const bool fits = value <= kMax;
    return Scalar(fits ? Kind::kInteger : Kind::kOther, std::to_string(value),
                  fits ? static_cast<int64_t>(value) : 0);
  }
  bool number_float(double /*value*/, const std::string& text) override {
    return Scalar(Kind::kOther, text, 0);
  }
  bool string(std::string& value) override {
    // A member keeps its string without quotes; deeper ones are text of JSON.
    return depth_ == 1 ? Scalar(Kind::kString, value, 0)
                       : Scalar(Kind::kOther, JsonString(value), 0);
  }
  bool binary(json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override {
    if (depth_ == 0) is_object_ = true;
    return Open('{', Kind::kObject);
  }
  bool key(std::string& name) override {
    if (depth_ > 1) {
      nested_->Key(name);
      return true;
    }
    // Readers differ in which of two members of a name they take, so neither is
    // taken.
    const auto same = [&](const JsonMember& m) { return m.name == name; };
    if (std::any_of(members_.begin(), members_.end(), same)) {
      return Fail("\"" + name + "\" comes twice");
    }
    members_.emplace_back();
    members_.back().name = name;
    return true;
  }
  bool end_object() override { return Close('}'); }
  bool start_array(size_t /*size*/) override { return Open('[', Kind::kOther); }
  bool end_array() override { return Close(']'); }
  bool parse_error(size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return Fail(kNoObject);
  }

  Status Finish(std::vector<JsonMember>* members) {
    if (error_.empty() && !is_object_) error_ = kNoObject;
    if (!error_.empty()) return Status::InvalidArgument(error_);
    *members = std::move(members_);
    return Status::Ok();
  }

 private:
  static constexpr char kNoObject[] = "it is not a JSON object";

  bool Fail(const std::string& error) {
    if (error_.empty()) error_ = error;
    return false;
  }
  bool Scalar(Kind kind, std::string_view text, int64_t integer) {
    if (depth_ > 1) {
      nested_->Value(text);
    } else if (depth_ == 1 && is_object_) {
      JsonMember& member = members_.back();
      member.kind = kind;
      member.text = text;
      member.integer = integer;
    }
    return true;
  }
  bool Open(char bracket, Kind kind) {
    // The parser keeps a stack of its own, not the thread's; the limit is for
    // what is kept of the text.
    if (++depth_ > max_depth_) return Fail("it is nested too deep");
    if (depth_ == 1) return true;
    if (depth_ == 2) {
      // A member that is an object or a list is written again while it is read:
      // it is kept as text, and never as a tree.
      nested_.emplace(size_t{0});
      if (is_object_) members_.back().kind = kind;
    }
    nested_->Open(bracket);
    return true;
  }
  bool Close(char bracket) {
    if (--depth_ == 0) return true;
    nested_->Close(bracket);
    if (depth_ == 1 && is_object_) members_.back().text = nested_->text();
    return true;
  }

  const size_t max_depth_;
  size_t depth_ = 0;
  bool is_object_ = false;
  std::optional<JsonWriter> nested_;  // writes the member that is being read
  std::vector<JsonMember> members_;
  std::string error_;
};

}  // namespace

// Bytes that are not UTF-8 become U+FFFD: the alternative of the library is an
// exception, and a message is shown rather than lost.
std::string JsonString(std::string_view text) {
  return json(text).dump(-1, ' ', /*ensure_ascii=*/false,
                         json::error_handler_t::replace);
}

void JsonWriter::NewLine() {
  if (indent_ == 0) return;
  text_ += '\n';
  text_.append(indent_ * counts_.size(), ' ');
}

void JsonWriter::Begin() {
  // The value behind a name is on its line, and separated from nothing.
  if (std::exchange(after_key_, false) || counts_.empty()) return;
  if (counts_.back()++ > 0) text_ += ',';
  NewLine();
}

void JsonWriter::Open(char bracket) {
  Begin();
  text_ += bracket;
  counts_.push_back(0);
}

void JsonWriter::Close(char bracket) {
  // An empty object stays on one line.
  const size_t count = counts_.back();
  counts_.pop_back();
  if (count > 0) NewLine();
  text_ += bracket;
}

void JsonWriter::Key(std::string_view name) {
  Begin();
  text_ += JsonString(name);
  text_ += indent_ == 0 ? ":" : ": ";
  after_key_ = true;
}

void JsonWriter::Value(std::string_view json) {
  Begin();
  text_ += json;
}

void JsonWriter::Copy(std::string_view json) {
  CopyHandler handler(this);
  nlohmann::json::sax_parse(json, &handler);
}

Status ReadJsonObject(std::string_view json, size_t max_depth,
                      std::vector<JsonMember>* members) {
  MembersHandler handler(max_depth);
  nlohmann::json::sax_parse(json, &handler);
  return handler.Finish(members);
}

}  // namespace actorkv
