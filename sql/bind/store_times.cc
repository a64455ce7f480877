#include "sql/bind/store_times.h"

#include <memory>

#include "kv/store/store.h"

namespace actorkv {

TimeMap TimesShown(Store* store) {
  TimeMap times;
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  // Where the steps cannot be read the map is that without any: a time that is
  // off is better to look at than no row.
  static_cast<void>(LoadTimeMap(reader.get(), store->clock(), 0, &times).ok());
  return times;
}

}  // namespace actorkv
