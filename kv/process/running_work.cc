#include "kv/process/running_work.h"

#include <iterator>
#include <utility>

#include "kv/process/engines.h"

namespace actorkv {

Status ListWork(const std::string& place, std::vector<WorkRow>* rows) {
  std::vector<WorkRow> listed = ReadWork();
  if (!place.empty()) {
    EngineHome* home = nullptr;
    std::vector<WorkRow> others;
    if (Status s = FindHome(place, &home); !s.ok()) return s;
    if (Status s = home->ReadWork(place, &others); !s.ok()) return s;
    for (WorkRow& row : others) row.store = place;
    listed.insert(listed.end(), std::make_move_iterator(others.begin()),
                  std::make_move_iterator(others.end()));
  }
  *rows = std::move(listed);
  return Status::Ok();
}

std::string MigrationPhase(const std::string& place, const LegacyActor& actor) {
  std::string last = LegacyPhaseName(actor.record.phase);
  std::vector<WorkRow> rows;
  if (actor.record.state != LegacyState::kImporting ||
      !ListWork(place, &rows).ok()) {
    return last;
  }
  for (const WorkRow& work : rows) {
    if (work.what == WorkKind::kMigration && work.actor == actor.name &&
        work.store == place && !work.phase.empty()) {
      return work.phase;
    }
  }
  return last;
}

}  // namespace actorkv
