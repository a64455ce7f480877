#!/usr/bin/env python3
"""The rules of the house that a compiler does not check.

    tidy.py               checks the tree, prints FILE:LINE: [rule] what is
                          wrong, exits 1 if there was anything
    tidy.py --self-test   feeds bad snippets to each rule and expects findings
                          (tidy_cases.py)

A rule is a function that takes a File and yields (line number, text). Rules
about the whole tree take the list of files. Only Python's own library is used.
"""

import os
import re
import subprocess
import sys

MAX_COLUMNS = 80
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

CODE = (".cc", ".h", ".c")
CMAKE = ("CMakeLists.txt", ".cmake")
NARROW = CODE + (".py", ".sh", ".tcl") + CMAKE
PRODUCT = ("kv/", "vfs/", "sql/", "ext/")

# What a file of each layer must not include, by the start of the path.
LAYERS = {
    "kv/": ("vfs/", "sql/", "ext/", "sqlite3", "tests/", "bench/"),
    "vfs/": ("sql/", "ext/", "tests/", "bench/"),
    "sql/": ("ext/", "tests/", "bench/"),
    "ext/": ("tests/", "bench/"),
}

# The rooms of each layer, from the ground up, and the rooms of the same layer
# that each may include beside itself. A room names only rooms above it in this
# table: so there is no circle. None: any of its layer.
ROOMS = {
    "kv/base": "",
    "kv/files": "base",
    "kv/engine": "base",
    "kv/format": "base engine",
    "kv/rivet": "base files engine",
    "kv/rocksdb": "base files engine",
    "kv/cache": "base format",
    "kv/store": "base engine format cache",
    "kv/share": "base files engine format cache store",
    "kv/pages": "base files engine format cache store",
    "kv/history": "base engine format store pages",
    "kv/legacy": "base engine format rivet store pages",
    "kv/reclaim": "base engine format store pages",
    "kv/inspect": "base engine format cache store pages history",
    "kv/process": None,
    "vfs/sqlite": "",
    "vfs/legacy": "sqlite",
    "vfs/actor": "sqlite legacy",
    "vfs/migrate": "sqlite legacy actor",
    "sql/bind": "",
    "sql/history": "bind",
    "sql/actors": "bind history",
    "sql/migrate": "bind history",
    "sql/salvage": "bind history",
    "sql/transfer": "bind history migrate salvage",
    "sql/health": "bind history",
}
# Puts the rooms together, and belongs to none.
BESIDE_ROOMS = ("sql/register.cc", "sql/register.h")

BANNED = [
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(",
     "writes without a limit or keeps hidden state"),
    (r"\b(rand|srand|random)\s*\(", "use <random> and the test's seed"),
    (r"\b(atoi|atol|atoll|atof)\s*\(", "hides errors; use std::from_chars"),
    (r"\busing\s+namespace\b", "name what you use"),
    (r"\bassert\s*\([^;]*(\+\+|--|[^=!<>]=[^=]"
     r"|\b(Write|Read|Commit|Open|Close|Delete|Put|Sync|Remove)\w*\s*\()",
     "an assert must have no effect: it is gone with NDEBUG"),
]
# Only in the product: one guard turns what the library throws into a code.
BANNED_IN_PRODUCT = [
    (r"\b(throw|try)\b", "errors are Status; only kv/base/thrown.h catches"),
    (r"\b(system|popen)\s*\(", "no shells"),
    (r"\bstd::(cout|cerr)\b|\bf?printf\s*\(", "a library does not print"),
]
# The entry point catches before there is an API table to log with.
MAY_TRY = ("kv/base/thrown.h", "kv/base/thrown.cc", "vfs/sqlite/file_methods.h",
           "ext/actorkv_ext.cc")

# Inputs of fuzzers, whatever they look like.
ANY_BYTES = "tests/fuzz/corpus/"

# sqlite3.h and sqlite3ext.h enter here and nowhere else in the product.
MAY_INCLUDE_SQLITE = ("vfs/sqlite/sqlite_api.h",)


class File:
    """A file of the tree: its path from the root, its text, its lines."""

    def __init__(self, path, text, siblings=()):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.siblings = siblings  # all paths of the tree
        self.is_code = path.endswith(CODE)
        self._bare = None

    def starts(self, *prefixes):
        return self.path.startswith(prefixes)

    def includes(self):
        """Yields (line number, included path)."""
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if match:
                yield number, match.group(1)

    def bare(self):
        """The lines without comments, strings and preprocessor lines."""
        if self._bare is None:
            self._bare = strip_code(self.text).split("\n")
        return self._bare


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'  # comments
    r'|R"([^()\s\\]*)\(.*?\)\1"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'  # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # characters, not 1'000
    r"|^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*",  # preprocessor lines
    re.DOTALL | re.MULTILINE)


def strip_code(text):
    def blank(match):
        token = match.group(0)
        left = "" if token[0] in "/ \t#" else token[0] + token[0]
        return left + "\n" * token.count("\n")
    return TOKEN.sub(blank, text)


# ---- Rules about one file -------------------------------------------------


def rule_layers(file):
    for layer, forbidden in LAYERS.items():
        if not file.starts(layer):
            continue
        for number, path in file.includes():
            if path.startswith(forbidden):
                yield number, f"{layer} must not include {path}"


def rule_rooms(file):
    """A room includes what the table says, a test what its floor has below."""
    if not file.is_code:
        return
    room = os.path.dirname(file.path)
    if file.starts("kv/", "vfs/", "sql/"):
        if file.path in BESIDE_ROOMS:
            return
        if room not in ROOMS:
            yield 1, f"{room} is no room: see ROOMS"
            return
        allowed = allowed_rooms(room)
    elif file.starts("tests/kv/"):
        room = room[len("tests/"):]
        if room not in ROOMS:
            yield 1, f"tests/{room} is not where its code is"
            return
        allowed = rooms_below(room)
    else:
        return
    layer = room.split("/")[0] + "/"
    for number, path in file.includes():
        if path.startswith(layer) and os.path.dirname(path) not in allowed:
            yield number, f"{room} must not include {path}"


def allowed_rooms(room):
    if ROOMS[room] is None:
        return rooms_below(room)
    layer = room.split("/")[0]
    return {room} | {f"{layer}/{name}" for name in ROOMS[room].split()}


def rooms_below(room):
    """The rooms of the layer up to this one, which is one of them."""
    layer = room.split("/")[0] + "/"
    order = list(ROOMS)
    return {r for r in order[:order.index(room) + 1] if r.startswith(layer)}


def rule_sqlite_header(file):
    if not file.starts("vfs/", "sql/") or file.path in MAY_INCLUDE_SQLITE:
        return
    for number, path in file.includes():
        if path in ("sqlite3.h", "sqlite3ext.h"):
            yield number, f"include vfs/sqlite/sqlite_api.h, not {path}"


def rule_rocksdb(file):
    if not file.is_code or file.starts("tests/", "bench/"):
        return
    inside = file.starts("kv/rocksdb/")
    for number, path in file.includes():
        if path.startswith("rocksdb/"):
            if not inside or file.path == "kv/rocksdb/rocksdb_engine.h":
                yield number, f"only kv/rocksdb/ may include {path}"
        elif path.startswith("kv/rocksdb/") and not file.starts("kv/"):
            yield number, f"no engine is named outside of kv: {path}"


def rule_include_path(file):
    if not file.is_code or file.starts("tests/suite/"):
        return
    for number, line in enumerate(file.lines, 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if match and (match.group(1).startswith(".") or
                      "/" not in match.group(1)):
            yield number, f'write "{match.group(1)}" from the root of the tree'


def rule_guard(file):
    if not file.path.endswith(".h"):
        return
    guard = "ACTORKV_" + re.sub(r"[^A-Z0-9]", "_", file.path.upper()) + "_"
    for wanted in (f"#ifndef {guard}", f"#define {guard}",
                   f"#endif  // {guard}"):
        if wanted not in file.lines:
            yield 1, f'the line "{wanted}" is missing'


def rule_header_comment(file):
    if not file.is_code and not file.path.endswith((".py", ".sh", ".tcl")):
        return
    if file.path.endswith(".cc") and file.path[:-2] + "h" in file.siblings:
        return  # the header beside it says it
    first = [line for line in file.lines[:3] if not line.startswith("#!")]
    if not first or not first[0].startswith(("//", "/*", '"""', "# ")):
        yield 1, "says nothing at its top about what it is"


def rule_banned(file):
    if not file.path.endswith((".cc", ".h")):
        return
    banned = list(BANNED)
    if file.starts(*PRODUCT):
        for pattern, why in BANNED_IN_PRODUCT:
            if file.path in MAY_TRY and "try" in pattern:
                continue
            banned.append((pattern, why))
    for number, line in enumerate(file.bare(), 1):
        for pattern, why in banned:
            match = re.search(pattern, line)
            if match:
                yield number, f"{match.group(0).strip()}: {why}"


def rule_columns(file):
    if not file.path.endswith(NARROW):
        return
    for number, line in enumerate(file.lines, 1):
        if len(line) > MAX_COLUMNS and "://" not in line:
            if not line.lstrip().startswith("#include"):
                yield number, f"{len(line)} columns, at most {MAX_COLUMNS}"


def rule_file_length(file):
    if file.path.endswith(NARROW) and len(file.lines) > MAX_FILE_LINES:
        yield MAX_FILE_LINES, (
            f"{len(file.lines)} lines, at most {MAX_FILE_LINES}: split it")


def rule_function_length(file):
    if not file.is_code:
        return
    for begin, end in functions(file.bare()):
        length = end - begin + 1
        if length > MAX_FUNCTION_LINES:
            yield begin, (f"a function of {length} lines, "
                          f"at most {MAX_FUNCTION_LINES}")


def functions(lines):
    """Yields (first line, last line) of each outermost function.

    Follows braces. What stands before a brace, back to the last ; or brace,
    tells whether it opens a scope (namespace, class), a function (there is a
    parameter list) or a list of values.
    """
    stack = []  # for each open brace: None, or the function's first line
    inside = False  # within a function
    before, before_line = "", 1
    for number, line in enumerate(lines, 1):
        for char in line:
            if char == "{":
                begins = not inside and is_function_head(before)
                stack.append(before_line if begins else None)
                inside = inside or begins
            elif char == "}" and stack:
                begin = stack.pop()
                if begin is not None:
                    inside = False
                    yield begin, number
            if char in "{};":
                before = ""
            elif before or not char.isspace():
                if not before:
                    before_line = number
                before += char
        if before:
            before += " "


def is_function_head(text):
    if re.match(r"(inline\s+)?namespace\b|extern\b[^()]*$|enum\b", text):
        return False
    if re.match(r"(template\s*<.*>\s*)?(class|struct|union)\b[^()]*$", text):
        return False
    return ")" in text


def rule_todo(file):
    for number, line in enumerate(file.lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))", line):
            if file.path != "tests/tidy.py":
                yield number, "write TODO(#number of the issue)"


def rule_spaces(file):
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip() and not file.path.endswith(".expected"):
            yield number, "spaces at the end of the line"
        if file.is_code and "\t" in line:
            yield number, "a tab"
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "the last line does not end"


def rule_home_path(file):
    for number, line in enumerate(file.lines, 1):
        match = re.search(r"(?<![\w.$/}])/(?:home|root|Users|work)/\S+", line)
        if match:
            yield number, f"a path of one machine: {match.group(0)}"


FILE_RULES = [
    rule_layers, rule_rooms, rule_sqlite_header, rule_rocksdb,
    rule_include_path, rule_guard, rule_header_comment, rule_banned,
    rule_columns, rule_file_length, rule_function_length, rule_todo,
    rule_spaces, rule_home_path,
]

# ---- Rules about the tree: take all files, yield (path, line, text) -------


def rule_listed(files):
    """Every source is built, and what is listed exists."""
    paths = {file.path for file in files}
    listed = {}
    for cmake in (f for f in files if f.path.endswith(CMAKE)):
        for number, line in enumerate(cmake.lines, 1):
            for word in re.findall(r"[\w/.-]+\.cc\b", line.split("#")[0]):
                if not word.startswith("/"):  # made in the build directory
                    listed.setdefault(word, (cmake.path, number))
    for path in sorted(paths):
        if path.endswith(".cc") and path not in listed:
            yield path, 1, "is not listed in CMakeLists.txt"
    for path, (cmake_path, number) in listed.items():
        if path not in paths:
            yield cmake_path, number, f"{path} does not exist"


def rule_golden(files):
    paths = {file.path for file in files}
    for path in sorted(paths):
        if path.startswith("tests/golden/"):
            if path.endswith(".sql") and path + ".expected" not in paths:
                yield path, 1, "has no .expected: UPDATE_EXPECTED=1 make test"
            if path.endswith(".expected") and path[:-9] not in paths:
                yield path, 1, "belongs to no .sql"


def rule_room_readmes(files):
    """Every room has a README, and its layer's README names it."""
    texts = {file.path: file.text for file in files}
    for room in {os.path.dirname(file.path) for file in files
                 if file.is_code and file.starts("kv/", "vfs/", "sql/")}:
        layer, _, name = room.partition("/")
        if name and room + "/README.md" not in texts:
            yield room, 1, "has no README.md"
        elif name and f"| `{name}` |" not in texts.get(layer + "/README.md",
                                                       ""):
            yield layer + "/README.md", 1, f"does not name the room {name}"


TREE_RULES = [rule_listed, rule_golden, rule_room_readmes]


def name_of(rule):
    return rule.__name__[len("rule_"):]


def findings(files):
    for file in files:
        for rule in FILE_RULES:
            for number, text in rule(file):
                yield f"{file.path}:{number}: [{name_of(rule)}] {text}"
    for rule in TREE_RULES:
        for path, number, text in rule(files):
            yield f"{path}:{number}: [{name_of(rule)}] {text}"


def tree(root):
    """All text files of the tree: git's, and those not yet added."""
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True)
    if listing.returncode == 0:
        paths = [os.fsdecode(p) for p in listing.stdout.split(b"\0") if p]
    else:
        paths = []
        for directory, names, leaves in os.walk(root):
            names[:] = [n for n in names if not n.startswith((".", "build"))]
            paths += [os.path.relpath(os.path.join(directory, leaf), root)
                      for leaf in leaves]
    paths = sorted(p for p in set(paths)
                   if os.path.isfile(os.path.join(root, p))
                   and not p.startswith(ANY_BYTES))
    files = []
    for path in paths:
        with open(os.path.join(root, path), "rb") as stream:
            data = stream.read()
        if b"\0" not in data:
            files.append(File(path, data.decode("utf-8", "replace"),
                              set(paths)))
    return files


def main():
    if "--self-test" in sys.argv[1:]:
        import tidy_cases
        return 1 if tidy_cases.self_test() else 0
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = tree(root)
    found = list(findings(files))
    for text in found:
        print(text)
    print(f"{len(files)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
