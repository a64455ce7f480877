// EndSignals: what it hears, whose handlers it calls, and what is there after
// it.

#include "kv/base/end_signals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "tests/support/forked_child.h"

namespace actorkv {
namespace {

std::atomic<int> host_calls{0};

void HostHandler(int /*number*/) { ++host_calls; }
void HostActionHandler(int, siginfo_t* info, void*) {
  host_calls += info != nullptr ? 1 : 0;
}

class EndSignalsTest : public testing::Test {
 protected:
  void SetUp() override {
    host_calls = 0;
    sigaction(SIGTERM, nullptr, &before_);
  }
  void TearDown() override { sigaction(SIGTERM, &before_, nullptr); }

  static struct sigaction Now() {
    struct sigaction action = {};
    sigaction(SIGTERM, nullptr, &action);
    return action;
  }

  static void Set(void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    sigaction(SIGTERM, &action, nullptr);
  }

  struct sigaction before_ = {};
};

TEST_F(EndSignalsTest, HearsInAnyThread) {
  Set(SIG_DFL);
  {
    const EndSignals signals;
    EXPECT_EQ(signals.Heard(), nullptr);
    std::thread([] { raise(SIGTERM); }).join();
    EXPECT_STREQ(signals.Heard(), "SIGTERM");
    const EndSignals later;
    EXPECT_EQ(later.Heard(), nullptr) << "it came before";
  }
  EXPECT_EQ(Now().sa_handler, SIG_DFL);
}

TEST_F(EndSignalsTest, TheHostHearsAsWell) {
  Set(HostHandler);
  {
    const EndSignals signals;
    raise(SIGTERM);
    EXPECT_STREQ(signals.Heard(), "SIGTERM");
    EXPECT_EQ(host_calls, 1);
  }
  EXPECT_EQ(Now().sa_handler, HostHandler);
  raise(SIGTERM);
  EXPECT_EQ(host_calls, 2);
}

TEST_F(EndSignalsTest, AHandlerWithInformation) {
  struct sigaction action = {};
  action.sa_sigaction = HostActionHandler;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTERM, &action, nullptr);
  const EndSignals signals;
  raise(SIGTERM);
  EXPECT_EQ(host_calls, 1);
}

TEST_F(EndSignalsTest, WhatIsIgnoredStaysSo) {
  Set(SIG_IGN);
  const EndSignals signals;
  raise(SIGTERM);
  EXPECT_EQ(signals.Heard(), nullptr);
  EXPECT_EQ(Now().sa_handler, SIG_IGN);
}

// The last of two puts back what was there before the first.
TEST_F(EndSignalsTest, SeveralAtATime) {
  Set(HostHandler);
  auto first = std::make_unique<EndSignals>();
  auto second = std::make_unique<EndSignals>();
  first.reset();
  raise(SIGTERM);
  EXPECT_STREQ(second->Heard(), "SIGTERM");
  second.reset();
  EXPECT_EQ(Now().sa_handler, HostHandler);
}

// Nobody hears the signal there.
TEST_F(EndSignalsTest, AChildOfForkEndsByIt) {
  Set(SIG_DFL);
  const EndSignals signals;
  ForkedChild child([] {
    return Within(60, [] {
      raise(SIGTERM);
      return 0;
    });
  });
  EXPECT_EQ(child.Wait(), -1) << "by the signal";
  raise(SIGTERM);
  EXPECT_STREQ(signals.Heard(), "SIGTERM");
}

// One that comes meanwhile is the host's, and stays.
TEST_F(EndSignalsTest, AHandlerThatComesMeanwhileStays) {
  Set(SIG_DFL);
  struct sigaction ours = {};
  {
    const EndSignals signals;
    ours = Now();
    Set(HostHandler);
  }
  EXPECT_EQ(Now().sa_handler, HostHandler);
  // The host puts back what it found: it is taken away the next time.
  sigaction(SIGTERM, &ours, nullptr);
  { const EndSignals signals; }
  EXPECT_EQ(Now().sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace actorkv
