// The URI parameters of an open: known, of drivers, unknown.

#include "vfs/sqlite/uri.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {
namespace {

// A file name as SQLite passes it to xOpen. `parameters`: key, value, ...
class FileName {
 public:
  explicit FileName(const std::vector<const char*>& parameters) {
    std::vector<const char*> copy = parameters;
    name_ = sqlite3_create_filename(
        "/s/a", "", "", static_cast<int>(copy.size() / 2), copy.data());
  }
  ~FileName() { sqlite3_free_filename(name_); }
  FileName(const FileName&) = delete;
  FileName& operator=(const FileName&) = delete;
  const char* get() const { return name_; }

 private:
  const char* name_;
};

Status Parse(const std::vector<const char*>& parameters, UriOptions* options) {
  const FileName name(parameters);
  return ParseUriOptions(name.get(), options);
}

TEST(UriTest, NoParameters) {
  UriOptions options;
  ASSERT_OK(Parse({}, &options));
  EXPECT_FALSE(options.named_vfs);
  EXPECT_FALSE(options.never_locks);
}

TEST(UriTest, KnownParameters) {
  UriOptions options;
  ASSERT_OK(Parse({"vfs", "actorkv", "mode", "ro", "cache", "shared", "psow",
                   "1", "modeof", "x", "_pragma", "y", "_", ""},
                  &options));
  EXPECT_TRUE(options.named_vfs);
  EXPECT_FALSE(options.never_locks);
}

TEST(UriTest, NeverLocks) {
  for (const char* key : {"nolock", "immutable"}) {
    for (const char* value : {"1", "true", "yes", "on"}) {
      UriOptions options;
      ASSERT_OK(Parse({key, value}, &options));
      EXPECT_TRUE(options.never_locks) << key << value;
    }
    for (const char* value : {"0", "false", "no", "off", ""}) {
      UriOptions options;
      ASSERT_OK(Parse({key, value}, &options));
      EXPECT_FALSE(options.never_locks) << key << value;
    }
  }
}

TEST(UriTest, UnknownParameterIsNamed) {
  for (const char* key : {"asoff", "VFS", "stor", "nolocks", "imutable"}) {
    UriOptions options;
    EXPECT_TRUE(IsError(Parse({"vfs", "actorkv", key, "1"}, &options),
                        Code::kInvalidArgument,
                        std::string("unknown URI parameter: ") + key));
  }
}

}  // namespace
}  // namespace actorkv
