#!/bin/bash
# build-testfixture.sh DIR
#
# Builds SQLite's `testfixture` as DIR/testfixture, from the Debian source
# package of the SQLite that is installed, without batch-atomic writes, as
# Debian builds its library. Does nothing when it is there. JOBS: how many
# compilers at once. Needs build-essential dpkg-dev tcl tcl8.6-dev zlib1g-dev.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
dir=$PWD
if [ -x testfixture ]; then exit 0; fi

if [ ! -d src ]; then
  echo "fetching the source of SQLite"
  bash "$here/../support/fetch_source.sh" libsqlite3-dev "$dir/source"
  dpkg-source --no-check -x source/sqlite3_*.dsc src.tmp >unpack.log 2>&1 ||
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
