// Image: the pages of a snapshot as the bytes of a plain database file.

#ifndef ACTORKV_KV_PAGES_IMAGE_H_
#define ACTORKV_KV_PAGES_IMAGE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "kv/base/work_meter.h"
#include "kv/engine/engine.h"
#include "kv/store/actor.h"

namespace actorkv {

struct ImageTarget {
  std::string path;  // absolute
  bool overwrite = false;
  WorkMeter* work = nullptr;  // has the bytes added that are written
};

// The pages of some database, from 1 on.
struct ImagePages {
  uint32_t page_size = 0;
  uint32_t page_count = 0;
  std::function<Status(PageNo pgno, char* page)> read;
};

// Writes them to a file that appears under its name only when it is whole and
// durable. Holds one page and one piece of the file in memory. `keep_on` is
// asked now and then, and last before the file appears; an error of it ends the
// work. *bytes: the size of the
// file. Errors: kAlreadyExists; kNoSpace; kIOError; those of `pages`.
Status WriteImage(const ImagePages& pages, const ImageTarget& target,
                  const std::function<Status()>& keep_on, uint64_t* bytes);

// Writes the database of `state` in the same way. Every chunk is verified on
// the way. Errors: also kCorruption, naming the page.
Status WriteImage(Engine* engine, const HeadState& state,
                  const ImageTarget& target,
                  const std::function<Status()>& keep_on, uint64_t* bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_IMAGE_H_
