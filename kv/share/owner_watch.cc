#include "kv/share/owner_watch.h"

#include <memory>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/share/client_session.h"

namespace actorkv {

Status OwnerWatch::Start(ClientSession* session) {
  session_ = session;
  is_started_ = StartThread(Run, this, &thread_);
  return is_started_ ? Status::Ok()
                     : Status::IOError(
                           "there is no thread to watch the owner of the store "
                           "with");
}

void OwnerWatch::Stop() {
  if (!is_started_) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
    if (channel_ != nullptr) channel_->Shutdown();
    changed_.notify_all();
  }
  pthread_join(thread_, nullptr);
  is_started_ = false;
}

void* OwnerWatch::Run(void* self) {
  auto* const watch = static_cast<OwnerWatch*>(self);
  while (!watch->is_ending()) {
    // Without memory it tries again.
    if (!IfMemory([watch] { watch->Watch(); })) watch->Pause();
  }
  return nullptr;
}

bool OwnerWatch::is_ending() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return is_ending_;
}

void OwnerWatch::Pause() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, kWatchPause, [this] { return is_ending_; });
}

void OwnerWatch::Watch() {
  OwnerSession* owner = nullptr;
  if (session_->FindOwner(&owner).ok()) {
    WatchOne(owner);
  } else {
    Pause();
  }
}

void OwnerWatch::WatchOne(OwnerSession* owner) {
  std::unique_ptr<ClientChannel> channel;
  if (!owner->AddWatch(session_->owner_wait(), &channel).ok()) {
    if (!owner->is_lost()) Pause();
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_ending_) return;
    channel_ = channel.get();
  }
  channel->AwaitEnd();
  const std::lock_guard<std::mutex> lock(mutex_);
  channel_ = nullptr;
  if (!is_ending_) owner->SetLost();
}

}  // namespace actorkv
