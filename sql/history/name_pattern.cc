#include "sql/history/name_pattern.h"

#include <utility>

#include "kv/base/utf8.h"

namespace actorkv {

namespace {

// Returns the bytes of the character at the front of `text`, which is
// well-formed UTF-8 and not empty.
size_t CharacterBytes(std::string_view text) {
  size_t size = 1;
  while (size < text.size() &&
         (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) {
    ++size;
  }
  return size;
}

}  // namespace

Status NamePattern::Parse(const std::string& text, NamePattern* pattern) {
  // Names of actors are UTF-8, so a pattern that is not could match none of
  // them.
  if (!IsUtf8(text)) {
    return Status::InvalidArgument("the pattern is not UTF-8");
  }
  std::vector<Part> parts;
  std::string_view rest = text;
  while (!rest.empty()) {
    Part part = {Part::Kind::kBytes, {}};
    if (rest[0] == '%') {
      part.kind = Part::Kind::kAnything;
    } else if (rest[0] == '_') {
      part.kind = Part::Kind::kOneCharacter;
    } else if (rest[0] == '\\') {
      rest.remove_prefix(1);
      if (rest.empty()) {
        return Status::InvalidArgument(
            "the pattern ends in a single \\, which stands before the "
            "character that is meant: " +
            text);
      }
    }
    const size_t size = CharacterBytes(rest);
    if (part.kind == Part::Kind::kBytes) part.bytes = rest.substr(0, size);
    rest.remove_prefix(size);
    parts.push_back(std::move(part));
  }
  pattern->parts_ = std::move(parts);
  return Status::Ok();
}

size_t NamePattern::Take(const Part& part, std::string_view rest) {
  if (rest.empty()) return 0;
  if (part.kind == Part::Kind::kOneCharacter) return CharacterBytes(rest);
  return rest.substr(0, part.bytes.size()) == part.bytes ? part.bytes.size()
                                                         : 0;
}

// Where a character does not match, the last % takes one more and what follows
// it is tried anew; what earlier ones took need not be tried again.
bool NamePattern::Matches(std::string_view name) const {
  size_t at = 0;        // in parts_
  size_t anything = 0;  // the part behind the last %; 0: there was none
  std::string_view rest = name;
  std::string_view from;  // what the last % may still take
  for (;;) {
    if (at < parts_.size() && parts_[at].kind == Part::Kind::kAnything) {
      anything = ++at;
      from = rest;
      continue;
    }
    if (at == parts_.size() && rest.empty()) return true;
    const size_t taken = at < parts_.size() ? Take(parts_[at], rest) : 0;
    if (taken > 0) {
      ++at;
      rest.remove_prefix(taken);
      continue;
    }
    if (anything == 0 || from.empty()) return false;
    from.remove_prefix(CharacterBytes(from));
    at = anything;
    rest = from;
  }
}

}  // namespace actorkv
