#include "kv/store/actor_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kv/cache/actor_hints.h"
#include "kv/store/store_side.h"

namespace actorkv {

namespace {

// Entries whose last user is gone are swept when there are twice as many as
// were alive at the last sweep.
constexpr size_t kMinSweep = 1024;

}  // namespace

// Ends a change, however it goes.
class ActorTable::Changing {
 public:
  Changing(ActorTable* actors, const std::vector<std::string>& names)
      : actors_(actors), names_(names) {}
  ~Changing() { actors_->EndChange(names_); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  ActorTable* const actors_;
  const std::vector<std::string>& names_;
};

ActorTable::ActorTable(Engine* engine, const std::atomic<uint64_t>* epoch,
                       bool keeps_idle, StoreSide* side)
    : engine_(engine),
      epoch_(epoch),
      keeps_idle_(keeps_idle),
      side_(side),
      sweep_at_(kMinSweep) {}

Status ActorTable::Open(const std::string& name,
                        std::shared_ptr<Actor>* actor) {
  std::lock_guard<std::mutex> lock(mutex_);
  // Whoever changes the name has looked that nobody has it open, outside of
  // this mutex from then on.
  if (changing_.count(name) != 0) {
    return Status::Busy("the actor is being renamed or deleted: actor=" + name);
  }
  const auto [it, is_new] = entries_.try_emplace(name, Entry{{}, idle_.end()});
  Entry& entry = it->second;
  std::shared_ptr<Actor> found;
  if (entry.idle != idle_.end()) {
    found = std::move(*entry.idle);
    idle_.erase(std::exchange(entry.idle, idle_.end()));
    found->OpenAgain();
  } else {
    // All connections of the process share the object: its mutex is the
    // RESERVED lock between them.
    found = entry.actor.lock();
  }
  if (found == nullptr) {
    found = std::make_shared<Actor>(
        name, engine_, epoch_,
        side_ == nullptr ? nullptr : side_->NewActor(name));
    entry.actor = found;
  }
  if (is_new) SweepLocked();
  *actor = std::move(found);
  return Status::Ok();
}

void ActorTable::SweepLocked() {
  if (entries_.size() < sweep_at_) return;
  for (auto it = entries_.begin(); it != entries_.end();) {
    it = it->second.actor.expired() ? entries_.erase(it) : std::next(it);
  }
  sweep_at_ = std::max(kMinSweep, 2 * entries_.size());
}

Lesson ActorTable::Close(std::shared_ptr<Actor> actor) {
  IdleActors dropped;  // goes without the mutex
  std::lock_guard<std::mutex> lock(mutex_);
  // Where others have it open, the last of them comes here too: they let go of
  // it under this mutex.
  std::shared_ptr<Actor> last = std::move(actor);
  // Nobody makes a use of it out of none meanwhile: Open() and Lock() need the
  // mutex.
  if (last.use_count() > 1) return {};
  Lesson lesson = last->hints()->Sleep();
  // Beside other writers an idle head would be old, and nobody would notice.
  if (!keeps_idle_ || last->Known() == nullptr) return lesson;
  const auto it = entries_.find(last->name());
  if (it == entries_.end() || it->second.actor.lock() != last) return lesson;
  // Thousands of actors are idle where few are open.
  last->changes()->Trim(kMaxIdleChanges);
  last->Close();
  idle_.push_front(std::move(last));
  it->second.idle = idle_.begin();
  if (idle_.size() > kMaxIdleActors) {
    DropIdleLocked(idle_.back()->name(), &dropped);
  }
  return lesson;
}

void ActorTable::DropIdleLocked(const std::string& name, IdleActors* dropped) {
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.idle == idle_.end()) return;
  dropped->splice(dropped->end(), idle_, it->second.idle);
  entries_.erase(it);
}

std::shared_ptr<Actor> ActorTable::FindOpenLocked(const std::string& name) {
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.idle != idle_.end()) return nullptr;
  return it->second.actor.lock();
}

bool ActorTable::IsOpen(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  return FindOpenLocked(name) != nullptr;
}

uint64_t ActorTable::OpenedAtUs(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::shared_ptr<Actor> actor = FindOpenLocked(name);
  return actor == nullptr ? 0 : actor->opened_at_us();
}

std::shared_ptr<Actor> ActorTable::Lock(const std::weak_ptr<Actor>& actor) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Actor> locked = actor.lock();
  if (locked == nullptr || FindOpenLocked(locked->name()) != locked) {
    return nullptr;
  }
  return locked;
}

void ActorTable::ForgetHead(const std::string& name) {
  IdleActors dropped;  // goes without the mutex
  std::lock_guard<std::mutex> lock(mutex_);
  DropIdleLocked(name, &dropped);
  const std::shared_ptr<Actor> actor = FindOpenLocked(name);
  if (actor != nullptr) actor->Forget();
}

void ActorTable::ForgetHeadOf(ActorId actor) {
  IdleActors dropped;  // goes without the mutex
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto next = std::next(it);
    const std::shared_ptr<Actor> found = it->second.actor.lock();
    const auto state = found == nullptr ? nullptr : found->Known();
    if (state != nullptr && state->entry.actor == actor) {
      if (it->second.idle == idle_.end()) {
        found->Forget();
      } else {
        DropIdleLocked(std::string(it->first), &dropped);
      }
    }
    it = next;
  }
}

std::shared_ptr<const HeadState> ActorTable::KnownIfOpen(
    const std::string& name) {
  IdleActors dropped;  // goes without the mutex
  // Held all the time, so that nobody takes this use of the actor for one that
  // keeps it open.
  std::lock_guard<std::mutex> lock(mutex_);
  DropIdleLocked(name, &dropped);
  const std::shared_ptr<Actor> actor = FindOpenLocked(name);
  return actor == nullptr ? nullptr : actor->Known();
}

void ActorTable::AddOpenHead(const std::string& name,
                             std::vector<PinnedSnapshot>* heads) {
  const std::shared_ptr<const HeadState> state = KnownIfOpen(name);
  if (state == nullptr || state->lineage == nullptr) return;
  heads->push_back({state->head.snapshot, state->lineage});
}

Status ActorTable::WhileClosed(const std::vector<std::string>& names,
                               const std::function<Status()>& change) {
  if (Status s = BeginChange(names); !s.ok()) return s;
  const Changing changing(this, names);
  return change();
}

Status ActorTable::BeginChange(const std::vector<std::string>& names) {
  IdleActors dropped;  // goes without the mutex
  std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& name : names) {
    // All names or none: what follows must not find one of them taken half-way.
    if (changing_.count(name) == 0 && FindOpenLocked(name) == nullptr) continue;
    return Status::Busy("the actor is open: actor=" + name +
                        ": close its connections first");
  }
  for (const std::string& name : names) DropIdleLocked(name, &dropped);
  std::set<std::string> begun(names.begin(), names.end());
  changing_.merge(begun);  // moves them: nothing can fail half-way
  return Status::Ok();
}

void ActorTable::EndChange(const std::vector<std::string>& names) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& name : names) changing_.erase(name);
}

}  // namespace actorkv
