#!/bin/bash
# build-testfixture.sh DIR
#
# Builds SQLite's `testfixture` as DIR/testfixture, from the Debian source
# package of the SQLite that is installed, without batch-atomic writes, as
# Debian builds its library. Does nothing when it is there. JOBS: how many
# compilers at once. The source lines for apt are made from the machine's own
# package sources, in a directory apart; its configuration is not touched.
# Needs build-essential dpkg-dev tcl tcl8.6-dev zlib1g-dev.
set -euo pipefail
mkdir -p "$1"
cd "$1"
dir=$PWD
if [ -x testfixture ]; then exit 0; fi

# Downloads the source package into DIR.
fetch() {
  local apt version
  apt=$(mktemp -d)
  mkdir -p "$apt/lists/partial" "$apt/parts"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    if [ -f "$file" ]; then
      sed -n 's/^deb /deb-src /p' "$file" >>"$apt/parts/source.list"
    fi
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ]; then
      sed 's/^Types:.*/Types: deb-src/' "$file" \
        >"$apt/parts/$(basename "$file")"
    fi
  done
  set -- -qq -o APT::Sandbox::User=root -o Dir::State::Lists="$apt/lists" \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts"
  version=$(dpkg-query -W -f '${source:Version}' libsqlite3-dev)
  apt-get "$@" update
  # When the archive has moved on, the newest of the release will do.
  apt-get "$@" source --download-only "sqlite3=$version" ||
    apt-get "$@" source --download-only sqlite3
  rm -rf "$apt"
}

if [ ! -d src ]; then
  echo "fetching the source of SQLite"
  ls sqlite3_*.dsc >/dev/null 2>&1 || fetch
  dpkg-source --no-check -x sqlite3_*.dsc src.tmp >unpack.log 2>&1 ||
    { cat unpack.log; exit 1; }
  mv src.tmp src
fi

echo "building testfixture"
mkdir -p build
cd build
# -Wl,-E exports SQLite's functions to the helper that Tcl loads.
../src/configure --enable-fts3 --enable-fts4 --enable-fts5 --enable-rtree \
  --enable-load-extension --disable-readline --with-tcl=/usr/lib/tcl8.6 \
  CFLAGS="-O2 -g0 -fno-strict-aliasing" LDFLAGS="-Wl,-E" \
  >configure.log 2>&1 || { tail -20 configure.log; exit 1; }
make -j "${JOBS:-1}" testfixture >make.log 2>&1 ||
  { tail -20 make.log; exit 1; }
ln -s build/testfixture "$dir/testfixture"
