// EngineHome: a kind of place where stores are, and what can be done with a
// place by its name: tell it from others, look at it, open it, back it up.
// There is one for each engine that keeps stores, and kv/process/engines.h
// knows which names are whose.
//
// Thread-safe.

#ifndef ACTORKV_KV_ENGINE_ENGINE_HOME_H_
#define ACTORKV_KV_ENGINE_ENGINE_HOME_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"

namespace actorkv {

enum class OpenMode {
  kCreate,    // read and write; made when it does not exist
  kExisting,  // read and write; kNotFound when it does not exist
  kFollow,    // read-only beside a writer in another process
};

// Tells one store from another, as long as one of the two is open. What the
// numbers mean is the home's.
struct StoreIdentity {
  // The place, whatever it is called: two names of it have the same.
  uint64_t place[2] = {0, 0};
  // What is there. It differs where another store took the place; 0: none.
  uint64_t store = 0;
  // Differs also where the store may only seem to be another:
  // Engine::CheckNotMoved() of one that is open knows.
  uint64_t change = 0;

  bool IsSamePlace(const StoreIdentity& other) const {
    return place[0] == other.place[0] && place[1] == other.place[1];
  }
  bool IsSameStore(const StoreIdentity& other) const {
    return IsSamePlace(other) && store == other.store;
  }
  friend bool operator==(const StoreIdentity& a, const StoreIdentity& b) {
    return a.IsSameStore(b) && a.change == b.change;
  }
};

enum class PlaceKind {
  kMissing,  // nothing
  kFresh,    // nothing that could be data: a store may be made here
  kStore,    // a store, if perhaps a damaged one or one of a newer format
  kForeign,  // a database that is no store
};

// From its making to its end somebody waits for the store at a place. Best
// effort: where that cannot be marked, the holder does not see it, and it sees
// no holder.
class PlaceWait {
 public:
  virtual ~PlaceWait() = default;
  // Whether anybody has the store open for writing.
  virtual bool IsHeld() const = 0;
  // Whether anybody else waits.
  virtual bool OthersWait() const = 0;
};

// From its making to its end a process is there to own the store at a place:
// others that own it leave it, as far as they can, and nobody else becomes its
// owner.
class PlaceClaim {
 public:
  virtual ~PlaceClaim() = default;
};

// A line about an engine, for people: a row of actorkv_info.
struct EngineNote {
  std::string name;
  std::string value;
};

class EngineHome {
 public:
  virtual ~EngineHome() = default;

  // The one name of the place, whether it exists or not. Errors: kIOError.
  virtual Status Canonical(const std::string& place,
                           std::string* canonical) = 0;

  // The name under which a store at `place`, which exists, is opened: asked
  // anew, so that no link in it is left. Errors: kNotFound; kIOError.
  virtual Status Resolve(const std::string& place, std::string* name) = 0;

  // Errors: kNotFound when there is no such place; kInvalidArgument when it is
  // of a kind that can hold no store; kIOError.
  virtual Status Identify(const std::string& place,
                          StoreIdentity* identity) = 0;

  // Makes the place, without a store in it; one that is there is fine. Errors:
  // kInvalidArgument where none may be; kNoSpace; kIOError.
  virtual Status Make(const std::string& place) = 0;

  // What is there, without opening it. Errors: kInvalidArgument for what is
  // neither a store nor empty; kCorruption for a store that is not whole;
  // kIOError.
  virtual Status Look(const std::string& place, PlaceKind* kind) = 0;

  // Ok for a store, and for a place where one can be made. Opens nothing.
  // Errors: those of Look(); kNotSupported for a store of a newer format;
  // kInvalidArgument for a database that is no store.
  virtual Status Check(const std::string& place) = 0;

  // Opens the engine at `place`, a name from Resolve(). Errors: kNotFound;
  // kBusy when another process has it open for writing; those of Check();
  // kNoSpace.
  virtual Status Open(const std::string& place, OpenMode mode,
                      std::unique_ptr<Engine>* engine) = 0;

  // Names the engine for people, as Engine::Describe() of those that it opens.
  virtual std::string Version() const = 0;

  // EngineLimits of its engines.
  virtual EngineLimits Limits() const = 0;

  virtual std::unique_ptr<PlaceWait> Wait(const std::string& place) = 0;
  // Ok where nobody has the store open for writing, this process included, or
  // that cannot be known. Costs little. Errors: kBusy, naming the process.
  virtual Status CheckFree(const std::string& place) = 0;

  // Errors: kAlreadyExists, naming the process, where another one is there for
  // it; kNotFound where nobody has owned a store there yet; kBusy, kIOError.
  virtual Status Claim(const std::string& place,
                       std::unique_ptr<PlaceClaim>* claim) = 0;
  // Whether some process, perhaps this one, is there for it; and whether nobody
  // owns it, so that it is about to be that one's.
  virtual bool IsClaimed(const std::string& place) = 0;
  virtual bool IsClaimDue(const std::string& place) = 0;

  // A copy of the store at `place`, which `engine` has open, in a place `to`
  // that must not exist. Asks `keep_on` now and then, and stops with its error.
  // A copy that is not whole is not seen under its name. *bytes: its size.
  // Errors: kAlreadyExists; kNoSpace; kIOError.
  virtual Status BackUp(const std::string& place, Engine* engine,
                        const std::string& to,
                        const std::function<Status()>& keep_on,
                        uint64_t* bytes) = 0;

  // Adds the work of the process that has the store at `place` open for
  // writing, where that is another process and work is seen from outside. Opens
  // no store. Errors: kIOError.
  virtual Status ReadWork(const std::string& place,
                          std::vector<WorkRow>* rows) = 0;

  // What there is to know of the engine without a store.
  virtual std::vector<EngineNote> Notes() const = 0;

  // Makes what must outlive all stores, before the process registers how it
  // ends. Starts no thread.
  virtual void Prepare() = 0;
  // No store is open any more and none will be: waits for who uses the engine
  // besides, until `give_up`. False when somebody still does.
  virtual bool EndUse(std::chrono::steady_clock::time_point give_up) = 0;
  // Whether static objects of the engine may wait for ever when the process
  // ends.
  virtual bool MayNotEnd() const = 0;
};

// kNotFound, and what to do.
Status NoSuchStore(const std::string& place);

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_ENGINE_HOME_H_
