#include "kv/pages/image.h"

#include <memory>

#include "kv/files/new_file.h"
#include "kv/pages/branch_reader.h"

namespace actorkv {

namespace {

constexpr PageNo kPagesBetweenChecks = 1024;

}  // namespace

Status WriteImage(const ImagePages& pages, const ImageTarget& target,
                  const std::function<Status()>& keep_on, uint64_t* bytes) {
  std::unique_ptr<NewFile> file;
  if (Status s = NewFile::Create(target.path, target.overwrite, &file);
      !s.ok()) {
    return s;
  }
  std::string page(pages.page_size, '\0');
  for (PageNo pgno = 1; pgno <= pages.page_count; ++pgno) {
    if (pgno % kPagesBetweenChecks == 0) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
    if (Status s = pages.read(pgno, page.data()); !s.ok()) return s;
    if (Status s = file->Append(page); !s.ok()) return s;
    AddWork(target.work, page.size());
  }
  // Asked once more before the file takes its name: after that there is nothing
  // to stop.
  if (Status s = keep_on(); !s.ok()) return s;
  if (Status s = file->Finish(); !s.ok()) return s;
  *bytes = file->size_bytes();
  return Status::Ok();
}

Status WriteImage(Engine* engine, const HeadState& state,
                  const ImageTarget& target,
                  const std::function<Status()>& keep_on, uint64_t* bytes) {
  const Snapshot& snapshot = state.head.snapshot;
  BranchReader reader(engine);
  reader.SetSnapshot(snapshot, state.lineage);
  const ImagePages pages = {
      snapshot.page_size, snapshot.page_count,
      [&](PageNo pgno, char* page) { return reader.ReadPage(pgno, page); }};
  return WriteImage(pages, target, keep_on, bytes);
}

}  // namespace actorkv
