// FakeOwner: an owner of a store that serves an engine in memory and nothing
// else: no actors, no pins. For tests of what a client does where an owner
// works wrongly, does not answer, or ends at a moment that the test chooses.

#ifndef ACTORKV_TESTS_SUPPORT_FAKE_OWNER_H_
#define ACTORKV_TESTS_SUPPORT_FAKE_OWNER_H_

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/share/board.h"
#include "kv/share/call_messages.h"
#include "kv/share/channel.h"
#include "kv/share/engine_messages.h"
#include "kv/share/listener.h"
#include "kv/share/session_messages.h"
#include "kv/share/slate.h"
#include "tests/support/share_harness.h"

namespace actorkv {

class FakeOwner {
 public:
  // What to do with a request. `answer` is its frame.
  enum class Act {
    kAnswer,
    kDropRequest,  // ends the channel, and does nothing
    kDropAnswer,   // does it, and ends the channel
    kSilence,      // does it, and says nothing
    kSendReply,    // sends reply() instead of the answer
  };
  using Choose = std::function<Act(const FrameHeader& header)>;

  FakeOwner(const StoreDirectory& store, std::shared_ptr<Engine> engine,
            Choose choose = nullptr)
      : engine_(std::move(engine)),
        incarnation_(RandomId()),
        choose_(std::move(choose)) {
    EXPECT_OK(ShareListener::Make(store.opened(), &listener_));
    EXPECT_OK(Board::Make(*store.opened(), incarnation_, &board_));
    EXPECT_OK(Slate::Make(*store.opened(), &slate_));
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~FakeOwner() { End(); }
  FakeOwner(const FakeOwner&) = delete;
  FakeOwner& operator=(const FakeOwner&) = delete;

  // Ends, as a process that is killed.
  void End() {
    if (is_ending_.exchange(true)) return;
    acceptor_.join();
    listener_.reset();
    EndSessions();
    for (std::thread& thread : threads_) thread.join();
  }
  // Ends all channels that there are, and goes on.
  void EndSessions() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& channel : channels_) channel->Shutdown();
  }

  void set_choose(Choose choose) {
    const std::lock_guard<std::mutex> lock(mutex_);
    choose_ = std::move(choose);
  }
  // What Act::kSendReply sends: bytes, and not always a frame.
  void set_reply(std::function<std::string(const FrameHeader&)> reply) {
    reply_ = std::move(reply);
  }
  Board* board() { return board_.get(); }
  Slate* slate() { return slate_.get(); }
  size_t channel_count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return channels_.size();
  }
  // What the last HELLO of a new session named.
  size_t named_pin_count() const { return named_pin_count_; }
  int sync_count() const { return sync_count_; }

 private:
  void Accept() {
    while (!is_ending_) {
      pollfd polled = {listener_->fd(), POLLIN, 0};
      if (poll(&polled, 1, /*timeout=*/5) <= 0) continue;
      std::unique_ptr<ShareChannel> channel;
      if (!listener_->Accept(&channel).ok() || channel == nullptr) continue;
      const std::lock_guard<std::mutex> lock(mutex_);
      ShareChannel* const served = channel.get();
      channels_.push_back(std::move(channel));
      threads_.emplace_back([this, served] { Serve(served); });
    }
  }

  void Serve(ShareChannel* channel) {
    ReceivedFrame frame;
    Arrival arrival = Arrival::kNothing;
    while (channel->Receive(kForever, 0, &frame, &arrival).ok() &&
           arrival == Arrival::kFrame) {
      if (!ServeOne(channel, frame)) break;
    }
    channel->Shutdown();
  }

  bool ServeOne(ShareChannel* channel, const ReceivedFrame& frame) {
    const FrameHeader header = frame.header();
    Act act = Act::kAnswer;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (choose_ != nullptr) act = choose_(header);
    }
    if (act == Act::kDropRequest) return false;
    std::vector<int> descriptors;
    std::string answer;
    const Status s = Answer(header, frame.body(), &answer, &descriptors);
    if (!s.ok()) answer = EncodeErrorFrame(header.op, header.request, s);
    if (act == Act::kDropAnswer) return false;
    if (act == Act::kSilence || answer.empty()) return true;
    if (act == Act::kSendReply) answer = reply_(header);
    return channel->Send(answer, descriptors).ok();
  }

  template <typename Message>
  static Status Encode(const FrameHeader& header, const Message& message,
                       std::string* answer) {
    return EncodeFrame(message, header.request, answer);
  }

  Status Answer(const FrameHeader& header, std::string_view body,
                std::string* answer, std::vector<int>* descriptors) {
    switch (header.op) {
      case Op::kHello:
        return Welcome(header, body, answer, descriptors);
      case Op::kGet:
        return Get(header, body, answer);
      case Op::kSeek:
        return Seek(header, body, answer);
      case Op::kScan:
        return Scan(header, body, answer);
      case Op::kCommit:
        return Commit(header, body, answer);
      case Op::kDrop:
        return Drop(header, body, answer);
      case Op::kSync:
        ++sync_count_;
        return Encode(header, DoneAnswer<Op::kSync>{}, answer);
      case Op::kClose:
      case Op::kYield:
        return Status::Ok();
      default:
        return Status::NotSupported("a fake owner");
    }
  }

  Status Welcome(const FrameHeader& header, std::string_view body,
                 std::string* answer, std::vector<int>* descriptors) {
    HelloRequest hello;
    if (Status s = DecodeBody(header, body, &hello); !s.ok()) return s;
    if (hello.session != 0 && hello.key != incarnation_) {
      return Status::NotFound("there is no such session");
    }
    HelloAnswer welcome;
    welcome.key = incarnation_;
    welcome.protocol = kNewestProtocol;
    welcome.owner_pid = static_cast<uint32_t>(getpid());
    welcome.incarnation = incarnation_;
    welcome.session = hello.session == 0 ? 1 : hello.session;
    welcome.module = "fake";
    welcome.sqlite_version = "3.0";
    welcome.engine_version = "Fake 2";
    if (hello.session == 0) {
      *descriptors = {board_->fd(), slate_->fd()};
      named_pin_count_ = hello.pins.size();
    }
    return Encode(header, welcome, answer);
  }

  Status Get(const FrameHeader& header, std::string_view body,
             std::string* answer) {
    GetRequest request;
    if (Status s = DecodeBody(header, body, &request); !s.ok()) return s;
    std::vector<std::optional<std::string>> values;
    if (Status s =
            engine_->NewReader()->Get(request.partition, request.keys, &values);
        !s.ok()) {
      return s;
    }
    GetAnswer found;
    found.values.assign(values.begin(), values.end());
    return Encode(header, found, answer);
  }

  Status Seek(const FrameHeader& header, std::string_view body,
              std::string* answer) {
    SeekRequest request;
    if (Status s = DecodeBody(header, body, &request); !s.ok()) return s;
    std::vector<std::optional<KeyValue>> pairs;
    if (Status s =
            engine_->NewReader()->Seek(request.partition, request.keys, &pairs);
        !s.ok()) {
      return s;
    }
    SeekAnswer found;
    for (const auto& pair : pairs) {
      auto& item = found.found.emplace_back();
      if (pair.has_value()) item = StoredPair{pair->key, pair->value};
    }
    return Encode(header, found, answer);
  }

  Status Scan(const FrameHeader& header, std::string_view body,
              std::string* answer) {
    ScanRequest request;
    if (Status s = DecodeBody(header, body, &request); !s.ok()) return s;
    std::vector<KeyValue> pairs;
    if (Status s = engine_->NewReader()->Scan(request.partition, request.start,
                                              request.max_pairs, &pairs);
        !s.ok()) {
      return s;
    }
    ScanAnswer found;
    size_t bytes = 0;
    for (const KeyValue& pair : pairs) {
      if (bytes >= request.max_bytes) break;
      bytes += pair.key.size() + pair.value.size();
      found.pairs.push_back({pair.key, pair.value});
    }
    found.is_end =
        found.pairs.size() == pairs.size() && pairs.size() < request.max_pairs;
    return Encode(header, found, answer);
  }

  Status Drop(const FrameHeader& header, std::string_view body,
              std::string* answer) {
    DropRequest request;
    if (Status s = DecodeBody(header, body, &request); !s.ok()) return s;
    if (Status s = engine_->Drop(request.partition); !s.ok()) return s;
    return Encode(header, DoneAnswer<Op::kDrop>{}, answer);
  }

  Status Commit(const FrameHeader& header, std::string_view body,
                std::string* answer) {
    CommitRequest request;
    if (Status s = DecodeBody(header, body, &request); !s.ok()) return s;
    const CommitResult result =
        engine_->Commit(BatchOf(request), request.durability);
    CommitAnswer done;
    done.outcome = result.outcome;
    done.status = ToWire(result.status);
    return Encode(header, done, answer);
  }

  const std::shared_ptr<Engine> engine_;
  const uint64_t incarnation_;
  std::unique_ptr<ShareListener> listener_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<Slate> slate_;
  std::atomic<bool> is_ending_{false};
  std::atomic<size_t> named_pin_count_{0};
  std::atomic<int> sync_count_{0};
  std::function<std::string(const FrameHeader&)> reply_;
  std::thread acceptor_;

  std::mutex mutex_;
  Choose choose_;
  std::vector<std::unique_ptr<ShareChannel>> channels_;
  std::vector<std::thread> threads_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FAKE_OWNER_H_
