"""Snippets for the rules of tidy.py, with the findings each must give."""

from tidy import (
    FILE_RULES,
    File,
    ROOMS,
    TREE_RULES,
    allowed_rooms,
    name_of,
    rooms_below,
    rule_banned,
    rule_columns,
    rule_file_length,
    rule_function_length,
    rule_golden,
    rule_guard,
    rule_header_comment,
    rule_home_path,
    rule_include_path,
    rule_layers,
    rule_listed,
    rule_rocksdb,
    rule_room_readmes,
    rule_rooms,
    rule_spaces,
    rule_sqlite_header,
    rule_todo,
)

LONG_BODY = "  f();\n" * 80
HOME = "/" + "home/someone/file"

# (rule, path, text, how many findings)
CASES = [
    (rule_layers, "kv/a.cc", '#include "vfs/b.h"\n', 1),
    (rule_layers, "kv/a.cc", "#include <sqlite3.h>\n", 1),
    (rule_layers, "vfs/a.cc", '#include "kv/b.h"\n', 0),
    (rule_layers, "sql/a.cc", '#include "ext/actorkv.h"\n', 1),
    (rule_rooms, "kv/base/a.cc", '#include "kv/files/gzip.h"\n', 1),
    (rule_rooms, "kv/history/a.h", '#include "kv/reclaim/reclaim.h"\n', 1),
    (rule_rooms, "kv/pages/a.cc", '#include "kv/base/types.h"\n'
     '#include "kv/store/store.h"\n#include "kv/pages/b.h"\n', 0),
    (rule_rooms, "kv/process/a.cc", '#include "kv/reclaim/flatten.h"\n', 0),
    (rule_rooms, "kv/a.cc", "", 1),
    (rule_rooms, "kv/cellar/a.cc", "", 1),
    (rule_rooms, "vfs/legacy/a.cc", '#include "vfs/actor/uri.h"\n', 1),
    (rule_rooms, "vfs/actor/a.cc", '#include "vfs/legacy/overlay.h"\n'
     '#include "kv/process/store_registry.h"\n', 0),
    (rule_rooms, "sql/actors/a.cc", '#include "sql/health/doctor.h"\n', 1),
    (rule_rooms, "sql/register.cc", '#include "sql/health/doctor.h"\n', 0),
    (rule_rooms, "tests/kv/store/a_test.cc",
     '#include "kv/reclaim/reclaim.h"\n', 1),
    (rule_rooms, "tests/kv/store/a_test.cc",
     '#include "kv/files/gzip.h"\n', 0),
    (rule_rooms, "tests/kv/a_test.cc", "", 1),
    (rule_sqlite_header, "vfs/a.cc", "#include <sqlite3ext.h>\n", 1),
    (rule_sqlite_header, "vfs/sqlite/sqlite_api.h",
     "#include <sqlite3ext.h>\n", 0),
    (rule_rocksdb, "kv/store/a.cc", '#include "rocksdb/db.h"\n', 1),
    (rule_rocksdb, "sql/actors/a.cc",
     '#include "kv/rocksdb/rocksdb_engine.h"\n', 1),
    (rule_rocksdb, "kv/process/a.cc",
     '#include "kv/rocksdb/rocksdb_engine.h"\n', 0),
    (rule_rocksdb, "kv/rocksdb/rocksdb_engine.h", '#include "rocksdb/db.h"\n',
     1),
    (rule_rocksdb, "kv/rocksdb/a.cc", '#include "rocksdb/db.h"\n', 0),
    (rule_include_path, "kv/a.cc", '#include "b.h"\n', 1),
    (rule_include_path, "kv/a.cc", '#include "kv/b.h"\n', 0),
    (rule_guard, "kv/a.h", "#pragma once\n", 3),
    (rule_guard, "kv/a.h", "#ifndef ACTORKV_KV_A_H_\n#define ACTORKV_KV_A_H_\n"
     "#endif  // ACTORKV_KV_A_H_\n", 0),
    (rule_header_comment, "kv/a.h", "#include <string>\n", 1),
    (rule_header_comment, "kv/a.cc", "// What it is.\n", 0),
    (rule_banned, "kv/a.cc", "strcpy(a, b);\n", 1),
    (rule_banned, "kv/a.cc", "// strcpy(a, b);\n", 0),
    (rule_banned, "kv/a.cc", 'f("strcpy(");\n', 0),
    (rule_banned, "kv/a.cc", "snprintf(a, 1, b);\n", 0),
    (rule_banned, "kv/a.cc", "assert(file.Write(x));\n", 1),
    (rule_banned, "kv/a.cc", "assert(a == b && c <= d);\n", 0),
    (rule_banned, "kv/a.cc", "try {\n} catch (...) {\n}\n", 1),
    (rule_banned, "tests/kv/a.cc", "try {\n} catch (...) {\n}\n", 0),
    (rule_banned, "vfs/sqlite/file_methods.h",
     "try {\n} catch (...) {\n}\n", 0),
    (rule_columns, "kv/a.cc", "x" * 81 + "\n", 1),
    (rule_columns, "kv/a.cc", "\u00e4" * 80 + "\n", 0),
    (rule_file_length, "kv/a.cc", "\n" * 501, 1),
    (rule_file_length, "kv/a.cc", "\n" * 500, 0),
    (rule_function_length, "kv/a.cc", "int F(int x) {\n%s}\n" % LONG_BODY, 1),
    (rule_function_length, "kv/a.cc",
     "namespace a {\nclass B {\n  int F(int x) const {\n%s  }\n};\n}\n"
     % LONG_BODY, 1),
    (rule_function_length, "kv/a.cc",
     "A::A(int x)\n    : a_{x},\n      b_(2) {\n%s}\n" % LONG_BODY, 1),
    (rule_function_length, "kv/a.cc",
     "namespace a {\n%s}\n" % ("int F() { return '{'; }\n" * 90), 0),
    (rule_function_length, "kv/a.cc",
     "const int a[] = {\n%s};\n" % ("  1,\n" * 90), 0),
    (rule_function_length, "kv/a.cc",
     'void F() {\n  f(R"(\n%s)");\n}\n' % ("}\n" * 80), 1),
    (rule_todo, "kv/a.cc", "// TO" "DO: later\n", 1),
    (rule_todo, "kv/a.cc", "// TO" "DO(#7): later\n", 0),
    (rule_spaces, "README.md", "a \n", 1),
    (rule_spaces, "kv/a.cc", "\ta;\n", 1),
    (rule_spaces, "kv/a.cc", "a;", 1),
    (rule_home_path, "README.md", f"see {HOME}\n", 1),
    (rule_home_path, "README.md", "see https://a.org/home/x\n", 0),
]

# (rule, paths with texts, how many findings)
TREE_CASES = [
    (rule_listed, {"CMakeLists.txt": "kv/a.cc\n", "kv/a.cc": "",
                   "tests/kv/a_test.cc": ""}, 1),
    (rule_listed, {"CMakeLists.txt": "# kv/a.cc\n", "kv/a.cc": ""}, 1),
    (rule_listed, {"CMakeLists.txt": "  kv/a.cc\n  kv/b.cc\n",
                   "kv/a.cc": ""}, 1),
    (rule_room_readmes, {"kv/base/a.cc": "", "kv/README.md": ""}, 1),
    (rule_room_readmes, {"kv/base/a.cc": "", "kv/base/README.md": "",
                         "kv/README.md": ""}, 1),
    (rule_room_readmes, {"kv/base/a.cc": "", "kv/base/README.md": "",
                         "kv/README.md": "| `base` | words |"}, 0),
    (rule_golden, {"tests/golden/a.sql": ""}, 1),
    (rule_golden, {"tests/golden/a.sql": "",
                   "tests/golden/a.sql.expected": ""}, 0),
]


def self_test():
    failed = 0

    def expect(rule, subject, found, count):
        nonlocal failed
        if len(found) != count:
            failed += 1
            print(f"{name_of(rule)}: {len(found)} findings, not {count}, in:")
            print(f"  {subject!r:.200}\n  {found}")

    for rule, path, text, count in CASES:
        expect(rule, (path, text), list(rule(File(path, text))), count)
    for rule, texts, count in TREE_CASES:
        files = [File(path, text) for path, text in texts.items()]
        expect(rule, texts, list(rule(files)), count)
    for room in ROOMS:
        if not allowed_rooms(room) <= rooms_below(room):
            failed += 1
            print(f"{room}: may include a room above it")
    tried = {case[0] for case in CASES + TREE_CASES}
    for rule in FILE_RULES + TREE_RULES:
        if rule not in tried:
            failed += 1
            print(f"{name_of(rule)}: has no case")
    print(f"{len(CASES) + len(TREE_CASES)} cases, {failed} failed")
    return failed
