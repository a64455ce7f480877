// These tell how bytes begin and end.

#ifndef ACTORKV_KV_BASE_AFFIX_H_
#define ACTORKV_KV_BASE_AFFIX_H_

#include <string_view>

namespace actorkv {

inline bool BeginsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

inline bool EndsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() &&
         text.substr(text.size() - suffix.size()) == suffix;
}

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_AFFIX_H_
