// The engine's RocksDB directory: actors and pairs are found, damage is
// named, and no file of it changes.
#include "kv/rivet/rivet_engine.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "kv/process/engines.h"
#include "tests/support/pair_files.h"
#include "tests/support/rivet_engine_directory.h"
#include "tests/support/rivet_engine_writer.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

std::string Id(char first) { return first + std::string(18, '\7'); }

const std::string kMetadata("\2v1\0\0\0\0\0\0\0\0", 11);

Status ReadActor(const std::string& path, const std::string& id,
                 std::vector<Pair>* pairs) {
  std::unique_ptr<RivetEngine> engine;
  if (Status s = OpenRivetEngine(path, &engine); !s.ok()) return s;
  std::unique_ptr<PairSource> source;
  if (Status s = engine->OpenPairs(RivetActorIdText(id), &source); !s.ok()) {
    return s;
  }
  return ReadAllPairs(source.get(), pairs);
}

TEST(RivetEngineTest, FindsActorsAndPairsAndChangesNothing) {
  EngineDirectory directory;
  const std::vector<Pair> kFirst = {{"", "x"},
                                    {std::string("\0\xff", 2), ""},
                                    {"long", std::string(131'072, 'v')},
                                    {"short", std::string(10'000, 's')}};
  const std::vector<Pair> kSecond = {{"k", "v"}};
  directory.Put("\x13 before", "other");
  for (const auto& [key, value] : kFirst) {
    directory.PutPair(Id('a'), key, value);
  }
  directory.Flush();
  directory.PutPair(Id('\xff'), "k", "v");
  directory.Put("\x14\x15\x03\x15\x49 after", "other");
  directory.Close();
  const auto before = directory.Files();
  {
    std::unique_ptr<RivetEngine> engine;
    ASSERT_OK(OpenRivetEngine(directory.path(), &engine));
    std::vector<std::string> ids;
    std::string id;
    for (bool more = true; more;) {
      ASSERT_OK(engine->NextActor(id, &id, &more));
      if (more) ids.push_back(id);
    }
    EXPECT_EQ(ids, (std::vector<std::string>{RivetActorIdText(Id('a')),
                                             RivetActorIdText(Id('\xff'))}));
    EXPECT_TRUE(IsError(engine->NextActor("a1plain", &id, nullptr),
                        Code::kInvalidArgument, "a1plain"));
    std::unique_ptr<PairSource> source;
    EXPECT_TRUE(IsError(engine->OpenPairs("a1plain", &source),
                        Code::kInvalidArgument, "a1plain"));
  }
  std::vector<Pair> pairs;
  ASSERT_OK(ReadActor(directory.path(), Id('a'), &pairs));
  EXPECT_TRUE(pairs == kFirst);
  ASSERT_OK(ReadActor(directory.path(), Id('\xff'), &pairs));
  EXPECT_TRUE(pairs == kSecond);
  ASSERT_OK(ReadActor(directory.path(), Id('b'), &pairs));
  EXPECT_TRUE(pairs.empty());
  EXPECT_TRUE(directory.Files() == before);
}

// A key that no engine writes, but that sorts behind all pairs of its actor,
// must not be taken for another actor.
TEST(RivetEngineTest, AnActorIsListedOnce) {
  EngineDirectory directory;
  const std::string last(19, '\xff');
  for (const std::string& id : {Id('a'), last}) {
    directory.PutPair(id, "k", "v");
    directory.Put(std::string(RivetActorsPrefix()) + id + "\xff\xff", "v");
  }
  directory.Close();
  std::unique_ptr<RivetEngine> engine;
  ASSERT_OK(OpenRivetEngine(directory.path(), &engine));
  std::string id;
  bool more = false;
  ASSERT_OK(engine->NextActor(RivetActorIdText(Id('a')), &id, &more));
  EXPECT_TRUE(more);
  EXPECT_EQ(id, RivetActorIdText(last));
  ASSERT_OK(engine->NextActor(id, &id, &more));
  EXPECT_FALSE(more);
}

TEST(RivetEngineTest, BrokenPairsAreNamed) {
  const std::string id = Id('a');
  const struct {
    void (*damage)(EngineDirectory* directory);
    Code code;
    const char* error;
  } kCases[] = {
      {[](EngineDirectory* d) {
         d->Delete(EncodeRivetEngineKey({Id('a'), "m", std::nullopt}));
       },
       Code::kCorruption, "key 6d has a value but no metadata"},
      {[](EngineDirectory* d) {
         d->Delete(EncodeRivetEngineKey({Id('a'), "z", std::nullopt}));
       },
       Code::kCorruption, "key 7a has a value but no metadata"},
      {[](EngineDirectory* d) {
         d->Delete(EncodeRivetEngineKey({Id('a'), "m", 0}));
       },
       Code::kCorruption, "piece 0 of the value is missing before it"},
      {[](EngineDirectory* d) {
         d->Delete(EncodeRivetEngineKey({Id('a'), "m", 1}));
       },
       Code::kCorruption, "piece 1 of the value is missing before it"},
      {[](EngineDirectory* d) {
         d->Put(EncodeRivetEngineKey({Id('a'), "m", 0}),
                std::string(10'001, 'x'));
       },
       Code::kCorruption, "a piece of 10001 bytes"},
      {[](EngineDirectory* d) {
         d->Put(EncodeRivetEngineKey({Id('a'), "m", 0}), "");
       },
       Code::kCorruption, "a piece of 0 bytes"},
      {[](EngineDirectory* d) {
         d->Put(EncodeRivetEngineKey({Id('a'), "m", std::nullopt}), "");
       },
       Code::kCorruption, "metadata does not decode"},
      {[](EngineDirectory* d) {
         d->Put(std::string(RivetActorsPrefix()) + Id('a') + "\6", "");
       },
       Code::kCorruption, "not the key of a pair"},
      {[](EngineDirectory* d) {
         d->PutPair(Id('a'), std::string(4001, 'k'), "v");
       },
       Code::kInvalidArgument, "a key of 4001 bytes"},
      {[](EngineDirectory* d) {
         d->PutPair(Id('a'), "n", std::string(8'000'001, 'v'));
       },
       Code::kInvalidArgument, "a value of 8000001 bytes"},
  };
  for (const auto& c : kCases) {
    EngineDirectory directory;
    directory.PutPair(id, "m", std::string(25'000, 'm'));
    directory.PutPair(id, "z", "z");
    directory.PutPair(Id('b'), "k", "v");
    c.damage(&directory);
    directory.Close();
    std::vector<Pair> pairs;
    EXPECT_TRUE(
        IsError(ReadActor(directory.path(), id, &pairs), c.code, c.error));
    EXPECT_OK(ReadActor(directory.path(), Id('b'), &pairs));
  }
}

// As RocksDB 8.6 and later write it.
TEST(RivetEngineTest, NewerTableFilesAreNamed) {
  EngineDirectory directory;
  directory.PutPair(Id('a'), "k", "v");
  directory.Flush();
  directory.Close();
  std::vector<Pair> pairs;
  ASSERT_OK(ReadActor(directory.path(), Id('a'), &pairs));
  size_t tables = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    if (entry.path().extension() != ".sst") continue;
    std::string bytes = FileContents(entry.path().string());
    ASSERT_EQ(bytes[bytes.size() - 12], '\5');
    bytes[bytes.size() - 12] = '\6';
    WriteContents(entry.path().string(), bytes);
    ++tables;
  }
  EXPECT_EQ(tables, 1U);
  const Status s = ReadActor(directory.path(), Id('a'), &pairs);
  EXPECT_TRUE(IsError(s, Code::kNotSupported, "format version 6"));
  EXPECT_TRUE(IsError(s, Code::kNotSupported, "rivet-engine depot doctor"));
}

TEST(RivetEngineTest, OtherDirectoriesAreErrors) {
  const TempDir directory;
  std::unique_ptr<RivetEngine> engine;
  EXPECT_TRUE(IsError(OpenRivetEngine(directory.path(), &engine),
                      Code::kNotFound, directory.path()));
  EXPECT_TRUE(IsError(OpenRivetEngine(directory.File("no"), &engine),
                      Code::kNotFound, "no"));
  WriteContents(directory.File("CURRENT"), "MANIFEST-000001\n");
  EXPECT_FALSE(OpenRivetEngine(directory.path(), &engine).ok());
}

// What Rivet 2.3 and later keeps in the engine's depot.
TEST(RivetEngineTest, ActorsInTheDepotAreFound) {
  EngineDirectory directory;
  const std::string id = RivetActorIdText(Id('a'));
  const std::string other = RivetActorIdText(Id('b'));
  const std::string first(kDepotBucketBytes, '\xff');
  const std::string second(kDepotBucketBytes, '\1');
  directory.PutPair(Id('a'), "\1", "x");
  directory.PutPair(Id('c'), "\1", "x");
  directory.Put(DepotKey(first, id), "v");
  directory.Put(DepotKey(second, other), "v");
  directory.Put(DepotPrefix(second) + "/short/cur", "v");
  directory.Put(DepotKey(second, std::string(30, '-')), "v");
  directory.Close();
  std::unique_ptr<RivetEngine> engine;
  ASSERT_OK(OpenRivetEngine(directory.path(), &engine));
  bool is = false;
  ASSERT_OK(engine->IsInDepot(id, &is));
  EXPECT_TRUE(is);
  ASSERT_OK(engine->IsInDepot(other, &is));
  EXPECT_TRUE(is);
  ASSERT_OK(engine->IsInDepot(RivetActorIdText(Id('c')), &is));
  EXPECT_FALSE(is);
  ASSERT_OK(engine->HasPairs(id, &is));
  EXPECT_TRUE(is);
  ASSERT_OK(engine->HasPairs(other, &is));
  EXPECT_FALSE(is);
  DepotActor actor;
  std::vector<std::string> ids;
  for (bool more = true;;) {
    ASSERT_OK(engine->NextDepotActor(&actor, &more));
    if (!more) break;
    ids.push_back(actor.id);
  }
  EXPECT_EQ(ids, (std::vector<std::string>{other, id}));
}

}  // namespace
}  // namespace actorkv
