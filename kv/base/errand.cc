#include "kv/base/errand.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/thrown.h"

namespace actorkv {

// State: shared with the thread, which may come when the errand is gone.
struct Errand::State {
  enum class Stage { kNew, kBegun, kDone, kDropped };

  explicit State(Workers::Work what) : work(std::move(what)) {}

  void Run() noexcept {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (stage != Stage::kNew) return;
      stage = Stage::kBegun;
    }
    static_cast<void>(IfMemory(work));
    std::lock_guard<std::mutex> lock(mutex);
    stage = Stage::kDone;
    done.notify_all();
  }

  // True: it is done.
  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [this] { return stage != Stage::kBegun; });
    if (stage == Stage::kNew) stage = Stage::kDropped;
    return stage == Stage::kDone;
  }

  const Workers::Work work;
  const OfParent of_parent;
  std::mutex mutex;  // of what follows
  std::condition_variable done;
  Stage stage = Stage::kNew;
};

Errand::Errand(Workers::Work work)
    : state_(std::make_shared<State>(std::move(work))) {}

// The mutex may be held by a thread that is not there.
bool Errand::IsLost() const { return state_->of_parent.value(); }

bool Errand::Send(Workers* workers) noexcept {
  bool is_sent = false;
  static_cast<void>(IfMemory(
      [&] { is_sent = workers->Try([state = state_] { state->Run(); }); }));
  return is_sent;
}

bool Errand::Finish() noexcept {
  if (IsLost()) return false;
  state_->Run();
  return state_->Wait();
}

void Errand::Drop() noexcept {
  if (!IsLost()) static_cast<void>(state_->Wait());
}

}  // namespace actorkv
