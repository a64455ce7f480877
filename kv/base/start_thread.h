// The one place that makes threads. They may be refused: a container has a
// limit on them, and a user too. So whoever wants one here can do without it.

#ifndef ACTORKV_KV_BASE_START_THREAD_H_
#define ACTORKV_KV_BASE_START_THREAD_H_

#include <pthread.h>

namespace actorkv {

// Has a new thread call `run(self)`, which must not throw; *thread is to be
// joined. False where the system has no thread to give: then *thread is as it
// was. Allocates nothing of ours, as std::thread would, which throws besides.
[[nodiscard]] bool StartThread(void* (*run)(void* self), void* self,
                               pthread_t* thread) noexcept;

// While on, StartThread() is refused a thread each time, and Workers have none
// to spare (kv/base/workers.h).
void RefuseThreadsForTesting(bool refuse);
bool ThreadsAreRefusedForTesting();

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_START_THREAD_H_
