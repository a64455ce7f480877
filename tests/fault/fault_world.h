// FaultWorld: a store whose engine has bad days, SQLite connections on it, and
// a model of what they must see. For tests that fail the Nth call of a step
// for N = 1, 2, ... until none fails.
//
// Two actors, a and b. Each counts its transactions, and has a table `big`
// that some of them rewrite with that number, past what a transaction keeps in
// memory here, so that it is staged. Two connections: `one` has main = a and b
// attached, so that a transaction over both has a super-journal; `two` has
// main in memory and both attached, so that it has none.

#ifndef ACTORKV_TESTS_FAULT_FAULT_WORLD_H_
#define ACTORKV_TESTS_FAULT_FAULT_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "kv/engine/engine.h"
#include "tests/support/hostile_engine.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {

// What an actor must look like.
struct ActorModel {
  int64_t n = 0;       // its transactions
  int64_t big_at = 0;  // n of the one that wrote `big` last
};

struct Model {
  ActorModel a;
  ActorModel b;
};

// The text that a connection reads where an actor is as the model says.
std::string ExpectedText(const Model& model);

class FaultWorld {
 public:
  enum class Base { kMemory, kRocksDb };
  explicit FaultWorld(Base base);
  ~FaultWorld();

  const std::string& store() const { return store_; }
  HostilePlan* plan() { return plan_.get(); }
  SqliteDb* one() { return &one_; }
  SqliteDb* two() { return &two_; }
  Model* model() { return &model_; }

  // What the connections see: the same of each, and of a new one; otherwise
  // the test fails.
  std::string Look();

  // Closes all, opens the store anew, and looks.
  std::string LookAfterRestart();

 private:
  void UseEngines(Base base);
  void Open();

  TempDir temp_;
  const std::string store_ = temp_.File("store");
  const std::shared_ptr<HostilePlan> plan_ = std::make_shared<HostilePlan>();
  SqliteDb one_;
  SqliteDb two_;
  Model model_;
};

// A step: the body of a transaction, committed by a COMMIT of its own unless
// it is empty, and what it makes of the model. Empty schema: on `one`.
struct Step {
  bool on_two = false;
  std::string body;       // after BEGIN
  std::string statement;  // instead of a transaction
  std::string end = "COMMIT";
  std::function<void(Model*)> effect;
};

// The outcome of a step that met a fault.
struct StepResult {
  int code = 0;            // extended; SQLITE_OK when all went well
  bool in_commit = false;  // it was COMMIT that failed
};

// Runs it, and ends what it left open.
StepResult RunStep(FaultWorld* world, const Step& step);

// The SQL that counts one transaction of the actor in this schema, and the one
// that also rewrites its table `big`.
std::string CountIn(const std::string& schema);
std::string RewriteBigIn(const std::string& schema);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_FAULT_FAULT_WORLD_H_
