// URIs that SQLite did not read: the same path and parameters that SQLite makes
// of them, and what is refused.

#include "vfs/sqlite/raw_uri.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string Show(const std::string& path, const UriPairs& pairs) {
  std::string text = "[" + path + "]";
  for (const auto& [key, value] : pairs)
    text += " {" + key + "}={" + value + "}";
  return text;
}

// A VFS that opens nothing and writes down what SQLite made of a name.
class Recorder {
 public:
  Recorder() {
    const sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
    vfs_ = *base;
    vfs_.zName = "recorder";
    vfs_.pAppData = this;
    vfs_.xFullPathname = [](sqlite3_vfs*, const char* name, int size,
                            char* output) {
      sqlite3_snprintf(size, output, "%s", name);
      return SQLITE_OK;
    };
    vfs_.xOpen = [](sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int,
                    int*) {
      file->pMethods = nullptr;
      auto* self = static_cast<Recorder*>(vfs->pAppData);
      UriPairs pairs;
      for (int i = 0; name != nullptr; ++i) {
        const char* key = sqlite3_uri_key(name, i);
        if (key == nullptr) break;
        // A name's own value, also where another has the same name.
        pairs.emplace_back(key, key + std::strlen(key) + 1);
      }
      self->seen_ = Show(name == nullptr ? "" : name, pairs);
      return SQLITE_CANTOPEN;
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~Recorder() { sqlite3_vfs_unregister(&vfs_); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // What SQLite makes of `uri`; "" when it refuses it, or opens no file.
  std::string Ask(const std::string& uri) {
    seen_.clear();
    sqlite3* db = nullptr;
    sqlite3_open_v2(
        uri.c_str(), &db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
        "recorder");
    sqlite3_exec(db, "SELECT * FROM sqlite_schema", nullptr, nullptr, nullptr);
    sqlite3_close(db);
    return seen_;
  }

 private:
  sqlite3_vfs vfs_ = {};
  std::string seen_;
};

std::string Parsed(const std::string& name) {
  RawUri uri;
  const Status s = ParseRawUri(name, &uri);
  return s.ok() ? Show(uri.path, uri.parameters) : s.ToString();
}

TEST(RawUriTest, SamePathAndParametersAsSqlite) {
  Recorder recorder;
  for (const char* uri : {"file:a.store/x",
                          "file:/s/a",
                          "file:///s/a",
                          "file://localhost/s/a",
                          "file:a?b=c",
                          "file:a?b=c&d=e",
                          "file:a?b",
                          "file:a?b&c=d",
                          "file:a?",
                          "file:a?=x&b=c",
                          "file:a?&b=c",
                          "file:a?b=c=d",
                          "file:a?b=c?d",
                          "file:a%20b",
                          "file:a%3fb%23c?d=%26%3d",
                          "file:a%zz%4",
                          "file:a%00b?c=d",
                          "file:a?b%00x=c%00y&d=e",
                          "file:a?b=c#d",
                          "file:a?b=#c=d",
                          "file:/a/b//c",
                          "file:../a?asof=-1+hour",
                          "file:a?b=c&b=d",
                          "file:a?mode=ro&cache=private",
                          "file:%41%6c%c3%bc?x=%C3%BC",
                          "file:file:a?b=c",
                          "file:a%",
                          "file:a%4?b=%"}) {
    EXPECT_EQ(Parsed(uri), recorder.Ask(uri)) << uri;
  }
}

TEST(RawUriTest, RandomUrisAreReadAsSqliteReadsThem) {
  Recorder recorder;
  std::mt19937_64 numbers(TestSeed());
  const char* const parts[] = {"a", "b/", "%", "%41", "%00", "?",
                               "&", "=",  "#", "/",   "é",   "x=y"};
  for (uint64_t i = 0; i < TestRounds(3000); ++i) {
    std::string uri = "file:n";
    const uint64_t count = numbers() % 12;
    for (uint64_t k = 0; k < count; ++k) {
      uri += parts[numbers() % (sizeof parts / sizeof *parts)];
    }
    // What is refused here is another test's.
    if (uri.find('#') < uri.find('?')) continue;
    ASSERT_EQ(Parsed(uri), recorder.Ask(uri)) << uri;
  }
}

TEST(RawUriTest, WhatOnlySqliteCanDoIsRefused) {
  struct Case {
    const char* uri;
    const char* part;
  };
  for (const Case& c : {
           Case{"file://elsewhere/s/a", "invalid uri authority: elsewhere"},
           Case{"file://localhos/s/a", "invalid uri authority: localhos"},
           Case{"file:a?mode=memory", "write ':memory:'"},
           Case{"file::memory:", "write '' or ':memory:'"},
           Case{"file::memory:?cache=shared", "write '' or ':memory:'"},
           Case{"file:", "write '' or ':memory:'"},
           Case{"file:?vfs=actorkv", "write '' or ':memory:'"},
           Case{"file:a?mode=rx", "no such access mode: rx"},
           Case{"file:a?cache=shared", "leave out cache=shared"},
           Case{"file:a?cache=no", "no such cache mode: no"},
           Case{"file:s/tenant:42#1?vfs=actorkv", "written %23"},
           Case{"file:s/tenant#1", "written %23"},
       }) {
    RawUri uri;
    EXPECT_TRUE(
        IsError(ParseRawUri(c.uri, &uri), Code::kInvalidArgument, c.part))
        << c.uri;
  }
}

TEST(RawUriTest, PairsGoThroughATextWithoutASlash) {
  const UriPairs pairs = {{"asof", "2026-01-01T00:00:00Z/x"},
                          {"mode", "ro"},
                          {"key", "a&b=c%d#e?f//\xc3\xbc"},
                          {"empty", ""}};
  const std::string text = EncodeUriPairs(pairs);
  EXPECT_EQ(text.find('/'), std::string::npos) << text;
  EXPECT_EQ(DecodeUriPairs(text), pairs);
  EXPECT_EQ(EncodeUriPairs({}), "");
  EXPECT_EQ(DecodeUriPairs(""), UriPairs());
}

TEST(RawUriTest, OnlyTheSchemeMakesAUri) {
  EXPECT_TRUE(IsRawUri("file:a"));
  for (const char* name : {"", "file", "File:a", "./file:a", "/file:a", "a"}) {
    EXPECT_FALSE(IsRawUri(name)) << name;
  }
}

}  // namespace
}  // namespace actorkv
