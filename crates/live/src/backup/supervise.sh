# Runs one client program for as long as this script's standard input stays open, and prints its exit status. When the input
# closes, the program is ended if it still runs, and what is private or unfinished is removed.
#   sh -c SCRIPT pgproof PRIVATE_DIRECTORY UNFINISHED PROGRAM [ARGUMENT...]
umask 077
private=$1 unfinished=$2
shift 2
exec 3<&0 </dev/null
"$@" >/dev/null 3<&- &
program=$!
trap 'kill "$program" 2>/dev/null' HUP INT TERM
# Nobody may read any more what this script and its shell say.
trap '' PIPE
(
    exec >/dev/null 2>&1
    while read -r word <&3; do :; done
    [ -e "$private/ended" ] && exit
    kill "$program"
    sleep 2
    [ -e "$private/ended" ] || kill -KILL "$program"
) &
owner=$!
exec 3<&-
wait "$program"
status=$?
echo >"$private/ended"
echo "$status" 2>/dev/null
exec >/dev/null 2>&1
wait "$owner"
rm -rf "$private" "$unfinished"
