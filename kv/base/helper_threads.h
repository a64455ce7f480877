// HelperThreads: a few threads of the process that help who waits for the disk.
//
// They are made when they are first needed. Who asks for help goes on working
// himself, and gets to the end without it: when all are busy, or there are no
// threads to be had, nobody helps.
//
// Thread-safe.

#ifndef ACTORKV_KV_BASE_HELPER_THREADS_H_
#define ACTORKV_KV_BASE_HELPER_THREADS_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace actorkv {

class HelperThreads {
 public:
  static constexpr size_t kMaxThreads = 3;

  HelperThreads();

  // The one of the process. Never destroyed: see Stop().
  static HelperThreads* Instance();

  // Every thread that is idle runs `work` once, soon. What it throws is lost.
  void Call(const std::function<void()>& work) noexcept;

  // What was called until now is done.
  void Wait();

  // At exit: waits for what runs, and ends the threads. Nobody helps any more.
  void Stop();

 private:
  static void RunThread(void* self) {
    static_cast<HelperThreads*>(self)->Run();
  }
  void Run() noexcept;
  // These REQUIRE that mutex_ is held.
  void MakeThreads() noexcept;
  void CallIdle(const std::function<void()>& work);

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<std::function<void()>> called_;
  std::vector<std::thread> threads_;
  size_t idle_count_ = 0;  // threads that wait, and those that are being made
  bool stopped_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_HELPER_THREADS_H_
