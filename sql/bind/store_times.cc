#include "sql/bind/store_times.h"

#include <memory>

#include "kv/store/store.h"

namespace actorkv {

TimeMap TimesShown(Store* store) {
  TimeMap times;
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  static_cast<void>(LoadTimeMap(reader.get(), store->clock(), 0, &times).ok());
  return times;
}

}  // namespace actorkv
