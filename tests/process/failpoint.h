// Failpoints: moments at which this process dies, found where it asks the
// kernel for something: the product has no line for them. And changes to the
// frames that it sends, as a module with a mistake would.
//
// tests/process/failpoint.cc defines write(), pwrite(), fdatasync(), sendmsg()
// and bind() of the test program and of the libraries below it. Where nothing
// is set they do as those of the system. Not there under sanitizers, which have
// their own.

#ifndef ACTORKV_TESTS_PROCESS_FAILPOINT_H_
#define ACTORKV_TESTS_PROCESS_FAILPOINT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

enum class Moment : int {
  kBeforeLogWrite,  // of RocksDB's log, or its record of files
  kAfterLogWrite,
  kBeforeLogSync,
  kAfterLogSync,
  kBeforeSend,  // of a frame: Failpoint::op and flags say of which
  kAfterSend,
  kBeforeBind,  // of the socket of a store
  kAfterBind,
};

struct Failpoint {
  Moment moment = Moment::kBeforeLogWrite;
  int nth = 1;  // time that it comes, from now on
  uint8_t op = 0;
  uint8_t flags = 0;
};

std::string ToText(const Failpoint& failpoint);
Failpoint FailpointOf(const std::string& text);

// This process dies at that moment, as by kill -9.
void DieAt(const Failpoint& failpoint);

// What is sent in the place of a whole frame; the frame itself: nothing else.
using FrameChange = std::string (*)(std::string_view frame);
void ChangeFrames(FrameChange change);

// False under sanitizers.
bool HaveFailpoints();

}  // namespace actorkv

#endif  // ACTORKV_TESTS_PROCESS_FAILPOINT_H_
