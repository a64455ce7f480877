// Serving: this process is there to own a store and to serve it to others: for
// them it is the owner that lasts, whoever of them comes and goes.
//
// Invariants:
//  1. One process at a time serves a store so (EngineHome::Claim()); any other
//     owner leaves it to this one where it can.
//  2. The store goes to others, and is left, as one does at the exit of an
//     owner: no acknowledged commit and no snapshot is lost by it.
//
// Belongs to one thread.

#ifndef ACTORKV_KV_PROCESS_SERVING_H_
#define ACTORKV_KV_PROCESS_SERVING_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/process/open_wait.h"

namespace actorkv {

class PlaceClaim;
class Store;

class Serving {
 public:
  // Makes this process the owner of the store in `directory`, which is
  // absolute, and waits for the owner of the moment as long as `wait` says.
  // Errors: kAlreadyExists, naming the process, where another one serves it so;
  // kBusy where its owner does not leave it; kNotSupported where this process
  // cannot serve, and why; those of StoreRegistry::Acquire().
  static Status Begin(const std::string& directory, const OpenWait& wait,
                      std::unique_ptr<Serving>* serving);
  // Leaves the store to the others, unless connections of this process use it:
  // then it goes on as any other owner.
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  // Ok while it goes on. Errors: kFenced where the directory was moved or
  // replaced; kIOError while the process ends.
  Status Check();

 private:
  Serving(std::string path, std::shared_ptr<PlaceClaim> claim,
          std::shared_ptr<Store> store);

  const std::string path_;
  std::shared_ptr<PlaceClaim> claim_;
  std::shared_ptr<Store> store_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_SERVING_H_
