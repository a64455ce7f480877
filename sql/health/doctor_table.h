// actorkv_doctor(actor): what is wrong with an actor, and the newest commit at
// which nothing was. The work is sql/health/doctor.h's.

#ifndef ACTORKV_SQL_HEALTH_DOCTOR_TABLE_H_
#define ACTORKV_SQL_HEALTH_DOCTOR_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterDoctorTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HEALTH_DOCTOR_TABLE_H_
