/* For LD_PRELOAD: makes file databases of what a program opens, so that its
** own tests run on the VFS. Links SQLite, so that it is there to be called.
**
**   HOST_DIR     where a database ":memory:" is a file of its own instead
**   HOST_MODULE  loaded before the first database is opened, and its VFS made
**                the default of the process, with the current directory as
**                default store; not set: plain files (the control)
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*OpenFunction)(const char*, sqlite3**, int, const char*);

static OpenFunction real_open;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void Fail(const char* what, const char* why) {
  fprintf(stderr, "preload: %s: %s\n", what, why ? why : "failed");
  abort();
}

static void LoadModule(const char* module) {
  sqlite3* db = 0;
  char* error = 0;
  if (real_open(":memory:", &db, SQLITE_OPEN_READWRITE, 0) != SQLITE_OK) {
    Fail("open", 0);
  }
  sqlite3_enable_load_extension(db, 1);
  if (sqlite3_load_extension(db, module, 0, &error) != SQLITE_OK ||
      sqlite3_exec(db, "SELECT actorkv_default_vfs(1), actorkv_store('.')", 0,
                   0, &error) != SQLITE_OK) {
    Fail(module, error);
  }
  sqlite3_close(db);
}

static void Start(void) {
  const char* module = getenv("HOST_MODULE");
  real_open = (OpenFunction)dlsym(RTLD_NEXT, "sqlite3_open_v2");
  if (!real_open) Fail("sqlite3_open_v2", dlerror());
  if (module) LoadModule(module);
}

int sqlite3_open_v2(const char* name, sqlite3** db, int flags,
                    const char* vfs) {
  static int count;
  char path[PATH_MAX];
  const char* dir = getenv("HOST_DIR");
  pthread_once(&once, Start);
  if (dir && name && strcmp(name, ":memory:") == 0) {
    snprintf(path, sizeof path, "%s/m%d-%d", dir, (int)getpid(),
             __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
    name = path;
  }
  return real_open(name, db, flags, vfs);
}
