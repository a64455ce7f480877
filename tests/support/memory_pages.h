// MemoryPages: the pages of a database file in memory, of which some are lost.

#ifndef ACTORKV_TESTS_SUPPORT_MEMORY_PAGES_H_
#define ACTORKV_TESTS_SUPPORT_MEMORY_PAGES_H_

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "sql/salvage/salvage_pages.h"

namespace actorkv {

class MemoryPages : public SalvagePages {
 public:
  MemoryPages(std::string bytes, uint32_t page_size)
      : bytes_(std::move(bytes)), page_size_(page_size) {}

  void Lose(PageNo pgno) { lost_.insert(pgno); }
  void Find(PageNo pgno) { lost_.erase(pgno); }

  uint32_t page_size() const override { return page_size_; }
  PageNo page_count() const override {
    return static_cast<PageNo>(bytes_.size() / page_size_);
  }

  Status Read(PageNo pgno, char* page, bool* sound) override {
    *sound = lost_.count(pgno) == 0;
    if (*sound) {
      bytes_.copy(page, page_size_, size_t{pgno - 1} * page_size_);
    } else {
      std::fill_n(page, page_size_, '\0');
    }
    return Status::Ok();
  }

  Status KeepOn() override { return Status::Ok(); }

 private:
  const std::string bytes_;
  const uint32_t page_size_;
  std::set<PageNo> lost_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MEMORY_PAGES_H_
