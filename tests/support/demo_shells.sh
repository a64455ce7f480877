# demo_shells.sh, read by demo.sh: two shells that write to one actor in turns,
# both with the database open all the time.

# begin_shell NAME: a shell with the module, which hears and says by NAME.in and
# NAME.out. Its pid goes to shell_pid.
begin_shell() {
  mkfifo "$1.in" "$1.out"
  stdbuf -oL sqlite3 -batch -cmd '.load ./actorkv' <"$1.in" >"$1.out" 2>&1 &
  shell_pid=$!
}

# tell NAME IN OUT STATEMENT: by the descriptors IN and OUT, its answer shown.
tell() {
  local line
  printf '%s> %s\n' "$1" "$4"
  printf '%s\n.print "end of answer"\n' "$4" >&"$2"
  while read -r -t 30 -u "$3" line; do
    [ "$line" != "end of answer" ] || return 0
    printf '%s\n' "$line"
  done
  echo "the shell $1 does not answer" >&2
  exit 1
}

title "Two shells at once: each writes, and sees what the other one wrote"
open_shared=".open 'file:demo.store/shared?vfs=actorkv'"
begin_shell one
one_pid=$shell_pid
exec {one_in}>one.in {one_out}<one.out
tell one "$one_in" "$one_out" "$open_shared"
tell one "$one_in" "$one_out" \
  "CREATE TABLE message(id INTEGER PRIMARY KEY, sender TEXT, pid INT);"
begin_shell two
two_pid=$shell_pid
exec {two_in}>two.in {two_out}<two.out
tell two "$two_in" "$two_out" "$open_shared"
for turn in 1 2; do
  tell one "$one_in" "$one_out" \
    "INSERT INTO message(sender, pid) VALUES ('one', $one_pid);"
  tell two "$two_in" "$two_out" \
    "INSERT INTO message(sender, pid) VALUES ('two', $two_pid);"
done
tell one "$one_in" "$one_out" "SELECT * FROM message;"
echo "\$ kill -9 $one_pid   # it had the store open first"
exec {one_in}>&-
kill -9 "$one_pid"
wait "$one_pid" 2>/dev/null || true
tell two "$two_in" "$two_out" \
  "INSERT INTO message(sender, pid) VALUES ('two', $two_pid);"
tell two "$two_in" "$two_out" "SELECT count(*) FROM message;"
exec {two_in}>&-
wait "$two_pid"
exec {one_out}<&- {two_out}<&-
expect 5 ".open 'file:demo.store/shared?vfs=actorkv'
SELECT count(*) FROM message;"
