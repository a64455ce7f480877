/* memkv: a VFS whose files live in the memory of the process. It has the
** powers of the actorkv VFS and no more (no WAL, no mmap, no files on disk, all
** five lock levels between the connections of the process), so that the
** harness can be run without actorkv.
**
**   gcc -shared -fPIC memkv.c -o memkv.so       stays loaded, VFS "memkv"
*/
#include <stdlib.h>
#include <string.h>

#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

typedef struct MemFile MemFile;
typedef struct Handle Handle;

struct MemFile {
  char* name;
  unsigned char* data;
  sqlite3_int64 size;     /* in bytes */
  sqlite3_int64 capacity; /* in bytes */
  int open_count;
  int shared_count;  /* handles with SHARED or more */
  Handle* reserved;  /* the handle with RESERVED or more */
  Handle* exclusive; /* the handle with PENDING or EXCLUSIVE */
  int deleted;       /* goes when the last handle is closed */
  MemFile* next;
};

struct Handle {
  sqlite3_file base;
  MemFile* file;
  int lock;
  int delete_on_close;
};

static MemFile* files;
static sqlite3_vfs* unix_vfs;

static MemFile* find(const char* name) {
  MemFile* f;
  for (f = files; f; f = f->next) {
    if (!f->deleted && strcmp(f->name, name) == 0) return f;
  }
  return 0;
}

static void release(MemFile* file) {
  MemFile** link = &files;
  while (*link != file) link = &(*link)->next;
  *link = file->next;
  free(file->data);
  free(file->name);
  free(file);
}

static int resize(MemFile* file, sqlite3_int64 size) {
  if (size > file->capacity) {
    sqlite3_int64 capacity = size + size / 2;
    unsigned char* data = realloc(file->data, capacity);
    if (!data) return SQLITE_FULL;
    file->data = data;
    file->capacity = capacity;
  }
  if (size > file->size) memset(file->data + file->size, 0, size - file->size);
  file->size = size;
  return SQLITE_OK;
}

static int mem_unlock(sqlite3_file* base, int level) {
  Handle* h = (Handle*)base;
  MemFile* f = h->file;
  if (h->lock <= level) return SQLITE_OK;
  if (f->exclusive == h) f->exclusive = 0;
  if (f->reserved == h) f->reserved = 0;
  if (level == SQLITE_LOCK_NONE) f->shared_count--;
  h->lock = level;
  return SQLITE_OK;
}

static int mem_lock(sqlite3_file* base, int level) {
  Handle* h = (Handle*)base;
  MemFile* f = h->file;
  if (h->lock >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (f->exclusive) return SQLITE_BUSY;
    f->shared_count++;
  } else {
    if (f->reserved && f->reserved != h) return SQLITE_BUSY;
    f->reserved = h;
    if (level == SQLITE_LOCK_EXCLUSIVE) {
      f->exclusive = h;
      h->lock = SQLITE_LOCK_PENDING;
      if (f->shared_count > 1) return SQLITE_BUSY;
    }
  }
  h->lock = level;
  return SQLITE_OK;
}

static int mem_check_reserved(sqlite3_file* base, int* result) {
  *result = ((Handle*)base)->file->reserved != 0;
  return SQLITE_OK;
}

static int mem_close(sqlite3_file* base) {
  Handle* h = (Handle*)base;
  MemFile* f = h->file;
  mem_unlock(base, SQLITE_LOCK_NONE);
  if (h->delete_on_close) f->deleted = 1;
  if (--f->open_count == 0 && f->deleted) release(f);
  return SQLITE_OK;
}

static int mem_read(sqlite3_file* base, void* out, int n, sqlite3_int64 at) {
  MemFile* f = ((Handle*)base)->file;
  sqlite3_int64 there = f->size > at ? f->size - at : 0;
  if (there >= n) {
    memcpy(out, f->data + at, n);
    return SQLITE_OK;
  }
  memset(out, 0, n);
  if (there > 0) memcpy(out, f->data + at, there);
  return SQLITE_IOERR_SHORT_READ;
}

static int mem_write(sqlite3_file* base, const void* in, int n,
                     sqlite3_int64 at) {
  MemFile* f = ((Handle*)base)->file;
  int rc = at + n > f->size ? resize(f, at + n) : SQLITE_OK;
  if (rc == SQLITE_OK) memcpy(f->data + at, in, n);
  return rc;
}

static int mem_truncate(sqlite3_file* base, sqlite3_int64 size) {
  return resize(((Handle*)base)->file, size);
}
static int mem_sync(sqlite3_file* base, int flags) { return SQLITE_OK; }
static int mem_size(sqlite3_file* base, sqlite3_int64* size) {
  *size = ((Handle*)base)->file->size;
  return SQLITE_OK;
}
static int mem_control(sqlite3_file* base, int op, void* arg) {
  return SQLITE_NOTFOUND;
}
static int mem_sector_size(sqlite3_file* base) { return 512; }
static int mem_characteristics(sqlite3_file* base) { return 0; }

static const sqlite3_io_methods methods = {1,
                                           mem_close,
                                           mem_read,
                                           mem_write,
                                           mem_truncate,
                                           mem_sync,
                                           mem_size,
                                           mem_lock,
                                           mem_unlock,
                                           mem_check_reserved,
                                           mem_control,
                                           mem_sector_size,
                                           mem_characteristics};

static int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* base,
                    int flags, int* out_flags) {
  static int temp_count = 0;
  Handle* h = (Handle*)base;
  char temp_name[32];
  memset(h, 0, sizeof *h);
  if (!name) {
    sqlite3_snprintf(sizeof temp_name, temp_name, "*temp%d", ++temp_count);
    name = temp_name;
    flags |= SQLITE_OPEN_CREATE | SQLITE_OPEN_DELETEONCLOSE;
  }
  MemFile* f = find(name);
  if (!f && !(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
  if (f && (flags & SQLITE_OPEN_EXCLUSIVE)) return SQLITE_CANTOPEN;
  if (!f) {
    f = calloc(1, sizeof *f);
    f->name = strdup(name);
    f->next = files;
    files = f;
  }
  f->open_count++;
  h->file = f;
  h->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  h->base.pMethods = &methods;
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync) {
  MemFile* f = find(name);
  if (!f) return SQLITE_IOERR_DELETE_NOENT;
  f->deleted = 1;
  if (f->open_count == 0) release(f);
  return SQLITE_OK;
}
static int vfs_access(sqlite3_vfs* vfs, const char* name, int flags,
                      int* result) {
  *result = find(name) != 0;
  return SQLITE_OK;
}
static int vfs_full_pathname(sqlite3_vfs* vfs, const char* name, int size,
                             char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}
static int vfs_randomness(sqlite3_vfs* vfs, int size, char* out) {
  return unix_vfs->xRandomness(unix_vfs, size, out);
}
static int vfs_sleep(sqlite3_vfs* vfs, int microseconds) {
  return unix_vfs->xSleep(unix_vfs, microseconds);
}
static int vfs_time(sqlite3_vfs* vfs, double* now) {
  return unix_vfs->xCurrentTime(unix_vfs, now);
}
static int vfs_last_error(sqlite3_vfs* vfs, int size, char* out) { return 0; }

static sqlite3_vfs memkv = {.iVersion = 1,
                            .szOsFile = sizeof(Handle),
                            .mxPathname = 1024,
                            .zName = "memkv",
                            .xOpen = vfs_open,
                            .xDelete = vfs_delete,
                            .xAccess = vfs_access,
                            .xFullPathname = vfs_full_pathname,
                            .xRandomness = vfs_randomness,
                            .xSleep = vfs_sleep,
                            .xCurrentTime = vfs_time,
                            .xGetLastError = vfs_last_error};

int sqlite3_memkv_init(sqlite3* db, char** error_message,
                       const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api);
  unix_vfs = sqlite3_vfs_find("unix");
  sqlite3_vfs_register(&memkv, 0);
  return SQLITE_OK_LOAD_PERMANENTLY;
}
