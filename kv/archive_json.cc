#include "kv/archive_json.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace actorkv {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kIndent = 2;

// Takes typed members out of the object that `text` is. The first thing that
// is wrong is kept for Finish(), and every read after it gives nothing.
class ObjectReader {
 public:
  explicit ObjectReader(std::string_view text) {
    std::set<std::string> names;
    const auto check = [&](int depth, json::parse_event_t event,
                           const json& value) {
      if (depth > kMaxArchiveJsonDepth) Fail("it is nested too deep");
      if (event == json::parse_event_t::key && depth == 1) {
        const auto& name = value.get_ref<const std::string&>();
        if (!names.insert(name).second) Fail(Named(name) + " comes twice");
      }
      return ok();
    };
    object_ = json::parse(text, check, /*allow_exceptions=*/false);
    if (ok() && !object_.is_object()) Fail("it is not a JSON object");
  }

  std::string String(const char* name) {
    const json value = Required(name);
    if (ok() && !value.is_string()) Fail(Named(name) + " is not a string");
    return ok() ? value.get<std::string>() : "";
  }

  // Missing and null are the same, as for Rivet.
  std::optional<std::string> OptionalString(const char* name) {
    if (!ok() || !object_.contains(name)) return std::nullopt;
    if (!object_[name].is_null()) return String(name);
    object_.erase(name);
    return std::nullopt;
  }

  int64_t Integer(const char* name) {
    const json value = Required(name);
    const bool too_large =
        value.is_number_unsigned() &&
        value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
    if (ok() && (!value.is_number_integer() || too_large)) {
      Fail(Named(name) + " is not an integer of 64 bits");
    }
    return ok() ? value.get<int64_t>() : 0;
  }

  std::string Object(const char* name) {
    const json value = Required(name);
    if (ok() && !value.is_object()) Fail(Named(name) + " is not an object");
    return ok() ? value.dump() : "";
  }

  // Nothing may be left.
  Status Finish() {
    if (ok() && !object_.empty()) {
      Fail("the field " + Named(object_.begin().key()) + " is not known");
    }
    return ok() ? Status::Ok() : Status::InvalidArgument(error_);
  }

 private:
  static std::string Named(const std::string& name) {
    return "\"" + name + "\"";
  }
  bool ok() const { return error_.empty(); }
  void Fail(std::string error) {
    if (ok()) error_ = std::move(error);
  }

  json Required(const char* name) {
    if (!ok()) return nullptr;
    const auto found = object_.find(name);
    if (found == object_.end()) {
      Fail(Named(name) + " is missing");
      return nullptr;
    }
    json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  json object_;
  std::string error_;
};

ordered_json OrNull(const std::optional<std::string>& text) {
  return text.has_value() ? ordered_json(*text) : ordered_json(nullptr);
}

std::string Dump(const ordered_json& object) {
  return object.dump(kIndent, ' ', /*ensure_ascii=*/false,
                     ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace

Status ParseActorMetadata(std::string_view text, ActorMetadata* metadata) {
  ObjectReader fields(text);
  ActorMetadata read;
  read.source_actor_id = fields.String("source_actor_id");
  read.name = fields.String("name");
  read.key = fields.OptionalString("key");
  read.runner_name_selector = fields.String("runner_name_selector");
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
  // Another version may well have other fields: say the cause, not that.
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
  return Dump({{"source_actor_id", metadata.source_actor_id},
               {"name", metadata.name},
               {"key", OrNull(metadata.key)},
               {"runner_name_selector", metadata.runner_name_selector},
               {"crash_policy", metadata.crash_policy},
               {"create_ts", metadata.create_ts}});
}

std::string ToJson(const ArchiveManifest& manifest) {
  ordered_json selector =
      ordered_json::parse(manifest.selector, nullptr, false);
  return Dump({{"version", manifest.version},
               {"generated_at", manifest.generated_at},
               {"source_cluster", OrNull(manifest.source_cluster)},
               {"source_namespace_id", manifest.source_namespace_id},
               {"source_namespace_name", manifest.source_namespace_name},
               {"selector", std::move(selector)},
               {"actor_count", manifest.actor_count}});
}

}  // namespace actorkv
