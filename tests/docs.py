#!/usr/bin/env python3
"""Does what README.md and sql/README.md tell a reader to do.

    docs.py MODULE STATIC_LIBRARY

Runs, in a new directory that looks like the root of a built clone:
  - each session of README.md (`sqlite3 <<'SQL'`), which must print the block
    that follows it;
  - the program of README.md, built as it says there, and with g++
    (support/check_install.py builds it as after an installation);
  - the examples of sql/README.md, of which none may fail.
Exits 1 where something is not as written.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECONDS = 300
SAYS = "from a program\n"


def blocks(path):
    """Yields (language, text) of each block between fences."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        yield match.group(1), match.group(2)


def run(command, **kwargs):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS,
                          encoding="utf-8", check=False, **kwargs)


def first_difference(wanted, got):
    wanted, got = wanted.split("\n"), got.split("\n")
    for number, (a, b) in enumerate(zip(wanted, got), 1):
        if a != b:
            return f"line {number} is\n  {b}\nand not\n  {a}"
    return f"{len(got)} lines, not {len(wanted)}"


def check_sessions():
    """Yields what is wrong with the sessions of README.md."""
    found = list(blocks("README.md"))
    count = 0
    for (language, text), (next_language, wanted) in zip(found, found[1:]):
        match = re.search(r"^sqlite3 <<'SQL'\n(.*?)^SQL$", text, re.M | re.S)
        if language != "sh" or not match or next_language:
            continue
        count += 1
        got = run(["sqlite3"], input=match.group(1)).stdout
        if got != wanted:
            yield (f"README.md, session {count}: "
                   f"{first_difference(wanted, got)}")
    if count < 3:
        yield f"README.md: only {count} sessions found"


def host_program():
    """The program of README.md; none, or several: ""."""
    programs = [text for language, text in blocks("README.md")
                if language == "c"]
    return programs[0] if len(programs) == 1 else ""


def check_program():
    """Yields what is wrong with the program of README.md."""
    found = list(blocks("README.md"))
    at = [i for i, (language, _) in enumerate(found) if language == "c"]
    if len(at) != 1 or found[at[0] + 1][0] != "sh":
        yield "README.md: no program, or no commands after it"
        return
    commands = found[at[0] + 1][1]
    with open("host.c", "w", encoding="utf-8") as file:
        file.write(host_program())
    with_g = commands.replace("gcc host.o", "g++ host.o").replace(
        "-lstdc++ -lm ", "")
    for how, script in (("as it says", commands), ("with g++", with_g)):
        made = run(["bash", "-e", "-c", script])
        if made.returncode != 0 or made.stdout != SAYS:
            yield f"README.md, the program, built {how}: {made.stdout[-2000:]}"
    if with_g == commands or "g++ host.o" not in with_g:
        yield "README.md: the commands are not as this test knows them"


def check_examples():
    """Yields what is wrong with the examples of sql/README.md."""
    examples = [text for language, text in blocks("sql/README.md")
                if language == "sql" and text.startswith(".load ")]
    if len(examples) != 1:
        yield f"sql/README.md: {len(examples)} blocks of examples"
        return
    done = run(["sqlite3", "-batch", "-bail"], input=examples[0])
    if done.returncode != 0 or "rror" in done.stdout.splitlines()[-1]:
        yield f"sql/README.md, examples: {done.stdout[-2000:]}"


def main():
    module, static_library = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        os.mkdir("build")
        os.symlink(module, "build/actorkv.so")
        os.symlink(static_library, "build/libactorkv.a")
        for name in ("ext", "tests"):
            os.symlink(os.path.join(ROOT, name), name)
        found = [*check_sessions(), *check_program(), *check_examples()]
        os.chdir("/")
    for text in found:
        print(text)
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
