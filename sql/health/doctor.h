// Doctor finds what is wrong with the head of an actor, what that is part of,
// and the newest commit at which all was sound.
//
// Damage does not grow with time alone: a page that is damaged at one commit is
// so at every commit that sees the same version of it, and a sound commit can
// lie before and after. So it goes back from the head, commit by commit; a
// commit that still sees a damaged page is passed over after a look at that
// page alone, and only one that does not is read whole.

#ifndef ACTORKV_SQL_HEALTH_DOCTOR_H_
#define ACTORKV_SQL_HEALTH_DOCTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/inspect/verify.h"
#include "sql/bind/connection.h"
#include "sql/history/version.h"

namespace actorkv {

// The most damaged pages that are reported, and looked at in older commits.
constexpr size_t kMaxDamagedPages = 100;
// The number of commits that are read whole before it gives up.
constexpr int kMaxCommitsRead = 64;

struct DoctorRow {
  bool is_error = true;  // otherwise it is good news, or advice
  Finding finding;
};

class Doctor {
 public:
  // `argument` is the actor as the user wrote it.
  Doctor(Connection* connection, Target target, std::string argument)
      : connection_(connection),
        target_(std::move(target)),
        argument_(std::move(argument)),
        work_(target_.BeginWork(WorkKind::kDoctor)) {}

  // Examines the actor. *rows says what is wrong, and last what to do; or that
  // all is sound. Errors: kNotFound; kInvalidArgument for a legacy actor;
  // kInterrupted.
  Status Run(std::vector<DoctorRow>* rows);

 private:
  struct Examination {
    std::vector<Finding> findings;  // of pages, or of the whole
    bool sound() const { return findings.empty(); }
  };

  Status Examine(const VersionSource& source, Examination* result);
  Status QuickCheck(const VersionSource& source, Examination* result);
  void AddDamage(const VersionSource& source, const Examination& head,
                 std::vector<DoctorRow>* rows);
  // Says whether every damaged page that is known is missing or sound in this
  // version.
  bool AvoidsDamage(const VersionSource& source) const;
  void Remember(const Examination& result);
  Status Search(const VersionSource& head, bool* found, VersionSource* sound);
  Status AddWarnings(std::vector<DoctorRow>* rows) const;
  void AddSalvage(std::vector<DoctorRow>* rows) const;
  void AddAdvice(const VersionSource& head, const VersionSource* sound,
                 std::vector<DoctorRow>* rows) const;

  Connection* const connection_;
  const Target target_;
  const std::string argument_;
  WorkMeter work_;
  std::vector<PageNo> damaged_;  // at any commit that was read
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_HEALTH_DOCTOR_H_
