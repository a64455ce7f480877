// actorkv for hosts that link it: the one public header, for C and C++.
//
// Link what `pkg-config --libs actorkv` says, or actorkv::actorkv of the CMake
// package: libactorkv.a with -lrocksdb -lisal -lz -llz4 -lxxhash, the SQLite
// library of the host, and where no C++ compiler links -lstdc++ -lm -lpthread
// -ldl.
// README.md has a whole program. Before the first connection is opened, say
//
//   sqlite3_auto_extension((void (*)(void))sqlite3_actorkv_init);
//
// From then on every new connection of the process has the SQL functions and
// tables actorkv_*, and sqlite3_open_v2 with SQLITE_OPEN_URI accepts
// "file:STORE/ACTOR?vfs=actorkv". The VFS is registered with the process when
// the first connection is opened; to open an actor on the very first one, open
// and close a connection to ":memory:" before.
//
// A connection that only runs SQL of the host's own, of an actor or not, opens
// a third faster without those functions and tables: "actorkv_sql=0" in its
// URI.
//
// sqlite3_shutdown() drops what sqlite3_auto_extension() was told: tell it
// again. An open of an actor does so, too.
//
// Everything else is SQL: see sql/README.md.

#ifndef ACTORKV_EXT_ACTORKV_H_
#define ACTORKV_EXT_ACTORKV_H_

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_api_routines;

// Registers the VFS "actorkv" with the process, once, and the SQL functions
// and tables with `db`. SQLite calls it: for each new connection after
// sqlite3_auto_extension, or when the module is loaded. A direct call is
// allowed too; `api` then is the table that SQLite hands to extensions.
//
// Returns SQLITE_OK. The VFS outlives the connection, and connections opened
// later are registered too. On failure returns another SQLite result code and,
// where `error_message` is not null, sets `*error_message` to a text that the
// caller frees with sqlite3_free; `db` is left as it was, apart from functions
// registered before the failure.
//
// Errors: SQLITE_NOMEM; SQLITE_ERROR when SQLite is older than 3.39, and when
// another SQLite library in the process uses this module already.
//
// Thread safety: may be called from any thread. The process may use SQLite in
// multi-thread or serialized mode.
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int sqlite3_actorkv_init(struct sqlite3* db, char** error_message,
                         const struct sqlite3_api_routines* api);

#ifdef __cplusplus
}
#endif

#endif  // ACTORKV_EXT_ACTORKV_H_
