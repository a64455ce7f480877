// What is told of an owner that does not answer.

#include "kv/share/process_state.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/forked_child.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(ProcessStateTest, LinesOfTheSystem) {
  const struct {
    const char* line;
    const char* name;
    char letter;
  } kCases[] = {
      {"12 (python3) S 1 12", "python3", 'S'},
      {"12 (a) b (c)) T 1", "a) b (c)", 'T'},
      {"12 () R 1", "", 'R'},
      {"", "", '?'},
      {"12 python3 S", "", '?'},
      {"12 (python3)", "", '?'},
      {"12 )python3( S", "", '?'},
  };
  for (const auto& each : kCases) {
    const ProcessState state = ParseProcessState(each.line);
    EXPECT_EQ(state.name, each.name) << each.line;
    EXPECT_EQ(state.letter, each.letter) << each.line;
  }
}

TEST(ProcessStateTest, SaysThatItIsStopped) {
  ForkedChild child([] {
    raise(SIGSTOP);
    return 0;
  });
  int status = 0;
  ASSERT_EQ(waitpid(child.pid(), &status, WUNTRACED), child.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_TRUE(LookAtProcess(child.pid()).is_stopped());
  const Status s =
      OwnerDoesNotAnswer(child.pid(), std::chrono::milliseconds(5000));
  EXPECT_TRUE(IsError(s, Code::kBusy,
                      ", has not answered for 5 s; it is stopped (state T): "
                      "resume or end it"));
  EXPECT_TRUE(
      IsError(s, Code::kBusy, "process " + std::to_string(child.pid()) + " ("));
}

TEST(ProcessStateTest, NothingIsKnownOfWhatIsNotSeen) {
  EXPECT_FALSE(LookAtProcess(0).is_known());
  EXPECT_TRUE(IsError(OwnerDoesNotAnswer(0, std::chrono::milliseconds(250)),
                      Code::kBusy, "has not answered for 250 ms"));
  EXPECT_TRUE(LookAtProcess(getpid()).is_known());
  EXPECT_FALSE(LookAtProcess(getpid()).is_stopped());
}

}  // namespace
}  // namespace actorkv
