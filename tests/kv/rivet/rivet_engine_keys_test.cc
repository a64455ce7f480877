// Physical keys of Rivet's engine: frozen bytes, order, and what is no key.
#include "kv/rivet/rivet_engine_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/bytes.h"
#include "tests/support/rivet_engine_writer.h"

namespace actorkv {
namespace {

using std::string_literals::operator""s;

const char kIdHex[] = "000102030405060708090a0b0c0d0e0f101112";

std::string Id() {
  std::string id;
  for (char c = 0; c < 19; ++c) id.push_back(c);
  return id;
}

TEST(RivetEngineKeysTest, IdsAsText) {
  const struct {
    std::string id;
    const char* text;
  } kCases[] = {
      {std::string(19, '\0'), "000000000000000000000000000000"},
      {"\x01" + std::string(18, '\0'), "100000000000000000000000000000"},
      {"$" + std::string(18, '\0'), "010000000000000000000000000000"},
      // 256 = 7 * 36 + 4
      {"\0\1"s + std::string(17, '\0'), "470000000000000000000000000000"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(RivetActorIdText(c.id), c.text);
    std::string id;
    EXPECT_TRUE(ParseRivetActorIdText(c.text, &id));
    EXPECT_EQ(Hex(id), Hex(c.id));
  }
  for (const std::string& id : {Id(), std::string(19, '\xff')}) {
    std::string again;
    EXPECT_TRUE(ParseRivetActorIdText(RivetActorIdText(id), &again));
    EXPECT_EQ(Hex(again), Hex(id));
  }
}

TEST(RivetEngineKeysTest, BadTextsAreRefused) {
  std::string id = "unchanged";
  for (const std::string& text :
       {""s, "a1plain"s, std::string(29, '0'), std::string(31, '0'),
        std::string(29, '0') + "A", std::string(29, '0') + "-",
        std::string(30, 'z')}) {
    EXPECT_FALSE(ParseRivetActorIdText(text, &id)) << text;
  }
  EXPECT_EQ(id, "unchanged");
}

TEST(RivetEngineKeysTest, BytesAreFrozen) {
  const std::string prefix = "141503154840"s + kIdHex + "0501";
  const struct {
    RivetEngineKey key;
    const char* hex;  // behind the prefix
  } kCases[] = {
      {{Id(), "", std::nullopt}, "0000152c"},
      {{Id(), "ab", std::nullopt}, "61620000152c"},
      {{Id(), "ab", 0}, "61620000150414"},
      {{Id(), "ab", 13}, "616200001504150d"},
      {{Id(), "ab", 256},
       "61620000150416"
       "0100"},
      {{Id(), "\0a\0"s, 1},
       "00ff6100ff0000"
       "15041501"},
      {{Id(), "\xff\0"s, 1},
       "ff00ff0000"
       "15041501"},
  };
  for (const auto& c : kCases) {
    const std::string bytes = EncodeRivetEngineKey(c.key);
    EXPECT_EQ(Hex(bytes), prefix + c.hex);
    RivetEngineKey key;
    ASSERT_TRUE(ParseRivetEngineKey(bytes, &key)) << c.hex;
    EXPECT_EQ(key.actor_id, c.key.actor_id);
    EXPECT_EQ(Hex(key.key), Hex(c.key.key));
    EXPECT_EQ(key.piece, c.key.piece);
  }
}

TEST(RivetEngineKeysTest, OrderIsThatOfKeysAndPieces) {
  const RivetEngineKey kKeys[] = {
      {Id(), "", std::nullopt},  {Id(), "\0"s, std::nullopt},
      {Id(), "\0\0"s, 0},        {Id(), "\0\1"s, 0},
      {Id(), "\1", 0},           {Id(), "a", 0},
      {Id(), "a", 255},          {Id(), "a", 256},
      {Id(), "a", std::nullopt}, {Id(), "a\0"s, 0},
      {Id(), "aa", 0},           {Id(), "\xff", 0}};
  std::vector<std::string> encoded;
  for (const auto& key : kKeys) encoded.push_back(EncodeRivetEngineKey(key));
  EXPECT_TRUE(std::is_sorted(encoded.begin(), encoded.end()));
}

TEST(RivetEngineKeysTest, BadKeysAreRefused) {
  const std::string good = EncodeRivetEngineKey({Id(), "ab", 1});
  RivetEngineKey key;
  key.key = "unchanged";
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseRivetEngineKey(good.substr(0, size), &key)) << size;
  }
  const std::string base = good.substr(0, good.size() - 4);
  for (const std::string& end :
       {"\x15\x04\x15\x01x"s, "\x15\x2cx"s, "\x15\x05\x15\x01"s,
        "\x15\x04\x15\x00"s, "\x15\x04\x16\x00\x01"s,
        "\x15\x04\x1d\x01\x01\x01\x01\x01\x01\x01\x01\x01"s,
        "\x15\x04\x13\x01"s}) {
    EXPECT_FALSE(ParseRivetEngineKey(base + end, &key)) << Hex(end);
  }
  EXPECT_EQ(key.key, "unchanged");
}

TEST(RivetEngineKeysTest, MetadataHasAVersionAndATime) {
  EXPECT_TRUE(
      IsRivetPairMetadata("\0"
                          "12345678"s));
  EXPECT_TRUE(IsRivetPairMetadata("\2vv12345678"s));
  EXPECT_FALSE(IsRivetPairMetadata(""));
  EXPECT_FALSE(IsRivetPairMetadata("\2vv1234567"s));
  EXPECT_FALSE(
      IsRivetPairMetadata("\x7f"
                          "12345678"s));
}

TEST(RivetEngineKeysTest, KeysOfTheDepotAreFrozen) {
  const std::string bucket(16, 'b');
  const std::string id = RivetActorIdText(Id());
  const std::string key = DepotKey(bucket, id);
  EXPECT_EQ(Hex(key), "02102f" + Hex(bucket) + "2f" + Hex(id) + "2f637572");
  EXPECT_EQ(key.size(), 54U);
  std::string read_bucket = "unchanged";
  std::string read_id;
  for (size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(ParseDepotKey(key.substr(0, size), &read_bucket, &read_id));
  }
  EXPECT_FALSE(ParseDepotKey(key + "x", &read_bucket, &read_id));
  EXPECT_EQ(read_bucket, "unchanged");
  ASSERT_TRUE(ParseDepotKey(key, &read_bucket, &read_id));
  EXPECT_EQ(read_bucket, bucket);
  EXPECT_EQ(read_id, id);
}

}  // namespace
}  // namespace actorkv
