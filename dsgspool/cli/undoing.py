"""`dsgspool edit --undo`: back to the old texts that an edit kept in edits/ID/old/.

The rule: an undo is an edit like any other.  It changes tasks that still have the text which that edit gave them and have
not begun; the others are named.
"""

from __future__ import annotations

import hashlib
import json

from dsgspool.cli import output
from dsgspool.cli.context import usage
from dsgspool.cli.edit import Read, Reader
from dsgspool.spool import lies, task_name
from dsgspool.spool.editing import EDITABLE, FOLDER, OPEN, PLAN, Change
from dsgspool.spool.moves import Moves, Place
from dsgspool.task import State


def taken_back(moves: Moves, name: str = "") -> tuple[list[Change], str]:
    """(changes, what they are), for the edit of that name or for the newest one."""
    name = name.removeprefix("edits/").rstrip("/") or _newest(moves)
    folder = f"{moves.spool.root}/{FOLDER}/{name}"
    folder = folder if moves.fs.folder_is_there(folder) else folder + OPEN
    plan = moves.fs.read_fresh(f"{folder}/{PLAN}")
    if plan is None:
        raise usage(f"there is no edit {name}; see: ls {moves.spool.root}/{FOLDER}")
    given: dict[str, str] = json.loads(plan)["texts"]
    where: dict[str, list[Place]] = {}
    for place in moves.find("*"):
        where.setdefault(place.identity, []).append(place)
    changes, reader = [], Reader(moves)
    for path, _ in moves.fs.walk(f"{folder}/old"):
        state, _, below = path.partition("/")
        identity = task_name(State(state), below).identity
        found = _with_text(reader, where.get(identity, []), given.get(path, ""))
        if isinstance(found, str):
            output.note(f"dsgspool: {identity} {found}: left as it is")
        else:
            changes.append(reader.change(*found, moves.fs.read(f"{folder}/old/{path}")[0]))
    return changes, f"undo {name}"


def _newest(moves: Moves) -> str:
    base = f"{moves.spool.root}/{FOLDER}"
    plans = {name: f"{base}/{name}/{PLAN}" for name, is_folder in moves.fs.scan(base) if is_folder}
    written = [(moves.fs.status(plan).st_mtime_ns, name) for name, plan in plans.items() if lies(moves.fs, plan)]
    if not written:
        raise usage(f"there is nothing to take back: {base} holds no edit")
    return max(written)[1].removesuffix(OPEN)


def _with_text(reader: Reader, places: list[Place], digest: str) -> tuple[Place, Read] | str:
    """Where the task lies with the text that the edit gave it, and that text; else why it is left alone."""
    free = [place for place in places if place.state in EDITABLE and place.name.claim is None]
    for place in free:
        read = reader.text(place)
        if read and hashlib.sha256(read[0]).hexdigest() == digest:
            return place, read
    return "has another text by now" if free else f"is {places[0].state}" if places else "is gone"
