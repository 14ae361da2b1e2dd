"""`dsgspool edit --undo`: back to the old texts that an edit kept in edits/ID/old/.

The rule: an undo is an edit like any other.  It changes tasks that still have the text which that edit gave them and have
not begun; the others are named.
"""

from __future__ import annotations

import json
import shlex

from dsgspool.cli import output
from dsgspool.cli.context import usage
from dsgspool.cli.edit import Read, Reader
from dsgspool.spool import task_name
from dsgspool.spool.editing import EDITABLE, FOLDER, OPEN, PLAN, Change, tasks_below
from dsgspool.spool.moves import Moves, Place
from dsgspool.task import State


def taken_back(moves: Moves, name: str = "") -> tuple[list[Change], str]:
    """(changes, what they are), for the edit of that name or for the newest one."""
    reader = Reader(moves)
    name = name.removeprefix("edits/").rstrip("/") or _newest(reader)
    folder = f"{moves.spool.root}/{FOLDER}/{name}"
    folder = folder if moves.fs.folder_is_there(folder) else folder + OPEN
    given = _texts(reader, f"{folder}/{PLAN}")
    if given is None:
        raise usage(f"there is no edit {name} of yours; see: ls -l {shlex.quote(f'{moves.spool.root}/{FOLDER}')}")
    where: dict[str, list[Place]] = {}
    for place in moves.find("*"):
        where.setdefault(place.identity, []).append(place)
    changes = []
    for path in tasks_below(moves.spool, f"{folder}/old"):
        state, _, below = path.partition("/")
        identity = task_name(State(state), below).identity
        found = _with_text(reader, where.get(identity, []), given.get(path, ""))
        if isinstance(found, str):
            output.note(f"dsgspool: {identity} {found}: left as it is")
        else:
            old, status = moves.fs.read(f"{folder}/old/{path}")
            if status.st_uid != reader.uid:  # it would become a task of mine
                raise usage(f"{folder}/old/{path} belongs to uid {status.st_uid}, and you are {reader.uid}")
            changes.append(reader.change(*found, old))
    return changes, f"undo {name}"


def _texts(reader: Reader, plan: str) -> dict[str, str] | None:
    """Digests of the texts that an edit of mine gave, by path; None when there is none, or none of mine."""
    try:
        reader.fs.see(plan)
        data, status = reader.fs.read(plan)
        texts = json.loads(data)["texts"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return texts if status.st_uid == reader.uid and isinstance(texts, dict) else None


def _newest(reader: Reader) -> str:
    base = f"{reader.moves.spool.root}/{FOLDER}"
    plans = {name: f"{base}/{name}/{PLAN}" for name, is_folder in reader.fs.scan(base) if is_folder}
    mine = {name: plan for name, plan in plans.items() if _texts(reader, plan) is not None}
    written = [(reader.fs.status(plan).st_mtime_ns, name) for name, plan in mine.items()]
    if not written:
        raise usage(f"there is nothing to take back: {base} holds no edit of yours")
    return max(written)[1].removesuffix(OPEN)


def _with_text(reader: Reader, places: list[Place], digest: str) -> tuple[Place, Read] | str:
    """Where the task lies with the text that the edit gave it, and that text; else why it is left alone."""
    import hashlib  # 1 ms of start-up that `--help` does not need

    free = [place for place in places if place.state in EDITABLE and place.name.claim is None]
    for place in free:
        read = reader.text(place)
        if read and hashlib.sha256(read[0]).hexdigest() == digest:
            return place, read
    return "has another text by now" if free else f"is {places[0].state}" if places else "is gone"
