// What is said of an owner that cannot be reached, and whether it is waited
// for.

#include "kv/process/not_served.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

const char kOwned[] = "store is open in process 4711: /srv/s";

Status Said(const Status& shared) {
  return NotServed("/no/such/directory", Status::Busy(kOwned), shared);
}

TEST(NotServedTest, WhoHasItIsSaid) {
  const Status none = Said(Status::NotFound("connect").WithErrno(ENOENT));
  EXPECT_TRUE(IsError(none, Code::kBusy, kOwned));
  EXPECT_TRUE(
      IsError(none, Code::kBusy, "(it does not serve others: no socket)"));
  EXPECT_TRUE(IsError(Said(Status::Busy("connect").WithErrno(ECONNREFUSED)),
                      Code::kBusy, "nobody listens at its socket"));
  // It ended while it was asked.
  EXPECT_TRUE(IsError(Said(Status::IOError("has ended")), Code::kBusy,
                      "(it does not serve others: has ended)"));
}

TEST(NotServedTest, WhatAnOwnerSaysOrDoesGoesFirst) {
  const Status stopped = Said(Status::Busy("it is stopped (state T)"));
  EXPECT_TRUE(IsError(stopped, Code::kBusy, "it is stopped (state T)"));
  EXPECT_EQ(stopped.message().find("does not serve"), std::string::npos);
}

TEST(NotServedTest, WhatStaysIsNotWaitedFor) {
  for (const int error : {EACCES, EPERM, ENAMETOOLONG}) {
    EXPECT_TRUE(IsError(Said(Status::IOError("connect").WithErrno(error)),
                        Code::kIOError, "connect"));
  }
  EXPECT_TRUE(IsError(Said(Status::NotSupported("protocol 3")),
                      Code::kNotSupported, "protocol 3"));
  EXPECT_TRUE(
      IsError(Said(Status::Fenced("replaced")), Code::kFenced, "replaced"));
}

}  // namespace
}  // namespace actorkv
