// ClientParts(): a ShareClient of a store that a test has in a directory.

#ifndef ACTORKV_TESTS_SUPPORT_CLIENT_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_CLIENT_HARNESS_H_

#include <sys/stat.h>

#include <memory>
#include <string>

#include "kv/share/share_client.h"
#include "tests/support/memory_engine.h"
#include "tests/support/share_harness.h"

namespace actorkv {

inline ShareClient::Parts ClientParts(const StoreDirectory& store) {
  Marker marker;
  EXPECT_OK(ReadMarker(store.path(), &marker));
  struct stat file = {};
  EXPECT_EQ(stat(store.File("actorkv.format").c_str(), &file), 0);
  ShareClient::Parts parts;
  parts.directory = store.opened();
  parts.path = store.path();
  parts.marker_id = marker.id;
  parts.marker_inode = file.st_ino;
  parts.host = {1, RandomId()};
  parts.limits = UnboundedLimits();
  parts.program = "test";
  parts.module = "0.1.0";
  parts.engine_version = "Memory 1";
  return parts;
}

inline std::shared_ptr<ShareClient> ConnectTo(ShareClient::Parts parts) {
  std::shared_ptr<ShareClient> client;
  EXPECT_OK(ShareClient::Connect(std::move(parts), &client));
  return client;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_CLIENT_HARNESS_H_
