// NamePattern: the patterns of LIKE, for names of actors. It tells upper from
// lower case, as names do.
//
//   %    any characters, or none
//   _    one character
//   \c   the character c, so \% \_ and \\ are these three themselves
//
// Anything else is itself. A character is one of UTF-8, not a byte.

#ifndef ACTORKV_SQL_HISTORY_NAME_PATTERN_H_
#define ACTORKV_SQL_HISTORY_NAME_PATTERN_H_

#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

class NamePattern {
 public:
  // Errors: kInvalidArgument for a text that is not UTF-8 or ends in a single
  // "\"; *pattern is unchanged then.
  static Status Parse(const std::string& text, NamePattern* pattern);

  // REQUIRES: `name` is UTF-8, as names are.
  bool Matches(std::string_view name) const;

 private:
  struct Part {
    enum class Kind { kAnything, kOneCharacter, kBytes };
    Kind kind;
    std::string bytes;  // of one character
  };
  // Returns how much of the front of `rest` one character of the pattern takes;
  // 0: it does not match.
  static size_t Take(const Part& part, std::string_view rest);

  std::vector<Part> parts_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_NAME_PATTERN_H_
