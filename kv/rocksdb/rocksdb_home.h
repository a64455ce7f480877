// RocksDbHome: stores that are directories with a database of RocksDB in them,
// on this machine. A place is the path of the directory.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_HOME_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_HOME_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/engine/engine_home.h"

namespace actorkv {

class RocksDbHome : public EngineHome {
 public:
  Status Canonical(const std::string& place, std::string* canonical) override;
  Status Resolve(const std::string& place, std::string* name) override;
  // The place is the device and inode of the directory, the store the inode of
  // its marker, the change the time at which that changed last.
  Status Identify(const std::string& place, StoreIdentity* identity) override;
  Status Make(const std::string& place) override;
  Status Look(const std::string& place, PlaceKind* kind) override;
  Status Check(const std::string& place) override;
  Status Open(const std::string& place, OpenMode mode,
              std::unique_ptr<Engine>* engine) override;
  EngineLimits Limits() const override;
  Status CheckFree(const std::string& place) override;
  Status Claim(const std::string& place,
               std::unique_ptr<PlaceClaim>* claim) override;
  bool IsClaimed(const std::string& place) override;
  bool IsClaimDue(const std::string& place) override;
  std::unique_ptr<PlaceWait> Wait(const std::string& place) override;
  // RocksDB's checkpoint takes no word to stop (7.8): an interrupt is heard
  // before it and after it.
  Status BackUp(const std::string& place, Engine* engine, const std::string& to,
                const std::function<Status()>& keep_on,
                uint64_t* bytes) override;
  Status ReadWork(const std::string& place,
                  std::vector<WorkRow>* rows) override;
  std::string Version() const override;
  std::vector<EngineNote> Notes() const override;
  void Prepare() override;
  bool EndUse(std::chrono::steady_clock::time_point give_up) override;
  bool MayNotEnd() const override;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_HOME_H_
