"""dsgspool and what it imports, copied to where nodes see it: a clone in /tmp would be hidden by a node's own /tmp.

The rule: a rig runs the code as it was when the rig was booted; the packages it imports are copied once for each set of
versions, with their bytecode, since nodes start slowly enough.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import re
import shutil
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from tests.grounds.node import AGENT
from tests.nfs.rig.places import CACHE, INSIDE, REPOSITORY, Folders

PROGRAM = ("dsgspool", "spool_template", "reports")


def stage(folders: Folders) -> str:
    """Copy; PYTHONPATH for the nodes."""
    shutil.rmtree(folders.stage, ignore_errors=True)
    for part in PROGRAM:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / part, folders.stage / "code" / part, ignore=ignored)
    shutil.copytree(INSIDE, folders.stage / "node")
    shutil.copy(AGENT, folders.stage / "node")
    compileall.compile_dir(folders.stage / "code/dsgspool", quiet=1)
    return f"{folders.stage / 'code'}:{_site()}"


def _site() -> Path:
    """A folder with all that dsgspool imports, made when it is not there."""
    with open(REPOSITORY / "pyproject.toml", "rb") as file:
        needs = tomllib.load(file)["project"]["dependencies"]
    wanted = _closure(map(_name, needs))
    digest = hashlib.sha256(repr(sorted((d.name, d.version) for d in wanted)).encode()).hexdigest()[:12]
    site = CACHE / f"site-{digest}"
    if site.exists():
        return site
    making = CACHE / f"making-site-{os.getpid()}"
    for distribution in wanted:
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (making / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(file.locate()), making / file)
    compileall.compile_dir(making, quiet=2)
    try:
        making.rename(site)
    except OSError:  # somebody else was faster
        shutil.rmtree(making)
    return site


def _closure(names: Iterable[str]) -> list[metadata.Distribution]:
    """These distributions and what they need; extras are left out."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another system or an older Python
            continue
        for need in found[name].requires or ():
            if "extra ==" not in need:
                waiting.append(_name(need))
    return list(found.values())


def _name(need: str) -> str:
    """Of a distribution in a line such as `jinja2>=3.1; python_version < "4"`."""
    return re.split(r"[^a-zA-Z0-9._-]", need, maxsplit=1)[0]
