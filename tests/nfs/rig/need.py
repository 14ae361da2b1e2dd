"""What this machine must be able to do, and what it lacks, in words.

The rule: asked before anything is fetched or made; each answer names the one capability that is missing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.nfs.rig.places import CACHE, HIDDEN, MEMORY, PYTHON, SYSTEM

TOOLS = {"ip": "iproute2", "bridge": "iproute2", "mkfs.ext4": "e2fsprogs", "nsenter": "util-linux", "dpkg-deb": "dpkg"}


def missing() -> str:
    """Why no rig can be booted here; '' when one can."""
    if platform.machine() != "x86_64":
        return f"User-Mode Linux is there for x86_64 only, this is {platform.machine()}"
    if os.geteuid() != 0:
        return "needs root: it makes network namespaces"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "needs /dev/net/tun: nodes are plugged in by tap devices"
    if not MEMORY.is_dir():
        return f"needs {MEMORY}: the memory of nodes lies there"
    for path in (PYTHON, f"{CACHE}/"):
        if path.startswith(HIDDEN):
            return f"{path} is not visible in a node, which has its own {path.split('/')[1]}/"
    return _missing_tools() or _missing_namespace()


def _missing_tools() -> str:
    if not SYSTEM.exists() and not shutil.which("apt-get"):
        return "needs apt-get: kernel and NFS tools are Debian packages, downloaded on first use"
    packages = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
    if needs_shim() and not shutil.which("gcc"):
        packages |= {"gcc", "libc6-dev"}
    return f"needs: apt-get install {' '.join(sorted(packages))}" if packages else ""


def _missing_namespace() -> str:
    tried = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "probe", "type", "bridge"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"cannot make network namespaces with a bridge: {tried.stderr.strip()}" if tried.returncode else ""


def needs_shim() -> bool:
    """True on a CPU whose saved registers are larger than User-Mode Linux 6.1 knows; see node/xstate.c."""
    return " amx_tile " in f" {Path('/proc/cpuinfo').read_text().replace(chr(10), ' ')} "
