// The messages by which a session begins, ends, and says what it holds.
// kv/share/PROTOCOL.md has each byte; kv/share/wire.h how a field is encoded.

#ifndef ACTORKV_KV_SHARE_SESSION_MESSAGES_H_
#define ACTORKV_KV_SHARE_SESSION_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/share/actor_messages.h"
#include "kv/share/frame.h"
#include "kv/share/wire.h"

namespace actorkv {

// The protocols that this module speaks. A change that an older module cannot
// ignore makes a new one; a module speaks the two newest.
constexpr uint32_t kOldestProtocol = 1;
constexpr uint32_t kNewestProtocol = 1;

// The number of sessions that an owner has, and of the channels of each.
constexpr size_t kMaxSessions = 1024;
constexpr size_t kMaxChannels = 8;

// The numbers of pins and of writer's words that a HELLO may name.
constexpr size_t kMaxHeldPins = 16384;
constexpr size_t kMaxHeldWords = 4096;

// ModuleVersion: which module speaks, in which process. It begins HELLO in all
// protocols, so that modules that have none in common can say so.
struct ModuleVersion {
  uint32_t protocol_min = kOldestProtocol;
  uint32_t protocol_max = kNewestProtocol;
  uint32_t pid = 0;
  std::string_view module;  // its version: "0.1.0"

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->protocol_min, &m->protocol_max, &m->pid, &m->module);
  }
};

// Reads the beginning of a HELLO, whatever its protocol. Errors: kCorruption.
Status ReadModuleVersion(std::string_view body, ModuleVersion* version);

// Picks the newest protocol that both speak. Errors: kNotSupported, with both
// modules and what to do, for the user of `client`.
Status PickProtocol(const ModuleVersion& owner, const ModuleVersion& client,
                    uint32_t* protocol);

// HELLO, the first message of a channel.
struct HelloRequest {
  static constexpr Op kOp = Op::kHello;
  static constexpr uint8_t kFlags = 0;

  ModuleVersion version;
  uint64_t features = 0;      // bits; none are given yet
  uint32_t store_format = 0;  // the newest that the module knows
  // The store that it looked at, by its marker (kv/files/store_marker.h): the
  // device may have another number there.
  std::string_view marker_id;
  uint64_t marker_inode = 0;
  uint64_t host = 0;     // HostId::incarnation, the same at each owner
  uint32_t session = 0;  // 0: a new one
  uint64_t key = 0;      // of that session
  bool is_read_only = false;
  std::string_view program;
  std::string_view sqlite_version;  // this one and the next are for people
  std::string_view engine_version;  // of the engine that it would own it with
  // What it held at an owner that is gone: pins, and the names of the actors
  // whose writer's words it had.
  std::vector<PinFields> pins;
  std::vector<std::string_view> words;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->version, &m->features, &m->store_format, &m->marker_id,
              &m->marker_inode, &m->host, &m->session, &m->key,
              &m->is_read_only, &m->program, &m->sqlite_version,
              &m->engine_version, &m->pins, &m->words);
  }
};

// StoredPair: a key of the store and its value, as stored.
struct StoredPair {
  std::string_view key;
  std::string_view value;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->key, &m->value);
  }
};

// WireDamage: what the owner's engine knows to be lost (EngineDamage).
struct WireDamage {
  bool is_kept = false;  // EngineDamage::Kind::kStranded
  std::string_view detail;
  std::string_view mend;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->is_kept, &m->detail, &m->mend);
  }
};

// WELCOME, the answer to HELLO. The first message of a session comes with two
// descriptors: those of the board and of the session's slate.
struct HelloAnswer {
  static constexpr Op kOp = Op::kHello;
  static constexpr uint8_t kFlags = kAnswerFlag;

  uint32_t protocol = 0;  // the one that was picked
  uint64_t features = 0;  // that both know
  uint32_t owner_pid = 0;
  uint64_t incarnation = 0;  // of the owner, as on the board
  uint32_t session = 0;      // 1 to kMaxSession (kv/share/actor_slot.h)
  uint64_t key = 0;          // to show with each further channel
  std::string_view module;   // of the owner: this and the next two for people
  std::string_view sqlite_version;
  std::string_view engine_version;
  // The numbers of the pins that it named whose snapshots are whole; they are
  // taken.
  std::vector<uint32_t> kept_pins;
  // To a new session: what was lost when the owner opened the store.
  std::vector<WireDamage> damages;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->protocol, &m->features, &m->owner_pid, &m->incarnation,
              &m->session, &m->key, &m->module, &m->sqlite_version,
              &m->engine_version, &m->kept_pins, &m->damages);
  }
};

// Why the owner ends a session. DO NOT CHANGE THESE ENUM VALUES: processes with
// other modules use them.
enum class GoAwayReason : uint8_t {
  kHandOver = 1,  // the owner ends, and somebody else may be it
  kMisuse = 2,    // what came in the session was wrong
};
constexpr EnumLimits<GoAwayReason> LimitsOf(GoAwayReason) {
  return {GoAwayReason::kHandOver, GoAwayReason::kMisuse};
}

// GOAWAY, from the owner, unasked; no answer.
struct GoAwayRequest {
  static constexpr Op kOp = Op::kGoAway;
  static constexpr uint8_t kFlags = 0;

  GoAwayReason reason = GoAwayReason::kHandOver;
  std::string_view text;  // for people

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->reason, &m->text);
  }
};

// EmptyRequest: a request that says no more than what is asked. SYNC and CANCEL
// are of it.
template <Op op>
struct EmptyRequest {
  static constexpr Op kOp = op;
  static constexpr uint8_t kFlags = 0;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    static_cast<void>(m);
    static_cast<void>(wire);
  }
};

// DoneAnswer: an answer that says no more than that it is done. DROP,
// COMPACT, SYNC and PIN have it.
template <Op op>
struct DoneAnswer {
  static constexpr Op kOp = op;
  static constexpr uint8_t kFlags = kAnswerFlag;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    static_cast<void>(m);
    static_cast<void>(wire);
  }
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SESSION_MESSAGES_H_
