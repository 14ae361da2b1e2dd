"""What the mount table says about the mount that the spool is on.  Pure: nothing here touches it.

The rule: an option is called by its name as it stands in /proc/self/mountinfo, with what it means for a spool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dsgspool.conditions import digits
from dsgspool.doctor.values import Finding, Status
from dsgspool.mounts import Mount
from dsgspool.settings import Settings

#: File systems that lie in this machine alone and that rename, O_EXCL and flock are known to work on.
LOCAL = frozenset({"ext4", "ext3", "ext2", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "overlay", "reiserfs", "jfs"})
MEMORY = frozenset({"tmpfs", "ramfs"})
DEFAULT_CACHE = 60.0  #: seconds: acregmax of an NFS client


def examine(mount: Mount, settings: Settings) -> Iterator[Finding]:
    """Everything that the options tell."""
    yield _kind(mount)
    if mount.is_nfs:
        yield _hard(mount, settings)
        yield _locks(mount)
        yield _cache(mount, settings)
        yield _export()
    if "ro" in mount.options:
        yield _found("write", Status.FAIL, "it is mounted read-only", f"mount -o remount,rw {mount.point}")


def _found(
    name: str, status: Status, text: str, remedy: str = "", facts: Mapping[str, object] | None = None
) -> Finding:
    return Finding(f"mount.{name}", "mount", status, text, remedy, facts or {})


def _kind(mount: Mount) -> Finding:
    facts: dict[str, object] = {
        "point": mount.point,
        "kind": mount.kind,
        "source": mount.source,
        "options": sorted(mount.options),
    }
    name = f"{mount.point} is {mount.kind}"
    if mount.is_nfs:
        return _nfs(mount, facts)
    if mount.kind in MEMORY:
        text = f"{name}: it lies in memory and is gone after a restart of this machine"
        return _found("kind", Status.WARN, text, "keep the spool on a disk or a share", facts=facts)
    if mount.kind in LOCAL:
        return _found("kind", Status.OK, f"{name}: local, for workers on this machine", facts=facts)
    if mount.is_remote or mount.kind == "fuse":
        text = f"{name}: a network or FUSE file system that dsgspool is not tested on (tested: local, NFS v3, v4.2)"
        return _found(
            "kind", Status.WARN, text, "run `dsgspool doctor --peer` on two nodes and look at the answers", facts=facts
        )
    return _found("kind", Status.NOTE, f"{name}: taken for local; dsgspool does not know this kind", facts=facts)


def _nfs(mount: Mount, facts: dict[str, object]) -> Finding:
    version = mount.value("vers") or "?"
    text = f"{mount.point} is NFS v{version} from {mount.source}"
    facts["version"] = version
    if version.startswith(("2", "3")):
        text += ": a change of a folder may stay unseen here until its next one; dsgspool makes that one, plain `ls` may lag"
        return _found("kind", Status.NOTE, text, "NFS v4.1 or later has no such gap: mount -o vers=4.2", facts=facts)
    return _found("kind", Status.OK, text, facts=facts)


def _hard(mount: Mount, settings: Settings) -> Finding:
    if not mount.is_soft:
        return _found(
            "hard", Status.OK, "hard: calls wait until the server is back, none fails while it may still happen"
        )
    word = "softerr" if "softerr" in mount.options else "soft"
    text = f"`{word}` mount: a call that fails may still happen later, so tasks can be lost or run twice"
    if settings.allow_soft_mount:
        return _found("hard", Status.WARN, f"{text}; spool.yaml allows it", "mount it with `hard`")
    return _found(
        "hard", Status.FAIL, f"{text}; workers refuse it", f"mount it with `hard`: {mount.point} in /etc/fstab"
    )


def _locks(mount: Mount) -> Finding:
    local = mount.value("local_lock") or "none"
    words = [word for word in ("nolock", f"local_lock={local}" if local != "none" else "") if word in mount.options]
    if not words:
        return _found(
            "locks", Status.OK, "locks are the server's: they hold between nodes", facts={"local_lock": local}
        )
    text = f"`{','.join(words)}`: locks hold on this machine only, other nodes do not see them"
    remedy = "dsgspool does not rely on them between nodes, your own programs may: mount without it"
    return _found("locks", Status.WARN, text, remedy, facts={"local_lock": local})


def _cache(mount: Mount, settings: Settings) -> Finding:
    longest = float(mount.value("acregmax") or mount.value("actimeo") or DEFAULT_CACHE)
    lookup = mount.value("lookupcache") or "all"
    facts = {
        "acregmax": longest,
        "lookupcache": lookup,
        "noac": "noac" in mount.options,
        "nocto": "nocto" in mount.options,
    }
    if "nocto" in mount.options:
        text = "`nocto`: an open does not ask the server, so heartbeats of living workers look old and their tasks run twice"
        return _found("cache", Status.FAIL, text, "mount it without `nocto`", facts=facts)
    if "noac" in mount.options:
        text = "`noac`: nothing is cached; every look asks the server, which is slow and not needed"
        return _found("cache", Status.NOTE, text, facts=facts)
    told = f"attributes are cached up to {digits(longest)} s, names: {lookup}"
    if lookup == "none":
        return _found(
            "cache",
            Status.NOTE,
            f"{told}; `lookupcache=none` costs a question to the server for each name",
            facts=facts,
        )
    if longest > max(DEFAULT_CACHE, settings.lease):
        text = f"{told}; people who look with `ls -l` or `tail -f` may see what is {digits(longest)} s old"
        return _found("cache", Status.WARN, text, "mount it with acregmax=60 or less", facts=facts)
    return _found("cache", Status.OK, f"{told}; `dsgspool` asks the server where it matters", facts=facts)


def _export() -> Finding:
    text = "whether the server writes to its disk before it answers cannot be seen from here (`sync` or `async` export)"
    return _found("export", Status.NOTE, text, "on the server `exportfs -v` must say sync")
