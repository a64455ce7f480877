// NamedPairSource: a PairSource whose errors begin with the name of the file it
// reads.

#ifndef ACTORKV_KV_RIVET_NAMED_PAIRS_H_
#define ACTORKV_KV_RIVET_NAMED_PAIRS_H_

#include <memory>
#include <string>
#include <utility>

#include "kv/rivet/pairs.h"

namespace actorkv {

class NamedPairSource : public PairSource {
 public:
  NamedPairSource(std::string path, std::unique_ptr<PairSource> source)
      : path_(std::move(path)), source_(std::move(source)) {}

  Status Next(KeyValue* pair, bool* more) override {
    return source_->Next(pair, more).WithContext(path_);
  }

  std::string Place() const override {
    const std::string place = source_->Place();
    return place.empty() ? path_ : path_ + ": " + place;
  }

 private:
  const std::string path_;
  const std::unique_ptr<PairSource> source_;
};

inline std::unique_ptr<PairSource> NamedPairs(
    std::string path, std::unique_ptr<PairSource> source) {
  return std::make_unique<NamedPairSource>(std::move(path), std::move(source));
}

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_NAMED_PAIRS_H_
