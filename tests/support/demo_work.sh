#!/bin/bash
# demo_work.sh
#
# The last part of demo.sh, which sources it: a second shell looks how far the
# migration in the first one is. Both are real, and nothing is slowed down, so
# a migration that the second shell missed is undone and made again.

title "A legacy actor with the same database"
session <<'SQL'
SELECT actorkv_store('demo.store') AS store;
SELECT actorkv_export('packages', 'packages.jsonl', 'jsonl') > 0 AS exported;
SELECT actorkv_import('again', 'packages.jsonl') AS page_count;
SQL

# The looks of the second shell at a migration, at most. They end with it.
looks=5000

# migrate_and_watch: migrates in one shell; prints what another one sees.
migrate_and_watch() {
  rm -f migrated
  {
    sqlite3 -batch -bail -cmd '.load ./actorkv' :memory: \
      "SELECT actorkv_migrate('demo.store/again')" >state.txt
    touch migrated
  } &
  {
    echo ".load ./actorkv"
    echo "SELECT actorkv_store('demo.store') IS NULL;"
    for ((look = 0; look < looks; look++)); do
      if [ -e migrated ]; then break; fi
      echo "SELECT what, actor, phase, done_bytes, total_bytes,"
      echo " rate_bytes_per_s, pid FROM actorkv_work;"
      sleep 0.01
    done
  } | sqlite3 -batch -bail >seen.txt
  wait
  [ "$(cat state.txt)" = live ]
}

title "The migration in one shell, and what a second one sees of it"
for attempt in 1 2 3 4 5; do
  migrate_and_watch
  if grep -q '|copy|' seen.txt; then break; fi
  echo "attempt $attempt was over before the second shell looked"
  expect legacy "SELECT actorkv_unmigrate('demo.store/again');"
done
echo "\$ sqlite3    -- the first shell"
echo "SELECT actorkv_migrate('demo.store/again');"
echo "\$ sqlite3    -- the second one, while that goes on"
echo "SELECT what, actor, phase, done_bytes, total_bytes, rate_bytes_per_s, pid"
echo "  FROM actorkv_work;"
# Of all looks one for each quarter of a phase.
awk -F'|' 'NF == 7 && !shown[$3, int(4 * $4 / ($5 + 1))]++' seen.txt
grep -q '|copy|' seen.txt
expect 'live|ok' ".open 'file:demo.store/again?vfs=actorkv'
SELECT (SELECT state FROM actorkv_actors WHERE actor = 'again'),
       (SELECT * FROM pragma_quick_check);"
