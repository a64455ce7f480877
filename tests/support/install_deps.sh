#!/bin/sh
# install_deps.sh GROUP...
#
# Installs the Debian packages of the named groups that are not there yet:
#   build  to compile, test and measure
#   bench  for the plots of `make bench`
#   check  for `make check`
#   fuzz   for `make fuzz` (libFuzzer comes with clang)
#   suite  for `make suite` (SQLite's own tests)
#   hosts  for `make test-python` (CPython's own tests)
#   servers for `make test-servers` (servers with several processes); where
#          Debian's Node is not the machine's, `node` cannot be installed, and
#          what needs it is left out
#   node   for the same
# Does nothing, quickly, when all are there. Elsewhere than on Debian and its
# children it only says what is needed. ACTORKV_SKIP_DEPS=1 turns it off.
set -eu

# zlib unpacks gzip dumps, LZ4 the pages of LTX files, nlohmann-json reads
# dumps and manifests.
build="g++ cmake ninja-build pkg-config python3 librocksdb-dev libsqlite3-dev
  sqlite3 libxxhash-dev libisal-dev libbenchmark-dev libgtest-dev zlib1g-dev
  liblz4-dev nlohmann-json3-dev"
bench="gnuplot-nox"
check="clang-format clang-tidy"
fuzz="clang libclang-rt-dev"
suite="build-essential dpkg-dev tcl tcl8.6-dev zlib1g-dev"
hosts="gcc python3 libsqlite3-dev sqlite3 xz-utils"
servers="gcc python3 sqlite3 php-cli php-sqlite3"
node="nodejs node-sqlite3"

if [ "${ACTORKV_SKIP_DEPS:-}" = 1 ]; then exit 0; fi

wanted=""
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    bench) wanted="$wanted $bench" ;;
    check) wanted="$wanted $check" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    suite) wanted="$wanted $suite" ;;
    hosts) wanted="$wanted $hosts" ;;
    servers) wanted="$wanted $servers" ;;
    node) wanted="$wanted $node" ;;
    *)
      echo "install_deps.sh: no group '$group'" \
        "(build, bench, check, fuzz, suite, hosts, servers, node)" >&2
      exit 2
      ;;
  esac
done
wanted=$(echo $wanted)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  cat >&2 <<END
actorkv: this machine has no apt-get, so nothing is installed here.
The build needs what Debian 12 calls:
  $wanted
(a C++17 compiler, CMake 3.25, Ninja, RocksDB 7.8 or later, SQLite 3.39 or
later with its shell, xxHash 0.8, Google Benchmark, GoogleTest, zlib, LZ4,
nlohmann-json 3.11).
With these in place, say: ACTORKV_SKIP_DEPS=1 make
END
  exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted \
  2>/dev/null | sed -n 's/^installed //p') || true
missing=""
for package in $wanted; do
  if ! echo "$installed" | grep -qxF "$package"; then
    missing="$missing $package"
  fi
done
if [ -z "$missing" ]; then exit 0; fi

as_root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "actorkv: packages are missing; as root, run:" >&2
    echo "  apt-get update && apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "actorkv: installing$missing"
$as_root apt-get -qq update
$as_root env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq install -y --no-install-recommends $missing
