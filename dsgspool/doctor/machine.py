"""Is this machine one that a worker can live on, and one that the others can tell from themselves?

The rule: what is read here is this machine's own (/proc, /sys); of other machines only what their workers wrote down.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator, Mapping
from importlib import metadata

from dsgspool import cgroups, proc
from dsgspool.doctor import raw
from dsgspool.doctor.values import Finding, Status, some
from dsgspool.proc import Identity

FILES, FILES_PER_SLOT = 128, 4  #: descriptors that a worker needs, and for each running command
NAMELESS = frozenset({"", "localhost", "localhost.localdomain", "(none)"})


def examine(others: Mapping[str, Identity]) -> Iterator[Finding]:
    """`others`: what the living workers say of themselves, by WID."""
    me = proc.identity()
    yield _identity(me)
    yield clashes(me, others)
    yield _processes(me)
    yield _limits()
    yield _cgroup()
    yield _versions()


def _identity(me: Identity) -> Finding:
    facts = {"host": me.host, "machine_id": me.machine_id, "boot_id": me.boot_id, "pid_namespace": me.pid_namespace}
    if me.host.lower() in NAMELESS:
        text = f"this machine is called {me.host!r}: NFS v4 servers and worker ids tell machines by their names"
        return _found("identity", Status.WARN, text, "hostnamectl set-hostname NAME", facts=facts)
    missing = [name for name in ("machine_id", "boot_id", "pid_namespace") if not facts[name]]
    if missing:
        text = f"{some(missing)} cannot be read: after a crash a dead worker here is known only when its lease is over"
        remedy = "systemd-machine-id-setup makes /etc/machine-id; a container needs /proc"
        return _found("identity", Status.WARN, text, remedy, facts=facts)
    return _found(
        "identity", Status.OK, f"host {me.host}, machine-id {me.machine_id[:8]}..., boot id readable", facts=facts
    )


def clashes(me: Identity, others: Mapping[str, Identity]) -> Finding:
    """Two living machines with one name or one machine-id; `others` are alive, so none of them is my own past."""
    foreign = {wid: other for wid, other in others.items() if not (other.boot_id and other.boot_id == me.boot_id)}
    clones = [wid for wid, other in foreign.items() if me.same_machine(other)]
    names = [wid for wid, other in foreign.items() if other.host == me.host and wid not in clones]
    ids = [wid for wid, other in foreign.items() if other.machine_id == me.machine_id != "" and wid not in clones]
    facts = {"clones": clones, "same_name": names, "same_machine_id": ids, "living": sorted(others)}
    remedy = (
        "give each machine its own: hostnamectl set-hostname NAME; rm /etc/machine-id; systemd-machine-id-setup; reboot"
    )
    if clones:
        text = f"another living machine has this one's name and machine-id ({some(clones)}): cloned from one image?"
        return _found("clash", Status.FAIL, text, remedy, facts=facts)
    if names:
        text = f"another living machine is called {me.host} too ({some(names)}): an NFS v4 server may take both for one"
        return _found("clash", Status.WARN, text, remedy, facts=facts)
    if ids:
        text = f"another living machine has this one's machine-id ({some(ids)}): cloned from one image?"
        return _found("clash", Status.WARN, text, remedy, facts=facts)
    return _found("clash", Status.OK, f"name and machine-id differ from those of all {len(others)} living workers' machines"
                  if others else "no living worker on another machine to clash with", facts=facts)  # fmt: skip


def _processes(me: Identity) -> Finding:
    if not me.start:
        text = "/proc does not show this very process: no worker can start or tell who is dead"
        return _found("processes", Status.FAIL, text, "mount -t proc proc /proc")
    try:
        proc.become_subreaper()
    except OSError as error:
        word = errno.errorcode.get(error.errno or 0, "error")
        text = f"this kernel or container refuses child subreapers ({word}): what tasks leave behind cannot be killed"
        return _found("processes", Status.FAIL, text, "allow prctl(2) in the container's seccomp profile")
    return _found("processes", Status.OK, f"processes can be seen and collected; {proc.usable_cpus()} CPUs may be used",
                  facts={"cpus": proc.usable_cpus()})  # fmt: skip


def _limits() -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES + FILES_PER_SLOT * proc.usable_cpus()
    facts = {
        "open_files": hard,
        "needed": needed,
        "inotify_instances": raw.text_of("/proc/sys/fs/inotify/max_user_instances"),
    }
    if hard != resource.RLIM_INFINITY and hard < needed:
        text = f"a process may open {hard} files, a worker with {proc.usable_cpus()} slots needs {needed}"
        return _found(
            "limits",
            Status.FAIL,
            text,
            "raise `nofile` in /etc/security/limits.conf, or start fewer slots",
            facts=facts,
        )
    return _found(
        "limits", Status.OK, f"open files: {'no limit' if hard == resource.RLIM_INFINITY else hard}", facts=facts
    )


def _cgroup() -> Finding:
    """Where a worker that is started from here would live, and whether it may divide that."""
    found = cgroups.place({os.getpid(), os.getppid()})  # the examination is a child of the command
    facts = {"path": found.folder, "obstacle": found.obstacle}
    if not found.obstacle:
        text = f"a worker started here has the kernel keep the memory of tasks: {found.folder} is its own to divide"
        return _found("cgroup", Status.OK, text, facts=facts)
    where = f"{found.folder}: " if found.folder else ""
    text = f"limits of memory are watched, not kept by the kernel: {where}{found.obstacle}"
    helps = found.folder and cgroups.has_systemd()
    remedy = "systemd-run --user --scope -p Delegate=yes dsgspool worker" if helps else ""
    return _found("cgroup", Status.NOTE, text, remedy, facts=facts)


def _versions() -> Finding:
    found = {name: metadata.version(name) for name in ("filelock", "psutil", "watchdog", "PyYAML")}
    known = ", ".join(f"{name} {version}" for name, version in found.items())
    umask = os.umask(0o077)
    os.umask(umask)
    facts = {**found, "umask": f"{umask:04o}"}
    if umask & 0o700:
        text = f"umask {umask:04o} takes your own rights away: what you make you cannot read"
        return _found("umask", Status.FAIL, text, "umask 022", facts=facts)
    return _found("umask", Status.OK, f"umask {umask:04o}; {known}", facts=facts)


def _found(
    name: str, status: Status, text: str, remedy: str = "", facts: Mapping[str, object] | None = None
) -> Finding:
    return Finding(f"machine.{name}", "machine", status, text, remedy, facts or {})
