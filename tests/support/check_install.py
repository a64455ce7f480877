#!/usr/bin/env python3
"""Is what `make install` puts down complete, small, and good to build with?

    check_install.py BUILD_DIRECTORY

Installs into a temporary directory, and there
  - builds and runs the program of README.md three ways: with pkg-config, by
    g++ and by cc, and with the CMake package, in C and in C++;
  - loads the module into the stock shell by its installed name;
  - looks for debug information, for symbols that the module should not show,
    and for files where DESTDIR says that none belong.
Exits 1 where something is not as it should be.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import docs  # noqa: E402

IN_LIB = ("cmake/actorkv/actorkvConfig.cmake",
          "cmake/actorkv/actorkvConfigVersion.cmake", "libactorkv.a",
          "libactorkv.so", "pkgconfig/actorkv.pc")
MAX_BYTES = {"libactorkv.so": 8 << 20, "libactorkv.a": 24 << 20}

PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(host LANGUAGES C{also})
find_package(actorkv 0.1 REQUIRED)
add_executable(host host.{ending})
target_link_libraries(host PRIVATE actorkv::actorkv)
"""


def host_program():
    """The program of README.md, for the installed header."""
    program = docs.host_program()
    return program.replace('"ext/actorkv.h"', "<actorkv.h>")


def check_run(what, command, wanted, **kwargs):
    """Yields what is wrong with a command that prints `wanted`."""
    done = docs.run(command, **kwargs)
    if done.returncode != 0 or done.stdout != wanted:
        yield f"{what}: {done.stdout[-2000:]}"


def lib_directory(build):
    """Where libraries go, below a prefix: on Debian not lib for /usr."""
    with open(build + "/CMakeCache.txt", encoding="utf-8") as file:
        return re.search(r"^CMAKE_INSTALL_LIBDIR:\w+=(.*)$", file.read(),
                         re.M).group(1)


def check_files(prefix, lib):
    found = sorted(
        os.path.relpath(os.path.join(directory, name), prefix)
        for directory, _, names in os.walk(prefix) for name in names)
    if found != ["include/actorkv.h", *(f"{lib}/{name}" for name in IN_LIB)]:
        yield f"installed: {found}"
        return
    for name, limit in MAX_BYTES.items():
        path = os.path.join(prefix, lib, name)
        if os.path.getsize(path) > limit:
            yield f"{name} has {os.path.getsize(path)} bytes"
        if ".debug_info" in docs.run(["readelf", "-SW", path]).stdout:
            yield f"{name} has debug information"
    with open(f"{prefix}/{lib}/pkgconfig/actorkv.pc",
              encoding="utf-8") as file:
        if "/opt/actorkv" in file.read():
            yield "actorkv.pc cannot be moved"


def check_module(lib):
    yield from check_run(
        "the installed module",
        ["sh", ROOT + "/tests/support/check_module.sh",
         lib + "/libactorkv.so"],
        "one symbol, no libsqlite3, stays loaded\n")
    sql = "\nSELECT actorkv_last_error() IS NULL;\n"
    yield from check_run("loaded by its path", ["sqlite3"], "1\n",
                         input=f".load {lib}/libactorkv" + sql)
    yield from check_run("loaded by its name", ["sqlite3"], "1\n",
                         input=".load libactorkv" + sql,
                         env={**os.environ, "LD_LIBRARY_PATH": lib})


def check_pkg_config(lib):
    env = {**os.environ, "PKG_CONFIG_PATH": lib + "/pkgconfig"}
    for compiler, source in (("g++", "host.cc"), ("cc", "host.c")):
        script = (f"{compiler} {source} "
                  "$(pkg-config --cflags --libs actorkv) -o host\n./host\n")
        yield from check_run(f"{compiler} with pkg-config",
                             ["bash", "-e", "-c", script], docs.SAYS, env=env)


def check_cmake(prefix):
    for ending, also in (("c", ""), ("cc", " CXX")):
        directory = "cmake-" + ending
        os.mkdir(directory)
        with open(directory + "/CMakeLists.txt", "w",
                  encoding="utf-8") as file:
            file.write(PROJECT.format(also=also, ending=ending))
        with open(f"{directory}/host.{ending}", "w",
                  encoding="utf-8") as file:
            file.write(host_program())
        script = (f"cmake -S {directory} -B {directory}/build -G Ninja"
                  f" -DCMAKE_PREFIX_PATH={prefix} >{directory}/log 2>&1 &&"
                  f" cmake --build {directory}/build >>{directory}/log 2>&1"
                  f" || {{ cat {directory}/log; exit 1; }}\n"
                  f"{directory}/build/host\n")
        yield from check_run(f"the CMake package, host.{ending}",
                             ["bash", "-e", "-c", script], docs.SAYS)


def check_all(build, directory):
    root = os.path.join(directory, "root")
    done = docs.run(["cmake", "--install", build, "--prefix", "/opt/actorkv"],
                    env={**os.environ, "DESTDIR": root})
    if done.returncode != 0:
        yield f"install: {done.stdout[-2000:]}"
        return
    prefix = os.path.join(directory, "prefix")
    os.rename(root + "/opt/actorkv", prefix)
    if os.listdir(root) != ["opt"] or os.listdir(root + "/opt"):
        yield "files beside the prefix"
    for name in ("host.c", "host.cc"):
        with open(name, "w", encoding="utf-8") as file:
            file.write(host_program())
    lib = lib_directory(build)
    yield from check_files(prefix, lib)
    yield from check_module(f"{prefix}/{lib}")
    yield from check_pkg_config(f"{prefix}/{lib}")
    yield from check_cmake(prefix)


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        found = list(check_all(build, directory))
        os.chdir("/")
    for text in found:
        print(text)
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
