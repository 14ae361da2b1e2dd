#!/bin/bash
# Process 1 of a node of the stale ground, in fresh mount, UTS and PID namespaces.  The environment names NODE, BASE (the
# ground's folder on the host), FOLDER (what is shared), SHARE (where it is mounted), AGENT, PYTHON, SECONDS_CACHED.
#
# It ends with its agent, which ends when nobody holds its stdin any more; with process 1 the kernel kills all others.
set -e
exec 3<&0
mount -t proc proc /proc
echo "$NODE" >/proc/sys/kernel/hostname
mount --bind "$BASE/$NODE.machine-id" /etc/machine-id
mount --bind "$BASE/$NODE.boot-id" /proc/sys/kernel/random/boot_id

for cache in attr_timeout entry_timeout negative_timeout ac_attr_timeout; do
    options+="${options:+,}$cache=$SECONDS_CACHED"
done
bindfs -f -o "$options" "$FOLDER" "$SHARE" </dev/null 3<&- &
echo $! >"$BASE/$NODE.bindfs"
until mountpoint -q "$SHARE"; do
    kill -0 $! || exit 1
    sleep 0.01
done

"$PYTHON" -I -S "$AGENT" "$BASE/$NODE.socket" --leash <&3 3<&- &
agent=$!
exec 3<&-
# While it waits, bash takes in every orphan that ends.
wait $agent
