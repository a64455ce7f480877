#include "kv/share/server_hello.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kv/format/keys.h"
#include "kv/share/server_actors.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire_status.h"

namespace actorkv {
namespace {

// The longest name of a program, or version, that is kept for people.
constexpr size_t kMaxShownBytes = 256;

ModuleVersion OwnVersion() {
  ModuleVersion version;
  version.pid = static_cast<uint32_t>(getpid());
  version.module = ACTORKV_VERSION;
  return version;
}

std::string Shown(std::string_view text) {
  return std::string(text.substr(0, kMaxShownBytes));
}

Status CheckHello(const ServerCore& core, const HelloRequest& hello) {
  if (hello.marker_id != core.parts.marker_id ||
      hello.marker_inode != core.parts.marker_inode) {
    return Status::Fenced(
        "the store's directory was replaced while it is "
        "open: " +
        core.parts.store->path());
  }
  const uint32_t format = core.parts.store->record().format;
  if (hello.store_format < format) {
    return Status::NotSupported(
        "the store has format " + std::to_string(format) +
        ", this module knows formats up to " +
        std::to_string(hello.store_format) + ": " + core.parts.store->path());
  }
  if (hello.pins.size() > kMaxHeldPins || hello.words.size() > kMaxHeldWords) {
    return Status::InvalidArgument("a session holds too much");
  }
  return Status::Ok();
}

Status MakeSession(ServerCore* core, const ShareChannel& channel,
                   const HelloRequest& hello,
                   std::shared_ptr<ServerSession>* session) {
  ServerSession::Parts parts;
  if (Status s = channel.Peer(&parts.peer); !s.ok()) return s;
  parts.program = Shown(hello.program);
  parts.module = Shown(hello.version.module);
  parts.sqlite_version = Shown(hello.sqlite_version);
  parts.engine_version = Shown(hello.engine_version);
  if (Status s = Slate::Make(*core->parts.directory, &parts.slate); !s.ok()) {
    return s;
  }
  return core->sessions.Add(std::move(parts), session);
}

// Whether a pinned snapshot is whole: its record is there after it was pinned.
bool IsWhole(EngineReader* reader, const PinFields& pin) {
  const std::string key = CommitKey(pin.branch, pin.txid);
  std::vector<std::optional<std::string>> values;
  return reader->Get(ActorPartition(pin.lineage.front().actor), {key}, &values)
             .ok() &&
         values.front().has_value();
}

void KeepPins(ServerCore* core, const std::vector<PinFields>& pins,
              ServerSession* session, std::vector<uint32_t>* kept) {
  const std::unique_ptr<EngineReader> reader =
      core->parts.store->engine()->NewReader();
  for (const PinFields& pin : pins) {
    if (!TakePin(session, core->parts.store->pins(), pin).ok()) continue;
    if (IsWhole(reader.get(), pin)) {
      kept->push_back(pin.pin);
      continue;
    }
    static_cast<void>(session->UsePin(pin.pin, [](Pin* taken) {
      taken->Release();
      return Status::Ok();
    }));
  }
}

// What it held is its again, and nothing is kept for its host any longer.
void GiveBackHeld(ServerCore* core, const HelloRequest& hello,
                  ServerSession* session, HelloAnswer* answer) {
  KeepPins(core, hello.pins, session, &answer->kept_pins);
  for (const std::string_view actor : hello.words) {
    session->ReclaimWord(std::string(actor));
  }
  core->NoteJoined(HostId{0, hello.host});
}

// Finds the session of the channel, or makes it, and fills the answer.
Status Admit(ServerCore* core, ShareChannel* channel, const HelloRequest& hello,
             HelloAnswer* answer, std::shared_ptr<ServerSession>* session) {
  if (Status s = CheckHello(*core, hello); !s.ok()) return s;
  const bool is_new = hello.session == 0;
  if (Status s = is_new
                     ? MakeSession(core, *channel, hello, session)
                     : core->sessions.Find(hello.session, hello.key, session);
      !s.ok()) {
    return s;
  }
  if (Status s = (*session)->AddChannel(channel); !s.ok()) {
    session->reset();
    return s;
  }
  if (is_new) GiveBackHeld(core, hello, session->get(), answer);
  answer->owner_pid = static_cast<uint32_t>(getpid());
  answer->incarnation = core->incarnation;
  answer->session = (*session)->number();
  answer->key = (*session)->key();
  answer->module = ACTORKV_VERSION;
  return Status::Ok();
}

Status Welcome(ServerCore* core, ShareChannel* channel,
               const ReceivedFrame& frame,
               std::shared_ptr<ServerSession>* session) {
  ModuleVersion client;
  if (Status s = ReadModuleVersion(frame.body(), &client); !s.ok()) return s;
  HelloAnswer answer;
  if (Status s = PickProtocol(OwnVersion(), client, &answer.protocol);
      !s.ok()) {
    return s;
  }
  HelloRequest hello;
  if (Status s = DecodeBody(frame.header(), frame.body(), &hello); !s.ok()) {
    return s;
  }
  if (Status s = Admit(core, channel, hello, &answer, session); !s.ok()) {
    return s;
  }
  std::vector<EngineDamage> damages;
  // Where it cannot be read, whoever verifies in the owner is told.
  if (hello.session == 0) {
    static_cast<void>(core->parts.store->engine()->ListDamage(&damages));
  }
  for (const EngineDamage& damage : damages) {
    answer.damages.push_back({damage.kind == EngineDamage::Kind::kStranded,
                              damage.detail, damage.mend});
  }
  const std::string engine_version = core->parts.store->engine()->Describe();
  answer.sqlite_version = core->parts.sqlite_version;
  answer.engine_version = engine_version;
  std::string encoded;
  if (Status s = EncodeFrame(answer, frame.header().request, &encoded);
      !s.ok()) {
    return s;
  }
  std::vector<int> descriptors;
  if (hello.session == 0) {
    descriptors = {core->board->fd(), (*session)->slate().fd()};
  }
  return channel->Send(encoded, descriptors);
}

}  // namespace

Status ServeHello(ServerCore* core, ShareChannel* channel,
                  const ReceivedFrame& frame,
                  std::shared_ptr<ServerSession>* session) {
  const FrameHeader& header = frame.header();
  if (header.op != Op::kHello || header.flags != 0 || header.request == 0 ||
      frame.descriptor_count() > 0) {
    return Status::Corruption("a channel begins with HELLO, not with " +
                              FrameName(header));
  }
  std::shared_ptr<ServerSession> joined;
  Status s = Welcome(core, channel, frame, &joined);
  if (s.ok()) {
    *session = std::move(joined);
    return s;
  }
  if (joined != nullptr) LeaveSession(core, channel, joined);
  // Where the channel is the reason this fails as well.
  static_cast<void>(
      channel->Send(EncodeErrorFrame(Op::kHello, header.request, s), {}));
  return s;
}

void LeaveSession(ServerCore* core, ShareChannel* channel,
                  const std::shared_ptr<ServerSession>& session) {
  if (!session->RemoveChannel(channel)) return;
  session->End();
  core->sessions.Remove(session->number());
  if (core->parts.session_ended != nullptr) core->parts.session_ended();
}

}  // namespace actorkv
