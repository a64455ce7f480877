#include "kv/share/client_word.h"

#include <algorithm>
#include <thread>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/share/actor_messages.h"

namespace actorkv {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often who cannot get in line looks whether the word is free.
constexpr milliseconds kLookPause{1};

// No wait is longer, whatever the caller says.
constexpr microseconds kLongestWait{std::chrono::hours(1)};

}  // namespace

bool ClientWord::Wait(int64_t limit_us) noexcept {
  const microseconds limit =
      std::clamp(microseconds(limit_us), microseconds(0), kLongestWait);
  const LatencyTimer timer(Metric::kWriterWait);
  bool granted = false;
  IfMemory([&] { granted = WaitUntil(steady_clock::now() + limit); });
  return granted;
}

bool ClientWord::WaitUntil(Time end) {
  for (;;) {
    if (TryTake()) return true;
    if (steady_clock::now() >= end) return false;
    bool granted = false;
    bool is_asked = false;
    const Status s = WaitInLine(end, &granted, &is_asked);
    if (granted || s.code() == Code::kNotSupported) return granted;
    // All channels for waiting are in use, or nobody serves: it is looked now
    // and then.
    if (!is_asked) std::this_thread::sleep_for(kLookPause);
  }
}

Status ClientWord::WaitInLine(Time end, bool* granted, bool* is_asked) {
  bool again = false;
  return session_->AskOneOwner(
      OwnerSession::Use::kPatient, kLookPause,
      [&](OwnerSession* owner, ClientChannel* channel) {
        return AskFor(owner, channel, end, granted, is_asked);
      },
      &again);
}

Status ClientWord::AskFor(OwnerSession* owner, ClientChannel* channel, Time end,
                          bool* granted, bool* is_asked) {
  WaitRequest request;
  if (Status s =
          place_->OpenOnce(owner, channel, session_->patience(), &request.slot);
      !s.ok()) {
    return s;
  }
  // It was given back meanwhile: it is to be tried first.
  if (!place_->SetWaiting(owner)) {
    *is_asked = true;
    return Status::Ok();
  }
  const auto left = std::chrono::ceil<microseconds>(end - steady_clock::now());
  request.timeout_us =
      static_cast<uint32_t>(std::max<int64_t>(left.count(), 0));
  const auto wait =
      std::chrono::ceil<milliseconds>(microseconds(request.timeout_us));
  WaitAnswer answer;
  Status s = channel->Ask(request, {wait + session_->owner_wait()}, &answer);
  *is_asked = s.ok();
  *granted = s.ok() && answer.is_granted && place_->BeginTurn(owner);
  return s;
}

void ClientWord::Yield() noexcept {
  uint32_t slot = 0;
  OwnerSession* const owner = place_->owner(&slot);
  if (owner == nullptr) return;
  // Without a channel the first in line looks by itself, a little later.
  std::unique_ptr<ClientChannel> channel = owner->LendIfIdle();
  if (channel == nullptr) return;
  IfMemory([&] {
    YieldRequest request;
    request.slot = slot;
    if (!channel->Tell(request).ok() && channel->fate() == ChannelFate::kLost) {
      owner->SetLost();
    }
  });
  owner->GiveBack(OwnerSession::Use::kShort, std::move(channel));
}

}  // namespace actorkv
