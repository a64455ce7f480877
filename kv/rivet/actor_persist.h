// The values of an actor's pairs that RivetKit itself writes, beside those of
// workflows (kv/rivet/workflow.h): state, connections, queue, alarm. All are
// versioned BARE (kv/rivet/bare.h). RivetKit 2.0 writes version 3, 2.1.3 to
// 2.3.4 write version 4; 2.3.5 and later keep the same in tables. `cbor` is
// data that is opaque here.
//
//   state, key 1, versions 3 and 4 (they differ in nothing but that)
//     input            optional<cbor>
//     has_initialized  bool
//     state            cbor
//     events           list<{ id: str, timestamp: i64 ms, action: str,
//                             args: optional<cbor> }>
//   version 1
//     input, has_initialized, state, then
//     connections      list<{ id: str, token: str, parameters: cbor,
//                             state: cbor, subscriptions: list<str>,
//                             last_seen: u64 ms }>
//     events           list<{ id: str, timestamp: u64 ms,
//                             kind: u8 0, action: str, args: optional<cbor> }>
//   version 2: as 1, a connection has a request id after its last_seen
//     (optional<data>), and at the end come
//     websockets       list<{ request_id: data, last_seen: i64, index: i64 }>
//
//   connection, key 2 ID, versions 3 and 4
//     id str, parameters cbor, state cbor, subscriptions list<str>,
//     gateway_id data[4], request_id data[4], server_message_index u16,
//     client_message_index u16, request_path str, request_headers:
//     list<{ name: str, value: str }>
//
//   queue metadata, key 5 1 1, version 4: next_id u64, size u32
//   queue message, key 5 1 2 id(8, big-endian), version 4
//     name str, body cbor, created_at i64 ms, failure_count optional<u32>,
//     available_at optional<i64 ms>, in_flight optional<bool>, in_flight_at
//     optional<i64 ms>; the last four are none in all that 2.1.3 to 2.3.4 write
//   alarm, key 6, version 1: optional<i64 ms>

#ifndef ACTORKV_KV_RIVET_ACTOR_PERSIST_H_
#define ACTORKV_KV_RIVET_ACTOR_PERSIST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/rivet/cbor_texts.h"

namespace actorkv {

// The keys of single pairs, and the prefixes of those that are many.
inline constexpr std::string_view kStateKey("\x01", 1);
inline constexpr std::string_view kConnectionPrefix("\x02", 1);
inline constexpr std::string_view kInspectorKey("\x03", 1);
inline constexpr std::string_view kUserPrefix("\x04", 1);
inline constexpr std::string_view kQueueMetadataKey("\x05\x01\x01", 3);
inline constexpr std::string_view kQueueMessagePrefix("\x05\x01\x02", 3);
inline constexpr std::string_view kAlarmKey("\x06", 1);
inline constexpr std::string_view kWorkflowPrefix("\x06\x01", 2);

// The state of an actor that has none yet: undefined, as CBOR.
inline constexpr std::string_view kNoState("\xf7", 1);

inline constexpr size_t kRequestIdBytes = 4;

struct ScheduledEvent {
  std::string id;
  int64_t timestamp_ms = 0;
  std::string action;
  std::optional<std::string> args;
};

struct PersistedActor {
  std::optional<std::string> input;
  bool has_initialized = false;
  std::string state;
  std::vector<ScheduledEvent> events;
  // How many connections a value of version 1 or 2 has, which no later form
  // has a place for.
  uint64_t old_connection_count = 0;
};

struct PersistedConnection {
  std::string id;
  std::string parameters;
  std::string state;
  std::vector<std::string> subscriptions;
  std::string gateway_id;  // kRequestIdBytes
  std::string request_id;  // kRequestIdBytes
  uint16_t server_message_index = 0;
  uint16_t client_message_index = 0;
  std::string request_path;
  TextPairs request_headers;
};

struct QueueMetadata {
  uint64_t next_id = 1;
  uint32_t size = 0;
};

struct QueueMessage {
  std::string name;
  std::string body;
  int64_t created_at_ms = 0;
  std::optional<uint32_t> failure_count;
  std::optional<int64_t> available_at_ms;
  std::optional<bool> in_flight;
  std::optional<int64_t> in_flight_at_ms;

  // Whether it is what a queue of Rivet 2.3.5 can hold.
  bool IsPlain() const {
    return !failure_count.has_value() && !available_at_ms.has_value() &&
           !in_flight.has_value() && !in_flight_at_ms.has_value();
  }
};

// Decode a value. Errors, with the output unchanged: kNotSupported for a
// version that is not known; kCorruption, with the byte.
Status DecodePersist(std::string_view value, PersistedActor* actor);
Status DecodePersist(std::string_view value, PersistedConnection* connection);
Status DecodePersist(std::string_view value, QueueMetadata* metadata);
Status DecodePersist(std::string_view value, QueueMessage* message);
Status DecodeAlarm(std::string_view value, std::optional<int64_t>* at_ms);

// Encode what RivetKit 2.1.3 to 2.3.4 would write: version 4. REQUIRES: ids of
// kRequestIdBytes.
std::string EncodePersist(const PersistedActor& actor);
std::string EncodePersist(const PersistedConnection& connection);
std::string EncodePersist(const QueueMetadata& metadata);
std::string EncodePersist(const QueueMessage& message);
std::string EncodeAlarm(std::optional<int64_t> at_ms);

// Returns the key of a message.
std::string QueueMessageKey(uint64_t id);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_ACTOR_PERSIST_H_
