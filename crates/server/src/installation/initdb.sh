# Fills an entry of the cache, in a process group of its own: whoever is killed, the entry is completed, and what an
# earlier process left in it is removed.
#   sh -c SCRIPT pgproof ENTRY POSTGRES INITDB [ARGUMENT...]
# Standard input is the lock of the entry. Every process below inherits it, so the lock ends with the last of them.
umask 077
trap '' HUP INT TERM
entry=$1 postgres=$2
shift 2
exec 3<&0 </dev/null
unfinished=$entry/unfinished

# PostgreSQL removes the shared memory of its predecessor in the same directory. The lock is ours: that one is dead.
clear() {
    if [ -e "$unfinished/postmaster.pid" ]; then
        rm -f "$unfinished/postmaster.pid"
        # The second is how 14 does it.
        "$postgres" --check -D "$unfinished" || "$postgres" --boot -x0 -D "$unfinished"
    fi >/dev/null 2>&1
    rm -rf "$unfinished"
}

clear
# What is there is damaged, and is renamed before it is removed, so that half of it is never used.
[ ! -e "$entry/data" ] || mv "$entry/data" "$unfinished" || exit 1
clear
# The owner may not be there to read the output; it is written at once.
output=$("$@" -D "$unfinished" 2>&1)
status=$?
if [ $status -eq 0 ]; then
    output=$(mv "$unfinished" "$entry/data" 2>&1)
    status=$?
fi
[ $status -eq 0 ] && exit 0
clear
printf '%s\n' "$output"
exit $status
