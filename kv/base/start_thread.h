// Threads that may be refused: a container has a limit on them, and a user too.
// Whoever wants one here can do without it.

#ifndef ACTORKV_KV_BASE_START_THREAD_H_
#define ACTORKV_KV_BASE_START_THREAD_H_

#include <thread>

namespace actorkv {

// Has a new thread call `run(self)`, which must not fail. False where the
// system has no thread to give: then *thread is as it was.
[[nodiscard]] bool StartThread(void (*run)(void* self), void* self,
                               std::thread* thread) noexcept;

// While on, StartThread() is refused a thread each time.
void RefuseThreadsForTesting(bool refuse);
bool ThreadsAreRefusedForTesting();

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_START_THREAD_H_
