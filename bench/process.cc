#include "bench/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "bench/die.h"

namespace actorkv::bench {

namespace {

constexpr int kAnswerMs = 60000;
constexpr int kEndMs = 20000;
constexpr int64_t kHeadStartNs = 20'000'000;

// What is built beside this program.
std::string Beside(const char* name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name)
      .string();
}

bool Readable(int fd, int timeout_ms) {
  pollfd wanted = {fd, POLLIN, 0};
  return poll(&wanted, 1, timeout_ms) == 1;
}

}  // namespace

Process::Process(const Backend& backend, int number) {
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0) {
    Die("no pipe for a process");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
  std::string program = Beside("actorkv_bench_process");
  std::string argument = std::to_string(number);
  char* argv[] = {program.data(), argument.data(), nullptr};
  const int error =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(to_child[0]);
  close(from_child[1]);
  says_fd_ = to_child[1];
  hears_fd_ = from_child[0];
  if (error != 0) Die("cannot run " + program);
  if (backend.kind() == Backend::Kind::kActorkv)
    Ask("load " + Beside("actorkv"));
}

Process::~Process() {
  if (pid_ > 0) End();
  if (says_fd_ >= 0) close(says_fd_);
  close(hears_fd_);
}

void Process::Say(const std::string& line) {
  const std::string bytes = line + "\n";
  if (write(says_fd_, bytes.data(), bytes.size()) !=
      static_cast<ssize_t>(bytes.size())) {
    Die("a process does not listen to: " + line);
  }
}

std::vector<double> Process::Hear() {
  size_t end = 0;
  while ((end = heard_.find('\n')) == std::string::npos) {
    char bytes[4096];
    if (!Readable(hears_fd_, kAnswerMs)) Die("a process does not answer");
    const ssize_t count = read(hears_fd_, bytes, sizeof bytes);
    if (count <= 0) Die("a process ended by itself");
    heard_.append(bytes, static_cast<size_t>(count));
  }
  std::istringstream line(heard_.substr(0, end));
  heard_.erase(0, end + 1);
  std::vector<double> numbers;
  for (double number = 0; line >> number;) numbers.push_back(number);
  return numbers;
}

std::vector<double> Process::Ask(const std::string& line) {
  Say(line);
  return Hear();
}

void Process::End() {
  close(says_fd_);
  says_fd_ = -1;
  Reap(kEndMs);
}

void Process::Kill() {
  kill(pid_, SIGKILL);
  Reap(kEndMs);
}

void Process::Reap(int timeout_ms) {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (fd >= 0 && !Readable(fd, timeout_ms)) {
    kill(pid_, SIGKILL);
    Die("a process does not end");
  }
  if (fd >= 0) close(fd);
  int status = 0;
  if (waitpid(pid_, &status, 0) == pid_ && WIFEXITED(status) &&
      WEXITSTATUS(status) != 0) {
    Die("a process failed");
  }
  pid_ = 0;
}

std::vector<std::vector<double>> AskTogether(const Processes& processes,
                                             const std::string& command,
                                             const std::string& more) {
  const std::string begin = std::to_string(SharedNow() + kHeadStartNs);
  for (const auto& process : processes) {
    process->Say(command + " " + begin + " " + more);
  }
  std::vector<std::vector<double>> answers;
  for (const auto& process : processes) answers.push_back(process->Hear());
  return answers;
}

std::string DatabaseName(int number) { return "p" + std::to_string(number); }

std::unique_ptr<Process> OpenIn(const Backend& backend, int number,
                                const std::string& database) {
  auto process = std::make_unique<Process>(backend, number);
  process->Ask("open " + backend.UriOf(database));
  return process;
}

int64_t SharedNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void MakeDatabase(const Backend& backend, const std::string& database,
                  int64_t row_count) {
  Process maker(backend, 0);
  const bool is_wal = backend.kind() == Backend::Kind::kUnixWal;
  maker.Ask("make " + backend.UriOf(database) + " " +
            (is_wal ? "WAL" : "DELETE") + " " + std::to_string(row_count));
}

}  // namespace actorkv::bench
