// Tells in SQLite's error log what a store has lost, when it is opened.

#ifndef ACTORKV_VFS_ACTOR_DAMAGE_NOTICE_H_
#define ACTORKV_VFS_ACTOR_DAMAGE_NOTICE_H_

namespace actorkv {

class Store;

// One line for each thing that the engine knows to have lost
// (Engine::ListDamage()), with the code SQLITE_WARNING. Once for an open store,
// whoever opens it.
void TellDamage(Store* store);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_DAMAGE_NOTICE_H_
