#include "kv/image.h"

#include <memory>

#include "kv/branch_reader.h"
#include "kv/new_file.h"

namespace actorkv {

namespace {

constexpr PageNo kPagesBetweenChecks = 1024;

}  // namespace

Status WriteImage(Engine* engine, const HeadState& state,
                  const ImageTarget& target,
                  const std::function<Status()>& keep_on, uint64_t* bytes) {
  const Snapshot& snapshot = state.head.snapshot;
  std::unique_ptr<NewFile> file;
  if (Status s = NewFile::Create(target.path, &file); !s.ok()) return s;
  BranchReader reader(engine);
  reader.SetSnapshot(snapshot, state.lineage);
  std::string page(snapshot.page_size, '\0');
  for (PageNo pgno = 1; pgno <= snapshot.page_count; ++pgno) {
    if (pgno % kPagesBetweenChecks == 0) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
    if (Status s = reader.ReadPage(pgno, page.data()); !s.ok()) return s;
    if (Status s = file->Append(page); !s.ok()) return s;
  }
  if (Status s = file->Finish(target.overwrite); !s.ok()) return s;
  *bytes = file->size_bytes();
  return Status::Ok();
}

}  // namespace actorkv
