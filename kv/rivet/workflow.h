// The pairs of an actor's workflow, as RivetKit 2.1.3 and later write them:
// what their keys and values say.
//
// A key is 06 01 and a tuple of FoundationDB's tuple layer:
//
//     integer   14: 0; 15 n, 16 nn, ...: n in as many bytes, big-endian
//     text      02, the bytes with 00 written as 00 ff, 00
//     tuple     05, its items, 00
//
//     first  then                                value
//     1      index                               name: UTF-8 text
//     2      location                            entry of the history
//     3      1 state, 2 output,                  of the workflow: state as
//            3 error, 4 input                    text, the others CBOR
//     4      id of an entry, text                metadata of the entry
//     5      -                                   context of a trace
//
// A location is one item for each step of the way: the index of a name, or, for
// a round of a loop, a tuple (index of the loop's name, round).
//
// Entry, versioned BARE (kv/rivet/bare.h), version 1; `cbor` is data:
//
//     id        str
//     location  list<u8 0, u32 name; or u8 1, u32 loop, u32 round>
//     kind      u8, then
//       0 step        output optional<cbor>, error optional<str>
//       1 loop        state cbor, round u32, output optional<cbor>
//       2 sleep       deadline u64 ms, state u8: 0 pending, 1 completed,
//                     2 interrupted
//       3 message     name str, body cbor
//       4 checkpoint  name str
//       5 join        branches: list<{ name: str, branch }>
//       6 race        winner optional<str>, branches as in join
//       7 removed     kind str, name optional<str>
//       8 version     resolved u32, latest u32
//     branch    status u8: 0 pending, 1 running, 2 completed, 3 failed,
//               4 cancelled; output optional<cbor>, error optional<str>
//
// Metadata, version 1:
//
//     status u8: 0 pending, 1 running, 2 completed, 3 failed, 4 exhausted;
//     error optional<str>, attempts u32, last_attempt_at u64 ms,
//     created_at u64 ms, completed_at optional<u64 ms>,
//     rolled_back_at optional<u64 ms>, rollback_error optional<str>

#ifndef ACTORKV_KV_RIVET_WORKFLOW_H_
#define ACTORKV_KV_RIVET_WORKFLOW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

enum class WorkflowPart : uint8_t {
  kName,
  kHistory,
  kState,
  kOutput,
  kError,
  kInput,
  kMetadata,
  kTrace,
  kUnknown,
};

// Names the part: "name", "history", ..., "unknown".
const char* WorkflowPartName(WorkflowPart part);

struct WorkflowStep {
  uint64_t name = 0;  // its index
  std::optional<uint64_t> round;
};

struct WorkflowKey {
  WorkflowPart part = WorkflowPart::kUnknown;
  uint64_t index = 0;                  // of a name
  std::vector<WorkflowStep> location;  // in the history
  std::string entry_id;                // of metadata
};

// Reads a key with its prefix; what is no such key is of an unknown part.
WorkflowKey ParseWorkflowKey(std::string_view key);

// Returns the key of the name with this index.
std::string WorkflowNameKey(uint64_t index);

struct WorkflowEntry {
  std::string id;
  const char* kind = "";    // "step", "loop", ...
  const char* status = "";  // of a sleep; else empty
  std::string name;         // of a message, a checkpoint, what was removed
  std::optional<std::string> error;
  std::optional<uint64_t> deadline_ms;
};

struct WorkflowMetadata {
  const char* status = "";
  std::optional<std::string> error;
  uint32_t attempts = 0;
  uint64_t last_attempt_at_ms = 0;
  uint64_t created_at_ms = 0;
  std::optional<uint64_t> completed_at_ms;
};

// Decode a value. Errors, with the output unchanged: kNotSupported for a
// version that is not known; kCorruption, with the byte.
Status DecodeWorkflowEntry(std::string_view value, WorkflowEntry* entry);
Status DecodeWorkflowMetadata(std::string_view value,
                              WorkflowMetadata* metadata);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_WORKFLOW_H_
