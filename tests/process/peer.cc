#include "tests/process/peer.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "kv/share/actor_messages.h"
#include "kv/share/engine_messages.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

// False at the end of what is said.
bool ReadAll(int fd, void* to, size_t size_bytes) {
  auto* next = static_cast<char*>(to);
  while (size_bytes > 0) {
    const ssize_t count = read(fd, next, size_bytes);
    if (count <= 0) return false;
    next += count;
    size_bytes -= static_cast<size_t>(count);
  }
  return true;
}

bool WriteAll(int fd, const void* from, size_t size_bytes) {
  const auto* next = static_cast<const char*>(from);
  while (size_bytes > 0) {
    const ssize_t count = write(fd, next, size_bytes);
    if (count <= 0) return false;
    next += count;
    size_bytes -= static_cast<size_t>(count);
  }
  return true;
}

bool WriteText(int fd, const std::string& text) {
  const auto size_bytes = static_cast<uint32_t>(text.size());
  return WriteAll(fd, &size_bytes, sizeof size_bytes) &&
         WriteAll(fd, text.data(), text.size());
}

bool ReadText(int fd, std::string* text) {
  uint32_t size_bytes = 0;
  if (!ReadAll(fd, &size_bytes, sizeof size_bytes)) return false;
  text->resize(size_bytes);
  return ReadAll(fd, text->data(), size_bytes);
}

bool WriteAnswer(const Answer& answer) {
  return WriteAll(kChildSaysFd, &answer.code, sizeof answer.code) &&
         WriteText(kChildSaysFd, answer.text);
}

// --- In the peer -------------------------------------------------------------

using Connections = std::map<std::string, std::unique_ptr<SqliteDb>>;

Answer Said(SqliteDb* db, int code) {
  if (code == SQLITE_OK) return {};
  return {code, db->Error() + "\n" + LastError()};
}

// Words of an order are joined by newlines; the last may have some.
std::string TakeWord(std::string* order) {
  const size_t end = order->find('\n');
  std::string word = order->substr(0, end);
  order->erase(0, end == std::string::npos ? end : end + 1);
  return word;
}

Answer OpenAs(Connections* connections, std::string order) {
  const std::string name = TakeWord(&order);
  const int busy_timeout_ms = std::stoi(TakeWord(&order));
  auto db = std::make_unique<SqliteDb>();
  const Answer answer = Said(db.get(), db->Open(order));
  if (answer.code == SQLITE_OK) {
    sqlite3_busy_timeout(db->get(), busy_timeout_ms);
    (*connections)[name] = std::move(db);
  }
  return answer;
}

Answer RunIn(Connections* connections, std::string order) {
  const std::string name = TakeWord(&order);
  const auto found = connections->find(name);
  if (found == connections->end()) return {SQLITE_MISUSE, "not open: " + name};
  SqliteDb* const db = found->second.get();
  const std::string rows = db->QueryText(order);
  if (rows.compare(0, 7, "error: ") == 0) return Said(db, db->ErrorCode());
  return {SQLITE_OK, rows};
}

Answer RunScript(Connections* connections, std::string order) {
  const auto found = connections->find(TakeWord(&order));
  if (found == connections->end()) return {SQLITE_MISUSE, "not open"};
  return Said(found->second.get(), found->second->Exec(order));
}

Answer RunAgainAndAgain(Connections* connections, std::string order) {
  using Clock = std::chrono::steady_clock;
  const std::string name = TakeWord(&order);
  const std::chrono::milliseconds length(std::stoi(TakeWord(&order)));
  const auto found = connections->find(name);
  if (found == connections->end()) return {SQLITE_MISUSE, "not open: " + name};
  SqliteDb* const db = found->second.get();
  const Clock::time_point end = Clock::now() + length;
  int count = 0;
  Clock::duration longest{0};
  for (Clock::time_point now = Clock::now(); now < end; ++count) {
    if (const int code = db->Exec(order); code != SQLITE_OK) {
      return Said(db, code);
    }
    const Clock::time_point after = Clock::now();
    longest = std::max(longest, after - now);
    now = after;
  }
  const auto longest_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(longest);
  return {SQLITE_OK,
          std::to_string(count) + " " + std::to_string(longest_ms.count())};
}

// Has a system call refused from now on, as a policy of the system does.
bool RefuseCall(int number) {
  sock_filter filter[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<uint32_t>(number)},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EACCES},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  sock_fprog program = {4, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// The first process in a pid namespace of its own serves on in place of this
// one, which only waits for it.
bool EnterPidNamespace() {
  if (unshare(CLONE_NEWPID) != 0) return false;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
  alarm(0);
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

// user ID; root DIRECTORY (chroot, and into it); cwd DIRECTORY; read_only
// DIRECTORY (a mount of its own over it); namespace net, user or pid (a new
// one); refuse socket, connect, bind or memfd_create.
Answer DoAsSystem(std::string order) {
  const std::string what = TakeWord(&order);
  const std::map<std::string, int> calls = {{"socket", SYS_socket},
                                            {"connect", SYS_connect},
                                            {"bind", SYS_bind},
                                            {"memfd_create", SYS_memfd_create}};
  bool done = false;
  if (what == "user") {
    const auto id = static_cast<uid_t>(std::stoul(order));
    done = setgroups(0, nullptr) == 0 && setgid(id) == 0 && setuid(id) == 0;
  } else if (what == "root") {
    done = chroot(order.c_str()) == 0 && chdir("/") == 0;
  } else if (what == "cwd") {
    done = chdir(order.c_str()) == 0;
  } else if (what == "read_only") {
    const char* path = order.c_str();
    done = unshare(CLONE_NEWNS) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount(path, path, nullptr, MS_BIND, nullptr) == 0 &&
           mount(nullptr, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY,
                 nullptr) == 0;
  } else if (what == "namespace") {
    done = order == "pid"
               ? EnterPidNamespace()
               : unshare(order == "net" ? CLONE_NEWNET : CLONE_NEWUSER) == 0;
  } else if (what == "refuse") {
    done = RefuseCall(calls.at(order));
  } else {
    errno = EINVAL;
  }
  return done ? Answer{} : Answer{errno, what};
}

// The frame again, with other fields.
template <typename Message>
std::string Changed(std::string_view frame,
                    const std::function<void(Message*)>& change) {
  FrameHeader header;
  Message message;
  std::string changed;
  if (!ParseFrameHeader(frame.substr(0, kFrameHeaderBytes), &header).ok() ||
      header.op != Message::kOp || header.flags != Message::kFlags ||
      !DecodeBody(header, frame.substr(kFrameHeaderBytes), &message).ok()) {
    return std::string(frame);
  }
  change(&message);
  return EncodeFrame(message, header.request, &changed).ok()
             ? changed
             : std::string(frame);
}

void LeaveOutLast(std::optional<std::vector<uint32_t>>* pages) {
  if (pages->has_value() && !(*pages)->empty()) (*pages)->pop_back();
}

std::string WithoutAPageOfHead(std::string_view frame) {
  return Changed<HeadAnswer>(
      frame, [](HeadAnswer* answer) { LeaveOutLast(&answer->changed_pages); });
}

std::string WithoutAPageOfCommit(std::string_view frame) {
  return Changed<CommitRequest>(frame, [](CommitRequest* request) {
    for (CommitHead& head : request->heads) LeaveOutLast(&head.changed_pages);
  });
}

Answer LeaveOut(const std::string& of_what) {
  if (of_what == "heads") ChangeFrames(WithoutAPageOfHead);
  if (of_what == "commits") ChangeFrames(WithoutAPageOfCommit);
  return {};
}

Answer Do(Connections* connections, std::string order) {
  const std::string verb = TakeWord(&order);
  if (verb == "open") return OpenAs(connections, order);
  if (verb == "run") return RunIn(connections, order);
  if (verb == "script") return RunScript(connections, order);
  if (verb == "again") return RunAgainAndAgain(connections, order);
  if (verb == "system") return DoAsSystem(order);
  if (verb == "leave_out") return LeaveOut(order);
  if (verb == "die_at") {
    DieAt(FailpointOf(order));
    return {};
  }
  if (verb == "close") {
    connections->erase(order);
    return {};
  }
  return {SQLITE_MISUSE, verb};
}

TEST(Peer, DISABLED_Serve) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Connections connections;
  std::string order;
  while (ReadText(kChildHearsFd, &order)) {
    alarm(kPeerSeconds);
    if (!WriteAnswer(Do(&connections, order))) break;
    alarm(0);
  }
}

}  // namespace

// --- In the test -------------------------------------------------------------

Peer::Peer()
    : process_(std::make_unique<ChildProcess>("Peer.DISABLED_Serve", "")) {}

Peer::~Peer() {
  if (pid() > 0) Continue();
}

Answer Peer::Open(const std::string& name, const std::string& uri,
                  int busy_timeout_ms) {
  return Order("open\n" + name + "\n" + std::to_string(busy_timeout_ms) + "\n" +
               uri);
}

Answer Peer::Run(const std::string& name, const std::string& sql) {
  Begin(name, sql);
  return Finish();
}

Answer Peer::Script(const std::string& name, const std::string& sql) {
  return Order("script\n" + name + "\n" + sql);
}

void Peer::Begin(const std::string& name, const std::string& sql) {
  Send("run\n" + name + "\n" + sql);
}

void Peer::BeginAgainAndAgain(const std::string& name, int ms,
                              const std::string& sql) {
  Send("again\n" + name + "\n" + std::to_string(ms) + "\n" + sql);
}

Answer Peer::Close(const std::string& name) { return Order("close\n" + name); }

Answer Peer::System(const std::string& what, const std::string& argument) {
  return Order("system\n" + what + "\n" + argument);
}

Answer Peer::Finish() {
  pollfd heard = {process_->hears_fd(), POLLIN, 0};
  Answer answer;
  if (poll(&heard, 1, kPeerSeconds * 1000) != 1) {
    return {SQLITE_INTERNAL, "the peer does not answer"};
  }
  if (!ReadAll(heard.fd, &answer.code, sizeof answer.code) ||
      !ReadText(heard.fd, &answer.text)) {
    return {SQLITE_INTERNAL, "the peer has ended"};
  }
  return answer;
}

Answer Peer::Order(const std::string& order) {
  Send(order);
  return Finish();
}

void Peer::Send(const std::string& order) {
  EXPECT_TRUE(WriteText(process_->says_fd(), order));
}

void Peer::DieAt(const Failpoint& failpoint) {
  EXPECT_EQ(Order("die_at\n" + ToText(failpoint)).code, SQLITE_OK);
}

void Peer::LeaveOutAPage(const std::string& of_what) {
  EXPECT_EQ(Order("leave_out\n" + of_what).code, SQLITE_OK);
}

bool Peer::HasDied(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    int status = 0;
    if (waitpid(pid(), &status, WNOHANG) == pid()) {
      process_->Forget();
      return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    pollfd heard = {process_->hears_fd(), 0, 0};  // hears of its end
    poll(&heard, 1, 10);
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

int Peer::End() {
  process_->CloseSays();
  return process_->WaitForStatus();
}

void Peer::Kill() { process_->Kill(); }

void Peer::Stop() {
  kill(pid(), SIGSTOP);
  int status = 0;
  EXPECT_EQ(waitpid(pid(), &status, WUNTRACED), pid());
  EXPECT_TRUE(WIFSTOPPED(status));
}

void Peer::Signal(int number) { EXPECT_EQ(kill(pid(), number), 0); }

void Peer::Continue() { kill(pid(), SIGCONT); }

}  // namespace actorkv
