/* extvfs: the Tcl command with which ext_run.tcl runs SQLite's test files over
** a foreign VFS. A shared library for Tcl's `load`, to be used in a testfixture
** that exports the functions of SQLite (-Wl,-E).
**
**   extvfs list              the names of all registered VFSs
**   extvfs wrap NAME         registers "extshim", which forwards to NAME, as
**                            default; the commands below work on its files
**   extvfs default           makes it the default again
**   extvfs names             the main files seen so far
**   extvfs exists NAME       1 or 0
**   extvfs size NAME         in bytes
**   extvfs read NAME         the content
**   extvfs write NAME DATA   makes the content DATA
**   extvfs pwrite NAME OFFSET DATA
**   extvfs delete NAME
**   extvfs full NAME         the full path name in the VFS
**   extvfs generations       NAME NUMBER ... of those that have one
**   extvfs generation NAME NUMBER
**                            gives the name that generation
**   extvfs stat              counts for the log
**
** The shim changes names only. "./test.db" and "$PWD/test.db" become "test.db";
** EXT_PREFIX is put before the result, and slashes after it become '+', since
** a VFS may give slashes a meaning. A VFS need not be able to delete a main
** database: when the file is still there after xDelete, the name gets a new
** generation, and "test.db" stands for "test.db.g1" from then on.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcl.h>
#include <unistd.h>

#include "sqlite3.h"

#define MAX_NAME 2048

static sqlite3_vfs shim;
static sqlite3_vfs* real = 0;
static int bump_count = 0;
static int delete_error_count = 0;

/* ---- Names ------------------------------------------------------------- */

typedef struct Generation Generation;
struct Generation {
  char* name; /* canonical, without prefix and suffix */
  int number;
  Generation* next;
};
static Generation* generations = 0;

static Generation* generation_of(const char* name, int length) {
  Generation* g;
  for (g = generations; g; g = g->next) {
    if ((int)strlen(g->name) == length && memcmp(g->name, name, length) == 0) {
      return g;
    }
  }
  g = calloc(1, sizeof(*g));
  g->name = strndup(name, length);
  g->next = generations;
  generations = g;
  return g;
}

static const char* name_prefix(void) {
  const char* prefix = getenv("EXT_PREFIX");
  return prefix ? prefix : "";
}

static int ends_with(const char* name, int length, const char* suffix) {
  int n = (int)strlen(suffix);
  return length > n && strcmp(name + length - n, suffix) == 0;
}

/* Where the "-journal", "-wal" or "-shm" of the name begins, or its end. */
static int main_length(const char* name) {
  int length = (int)strlen(name);
  if (ends_with(name, length, "-journal")) return length - 8;
  if (ends_with(name, length, "-wal")) return length - 4;
  if (ends_with(name, length, "-shm")) return length - 4;
  return length;
}

/* Drops "." and empty parts, resolves "..". */
static void normalize(const char* in, char* out, int out_size) {
  char* o = out;
  if (in[0] == '/') *o++ = '/';
  char* begin = o;
  while (*in) {
    int n = (int)strcspn(in, "/");
    if (n == 2 && in[0] == '.' && in[1] == '.') {
      if (o > begin) o--;
      while (o > begin && o[-1] != '/') o--;
    } else if (n > 0 && !(n == 1 && in[0] == '.')) {
      if (o + n + 2 < out + out_size) {
        memcpy(o, in, n);
        o += n;
        *o++ = '/';
      }
    }
    in += n;
    if (*in == '/') in++;
  }
  if (o > begin) o--; /* the last slash */
  *o = 0;
}

/* The name relative to the current directory, or to the prefix. */
static void canonical(const char* name, char* out, int out_size) {
  const char* prefix = name_prefix();
  char cwd[MAX_NAME];
  size_t n = strlen(prefix);
  if (n > 0 && strncmp(name, prefix, n) == 0) {
    name += n;
  } else if (getcwd(cwd, sizeof cwd)) {
    n = strlen(cwd);
    if (strncmp(name, cwd, n) == 0 && name[n] == '/') name += n + 1;
  }
  normalize(name, out, out_size);
}

/* The name as the real VFS sees it. */
static void map_name(const char* name, char* out, int out_size) {
  char base[MAX_NAME], suffix[16], generation[32] = "";
  const char* prefix = name_prefix();
  if (strcmp(name, ":memory:") == 0) {
    snprintf(out, out_size, "%s", name);
    return;
  }
  canonical(name, base, sizeof base);
  int length = main_length(base);
  snprintf(suffix, sizeof suffix, "%s", base + length);
  base[length] = 0;
  Generation* g = generation_of(base, length);
  if (g->number) snprintf(generation, sizeof generation, ".g%d", g->number);
  if (prefix[0]) {
    for (char* c = base; *c; c++) {
      if (*c == '/') *c = '+';
    }
  }
  snprintf(out, out_size, "%s%s%s%s", prefix, base, generation, suffix);
}

/* ---- The forwarding VFS ------------------------------------------------- */

static sqlite3_vfs* unix_vfs(void) { return sqlite3_vfs_find("unix"); }

static int shim_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file,
                     int flags, int* out_flags) {
  return real->xOpen(real, name, file, flags, out_flags);
}
static int shim_delete(sqlite3_vfs* vfs, const char* name, int sync) {
  return real->xDelete(real, name, sync);
}
static int shim_access(sqlite3_vfs* vfs, const char* name, int flags,
                       int* result) {
  return real->xAccess(real, name, flags, result);
}
static int shim_full_pathname(sqlite3_vfs* vfs, const char* name, int out_size,
                              char* out) {
  char mapped[MAX_NAME];
  map_name(name, mapped, sizeof mapped);
  return real->xFullPathname(real, mapped, out_size, out);
}
static int shim_randomness(sqlite3_vfs* vfs, int size, char* out) {
  return real->xRandomness ? real->xRandomness(real, size, out) : 0;
}
static int shim_sleep(sqlite3_vfs* vfs, int microseconds) {
  return real->xSleep ? real->xSleep(real, microseconds) : 0;
}
static int shim_time(sqlite3_vfs* vfs, double* now) {
  sqlite3_vfs* from = real->xCurrentTime ? real : unix_vfs();
  return from->xCurrentTime(from, now);
}
static int shim_time64(sqlite3_vfs* vfs, sqlite3_int64* now) {
  int has = real->iVersion >= 2 && real->xCurrentTimeInt64;
  sqlite3_vfs* from = has ? real : unix_vfs();
  return from->xCurrentTimeInt64(from, now);
}
static int shim_last_error(sqlite3_vfs* vfs, int size, char* out) {
  return real->xGetLastError ? real->xGetLastError(real, size, out) : 0;
}
static void* shim_dlopen(sqlite3_vfs* vfs, const char* name) {
  return unix_vfs()->xDlOpen(unix_vfs(), name);
}
static void shim_dlerror(sqlite3_vfs* vfs, int size, char* out) {
  unix_vfs()->xDlError(unix_vfs(), size, out);
}
static void (*shim_dlsym(sqlite3_vfs* vfs, void* library,
                         const char* name))(void) {
  return unix_vfs()->xDlSym(unix_vfs(), library, name);
}
static void shim_dlclose(sqlite3_vfs* vfs, void* library) {
  unix_vfs()->xDlClose(unix_vfs(), library);
}

static void register_shim(void) {
  memset(&shim, 0, sizeof shim);
  shim.iVersion = 2;
  shim.szOsFile = real->szOsFile;
  shim.mxPathname = real->mxPathname;
  shim.zName = "extshim";
  shim.pAppData = real->pAppData;
  shim.xOpen = shim_open;
  shim.xDelete = shim_delete;
  shim.xAccess = shim_access;
  shim.xFullPathname = shim_full_pathname;
  shim.xRandomness = shim_randomness;
  shim.xSleep = shim_sleep;
  shim.xCurrentTime = shim_time;
  shim.xCurrentTimeInt64 = shim_time64;
  shim.xGetLastError = shim_last_error;
  shim.xDlOpen = shim_dlopen;
  shim.xDlError = shim_dlerror;
  shim.xDlSym = shim_dlsym;
  shim.xDlClose = shim_dlclose;
  sqlite3_vfs_register(&shim, 1);
}

/* ---- Files of the real VFS, from outside a connection ------------------- */

static int open_flag(const char* name) {
  int length = (int)strlen(name);
  if (ends_with(name, length, "-journal")) return SQLITE_OPEN_MAIN_JOURNAL;
  if (ends_with(name, length, "-wal")) return SQLITE_OPEN_WAL;
  return SQLITE_OPEN_MAIN_DB;
}

static int exists(const char* name) {
  char full[2 * MAX_NAME] = {0};
  int result = 0;
  if (shim_full_pathname(&shim, name, sizeof full - 8, full)) return 0;
  if (real->xAccess(real, full, SQLITE_ACCESS_EXISTS, &result)) return 0;
  return result;
}

/* Opens the file, or leaves an error in the interpreter and returns null. */
static sqlite3_file* open_file(Tcl_Interp* interp, const char* name,
                               int flags) {
  /* Like the names that SQLite's pager hands out: zeros before and behind. */
  static char full[2 * MAX_NAME];
  int out_flags = 0;
  memset(full, 0, sizeof full);
  int rc = shim_full_pathname(&shim, name, sizeof full - 16, full + 8);
  sqlite3_file* file = 0;
  if (rc == SQLITE_OK) {
    file = sqlite3_malloc(real->szOsFile);
    memset(file, 0, real->szOsFile);
    rc = real->xOpen(real, full + 8, file, flags | open_flag(name), &out_flags);
  }
  if (rc == SQLITE_OK) return file;
  if (file && file->pMethods) file->pMethods->xClose(file);
  sqlite3_free(file);
  Tcl_SetObjResult(interp, Tcl_ObjPrintf("open failed %d", rc));
  return 0;
}

static void close_file(sqlite3_file* file) {
  file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
  file->pMethods->xClose(file);
  sqlite3_free(file);
}

/* The page size that the header of a database names; 4096 elsewhere. */
static int page_size_of(const unsigned char* data, sqlite3_int64 size) {
  if (size < 100 || memcmp(data, "SQLite format 3", 16) != 0) return 4096;
  int n = data[16] << 8 | data[17];
  if (n == 1) return 65536;
  return n >= 512 && (n & (n - 1)) == 0 ? n : 4096;
}

/* Reads the whole file into memory that the caller frees. Reads under a lock
** when there is one to get; a test may hold the database locked. */
static unsigned char* read_all(sqlite3_file* file, sqlite3_int64* size) {
  file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
  file->pMethods->xFileSize(file, size);
  unsigned char* data = calloc(1, *size + 1);
  sqlite3_int64 step = 512;
  for (sqlite3_int64 at = 0; at < *size; at += step) {
    if (at == 512) step = page_size_of(data, *size);
    if (at == 512 && step != 512) at = 0; /* whole pages from the start */
    sqlite3_int64 left = *size - at;
    file->pMethods->xRead(file, data + at, left < step ? (int)left : (int)step,
                          at);
  }
  return data;
}

/* Makes the content of the file `data`, as a raw user of the file does: with
** locks and xSync, without the file controls of SQLite's pager. */
static int write_all(sqlite3_file* file, const unsigned char* data,
                     sqlite3_int64 size) {
  const sqlite3_io_methods* m = file->pMethods;
  int step = page_size_of(data, size);
  sqlite3_int64 old_size = 0;
  int rc = m->xLock(file, SQLITE_LOCK_SHARED);
  if (rc == SQLITE_OK) rc = m->xLock(file, SQLITE_LOCK_RESERVED);
  if (rc == SQLITE_OK) rc = m->xLock(file, SQLITE_LOCK_EXCLUSIVE);
  if (rc == SQLITE_OK) rc = m->xFileSize(file, &old_size);
  for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += step) {
    sqlite3_int64 left = size - at;
    rc = m->xWrite(file, data + at, left < step ? (int)left : step, at);
  }
  if (rc == SQLITE_OK && old_size > size) rc = m->xTruncate(file, size);
  if (rc == SQLITE_OK) rc = m->xSync(file, SQLITE_SYNC_NORMAL);
  return rc;
}

static int write_result(Tcl_Interp* interp, int rc) {
  if (rc == SQLITE_OK) return TCL_OK;
  Tcl_SetObjResult(interp, Tcl_ObjPrintf("write failed %d", rc));
  return TCL_ERROR;
}

/* ---- Subcommands: `arg` are the words after the subcommand -------------- */

static int do_list(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  Tcl_Obj* list = Tcl_NewListObj(0, 0);
  sqlite3_initialize();
  for (sqlite3_vfs* vfs = sqlite3_vfs_find(0); vfs; vfs = vfs->pNext) {
    Tcl_ListObjAppendElement(interp, list, Tcl_NewStringObj(vfs->zName, -1));
  }
  Tcl_SetObjResult(interp, list);
  return TCL_OK;
}

static int do_wrap(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  real = sqlite3_vfs_find(Tcl_GetString(arg[0]));
  if (!real) {
    Tcl_SetResult(interp, "no such vfs", TCL_STATIC);
    return TCL_ERROR;
  }
  register_shim();
  return TCL_OK;
}

static int do_default(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  if (real) {
    sqlite3_initialize();
    sqlite3_vfs_register(&shim, 1);
  }
  return TCL_OK;
}

static int do_names(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  Tcl_Obj* list = Tcl_NewListObj(0, 0);
  for (Generation* g = generations; g; g = g->next) {
    Tcl_ListObjAppendElement(interp, list, Tcl_NewStringObj(g->name, -1));
  }
  Tcl_SetObjResult(interp, list);
  return TCL_OK;
}

static int do_exists(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  int found = real && exists(Tcl_GetString(arg[0]));
  Tcl_SetObjResult(interp, Tcl_NewIntObj(found));
  return TCL_OK;
}

static int do_size(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  sqlite3_int64 size = 0;
  sqlite3_file* file =
      open_file(interp, Tcl_GetString(arg[0]), SQLITE_OPEN_READONLY);
  if (!file) return TCL_ERROR;
  file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
  file->pMethods->xFileSize(file, &size);
  close_file(file);
  Tcl_SetObjResult(interp, Tcl_NewWideIntObj(size));
  return TCL_OK;
}

static int do_read(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  sqlite3_int64 size = 0;
  sqlite3_file* file =
      open_file(interp, Tcl_GetString(arg[0]), SQLITE_OPEN_READONLY);
  if (!file) return TCL_ERROR;
  unsigned char* data = read_all(file, &size);
  close_file(file);
  Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(data, (int)size));
  free(data);
  return TCL_OK;
}

static int do_write(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  int size;
  unsigned char* data = Tcl_GetByteArrayFromObj(arg[1], &size);
  sqlite3_file* file = open_file(interp, Tcl_GetString(arg[0]),
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!file) return TCL_ERROR;
  int rc = write_all(file, data, size);
  close_file(file);
  return write_result(interp, rc);
}

static int do_pwrite(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  sqlite3_int64 size = 0;
  Tcl_WideInt offset = 0;
  int patch_size;
  if (Tcl_GetWideIntFromObj(interp, arg[1], &offset)) return TCL_ERROR;
  unsigned char* patch = Tcl_GetByteArrayFromObj(arg[2], &patch_size);
  sqlite3_file* file =
      open_file(interp, Tcl_GetString(arg[0]), SQLITE_OPEN_READWRITE);
  if (!file) return TCL_ERROR;
  unsigned char* data = read_all(file, &size);
  sqlite3_int64 end = offset + patch_size;
  if (end > size) {
    data = realloc(data, end);
    memset(data + size, 0, end - size);
    size = end;
  }
  memcpy(data + offset, patch, patch_size);
  int rc = write_all(file, data, size);
  free(data);
  close_file(file);
  return write_result(interp, rc);
}

static int do_full(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  char full[2 * MAX_NAME] = {0};
  shim_full_pathname(&shim, Tcl_GetString(arg[0]), sizeof full - 8, full);
  Tcl_SetObjResult(interp, Tcl_NewStringObj(full, -1));
  return TCL_OK;
}

static int do_delete(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  const char* name = Tcl_GetString(arg[0]);
  char full[2 * MAX_NAME] = {0};
  if (!real || !exists(name)) return TCL_OK;
  shim_full_pathname(&shim, name, sizeof full - 8, full);
  int rc = real->xDelete(real, full, 0);
  if (rc && rc != SQLITE_IOERR_DELETE_NOENT) delete_error_count++;
  if (exists(name) && open_flag(name) == SQLITE_OPEN_MAIN_DB) {
    char base[MAX_NAME];
    canonical(name, base, sizeof base);
    generation_of(base, (int)strlen(base))->number++;
    bump_count++;
  }
  return TCL_OK;
}

static int do_generations(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  Tcl_Obj* list = Tcl_NewListObj(0, 0);
  for (Generation* g = generations; g; g = g->next) {
    if (!g->number) continue;
    Tcl_ListObjAppendElement(interp, list, Tcl_NewStringObj(g->name, -1));
    Tcl_ListObjAppendElement(interp, list, Tcl_NewIntObj(g->number));
  }
  Tcl_SetObjResult(interp, list);
  return TCL_OK;
}

static int do_generation(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  const char* name = Tcl_GetString(arg[0]);
  return Tcl_GetIntFromObj(interp, arg[1],
                           &generation_of(name, (int)strlen(name))->number);
}

static int do_stat(Tcl_Interp* interp, Tcl_Obj* const arg[]) {
  Tcl_SetObjResult(interp, Tcl_ObjPrintf("new generations %d delete errors %d",
                                         bump_count, delete_error_count));
  return TCL_OK;
}

typedef struct Subcommand Subcommand;
struct Subcommand {
  const char* name;
  int arg_count;
  int (*run)(Tcl_Interp*, Tcl_Obj* const[]);
};
static const Subcommand subcommands[] = {
    {"list", 0, do_list},       {"wrap", 1, do_wrap},
    {"default", 0, do_default}, {"names", 0, do_names},
    {"exists", 1, do_exists},   {"size", 1, do_size},
    {"read", 1, do_read},       {"write", 2, do_write},
    {"pwrite", 3, do_pwrite},   {"delete", 1, do_delete},
    {"stat", 0, do_stat},       {"full", 1, do_full},
    {"generations", 0, do_generations},
    {"generation", 2, do_generation},
};

static int extvfs(ClientData data, Tcl_Interp* interp, int word_count,
                  Tcl_Obj* const words[]) {
  int count = (int)(sizeof subcommands / sizeof subcommands[0]);
  for (int i = 0; word_count > 1 && i < count; i++) {
    const Subcommand* s = &subcommands[i];
    if (strcmp(s->name, Tcl_GetString(words[1])) == 0 &&
        word_count == s->arg_count + 2) {
      return s->run(interp, words + 2);
    }
  }
  Tcl_SetResult(interp, "wrong subcommand or arguments", TCL_STATIC);
  return TCL_ERROR;
}

int Extvfs_Init(Tcl_Interp* interp) {
  Tcl_CreateObjCommand(interp, "extvfs", extvfs, 0, 0);
  return TCL_OK;
}
