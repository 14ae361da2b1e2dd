"""Kernel and NFS tools: downloaded as Debian packages on first use, unpacked below the cache, not installed.

The rule: what is there is whole: everything is made beside its place and renamed into it.

    system-1/uml/      the kernel (a program) and its modules
    system-1/layer/    laid over this machine's own tree to be a node's root: NFS tools, modules, missing libraries
    system-1/xstate.so see node/xstate.c; only where the CPU needs it
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.nfs.rig.need import needs_shim
from tests.nfs.rig.places import CACHE, INSIDE, SYSTEM

KERNEL = "user-mode-linux"
TOOLS = (
    "nfs-common", "nfs-kernel-server", "rpcbind", "keyutils", "kmod", "iproute2", "libtirpc3", "libtirpc-common", "libnfsidmap1",
    "libevent-core-2.1-7", "libkeyutils1", "libwrap0", "libnl-3-200",
)  # fmt: skip


def fetch() -> None:
    """Make SYSTEM unless it is there."""
    if SYSTEM.exists():
        return
    making = CACHE / f"making-{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    packages = making / "packages"
    packages.mkdir(parents=True)
    _download(packages)
    _unpack(packages, making)
    shutil.rmtree(packages)
    if needs_shim():
        shim = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(making / "xstate.so"), str(INSIDE / "xstate.c"), "-ldl"]
        subprocess.run(shim, check=True)
    try:
        making.rename(SYSTEM)
    except OSError:  # somebody else was faster
        shutil.rmtree(making)


def _download(folder: Path) -> None:
    """Our list, and what this machine lacks of the libraries behind it."""
    if _apt(folder, "download", *TOOLS, KERNEL).returncode:
        _apt(folder, "update").check_returncode()
        _apt(folder, "download", *TOOLS, KERNEL).check_returncode()
    plan = _apt(folder, "install", "--simulate", "--no-install-recommends", *TOOLS).stdout.splitlines()
    behind = {line.split()[1] for line in plan if line.startswith("Inst ")} - {*TOOLS, KERNEL}
    if behind:
        _apt(folder, "download", *sorted(behind)).check_returncode()


def _apt(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _unpack(packages: Path, target: Path) -> None:
    tree = target / "tree"
    for package in packages.glob("*.deb"):
        into = target / "uml" if package.name.startswith(KERNEL) else tree
        subprocess.run(["dpkg-deb", "-x", str(package), str(into)], check=True)
    # Where /bin is a link to /usr/bin, a folder /bin of a lower layer would hide it.
    for top in ("bin", "sbin", "lib"):
        if (tree / top).is_dir():
            shutil.copytree(tree / top, tree / "usr" / top, symlinks=True, dirs_exist_ok=True)
    layer = target / "layer"
    for top in ("usr", "etc"):
        shutil.copytree(tree / top, layer / top, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(tree)
    shutil.rmtree(layer / "usr/share", ignore_errors=True)
    shutil.rmtree(layer / "usr/lib/systemd", ignore_errors=True)
    shutil.copytree(target / "uml/usr/lib/uml/modules", layer / "usr/lib/modules", dirs_exist_ok=True)
