#include "kv/share/process_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

#include "kv/base/descriptor.h"

namespace actorkv {
namespace {

// The name has at most 16 bytes, or 64 for threads of the kernel.
constexpr size_t kLineBytes = 256;

// "5 s", "250 ms".
std::string TimeText(std::chrono::milliseconds time) {
  constexpr int64_t kSecondMs = 1000;
  const int64_t ms = time.count();
  return ms % kSecondMs == 0 ? std::to_string(ms / kSecondMs) + " s"
                             : std::to_string(ms) + " ms";
}

}  // namespace

ProcessState ParseProcessState(std::string_view line) {
  // "4711 (python3) S 1 ...": the name may have parentheses itself.
  ProcessState state;
  const size_t begin = line.find('(');
  const size_t end = line.rfind(')');
  constexpr size_t kToLetter = 2;
  if (begin == std::string_view::npos || end == std::string_view::npos ||
      end < begin || end + kToLetter >= line.size()) {
    return state;
  }
  state.name = std::string(line.substr(begin + 1, end - begin - 1));
  state.letter = line[end + kToLetter];
  return state;
}

ProcessState LookAtProcess(pid_t pid) {
  if (pid <= 0) return {};
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return {};
  char line[kLineBytes];
  const ssize_t got = read(file.get(), line, sizeof line);
  if (got <= 0) return {};
  return ParseProcessState({line, static_cast<size_t>(got)});
}

Status OwnerDoesNotAnswer(pid_t pid, std::chrono::milliseconds waited) {
  const ProcessState state = LookAtProcess(pid);
  std::string text = "the owner of the store, process " + std::to_string(pid);
  if (!state.name.empty()) text += " (" + state.name + ")";
  text += ", has not answered for " + TimeText(waited);
  if (state.is_stopped()) {
    text += std::string("; it is stopped (state ") + state.letter +
            "): resume or end it";
  } else if (state.is_known()) {
    text += std::string(" (state ") + state.letter + ")";
  }
  return Status::Busy(text);
}

}  // namespace actorkv
