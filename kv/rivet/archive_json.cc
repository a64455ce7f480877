#include "kv/rivet/archive_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kv/rivet/json_text.h"

namespace actorkv {

namespace {

constexpr size_t kIndent = 2;

// ObjectReader: takes typed members out of the object that `text` is. The first
// thing that is wrong is kept for Finish(), and every read after it gives
// nothing.
class ObjectReader {
 public:
  using Kind = JsonMember::Kind;

  explicit ObjectReader(std::string_view text)
      : error_(ReadJsonObject(text, kMaxArchiveJsonDepth, &members_)) {}

  std::string String(const char* name) {
    return Required(name, Kind::kString, " is not a string").text;
  }

  // A member that is missing is the same as null, as for Rivet.
  std::optional<std::string> OptionalString(const char* name) {
    const auto found = Find(name);
    if (!error_.ok() || found == members_.end()) return std::nullopt;
    if (found->kind != Kind::kNull) return String(name);
    members_.erase(found);
    return std::nullopt;
  }

  int64_t Integer(const char* name) {
    return Required(name, Kind::kInteger, " is not an integer of 64 bits")
        .integer;
  }

  std::string Object(const char* name) {
    return Required(name, Kind::kObject, " is not an object").text;
  }

  // Ends the reading: no member may be left.
  Status Finish() {
    if (error_.ok() && !members_.empty()) {
      Fail("the field " + Named(members_.front().name) + " is not known");
    }
    return error_;
  }

 private:
  static std::string Named(const std::string& name) {
    return "\"" + name + "\"";
  }
  void Fail(std::string error) {
    if (error_.ok()) error_ = Status::InvalidArgument(std::move(error));
  }
  std::vector<JsonMember>::iterator Find(const char* name) {
    return std::find_if(members_.begin(), members_.end(),
                        [&](const JsonMember& m) { return m.name == name; });
  }

  JsonMember Required(const char* name, Kind kind, const char* otherwise) {
    if (!error_.ok()) return {};
    const auto found = Find(name);
    if (found == members_.end()) {
      Fail(Named(name) + " is missing");
      return {};
    }
    JsonMember member = std::move(*found);
    // Members that were taken go, so that Finish() sees those that nobody
    // knows.
    members_.erase(found);
    if (member.kind == kind) return member;
    Fail(Named(name) + otherwise);
    return {};
  }

  std::vector<JsonMember> members_;
  Status error_;
};

// ObjectWriter: writes an object, line by line.
class ObjectWriter {
 public:
  ObjectWriter() : json_(kIndent) { json_.Open('{'); }

  void Add(const char* name, const std::string& text) {
    json_.Key(name);
    json_.Value(JsonString(text));
  }
  void Add(const char* name, const std::optional<std::string>& text) {
    json_.Key(name);
    json_.Value(text.has_value() ? JsonString(*text) : "null");
  }
  template <typename Integer>
  void AddNumber(const char* name, Integer number) {
    json_.Key(name);
    json_.Value(std::to_string(number));
  }
  // The selector is somebody else's object: it is written as it came, in our
  // indent.
  void AddJson(const char* name, const std::string& json) {
    json_.Key(name);
    json_.Copy(json);
  }
  std::string Finish() {
    json_.Close('}');
    return json_.text() + "\n";
  }

 private:
  JsonWriter json_;
};

}  // namespace

Status ParseActorMetadata(std::string_view text, ActorMetadata* metadata) {
  ObjectReader fields(text);
  ActorMetadata read;
  read.source_actor_id = fields.String("source_actor_id");
  read.name = fields.String("name");
  read.key = fields.OptionalString("key");
  read.runner_name_selector = fields.String("runner_name_selector");
  // Names and policies are kept as texts. What they mean to Rivet is not known
  // here, and an export gives them back.
  read.crash_policy = fields.String("crash_policy");
  read.create_ts = fields.Integer("create_ts");
  if (Status s = fields.Finish(); !s.ok()) return s;
  *metadata = std::move(read);
  return Status::Ok();
}

Status ParseArchiveManifest(std::string_view text, ArchiveManifest* manifest) {
  ObjectReader fields(text);
  ArchiveManifest read;
  const int64_t version = fields.Integer("version");
  read.generated_at = fields.Integer("generated_at");
  read.source_cluster = fields.OptionalString("source_cluster");
  read.source_namespace_id = fields.String("source_namespace_id");
  read.source_namespace_name = fields.String("source_namespace_name");
  read.selector = fields.Object("selector");
  const int64_t count = fields.Integer("actor_count");
  Status checked = fields.Finish();
  // Another version may well have other fields, so its number is said rather
  // than the first field that is wrong.
  if (version != 0 && version != 1 && version != 2) {
    return Status::NotSupported("an archive of version " +
                                std::to_string(version) +
                                ", versions 1 and 2 are known");
  }
  if (!checked.ok()) return checked;
  if (version == 0 || count < 0) {
    return Status::InvalidArgument(
        version == 0 ? "\"version\" is 0" : "\"actor_count\" is negative");
  }
  read.version = static_cast<uint32_t>(version);
  read.actor_count = static_cast<uint64_t>(count);
  *manifest = std::move(read);
  return Status::Ok();
}

std::string ToJson(const ActorMetadata& metadata) {
  ObjectWriter object;
  object.Add("source_actor_id", metadata.source_actor_id);
  object.Add("name", metadata.name);
  object.Add("key", metadata.key);
  object.Add("runner_name_selector", metadata.runner_name_selector);
  object.Add("crash_policy", metadata.crash_policy);
  object.AddNumber("create_ts", metadata.create_ts);
  return object.Finish();
}

std::string ToJson(const ArchiveManifest& manifest) {
  ObjectWriter object;
  object.AddNumber("version", manifest.version);
  object.AddNumber("generated_at", manifest.generated_at);
  object.Add("source_cluster", manifest.source_cluster);
  object.Add("source_namespace_id", manifest.source_namespace_id);
  object.Add("source_namespace_name", manifest.source_namespace_name);
  object.AddJson("selector", manifest.selector);
  object.AddNumber("actor_count", manifest.actor_count);
  return object.Finish();
}

}  // namespace actorkv
