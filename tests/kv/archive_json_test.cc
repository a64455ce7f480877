// manifest.json and metadata.json: as strict as Rivet, and back again.
#include "kv/archive_json.h"

#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr char kMetadata[] =
    R"({"source_actor_id":"a1","name":"counter","key":"k\u00e9y",)"
    R"("runner_name_selector":"default","crash_policy":"sleep",)"
    R"("create_ts":1777000000000})";

constexpr char kManifest[] =
    R"({"version":1,"generated_at":5,"source_cluster":null,)"
    R"("source_namespace_id":"n","source_namespace_name":"m",)"
    R"("selector":{"all":true},"actor_count":4})";

std::string Replaced(std::string text, const std::string& from,
                     const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ArchiveJsonTest, MetadataComesBack) {
  ActorMetadata metadata;
  ASSERT_OK(ParseActorMetadata(kMetadata, &metadata));
  EXPECT_EQ(metadata.source_actor_id, "a1");
  EXPECT_EQ(metadata.name, "counter");
  EXPECT_EQ(metadata.key, "k\u00e9y");
  EXPECT_EQ(metadata.create_ts, 1777000000000);
  ActorMetadata again;
  ASSERT_OK(ParseActorMetadata(ToJson(metadata), &again));
  EXPECT_EQ(ToJson(again), ToJson(metadata));
  metadata.key.reset();
  EXPECT_EQ(ToJson(metadata),
            "{\n"
            "  \"source_actor_id\": \"a1\",\n"
            "  \"name\": \"counter\",\n"
            "  \"key\": null,\n"
            "  \"runner_name_selector\": \"default\",\n"
            "  \"crash_policy\": \"sleep\",\n"
            "  \"create_ts\": 1777000000000\n"
            "}\n");
}

TEST(ArchiveJsonTest, BadMetadataIsNamed) {
  const struct {
    const char* from;
    const char* to;
    const char* error;
  } kCases[] = {
      {"\"name\":\"counter\",", "", "\"name\" is missing"},
      {"\"counter\"", "7", "\"name\" is not a string"},
      {"\"counter\"", "null", "\"name\" is not a string"},
      {"\"create_ts\"", "\"x\":1,\"create_ts\"",
       "the field \"x\" is not known"},
      {"\"create_ts\"", "\"name\":\"b\",\"create_ts\"", "\"name\" comes twice"},
      {"1777000000000", "1.5", "\"create_ts\" is not an integer of 64 bits"},
      {"1777000000000", "18446744073709551615",
       "\"create_ts\" is not an integer of 64 bits"},
      {"1777000000000}", "1777000000000", "it is not a JSON object"},
      {"counter", "\xff", "it is not a JSON object"},
      {"\"counter\"", "[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]",
       "it is nested too deep"},
  };
  for (const auto& c : kCases) {
    ActorMetadata metadata;
    metadata.name = "unchanged";
    EXPECT_TRUE(IsError(
        ParseActorMetadata(Replaced(kMetadata, c.from, c.to), &metadata),
        Code::kInvalidArgument, c.error))
        << c.to;
    EXPECT_EQ(metadata.name, "unchanged");
  }
  ActorMetadata metadata;
  EXPECT_TRUE(IsError(ParseActorMetadata("[]", &metadata),
                      Code::kInvalidArgument, "it is not a JSON object"));
  EXPECT_TRUE(
      IsError(ParseActorMetadata(std::string(1'000'000, '['), &metadata),
              Code::kInvalidArgument, "it is nested too deep"));
}

TEST(ArchiveJsonTest, MissingKeyIsNoKey) {
  ActorMetadata metadata;
  ASSERT_OK(ParseActorMetadata(
      Replaced(kMetadata, "\"key\":\"k\\u00e9y\",", ""), &metadata));
  EXPECT_FALSE(metadata.key.has_value());
}

TEST(ArchiveJsonTest, ManifestComesBack) {
  ArchiveManifest manifest;
  ASSERT_OK(ParseArchiveManifest(kManifest, &manifest));
  EXPECT_EQ(manifest.version, 1U);
  EXPECT_EQ(manifest.generated_at, 5);
  EXPECT_EQ(manifest.selector, "{\"all\":true}");
  EXPECT_EQ(manifest.actor_count, 4U);
  ArchiveManifest again;
  ASSERT_OK(ParseArchiveManifest(ToJson(manifest), &again));
  EXPECT_EQ(ToJson(again), ToJson(manifest));
}

TEST(ArchiveJsonTest, BadManifestIsNamed) {
  const struct {
    const char* from;
    const char* to;
    Code code;
    const char* error;
  } kCases[] = {
      {"\"version\":1", "\"version\":3,\"new\":1", Code::kNotSupported,
       "an archive of version 3, versions 1 and 2 are known"},
      {"\"version\":1", "\"version\":0", Code::kInvalidArgument,
       "\"version\" is 0"},
      {"\"version\":1", "\"version\":\"1\"", Code::kInvalidArgument,
       "\"version\" is not an integer"},
      {"\"version\":1,", "", Code::kInvalidArgument, "\"version\" is missing"},
      {"\"version\":1", "\"version\":1,\"new\":1", Code::kInvalidArgument,
       "the field \"new\" is not known"},
      {"\"actor_count\":4", "\"actor_count\":-4", Code::kInvalidArgument,
       "\"actor_count\" is negative"},
      {"{\"all\":true}", "true", Code::kInvalidArgument,
       "\"selector\" is not an object"},
  };
  for (const auto& c : kCases) {
    ArchiveManifest manifest;
    EXPECT_TRUE(IsError(
        ParseArchiveManifest(Replaced(kManifest, c.from, c.to), &manifest),
        c.code, c.error))
        << c.to;
  }
}

}  // namespace
}  // namespace actorkv
