// Which names are whose.

#include "kv/process/engines.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(EnginesTest, APathIsADirectoryWhateverItLooksLike) {
  for (const char* name :
       {"a.store", "/tmp/a", "./rados:/x", "rados:/x", "rados", "radosx://y"}) {
    EngineHome* home = nullptr;
    EXPECT_OK(FindHome(name, &home));
    EXPECT_EQ(home, AllHomes().front()) << name;
  }
}

TEST(EnginesTest, ASchemeWithoutAnEngineIsRefusedByName) {
  EngineHome* home = nullptr;
  EXPECT_TRUE(IsError(FindHome("rados://pool", &home), Code::kNotSupported,
                      "rados://pool"));
  EXPECT_EQ(home, nullptr);
  std::string canonical = "as it was";
  EXPECT_TRUE(IsError(CanonicalPlace("rados://pool/a", &canonical),
                      Code::kNotSupported, "rados://pool/a"));
  EXPECT_EQ(canonical, "as it was");
  std::shared_ptr<Store> store;
  EXPECT_TRUE(IsError(StoreRegistry::Instance()->Acquire(
                          "rados://pool", OpenMode::kCreate, &store),
                      Code::kNotSupported, "rados://pool"));
  EXPECT_FALSE(std::filesystem::exists("rados:"));
}

TEST(EnginesTest, EachSaysWhatItIs) {
  for (const EngineHome* home : AllHomes()) {
    ASSERT_FALSE(home->Notes().empty());
    for (const EngineNote& note : home->Notes()) {
      EXPECT_FALSE(note.name.empty());
      EXPECT_FALSE(note.value.empty());
    }
  }
}

}  // namespace
}  // namespace actorkv
