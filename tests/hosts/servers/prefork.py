#!/usr/bin/env python3
"""prefork.py MODULE DATABASE PARENT

A server that forks its workers, as gunicorn does with --preload: the parent
opens the database before it forks and keeps it open (PARENT is `keeps`), or
closes it again (`closes`), or never opens it (`none`). Eight children open it
and write, a row a transaction, half of them beside their parent and half after
it was killed. Prints what is there at the end. MODULE is empty for plain files.
"""

import os
import signal
import sqlite3
import sys

WORKERS = 8
ROWS = 40
SECONDS = 240


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


def in_child(work):
    """Returns the pid of a child that ends with what `work` does."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(SECONDS)
            work()
            status = 0
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            print("process %d: %s %s" % (os.getpid(), name, error),
                  file=sys.stderr)
        finally:
            os._exit(status)
    return pid


def write(db, number, rows):
    for n in rows:
        db.execute("INSERT INTO note VALUES(?, ?)", (number, n))
        seen = db.execute("SELECT count(*) FROM note WHERE worker = ?",
                          (number,)).fetchone()[0]
        if seen != n:
            raise SystemExit("worker %d: %d rows, not %d" % (number, seen, n))


def work(module, database, number, said, parent):
    """`parent`: a pipe that only the parent can write to, and never does."""
    os.close(parent[1])
    db = connect(module, database)
    write(db, number, range(1, ROWS // 2 + 1))
    os.write(said, b"h")
    os.read(parent[0], 1)  # returns when the parent is gone
    write(db, number, range(ROWS // 2 + 1, ROWS + 1))
    db.close()
    os.write(said, b"e")


def serve(module, database, opens, said):
    db = None
    if opens != "none":
        db = connect(module, database)
        db.execute("CREATE TABLE note(worker, n)")
        db.execute("INSERT INTO note VALUES(0, 0)")
    if opens == "closes":
        db.close()
    parent = os.pipe()
    for number in range(1, WORKERS + 1):
        in_child(lambda: work(module, database, number, said, parent))
    signal.pause()  # until it is killed


def hear(pipe, byte):
    return all(os.read(pipe, 1) == byte for _ in range(WORKERS))


def main(module, database, opens):
    signal.alarm(SECONDS)
    if opens == "none":
        def make():
            connect(module, database).execute("CREATE TABLE note(worker, n)")
        if os.waitpid(in_child(make), 0)[1] != 0:
            return 1
    hears, said = os.pipe()
    server = in_child(lambda: serve(module, database, opens, said))
    os.close(said)
    went_on = hear(hears, b"h")
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    went_on = went_on and hear(hears, b"e")
    os.read(hears, 1)  # returns when all workers are gone
    db = connect(module, database)
    for row in db.execute("SELECT worker, count(*), sum(n) FROM note"
                          " GROUP BY worker ORDER BY worker"):
        print(*row)
    print(db.execute("PRAGMA integrity_check").fetchone()[0])
    return 0 if went_on else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
