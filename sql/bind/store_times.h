// The times of a store as people are shown them.

#ifndef ACTORKV_SQL_BIND_STORE_TIMES_H_
#define ACTORKV_SQL_BIND_STORE_TIMES_H_

#include "kv/store/time_map.h"

namespace actorkv {

class Store;

// The times of the store on the wall, as of now. Where its clock steps cannot
// be read, which actorkv_verify reports, its own times stand for them: a list
// of actors is of use without.
TimeMap TimesShown(Store* store);

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_STORE_TIMES_H_
