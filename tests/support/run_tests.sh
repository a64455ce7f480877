#!/bin/sh
# run_tests.sh BUILD_DIRECTORY NAME [JOBS]
#
# `make test T=NAME`: builds the programs that have a test whose SUITE.TEST
# contains NAME, and runs these tests of them. Where no test of a program has
# it, NAME is one of CTest's others: docs, golden, install, module, tidy.
set -eu
build=$1
name=$2
jobs=${3:-2}

# SUITE.TEST of each test of a directory, as its sources say.
list() {
  find "tests/$1" -name '*.cc' -exec cat {} + | tr '\n' ' ' \
    | grep -oE 'TEST(_F|_P)?\( *\w+, *\w+\)' \
    | sed -E 's/.*\( *(\w+), *(\w+)\)/\1.\2/'
}

programs=""
for directory in kv vfs sql model fault crash; do
  if list "$directory" | grep -qF -- "$name"; then
    programs="$programs ${directory}_tests"
  fi
done

if [ -z "$programs" ]; then
  cmake --build "$build" -j "$jobs" --target actorkv actorkv_static
  exec ctest --test-dir "$build" --output-on-failure --no-tests=error \
    -R "^$name"
fi

cmake --build "$build" -j "$jobs" $(printf ' --target %s' $programs)
for program in $programs; do
  TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
    "$build/$program" --gtest_brief=1 --gtest_filter="*$name*"
done
