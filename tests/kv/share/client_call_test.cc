// Functions that the owner of the store runs for another process.

#include "kv/share/client_call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "kv/share/share_server.h"
#include "tests/support/client_harness.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

using Row = ShareServer::Row;

class ClientCallTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Store::Open(directory_.path(), MemorySource()(), false, &owner_));
    const ShareClient::Parts known = ClientParts(directory_);
    ShareServer::Parts parts;
    parts.store = owner_;
    parts.directory = directory_.opened();
    parts.marker_id = known.marker_id;
    parts.marker_inode = known.marker_inode;
    parts.call = [this](const CallSpec& call, const auto& add,
                        const auto& keep_on) {
      return Run(call, add, keep_on);
    };
    ASSERT_OK(ShareServer::Start(std::move(parts), &server_));
    client_ = ConnectTo(ClientParts(directory_));
    ASSERT_NE(client_, nullptr);
  }
  void TearDown() override {
    client_.reset();
    if (server_ != nullptr) server_->Stop(std::chrono::steady_clock::now());
  }

  Status Run(const CallSpec& call, const std::function<Status(const Row&)>& add,
             const std::function<Status()>& keep_on) {
    if (call.function == "count") {
      const int64_t last = call.arguments.at(0).integer();
      for (int64_t i = 1; i <= last; ++i) {
        if (Status s = add({CallValue::OfInteger(i)}); !s.ok()) return s;
        if (Status s = keep_on(); !s.ok()) return s;
      }
      return Status::Ok();
    }
    if (call.function == "forever") {
      is_running_ = true;
      for (;;) {
        if (Status s = keep_on(); !s.ok()) return s;
        std::this_thread::yield();
      }
    }
    return Status::NotFound("no function " + call.function);
  }

  Status Ask(const std::string& function, std::vector<CallValue> arguments,
             const std::function<Status()>& keep_on = nullptr) {
    rows_.clear();
    CallSpec call;
    call.function = function;
    call.arguments = std::move(arguments);
    return client_->RunInOwner(
        call,
        [this](const std::vector<CallValue>& columns) {
          rows_.push_back(columns.at(0).integer());
          return rows_.size() < limit_ ? Status::Ok()
                                       : Status::Interrupted("enough");
        },
        keep_on);
  }

  StoreDirectory directory_;
  std::shared_ptr<Store> owner_;
  std::unique_ptr<ShareServer> server_;
  std::shared_ptr<ShareClient> client_;
  std::atomic<bool> is_running_{false};
  std::vector<int64_t> rows_;
  size_t limit_ = 1'000'000;
};

TEST_F(ClientCallTest, RowsComeInOrder) {
  for (const int64_t count : {0, 1, 2, 3000}) {
    ASSERT_OK(Ask("count", {CallValue::OfInteger(count)}));
    ASSERT_EQ(rows_.size(), static_cast<size_t>(count));
    for (size_t i = 0; i < rows_.size(); ++i) {
      EXPECT_EQ(rows_[i], static_cast<int64_t>(i) + 1);
    }
  }
}

TEST_F(ClientCallTest, ErrorsAreThoseOfTheFunction) {
  EXPECT_TRUE(IsError(Ask("none", {}), Code::kNotFound, "no function none"));
  ASSERT_OK(Ask("count", {CallValue::OfInteger(1)}));
}

TEST_F(ClientCallTest, WhatIsNotWantedIsCancelled) {
  const Status s = Ask("forever", {}, [this] {
    return is_running_ ? Status::Interrupted("by hand") : Status::Ok();
  });
  EXPECT_EQ(s.code(), Code::kInterrupted);
  limit_ = 10;
  EXPECT_EQ(Ask("count", {CallValue::OfInteger(100'000)}).code(),
            Code::kInterrupted);
  EXPECT_EQ(rows_.size(), 10U);
  limit_ = 1000;
  ASSERT_OK(Ask("count", {CallValue::OfInteger(3)}));
}

TEST_F(ClientCallTest, IsNotRepeatedAtTheNextOwner) {
  client_->SetOwnerWait(std::chrono::milliseconds(10));
  std::thread stopper([this] {
    while (!is_running_) std::this_thread::yield();
    server_->Stop(std::chrono::steady_clock::now());
    server_.reset();
  });
  const Status s = Ask("forever", {});
  stopper.join();
  EXPECT_FALSE(s.ok());
  EXPECT_TRUE(IsError(s, s.code(), "whether it was done is not known: forever"))
      << s.ToString();
}

}  // namespace
}  // namespace actorkv
