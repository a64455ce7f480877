#!/usr/bin/env python3
"""prefork.py MODULE DATABASE OPENS

As a server that forks its workers: the parent opens the database first, with
OPENS=1, or does not; eight children open it and write, a row a transaction.
Prints what is there at the end. MODULE is empty for plain files.
"""

import os
import sqlite3
import sys

WORKERS = 8
ROWS = 40


def connect(module, database):
    if module:
        with_module = sqlite3.connect(":memory:")
        with_module.enable_load_extension(True)
        with_module.load_extension(module)
        with_module.close()
    db = sqlite3.connect(database, uri=True, timeout=60, isolation_level=None)
    if not module:
        db.execute("PRAGMA journal_mode=WAL")
    return db


def work(module, database, number):
    db = connect(module, database)
    for n in range(1, ROWS + 1):
        db.execute("INSERT INTO note VALUES(?, ?)", (number, n))
        seen = db.execute("SELECT count(*) FROM note WHERE worker = ?",
                          (number,)).fetchone()[0]
        if seen != n:
            raise SystemExit("worker %d: %d rows, not %d" % (number, seen, n))
    db.close()


def fork_worker(module, database, number):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(module, database, number)
            status = 0
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            print("worker %d: %s %s" % (number, name, error), file=sys.stderr)
        finally:
            os._exit(status)
    return pid


def make(module, database):
    """In a process of its own, so that this one has opened nothing."""
    pid = os.fork()
    if pid == 0:
        connect(module, database).execute("CREATE TABLE note(worker, n)")
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def main(module, database, opens):
    if make(module, database) != 0:
        return 1
    parent = connect(module, database) if opens == "1" else None
    if parent:
        parent.execute("INSERT INTO note VALUES(0, 0)")
    pids = [fork_worker(module, database, n) for n in range(1, WORKERS + 1)]
    failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
    db = parent or connect(module, database)
    if not parent:
        db.execute("INSERT INTO note VALUES(0, 0)")
    for row in db.execute("SELECT worker, count(*), sum(n) FROM note"
                          " GROUP BY worker ORDER BY worker"):
        print(*row)
    print(db.execute("PRAGMA integrity_check").fetchone()[0])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
