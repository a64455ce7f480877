// manifest.json and metadata.json: as strict as Rivet, and back again.
#include "kv/rivet/archive_json.h"

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
      {R"("name":"counter",)", "", R"("name" is missing)"},
      {R"("counter")", "7", R"("name" is not a string)"},
      {R"("counter")", "null", R"("name" is not a string)"},
      {R"("create_ts")", R"("x":1,"create_ts")",
       R"(the field "x" is not known)"},
      {R"("create_ts")", R"("name":"b","create_ts")", R"("name" comes twice)"},
      {"1777000000000", "1.5", R"("create_ts" is not an integer of 64 bits)"},
      {"1777000000000", "18446744073709551615",
       R"("create_ts" is not an integer of 64 bits)"},
      {"1777000000000}", "1777000000000", "it is not a JSON object"},
      {"counter", "\xff", "it is not a JSON object"},
      {R"("counter")", "[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]",
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
  EXPECT_EQ(manifest.selector, R"({"all":true})");
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
      {R"("version":1)", R"("version":3,"new":1)", Code::kNotSupported,
       "an archive of version 3, versions 1 and 2 are known"},
      {R"("version":1)", R"("version":0)", Code::kInvalidArgument,
       R"("version" is 0)"},
      {R"("version":1)", R"("version":"1")", Code::kInvalidArgument,
       R"("version" is not an integer)"},
      {R"("version":1,)", "", Code::kInvalidArgument,
       R"("version" is missing)"},
      {R"("version":1)", R"("version":1,"new":1)", Code::kInvalidArgument,
       R"(the field "new" is not known)"},
      {R"("actor_count":4)", R"("actor_count":-4)", Code::kInvalidArgument,
       R"("actor_count" is negative)"},
      {R"({"all":true})", "true", Code::kInvalidArgument,
       R"("selector" is not an object)"},
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
