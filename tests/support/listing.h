// The names in a directory, for assertions.

#ifndef ACTORKV_TESTS_SUPPORT_LISTING_H_
#define ACTORKV_TESTS_SUPPORT_LISTING_H_

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace actorkv {

// Sorted, one space between two; hidden ones too.
inline std::string Listing(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : " ") + name;
  }
  return text;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_LISTING_H_
