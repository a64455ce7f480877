#!/usr/bin/env python3
"""Sums up a SQLite database by its content.

    dbsum.py FILE    prints JSON: content_sha256, rows of each table,
                     page_size, page_count, integrity_check

content_sha256 is over the schema rows and every row of every ordinary table,
as typed values, in sorted order: it does not depend on where pages and rows
lie, nor on the version of SQLite. The sums in index.json are made so.
"""

import hashlib
import json
import sqlite3
import struct
import sys


def typed(value):
    if value is None:
        return b"N"
    if isinstance(value, int):
        return b"I%d" % value
    if isinstance(value, float):
        return b"F" + struct.pack(">d", value)
    if isinstance(value, tuple):  # text, see text_factory below
        return b"T%d:" % len(value[0]) + value[0]
    return b"B%d:" % len(value) + value


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def columns_to_read(cursor, table):
    """The columns of a table, with the rowid where it has one of its own."""
    names = [row[0][0].decode() for row in cursor.execute(
        "select name from pragma_table_xinfo(?) where hidden in (0,2,3)",
        (table,))]
    without_rowid = cursor.execute(
        "select wr from pragma_table_list where schema='main' and name=?",
        (table,)).fetchone()
    columns = [quoted(name) for name in names]
    if without_rowid and not without_rowid[0]:
        if "rowid" not in [name.lower() for name in names]:
            columns.insert(0, "rowid")
    return columns


def summary(path):
    database = sqlite3.connect(path)
    # Text as a tuple of bytes: apart from blobs, and whatever its encoding.
    database.text_factory = lambda text: (text,)
    cursor = database.cursor()
    schema = cursor.execute(
        "select type,name,tbl_name,sql from sqlite_schema").fetchall()
    digest = hashlib.sha256()
    for row in sorted(b"|".join(map(typed, row)) for row in schema):
        digest.update(row + b"\n")
    counts = {}
    tables = sorted((row[1][0], row[3]) for row in schema
                    if row[0][0] == b"table")
    for name, sql in tables:
        if sql and sql[0][:21].upper().startswith(b"CREATE VIRTUAL TABLE"):
            continue
        table = name.decode()
        rows = sorted(b",".join(map(typed, row)) for row in cursor.execute(
            "select %s from %s" % (
                ",".join(columns_to_read(cursor, table)), quoted(table))))
        counts[table] = len(rows)
        digest.update(b"TABLE " + name + b" %d\n" % len(rows))
        for row in rows:
            digest.update(row + b"\n")
    for pragma in ("user_version", "application_id", "encoding"):
        value = cursor.execute("pragma " + pragma).fetchone()[0]
        digest.update(pragma.encode() + b"=" + typed(value) + b"\n")
    check = [row[0][0].decode("utf8", "replace") for row in
             cursor.execute("pragma integrity_check(5)")]
    return {
        "integrity_check": "ok" if check == ["ok"] else check,
        "content_sha256": digest.hexdigest(),
        "rows": counts,
        "page_size": cursor.execute("pragma page_size").fetchone()[0],
        "page_count": cursor.execute("pragma page_count").fetchone()[0],
    }


if __name__ == "__main__":
    print(json.dumps(summary(sys.argv[1]), indent=1, ensure_ascii=False))
