#include "kv/rivet/actor_persist.h"

#include <utility>

#include "kv/base/coding.h"
#include "kv/rivet/bare.h"

namespace actorkv {

namespace {

constexpr uint64_t kVersion = 4;  // that is written
constexpr uint64_t kAlarmVersion = 1;
constexpr size_t kVersionBytes = 2;

std::string Versioned(uint64_t version) {
  std::string bytes;
  AppendBareFixed(&bytes, version, kVersionBytes);
  return bytes;
}

void AppendBool(std::string* out, bool value) {
  out->push_back(value ? '\1' : '\0');
}

void AppendOptionalData(std::string* out,
                        const std::optional<std::string>& value) {
  AppendBool(out, value.has_value());
  if (value.has_value()) AppendBareData(out, *value);
}

void AppendOptionalFixed(std::string* out, std::optional<int64_t> value,
                         size_t width) {
  AppendBool(out, value.has_value());
  if (value.has_value()) {
    AppendBareFixed(out, static_cast<uint64_t>(*value), width);
  }
}

std::string Text(BareReader* reader) { return std::string(reader->Data()); }

std::optional<std::string> OptionalData(BareReader* reader) {
  if (!reader->Bool()) return std::nullopt;
  return Text(reader);
}

std::optional<int64_t> OptionalFixed(BareReader* reader, size_t width) {
  if (!reader->Bool()) return std::nullopt;
  return static_cast<int64_t>(reader->Fixed(width));
}

// Says what became of a value: an error of the reader, or of the version.
Status Outcome(const BareReader& reader, uint64_t version, bool is_known) {
  if (!is_known) {
    return Status::NotSupported("a value of version " +
                                std::to_string(version));
  }
  if (reader.ok()) return Status::Ok();
  return Status::Corruption("at byte " + std::to_string(reader.offset()) +
                            " of the value: " + std::string(reader.error()));
}

// The items of the lists are read while there are bytes, so that memory grows
// with what is there.
void ReadSubscriptions(BareReader* reader, std::vector<std::string>* names) {
  for (size_t left = reader->Count(1); left > 0 && reader->ok(); --left) {
    names->push_back(Text(reader));
  }
}

void SkipOldConnections(BareReader* reader, uint64_t version,
                        PersistedActor* actor) {
  constexpr size_t kLeastBytes = 5 + sizeof(uint64_t);
  const size_t count = reader->Count(kLeastBytes);
  for (size_t left = count; left > 0 && reader->ok(); --left) {
    std::vector<std::string> subscriptions;
    for (int field = 0; field < 4; ++field) reader->Data();
    ReadSubscriptions(reader, &subscriptions);
    reader->Fixed(sizeof(uint64_t));  // last seen
    if (version == 2) OptionalData(reader);
  }
  actor->old_connection_count = count;
}

void ReadEvents(BareReader* reader, bool has_kind, PersistedActor* actor) {
  constexpr size_t kLeastBytes = 3 + sizeof(int64_t);
  for (size_t left = reader->Count(kLeastBytes); left > 0 && reader->ok();
       --left) {
    ScheduledEvent event;
    event.id = Text(reader);
    event.timestamp_ms = reader->Signed64();
    if (has_kind && reader->Fixed(1) != 0) {
      reader->Fail("a scheduled event of a kind that is not known");
    }
    event.action = Text(reader);
    event.args = OptionalData(reader);
    actor->events.push_back(std::move(event));
  }
}

void SkipWebsockets(BareReader* reader) {
  constexpr size_t kLeastBytes = 1 + 2 * sizeof(int64_t);
  for (size_t left = reader->Count(kLeastBytes); left > 0 && reader->ok();
       --left) {
    reader->Data();
    reader->Signed64();
    reader->Signed64();
  }
}

}  // namespace

Status DecodePersist(std::string_view value, PersistedActor* actor) {
  BareReader reader(value);
  PersistedActor read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  const bool is_known = reader.ok() && version >= 1 && version <= kVersion;
  if (is_known) {
    const bool is_old = version <= 2;
    read.input = OptionalData(&reader);
    read.has_initialized = reader.Bool();
    read.state = Text(&reader);
    if (is_old) SkipOldConnections(&reader, version, &read);
    ReadEvents(&reader, is_old, &read);
    if (version == 2) SkipWebsockets(&reader);
    reader.End();
  }
  Status s = Outcome(reader, version, is_known || !reader.ok());
  if (s.ok()) *actor = std::move(read);
  return s;
}

std::string EncodePersist(const PersistedActor& actor) {
  std::string bytes = Versioned(kVersion);
  AppendOptionalData(&bytes, actor.input);
  AppendBool(&bytes, actor.has_initialized);
  AppendBareData(&bytes, actor.state);
  AppendBareUint(&bytes, actor.events.size());
  for (const ScheduledEvent& event : actor.events) {
    AppendBareData(&bytes, event.id);
    AppendLittle64(&bytes, static_cast<uint64_t>(event.timestamp_ms));
    AppendBareData(&bytes, event.action);
    AppendOptionalData(&bytes, event.args);
  }
  return bytes;
}

Status DecodePersist(std::string_view value, PersistedConnection* connection) {
  constexpr size_t kIndexBytes = 2;
  constexpr size_t kLeastHeaderBytes = 2;
  BareReader reader(value);
  PersistedConnection read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  const bool is_known = version == 3 || version == kVersion;
  if (is_known) {
    read.id = Text(&reader);
    read.parameters = Text(&reader);
    read.state = Text(&reader);
    ReadSubscriptions(&reader, &read.subscriptions);
    read.gateway_id = std::string(reader.Bytes(kRequestIdBytes));
    read.request_id = std::string(reader.Bytes(kRequestIdBytes));
    read.server_message_index =
        static_cast<uint16_t>(reader.Fixed(kIndexBytes));
    read.client_message_index =
        static_cast<uint16_t>(reader.Fixed(kIndexBytes));
    read.request_path = Text(&reader);
    for (size_t left = reader.Count(kLeastHeaderBytes); left > 0 && reader.ok();
         --left) {
      std::string name = Text(&reader);
      read.request_headers.emplace_back(std::move(name), Text(&reader));
    }
    reader.End();
  }
  Status s = Outcome(reader, version, is_known || !reader.ok());
  if (s.ok()) *connection = std::move(read);
  return s;
}

std::string EncodePersist(const PersistedConnection& connection) {
  constexpr size_t kIndexBytes = 2;
  std::string bytes = Versioned(kVersion);
  AppendBareData(&bytes, connection.id);
  AppendBareData(&bytes, connection.parameters);
  AppendBareData(&bytes, connection.state);
  AppendBareUint(&bytes, connection.subscriptions.size());
  for (const std::string& name : connection.subscriptions) {
    AppendBareData(&bytes, name);
  }
  bytes += connection.gateway_id;
  bytes += connection.request_id;
  AppendBareFixed(&bytes, connection.server_message_index, kIndexBytes);
  AppendBareFixed(&bytes, connection.client_message_index, kIndexBytes);
  AppendBareData(&bytes, connection.request_path);
  AppendBareUint(&bytes, connection.request_headers.size());
  for (const auto& [name, text] : connection.request_headers) {
    AppendBareData(&bytes, name);
    AppendBareData(&bytes, text);
  }
  return bytes;
}

Status DecodePersist(std::string_view value, QueueMetadata* metadata) {
  BareReader reader(value);
  QueueMetadata read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  const bool is_known = version == kVersion;
  if (is_known) {
    read.next_id = reader.Fixed(sizeof read.next_id);
    read.size = static_cast<uint32_t>(reader.Fixed(sizeof read.size));
    reader.End();
  }
  Status s = Outcome(reader, version, is_known || !reader.ok());
  if (s.ok()) *metadata = read;
  return s;
}

std::string EncodePersist(const QueueMetadata& metadata) {
  std::string bytes = Versioned(kVersion);
  AppendBareFixed(&bytes, metadata.next_id, sizeof metadata.next_id);
  AppendBareFixed(&bytes, metadata.size, sizeof metadata.size);
  return bytes;
}

Status DecodePersist(std::string_view value, QueueMessage* message) {
  BareReader reader(value);
  QueueMessage read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  const bool is_known = version == kVersion;
  if (is_known) {
    read.name = Text(&reader);
    read.body = Text(&reader);
    read.created_at_ms = reader.Signed64();
    if (reader.Bool()) {
      read.failure_count = static_cast<uint32_t>(reader.Fixed(4));
    }
    read.available_at_ms = OptionalFixed(&reader, sizeof(int64_t));
    if (reader.Bool()) read.in_flight = reader.Bool();
    read.in_flight_at_ms = OptionalFixed(&reader, sizeof(int64_t));
    reader.End();
  }
  Status s = Outcome(reader, version, is_known || !reader.ok());
  if (s.ok()) *message = std::move(read);
  return s;
}

std::string EncodePersist(const QueueMessage& message) {
  std::string bytes = Versioned(kVersion);
  AppendBareData(&bytes, message.name);
  AppendBareData(&bytes, message.body);
  AppendLittle64(&bytes, static_cast<uint64_t>(message.created_at_ms));
  AppendOptionalFixed(&bytes, message.failure_count, sizeof(uint32_t));
  AppendOptionalFixed(&bytes, message.available_at_ms, sizeof(int64_t));
  AppendOptionalFixed(&bytes, message.in_flight, 1);
  AppendOptionalFixed(&bytes, message.in_flight_at_ms, sizeof(int64_t));
  return bytes;
}

Status DecodeAlarm(std::string_view value, std::optional<int64_t>* at_ms) {
  BareReader reader(value);
  std::optional<int64_t> read;
  const uint64_t version = reader.Fixed(kVersionBytes);
  const bool is_known = version == kAlarmVersion;
  if (is_known) {
    read = OptionalFixed(&reader, sizeof(int64_t));
    reader.End();
  }
  Status s = Outcome(reader, version, is_known || !reader.ok());
  if (s.ok()) *at_ms = read;
  return s;
}

std::string EncodeAlarm(std::optional<int64_t> at_ms) {
  std::string bytes = Versioned(kAlarmVersion);
  AppendOptionalFixed(&bytes, at_ms, sizeof(int64_t));
  return bytes;
}

std::string QueueMessageKey(uint64_t id) {
  std::string key(kQueueMessagePrefix);
  AppendBig64(&key, id);
  return key;
}

}  // namespace actorkv
