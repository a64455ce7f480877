#include "kv/share/client_session.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/base/types.h"
#include "kv/share/client_call.h"
#include "kv/share/client_side.h"
#include "kv/share/remote_engine.h"
#include "kv/store/pins.h"
#include "kv/store/store.h"

namespace actorkv {
namespace {

PinFields FieldsOfPin(const NumberedPin& pin) {
  return FieldsOfPin(pin.number, pin.snapshot, *pin.lineage);
}

// Waiting for another owner does not help.
bool IsFinal(const Status& status) {
  return status.code() == Code::kNotSupported || status.code() == Code::kFenced;
}

}  // namespace

// --- ShareClient ------------------------------------------------------------

Status ShareClient::Connect(Parts parts, std::shared_ptr<ShareClient>* client) {
  auto session = std::make_shared<ClientSession>(std::move(parts));
  if (Status s = session->Begin(); !s.ok()) return s;
  *client = std::move(session);
  return Status::Ok();
}

Status ClientSession::Begin() {
  std::shared_ptr<OwnerSession> session;
  size_t named_pins = 0;
  if (Status s = SayHello(&session, &named_pins); !s.ok()) return s;
  Adopt(session, named_pins);
  present_.store(session.get(), std::memory_order_release);
  return watch_.Start(this);
}

ClientSession::~ClientSession() {
  is_ending_ = true;
  // A child of fork() has no thread of its parent.
  if (last_owner() != nullptr && !is_of_parent()) watch_.Stop();
}

void ClientSession::SetOwnerWait(std::chrono::milliseconds wait) {
  owner_wait_ms_.store(std::max<int64_t>(wait.count(), 1));
}

std::unique_ptr<Engine> ClientSession::NewEngine() {
  return std::make_unique<RemoteEngine>(shared_from_this());
}

std::unique_ptr<StoreSide> ClientSession::NewSide() {
  return std::make_unique<ClientSide>(shared_from_this());
}

void ClientSession::SetStore(Store* store) {
  const std::lock_guard<std::mutex> lock(store_mutex_);
  store_ = store;
  is_ending_ = store == nullptr;
  cache_id_ = store == nullptr ? 0 : store->cache_id();
}

Status ClientSession::RunInOwner(const CallSpec& call, const RowVisitor& visit,
                                 const std::function<Status()>& keep_on) {
  return ClientCall(this, visit, keep_on).Run(call);
}

OwnerInfo ClientSession::owner() {
  const OwnerSession* const owner = last_owner();
  return owner->owner_info();
}

uint64_t ClientSession::failover_count() const { return failover_count_; }

// --- Actors that are open ---------------------------------------------------

void ClientSession::AddPlace(std::shared_ptr<ActorPlace> place) {
  const std::lock_guard<std::mutex> lock(places_mutex_);
  places_.push_back(std::move(place));
}

void ClientSession::RemovePlace(const ActorPlace* place) noexcept {
  const std::lock_guard<std::mutex> lock(places_mutex_);
  const auto found =
      std::find_if(places_.begin(), places_.end(),
                   [&](const auto& each) { return each.get() == place; });
  if (found == places_.end()) return;
  std::swap(*found, places_.back());
  places_.pop_back();
}

std::vector<std::shared_ptr<ActorPlace>> ClientSession::Places() {
  const std::lock_guard<std::mutex> lock(places_mutex_);
  return places_;
}

void ClientSession::RaiseHeads() {
  // Of all actors: other processes that have the same board are late as well.
  for (const std::shared_ptr<OwnerSession>& owner : owners_) {
    owner->RaiseHeads();
  }
}

Status ClientSession::OpenPlaces(OwnerSession* owner) {
  LentChannel channel(owner, OwnerSession::Use::kShort);
  if (Status s = channel.Take(owner_wait()); !s.ok()) return s;
  for (const std::shared_ptr<ActorPlace>& place : Places()) {
    uint32_t slot = 0;
    Status s = place->OpenOnce(owner, channel.get(), patience(), &slot);
    // What is wrong with one actor is told to whoever asks for it.
    if (channel.get()->fate() != ChannelFate::kUsable) {
      channel.SetWhole();
      return s;
    }
  }
  channel.SetWhole();
  return Status::Ok();
}

// --- The next owner ---------------------------------------------------------

bool ClientSession::NoteFate(OwnerSession* owner, ChannelFate fate) {
  switch (fate) {
    case ChannelFate::kUsable:
    case ChannelFate::kGivenUp:
      return false;
    case ChannelFate::kLost:
      owner->SetLost();
      return true;
    case ChannelFate::kDismissed:
      owner->SetLost();
      return false;
  }
  return false;
}

Status ClientSession::FindOwner(OwnerSession** owner) {
  OwnerSession* const present = last_owner();
  if (present->is_of_parent()) {
    return Status::NotSupported(
        "the session with the owner of the store belongs to the process that "
        "this one was forked from: " +
        parts_.path);
  }
  if (present->is_lost()) return FindNext(present, owner);
  *owner = present;
  return Status::Ok();
}

Status ClientSession::FindNext(OwnerSession* lost, OwnerSession** owner) {
  std::unique_lock<std::mutex> lock(search_mutex_);
  const uint64_t count = search_count_;
  searched_.wait(lock, [this] { return !is_searching_; });
  const bool is_found = last_owner() != lost;
  if (!is_found && search_count_ != count) return search_error_;
  if (!is_found) {
    is_searching_ = true;
    lock.unlock();
    Status s = Caught([this] { return Search(); });
    lock.lock();
    is_searching_ = false;
    ++search_count_;
    search_error_ = s;
    searched_.notify_all();
    if (!s.ok()) return s;
  }
  *owner = last_owner();
  return Status::Ok();
}

Status ClientSession::Search() {
  const Time give_up = std::chrono::steady_clock::now() + owner_wait();
  // Each of these is made known before the next: invariant 2.
  RaiseHeads();
  owner_count_.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    if (owners_.size() >= kMaxOwners) {
      return Status::IOError(
          "the store has had too many owners: close all "
          "connections to it and open them again: " +
          parts_.path);
    }
    if (is_ending_) return Status::Interrupted("the store is being closed");
    if (Status s = parts_.directory->CheckNotMoved(); !s.ok()) return s;
    Status joined = Join();
    if (joined.ok() || IsFinal(joined)) return joined;
    Status elected = Status::Busy("it may not be the owner");
    if (parts_.elect != nullptr) {
      elected = Caught([this] { return parts_.elect(); });
    }
    if (elected.ok()) {
      joined = Join();
      if (joined.ok() || IsFinal(joined)) return joined;
    }
    if (std::chrono::steady_clock::now() >= give_up) {
      return NobodyServes(joined, elected);
    }
    std::this_thread::sleep_for(kElectionPause);
  }
}

Status ClientSession::NobodyServes(const Status& joined,
                                   const Status& elected) const {
  // An owner that does not answer is told as it is, and so is what keeps this
  // process from being the next one.
  if (joined.code() == Code::kBusy && joined.system_errno() == 0) {
    return joined.WithContext(parts_.path);
  }
  if (!elected.ok() && elected.code() != Code::kBusy) {
    return elected.WithContext("the owner of the store has ended");
  }
  return Status::Busy("nobody has served the store for " +
                      std::to_string(owner_wait_ms_.load()) + " ms: " +
                      parts_.path + ": " + std::string(joined.message()) +
                      "; this process: " + std::string(elected.message()));
}

Status ClientSession::Join() {
  std::shared_ptr<OwnerSession> session;
  size_t named_pins = 0;
  if (Status s = SayHello(&session, &named_pins); !s.ok()) return s;
  Adopt(session, named_pins);
  Status opened = OpenPlaces(session.get());
  if (!opened.ok()) {
    // What was opened there is raised again, before somebody else is told.
    session->SetLost();
    RaiseHeads();
    return opened;
  }
  present_.store(session.get(), std::memory_order_release);
  ++failover_count_;
  Add(Metric::kOwnerChanges);
  return Status::Ok();
}

std::vector<PinFields> ClientSession::HeldPins() {
  std::vector<PinFields> pins;
  const std::lock_guard<std::mutex> lock(store_mutex_);
  if (store_ == nullptr) return pins;
  for (const NumberedPin& pin : store_->pins()->Numbered()) {
    pins.push_back(FieldsOfPin(pin));
  }
  return pins;
}

std::vector<std::string_view> ClientSession::HeldWords(
    const std::vector<std::shared_ptr<ActorPlace>>& places) {
  std::vector<std::string_view> names;
  for (const std::shared_ptr<ActorPlace>& place : places) {
    if (names.size() < kMaxHeldWords && place->HasWord()) {
      names.emplace_back(place->name());
    }
  }
  return names;
}

Status ClientSession::SayHello(std::shared_ptr<OwnerSession>* session,
                               size_t* named_pins) {
  const std::vector<std::shared_ptr<ActorPlace>> places = Places();
  HelloRequest hello;
  hello.version.pid = static_cast<uint32_t>(getpid());
  hello.version.module = parts_.module;
  hello.store_format = kStoreFormat;
  hello.marker_id = parts_.marker_id;
  hello.marker_inode = parts_.marker_inode;
  hello.host = parts_.host.incarnation;
  hello.program = parts_.program;
  hello.sqlite_version = parts_.sqlite_version;
  hello.engine_version = parts_.engine_version;
  hello.pins = HeldPins();
  hello.words = HeldWords(places);
  *named_pins = hello.pins.size();
  return OwnerSession::Begin(parts_.directory, hello, patience(), session);
}

void ClientSession::Adopt(const std::shared_ptr<OwnerSession>& session,
                          size_t named_pins) {
  owners_.push_back(session);
  Slate* const slate = session->slate();
  // Before the slate is another one: so the count never falls below what it
  // was when a snapshot was taken. Where it is too large for a moment, more is
  // looked at than is needed.
  const Slate* const last = this->slate();
  NoteLostPins((last == nullptr ? 0 : last->taken_count()) +
               (named_pins - std::min(named_pins, session->kept_pin_count())));
  // First: a pin that gets its word from here on is not met below.
  slate_.store(slate, std::memory_order_release);
  const std::lock_guard<std::mutex> lock(store_mutex_);
  if (store_ == nullptr) return;
  store_->pins()->Rebind(
      [slate](uint32_t number) { return slate->word(number); });
}

}  // namespace actorkv
