#!/bin/bash
# Process 1 of a node.  The kernel hands over its variables: NODE (number), SYSTEM, STAGE, SHARE, PYTHON (paths on the
# host), VERSION, OPTIONS (of the mount), LEASE (seconds, server), SKEW (seconds).
#
# The first root is the host's tree, read-only.  `build` lays a writable memory over the tools over that tree, and goes on
# in there as `live`.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
say() { echo "NODE $*" >/dev/console; }

build() {
    mount -t tmpfs -o size=60% none /mnt && mkdir /mnt/{upper,work,root,layer}
    # As a mount of its own: as a folder of the tree below, overlayfs calls it an overlap.
    mount -t hostfs -o "$SYSTEM/layer" none /mnt/layer
    # The host may have no insmod; its link in the layer leads to /bin/kmod, which goes by the name that it is called by.
    (exec -a insmod "$SYSTEM/layer/usr/bin/kmod" "$SYSTEM/layer/usr/lib/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko")
    mount -t overlay -o lowerdir=/mnt/layer:/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root || exec sleep infinity
    cd /mnt/root
    mount -t proc none proc
    mount -t sysfs none sys
    mount -t devtmpfs none dev
    mkdir -p dev/pts dev/shm rigshare
    mount -t devpts none dev/pts
    for folder in dev/shm run tmp; do mount -t tmpfs none $folder; done
    mount -t hostfs -o "$SHARE" none rigshare
    exec chroot /mnt/root "$STAGE/node/init.sh" live
}

identify() {
    hostname "n$NODE"
    printf '%032x\n' "$((0xd59 + NODE))" >/etc/machine-id
    echo '127.0.0.1 localhost' >/etc/hosts
    for n in 0 1 2 3 4 5 6 7 8 9; do echo "10.77.0.$((10 + n)) n$n"; done >>/etc/hosts
    echo 'hosts: files' >/etc/nsswitch.conf
    : >/etc/resolv.conf
    # rpcbind and statd give up root for these.
    grep -q ^_rpc: /etc/passwd || echo '_rpc:x:107:65534::/run/rpcbind:/usr/sbin/nologin' >>/etc/passwd
    grep -q ^statd: /etc/passwd || echo 'statd:x:108:65534::/var/lib/nfs:/usr/sbin/nologin' >>/etc/passwd
    [ "${SKEW:-0}" = 0 ] || date -s "@$(($(date +%s) + SKEW))" >/dev/null
}

connect() {
    ip link set lo up
    ip addr add "10.77.0.$((10 + NODE))/24" dev vec0
    ip addr add "10.78.0.$((10 + NODE))/24" dev vec1
    ip link set vec0 up
    ip link set vec1 up
    setsid "$PYTHON" -I -S "$STAGE/node/agent.py" "10.78.0.$((10 + NODE))" </dev/null >/tmp/agent.log 2>&1 &
    mkdir -p /mnt/spool /srv /var/lib/nfs /run/rpcbind
    printf '[general]\npipefs-directory=/var/lib/nfs/rpc_pipefs\n' >/etc/nfs.conf
    rm -rf /etc/nfs.conf.d
}

server() {
    modprobe nfsd
    # What clients and locks the server knows lies on its disk: it survives a power loss.
    mount -t ext4 -o errors=continue /dev/ubda /srv
    mkdir -p /srv/spool /srv/.nfs/{sm,sm.bak,nfsdcld,v4recovery,rpc_pipefs}
    chmod 1777 /srv/spool
    mount --bind /srv/.nfs /var/lib/nfs
    touch /var/lib/nfs/{etab,rmtab,state}
    mount -t rpc_pipefs none /var/lib/nfs/rpc_pipefs
    mount -t nfsd none /proc/fs/nfsd
    # A lease time under 10 s is ignored without a word.
    echo "$LEASE" >/proc/fs/nfsd/nfsv4leasetime
    echo "$LEASE" >/proc/fs/nfsd/nfsv4gracetime
    echo "$LEASE" >/proc/sys/fs/nfs/nlm_grace_period 2>/dev/null
    # The root is an overlay, which cannot be the pseudo-root of v4: fsid=0 makes the export that.
    echo "/srv/spool *(rw,sync,no_subtree_check,no_root_squash,fsid=0)" >/etc/exports
    rpcbind -w
    nfsdcld
    rpc.statd --no-notify
    exportfs -ra
    rpc.mountd
    rpc.nfsd 4
    sm-notify -f
}

client() {
    local source=/
    if [ "$VERSION" = 3 ]; then
        source=/srv/spool
        modprobe nfsv3
        # On a real node statd's notes survive a power loss too; without them its locks are never freed.
        mkdir -p "/rigshare/.nfs$NODE/sm" "/rigshare/.nfs$NODE/sm.bak"
        mount --bind "/rigshare/.nfs$NODE" /var/lib/nfs
        rpcbind -w
        rpc.statd --no-notify
        sm-notify
    else
        modprobe nfsv4
    fi
    until (exec 3<>/dev/tcp/10.77.0.10/2049) 2>/dev/null; do sleep 0.1; done
    until mount -t nfs -o "vers=$VERSION,$OPTIONS" "10.77.0.10:$source" /mnt/spool; do
        say "mount: again"
        sleep 0.5
    done
}

[ "$1" = live ] || build
identify
connect
if [ "$NODE" = 0 ]; then server; else client; fi
say READY
while :; do wait -n 2>/dev/null || sleep 1000; done
