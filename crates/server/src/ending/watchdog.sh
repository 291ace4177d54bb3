# Runs one server for as long as this script's standard input stays open, and leaves nothing behind.
#   sh -c SCRIPT pgproof RUN_DIRECTORY CACHED_DATA_DIRECTORY POSTGRES [ARGUMENT...]
# A line "keep" on standard input makes the server outlive its owner: then stopping the server ends the script.
umask 077
trap '' HUP INT TERM
directory=$1 cache=$2
shift 2
exec 3<&0 </dev/null
mkdir "$directory" || exit 1
echo "$$ $PGPROOF_NAMESPACE" >"$directory/watchdog.pid"

# What a server leaves that was killed: processes, which may be long in noticing it, and shared memory. PostgreSQL removes
# the shared memory of its predecessor in the same directory.
clear_after_kill() {
    for process in /proc/[0-9]*; do
        [ "$process/cwd" -ef "$directory/data" ] && kill -KILL "${process#/proc/}"
    done
    rm -f "$directory/data/postmaster.pid"
    # The second is how 14 does it.
    "$1" --check -D "$directory/data" || "$1" --boot -x0 -D "$directory/data"
}

if cp -R "$cache" "$directory/data" 2>>"$directory/server.log"; then
    "$@" >>"$directory/server.log" 2>&1 3<&- &
    server=$!
    (
        while read -r word <&3; do
            [ "$word" = keep ] && exit
        done
        # A shell's background process ignores SIGQUIT until the server sets its handler, so one signal may not suffice.
        tries=0
        while [ ! -e "$directory/ended" ] && [ $tries -lt 80 ] && kill -QUIT "$server" 2>/dev/null; do
            tries=$((tries + 1))
            sleep 0.05
        done
        [ -e "$directory/ended" ] || kill -KILL "$server" 2>/dev/null
    ) &
    owner=$!
    exec 3<&-
    wait "$server"
    echo $? >"$directory/ended"
    # The owner still reads the log.
    wait "$owner"
    # A server that ends by itself removes its lock file, even if it is asked to end at once.
    if [ -e "$directory/data/postmaster.pid" ]; then
        clear_after_kill "$1" >/dev/null 2>&1
    fi
else
    echo copy >"$directory/ended"
    while read -r word <&3; do :; done
fi
# A suite that is just ending may still write there.
tries=0
until rm -rf "$directory" 2>/dev/null || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
