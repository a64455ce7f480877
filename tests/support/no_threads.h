// The ways in which a process has no threads to give.

#ifndef ACTORKV_TESTS_SUPPORT_NO_THREADS_H_
#define ACTORKV_TESTS_SUPPORT_NO_THREADS_H_

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstddef>

#include "kv/base/start_thread.h"

namespace actorkv {

// While it is there, ours get no thread, nor one that is idle.
class NoThreads {
 public:
  NoThreads() { RefuseThreadsForTesting(true); }
  ~NoThreads() { RefuseThreadsForTesting(false); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
};

// While it is there, pthread_create() fails with EAGAIN, whoever calls it:
// there is no room for a stack.
class NoNewThreads {
 public:
  NoNewThreads() {
    pthread_attr_t impossible;
    EXPECT_EQ(pthread_getattr_default_np(&usual_), 0);
    pthread_attr_init(&impossible);
    pthread_attr_setstacksize(&impossible, size_t{1} << 46);
    EXPECT_EQ(pthread_setattr_default_np(&impossible), 0);
    pthread_attr_destroy(&impossible);
  }
  ~NoNewThreads() { EXPECT_EQ(pthread_setattr_default_np(&usual_), 0); }
  NoNewThreads(const NoNewThreads&) = delete;
  NoNewThreads& operator=(const NoNewThreads&) = delete;

 private:
  pthread_attr_t usual_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_NO_THREADS_H_
