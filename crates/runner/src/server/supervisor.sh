# Owns one server for as long as this script's standard input stays open, and leaves nothing behind.
#   sh -c SCRIPT pgproof RUN_DIRECTORY CACHED_DATA_DIRECTORY POSTGRES [ARGUMENT...]
# A line "keep" on standard input makes the server outlive its owner: then whoever stops the server ends the script.
umask 077
trap '' HUP INT TERM
directory=$1 cache=$2
shift 2
exec 3<&0 </dev/null
mkdir "$directory" || exit 1
echo $$ >"$directory/supervisor.pid"
if cp -R "$cache" "$directory/data" 2>>"$directory/server.log"; then
    "$@" >>"$directory/server.log" 2>&1 3<&- &
    server=$!
    (
        while read -r word <&3; do
            [ "$word" = keep ] && exit
        done
        [ -e "$directory/ended" ] || kill -QUIT "$server"
    ) &
    owner=$!
    exec 3<&-
    wait "$server"
    echo $? >"$directory/ended"
    wait "$owner"
else
    echo copy >"$directory/ended"
    while read -r word <&3; do :; done
fi
rm -rf "$directory"
