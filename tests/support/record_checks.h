// What is true of every record as bytes.

#ifndef ACTORKV_TESTS_SUPPORT_RECORD_CHECKS_H_
#define ACTORKV_TESTS_SUPPORT_RECORD_CHECKS_H_

#include <gtest/gtest.h>

#include <string>

#include "tests/support/bytes.h"
#include "tests/support/testing.h"

namespace actorkv {

// A record that decodes to what encodes to the same bytes lost nothing, where
// golden bytes show every field.
template <typename Record>
void ExpectRoundTripUnder(const std::string& key, const Record& record) {
  const std::string value = EncodeRecord(key, record);
  Record decoded;
  ASSERT_OK(DecodeRecord(key, value, &decoded));
  EXPECT_EQ(Hex(EncodeRecord(key, decoded)), Hex(value));
}

// The record comes back from its bytes; from any other bytes, or for another
// key, nothing does.
template <typename Record>
void ExpectSound(const Record& record, const std::string& key = "key") {
  ASSERT_NO_FATAL_FAILURE(ExpectRoundTripUnder(key, record));
  const std::string value = EncodeRecord(key, record);
  Record decoded;
  EXPECT_EQ(DecodeRecord("yek", value, &decoded).code(), Code::kCorruption);
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(DecodeRecord(key, value.substr(0, size), &decoded).ok());
  }
  EXPECT_FALSE(DecodeRecord(key, value + "x", &decoded).ok());
  ForEachBitFlip(value, [&](const std::string& damaged) {
    EXPECT_FALSE(DecodeRecord(key, damaged, &decoded).ok());
  });
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RECORD_CHECKS_H_
