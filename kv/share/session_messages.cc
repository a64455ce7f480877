#include "kv/share/session_messages.h"

#include <algorithm>

namespace actorkv {
namespace {

std::string ProtocolText(const ModuleVersion& version) {
  return std::string(version.module) + " (protocol " +
         std::to_string(version.protocol_max) + ")";
}

}  // namespace

Status ReadModuleVersion(std::string_view body, ModuleVersion* version) {
  // What follows it is of a protocol that may not be known.
  ModuleVersion read;
  MessageReader reader(body);
  ModuleVersion::Fields(&read, &reader);
  FrameHeader header;
  header.op = Op::kHello;
  if (Status s = reader.FinishPart(header); !s.ok()) return s;
  *version = read;
  return Status::Ok();
}

Status PickProtocol(const ModuleVersion& owner, const ModuleVersion& client,
                    uint32_t* protocol) {
  const uint32_t newest = std::min(owner.protocol_max, client.protocol_max);
  if (newest >= owner.protocol_min && newest >= client.protocol_min) {
    *protocol = newest;
    return Status::Ok();
  }
  return Status::NotSupported(
      "store is open in process " + std::to_string(owner.pid) +
      " with module " + ProtocolText(owner) + "; this is " +
      ProtocolText(client) + ": use one module, or mode=ro to follow");
}

}  // namespace actorkv
