// Values of an actor's own pairs: those that RivetKit wrote, frozen bytes of
// older versions, and what is none.
#include "kv/rivet/actor_persist.h"

#include <gtest/gtest.h>

#include <map>

#include "kv/base/affix.h"
#include "kv/rivet/container.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::vector<Pair> SamplePairs(const std::string& name) {
  std::unique_ptr<PairSource> source;
  std::vector<Pair> pairs;
  EXPECT_OK(OpenDump(Sample(name), &source));
  EXPECT_OK(ReadAllPairs(source.get(), &pairs));
  return pairs;
}

template <typename Value>
void ExpectComesBack(const std::string& bytes) {
  Value value;
  EXPECT_OK(DecodePersist(bytes, &value));
  EXPECT_EQ(Hex(EncodePersist(value)), Hex(bytes));
}

// Written by rivetkit 2.2.1.
TEST(ActorPersistTest, ValuesOfRivetComeBack) {
  std::map<int, int> count;
  for (const auto& [key, value] : SamplePairs("upgrade-notes.jsonl.gz")) {
    SCOPED_TRACE(Hex(key));
    if (key == kStateKey) {
      ExpectComesBack<PersistedActor>(value);
      ++count[0];
    } else if (BeginsWith(key, kConnectionPrefix)) {
      ExpectComesBack<PersistedConnection>(value);
      ++count[1];
    } else if (key == kQueueMetadataKey) {
      ExpectComesBack<QueueMetadata>(value);
      ++count[2];
    } else if (BeginsWith(key, kQueueMessagePrefix)) {
      ExpectComesBack<QueueMessage>(value);
      ++count[3];
    }
  }
  EXPECT_EQ(count, (std::map<int, int>{{0, 1}, {1, 1}, {2, 1}, {3, 3}}));
}

TEST(ActorPersistTest, FieldsAreThoseOfTheActor) {
  PersistedActor actor;
  PersistedConnection connection;
  QueueMessage message;
  for (const auto& [key, value] : SamplePairs("upgrade-notes.jsonl.gz")) {
    if (key == kStateKey) {
      EXPECT_OK(DecodePersist(value, &actor));
    } else if (BeginsWith(key, kConnectionPrefix)) {
      EXPECT_OK(DecodePersist(value, &connection));
    } else if (key == QueueMessageKey(2)) {
      EXPECT_OK(DecodePersist(value, &message));
    }
  }
  EXPECT_EQ(Hex(actor.input.value_or("")), "b90001657469746c656568656c6c6f");
  EXPECT_TRUE(actor.has_initialized);
  ASSERT_EQ(actor.events.size(), 1U);
  EXPECT_EQ(actor.events[0].action, "inc");
  EXPECT_EQ(actor.events[0].timestamp_ms, 1796111488435);
  EXPECT_EQ(connection.id, "f2df5d0f-97bb-4cb6-8749-7db4d35c3251");
  EXPECT_EQ(Hex(connection.gateway_id), "86c6c90f");
  EXPECT_EQ(connection.server_message_index, 1);
  EXPECT_EQ(connection.request_path, "/connect");
  EXPECT_EQ(connection.request_headers.size(), 15U);
  EXPECT_EQ(message.name, "mail");
  EXPECT_EQ(Hex(message.body), "83617802f6");
  EXPECT_EQ(message.created_at_ms, 1796025088630);
  EXPECT_TRUE(message.IsPlain());
}

TEST(ActorPersistTest, OlderVersionsOfTheStateAreRead) {
  const std::string corpus = "tests/fuzz/corpus/actor_persist/";
  for (const char* version : {"state_v1", "state_v2"}) {
    SCOPED_TRACE(version);
    PersistedActor actor;
    ASSERT_OK(DecodePersist(FileContents(corpus + version).substr(1), &actor));
    EXPECT_EQ(actor.state, kNoState);
    EXPECT_EQ(actor.old_connection_count, 1U);
    ASSERT_EQ(actor.events.size(), 1U);
    EXPECT_EQ(actor.events[0].id, "id");
    EXPECT_EQ(actor.events[0].action, "act");
    EXPECT_EQ(actor.events[0].timestamp_ms, 7);
  }
}

TEST(ActorPersistTest, AMessageWithRetriesIsNotPlain) {
  const std::string bytes = Unhex(
      "0400046a6f627301802ffa6f2ba20100000103000000010500000000000000"
      "0101010600000000000000");
  QueueMessage message;
  ASSERT_OK(DecodePersist(bytes, &message));
  EXPECT_FALSE(message.IsPlain());
  EXPECT_EQ(message.failure_count, 3U);
  EXPECT_EQ(message.available_at_ms, 5);
  EXPECT_EQ(message.in_flight, true);
  EXPECT_EQ(message.in_flight_at_ms, 6);
  EXPECT_EQ(Hex(EncodePersist(message)), Hex(bytes));
}

TEST(ActorPersistTest, Alarms) {
  std::optional<int64_t> at_ms = 1;
  ASSERT_OK(DecodeAlarm(Unhex("010000"), &at_ms));
  EXPECT_EQ(at_ms, std::nullopt);
  ASSERT_OK(DecodeAlarm(Unhex("0100017f96980000000000"), &at_ms));
  EXPECT_EQ(at_ms, 9999999);
  EXPECT_EQ(Hex(EncodeAlarm(9999999)), "0100017f96980000000000");
  EXPECT_EQ(Hex(EncodeAlarm(std::nullopt)), "010000");
  EXPECT_TRUE(
      IsError(DecodeAlarm(Unhex("0400020000000000000001000000"), &at_ms),
              Code::kNotSupported, "version 4"));
}

TEST(ActorPersistTest, WhatIsCutOrLongerIsRefused) {
  PersistedConnection connection;
  connection.id = "c";
  connection.subscriptions = {"a", "b"};
  connection.gateway_id = "1234";
  connection.request_id = "5678";
  connection.request_headers = {{"k", "v"}};
  const std::string good = EncodePersist(connection);
  PersistedConnection read;
  read.id = "unchanged";
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(IsError(DecodePersist(good.substr(0, size), &read),
                        Code::kCorruption, "at byte"))
        << size;
  }
  EXPECT_TRUE(IsError(DecodePersist(good + "x", &read), Code::kCorruption,
                      "left over"));
  EXPECT_TRUE(IsError(DecodePersist("\5" + good.substr(1), &read),
                      Code::kNotSupported, "version 5"));
  EXPECT_EQ(read.id, "unchanged");
}

TEST(CborTextsTest, ShapesComeBackInTheShortestForm) {
  const TextPairs few = {{"b", "1"}, {"a", std::string(300, 'x')}};
  EXPECT_EQ(Hex(EncodeCborMap(few)).substr(0, 18),
            "a261626131616179"
            "01");
  TextPairs many;
  for (int i = 0; i < 300; ++i) many.emplace_back(std::to_string(i), "");
  for (const TextPairs& pairs : {TextPairs{}, few, many}) {
    TextPairs again;
    ASSERT_TRUE(DecodeCborMap(EncodeCborMap(pairs), &again));
    EXPECT_EQ(again, pairs);
  }
  std::vector<std::string> texts;
  ASSERT_TRUE(DecodeCborArray(Unhex("816470696e67"), &texts));
  EXPECT_EQ(texts, std::vector<std::string>{"ping"});
  EXPECT_EQ(Hex(EncodeCborArray(texts)), "816470696e67");
  // cbor-x writes maps with two bytes of length.
  TextPairs map;
  ASSERT_TRUE(DecodeCborMap(Unhex("b9000161616162"), &map));
  EXPECT_EQ(map, (TextPairs{{"a", "b"}}));
}

TEST(CborTextsTest, OtherShapesAreRefused) {
  TextPairs map = {{"unchanged", ""}};
  std::vector<std::string> texts = {"unchanged"};
  for (const char* bytes :
       {"", "a1", "a16161", "a1616101", "80", "f7", "bf6161616bff", "a000",
        "bb0000000000000000", "a16161616b00", "b9ffff61616162"}) {
    EXPECT_FALSE(DecodeCborMap(Unhex(bytes), &map)) << bytes;
  }
  for (const char* bytes : {"", "81", "8101", "a0", "9f616bff", "8000"}) {
    EXPECT_FALSE(DecodeCborArray(Unhex(bytes), &texts)) << bytes;
  }
  EXPECT_EQ(map.size(), 1U);
  EXPECT_EQ(texts.size(), 1U);
}

}  // namespace
}  // namespace actorkv
