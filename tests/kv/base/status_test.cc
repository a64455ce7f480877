// Status: codes, names, texts, context.

#include "kv/base/status.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(StatusTest, EachCodeHasItsMakerAndName) {
  const struct {
    Status status;
    Code code;
    std::string text;
  } kCases[] = {
      {Status::NotFound("m"), Code::kNotFound, "not found: m"},
      {Status::AlreadyExists("m"), Code::kAlreadyExists, "already exists: m"},
      {Status::InvalidArgument("m"), Code::kInvalidArgument,
       "invalid argument: m"},
      {Status::Busy("m"), Code::kBusy, "busy: m"},
      {Status::Conflict("m"), Code::kConflict, "conflict: m"},
      {Status::Fenced("m"), Code::kFenced, "fenced: m"},
      {Status::NoSpace("m"), Code::kNoSpace, "no space: m"},
      {Status::Corruption("m"), Code::kCorruption, "corruption: m"},
      {Status::IOError("m"), Code::kIOError, "I/O error: m"},
      {Status::NotSupported("m"), Code::kNotSupported, "not supported: m"},
      {Status::ReadOnly("m"), Code::kReadOnly, "read-only: m"},
      {Status::Interrupted("m"), Code::kInterrupted, "m"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_FALSE(c.status.ok());
    EXPECT_EQ(c.status.code(), c.code);
    EXPECT_EQ(c.status.message(), "m");
    EXPECT_EQ(c.status.ToString(), c.text);
  }
}

TEST(StatusTest, OkHasNoMessage) {
  EXPECT_TRUE(Status().ok());
  EXPECT_TRUE(Status::Ok().ok());
  EXPECT_EQ(Status().code(), Code::kOk);
  EXPECT_EQ(Status().message(), "");
  EXPECT_EQ(Status().ToString(), "ok");
}

TEST(StatusTest, ContextGoesBeforeTheMessageAndKeepsTheCode) {
  const Status status = Status::NoSpace("disk full").WithContext("actor=a");
  EXPECT_TRUE(IsError(status, Code::kNoSpace, "actor=a: disk full"));
  EXPECT_TRUE(IsError(status.WithContext("s"), Code::kNoSpace, "s: actor=a"));
  EXPECT_TRUE(Status().WithContext("actor=a").ok());
}

TEST(StatusTest, CopiesShareTheMessage) {
  const Status first = Status::Busy("held");
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): tests the copy
  const Status second = first;
  EXPECT_EQ(first.message().data(), second.message().data());
}

}  // namespace
}  // namespace actorkv
