#!/bin/bash
# run-suite.sh TESTFIXTURE MODULE|unix [NAME...]
#
# Runs the test files of suite.list, or those named, with the module's VFS as
# default of the process; see README.md for what counts as failed. One line a
# file as it ends, the totals last. Exits 0 only when errors, short and dead
# are all 0. Environment:
#   JOBS           how many files at once (2)
#   EXT_VFS        the name of the VFS, if the module registers several
#   EXT_ENTRY      the entry point, if it is not the default one
#   EXT_INIT_SQL   SQL to run once after loading
#   EXT_DELETE_SQL SQL that takes the name $full (in the VFS) out of the way,
#                  for instance to $trash, where xDelete cannot
#   EXT_PREFIX     put before every file name; %d is the run directory of the
#                  test file. Slashes after it become '+'
#   SUITE_FLAGS    "single": only files with one connection on a database
#   SUITE_TIMEOUT  seconds a file (300)
#   SUITE_TESTS    directory of the test files (from TESTFIXTURE)
#   SUITE_LIST     another list
#   SUITE_KEEP     1: keep the run directory, with one log a file
set -u
here=$(cd "$(dirname "$0")" && pwd)
testfixture=$(readlink -f "$1")
module=
if [ "$2" != unix ]; then module=$(readlink -f "$2"); fi
shift 2
build=$(dirname "$testfixture")
tests=${SUITE_TESTS:-$(dirname "$build")/src/test}
run=$(mktemp -d "${TMPDIR:-/tmp}/suite.XXXXXX")
prefix=${EXT_PREFIX:-}
helper=$run/libextvfs.so
gcc -O1 -shared -fPIC -I"$build" -I/usr/include/tcl8.6 \
  "$here/extvfs.c" -o "$helper" || exit 2

# find_test NAME: the path of the test file.
find_test() {
  local path
  for path in "$tests/$1.test" "$tests"/../ext/*/"$1.test" \
    "$tests"/../ext/*/test/"$1.test"; do
    if [ -f "$path" ]; then echo "$path" && return; fi
  done
}

# is_ignored NAME TEST: does suite.ignore name the test?
is_ignored() {
  local file pattern reason
  while IFS=$'\t' read -r file pattern reason; do
    # shellcheck disable=SC2053 # the pattern is a glob
    if [ "$file" = "$1" ] && [[ $2 == $pattern ]]; then return 0; fi
  done <"$here/suite.ignore"
  return 1
}

# report NAME BASELINE SECONDS RC: one line, and the counts into NAME.counts
# (tests errors ignored short dead).
report() {
  local name=$1 baseline=$2 seconds=$3 rc=$4
  local log=$run/$name.log line count errors=0 ignored=0 short=0 bad= state=ok
  line=$(grep -aE '^[0-9]+ errors out of [0-9]+ tests' "$log" | tail -1)
  if [ -z "$line" ]; then
    line=$(grep -av '^$' "$log" | tail -1 | cut -c1-160)
    echo "DEAD  $name rc=$rc ${seconds}s  last: $line"
    echo "0 0 0 0 1" >"$run/$name.counts"
    return
  fi
  count=$(echo "$line" | awk '{ print $5 }')
  for test in $(sed -n 's/^!Failures on these tests://p' "$log"); do
    if is_ignored "$name" "$test"; then
      ignored=$((ignored + 1))
    else
      errors=$((errors + 1))
      bad="$bad $test"
    fi
  done
  if [ "$ignored" -gt 0 ]; then state="ok ($ignored ignored)"; fi
  if [ "$count" -lt "$baseline" ]; then
    short=1
    state="SHORT (baseline $baseline)"
  fi
  if [ "$errors" -gt 0 ]; then state="FAIL:${bad:0:300}"; fi
  if grep -qa '^Unfreed memory' "$log"; then
    state="$state [memory of sqlite3_malloc not freed at exit]"
  fi
  printf '%-16s %7s tests %4s errors %7ss  %s\n' \
    "$name" "$count" "$errors" "$seconds" "$state"
  echo "$count $errors $ignored $short 0" >"$run/$name.counts"
}

# run_file NAME BASELINE: runs one test file in its own directory.
run_file() {
  local name=$1 baseline=$2 dir=$run/$1 begin end rc
  mkdir -p "$dir"
  begin=$(date +%s%N)
  (
    cd "$dir" || exit 1
    export EXT_PREFIX=${prefix//%d/$dir}
    exec timeout "${SUITE_TIMEOUT:-300}" "$testfixture" "$here/ext_run.tcl" \
      "$helper" "$module" "$(find_test "$name")"
  ) >"$run/$name.log" 2>&1 </dev/null
  rc=$?
  end=$(date +%s%N)
  report "$name" "$baseline" \
    "$(awk -v ns=$((end - begin)) 'BEGIN { printf "%.2f", ns / 1e9 }')" "$rc"
  rm -rf "$dir"
}

begin=$SECONDS
wanted=" $* "
running=0
while IFS=$'\t' read -r name baseline flags rest; do
  case $name in '' | '#'*) continue ;; esac
  if [ $# -gt 0 ] && [[ $wanted != *" $name "* ]]; then continue; fi
  if [ "${SUITE_FLAGS:-}" = single ] && [[ ",$flags," == *,multi,* ]]; then
    continue
  fi
  # One file of a minute: by its name, or where no machine waits for the end.
  if [ $# -eq 0 ] && [ -n "${CI:-}" ] && [[ ",$flags," == *,slow,* ]]; then
    echo "$name: left out, it is slow"
    continue
  fi
  if [ "$running" -ge "${JOBS:-2}" ]; then
    wait -n
    running=$((running - 1))
  fi
  run_file "$name" "$baseline" &
  running=$((running + 1))
done <"${SUITE_LIST:-$here/suite.list}"
wait

cat "$run"/*.counts /dev/null | awk -v seconds=$((SECONDS - begin)) '
  { tests += $1; errors += $2; ignored += $3; short += $4; dead += $5 }
  END {
    printf "TOTAL files %d tests %d errors %d ignored %d short %d dead %d " \
      "seconds %d\n", NR, tests, errors, ignored, short, dead, seconds
    exit !(NR > 0 && errors + short + dead == 0)
  }'
status=$?
if [ "${SUITE_KEEP:-}" = 1 ]; then echo "logs: $run"; else rm -rf "$run"; fi
exit $status
