"""Steps and worlds in the words of docs/spool-format.md.

The rule: workers are w1, w2 ...; w1' is the next incarnation of w1.  Tokens and claims are short: NAME~1l0.t1@w1.2.
"""

from __future__ import annotations

from tests.model.world import Tag, World, is_running, waits_for


def say(label: tuple) -> str:
    """A step as a sentence."""
    text, *parts = label
    return text.format(*map(_word, parts))


def _word(part: object) -> str:
    if not isinstance(part, tuple):
        return str(part)
    if part[0] == "mv":
        return f"{path(part[1])} -> {path(part[2])}"
    if part[0] == "make":
        return f"creation of record {part[2]} of {part[1]}"
    if part[0] in ("sign", "end"):
        return f"{'first part' if part[0] == 'sign' else 'end'} of record {part[2]} of {part[1]}"
    if len(part) == 2:
        return wid(part)
    return path(part) + (f" (text {part[4]})" if len(part) == 5 else "")


def wid(part: tuple[int, int]) -> str:
    """w1, or w1' for its next incarnation."""
    return f"w{part[0] + 1}{chr(39) * part[1]}"


def path(parts: tuple) -> str:
    """Folder and name."""
    place, name, tag, claim = parts[:4]
    folder = f"running/{wid(place)}" if is_running(place) else "todo/@LANE" if place == "lane" else place
    folder = f"waiting/{place}" if waits_for(place) else folder
    return f"{folder}/{name}{_tag(tag)}{f'@{wid(claim[0])}.{claim[1]}' if claim else ''}"


def _tag(tag: Tag) -> str:
    if not tag:
        return ""
    if tag[0] == "n":
        return f"~{tag[1]}{f'l{tag[2]}' if tag[2] else ''}.t{tag[3]}"
    return "~" + tag[0] + "".join(f".t{token}" for token in tag[1:])


def scene(world: World) -> list[str]:
    """What lies where, for a state in which nothing can go on."""
    lines = [f"there: {path(file)} (text {file.text})" for file in sorted(world.files, key=path)]
    for slot, worker in enumerate(world.workers):
        held = f", in hand {path(worker.file)}" if worker.file else ""
        lines.append(f"{wid((slot, worker.inc))}: {worker.status}, {worker.pc}{held}")
    for record in sorted(world.records, key=lambda r: (r.name, r.n)):
        state = {"e": "empty", "b": "without end", "x": f"ended, next: {record.next or '-'}", "p": "being pruned"}[
            record.st
        ]
        lines.append(f"record {record.n} of {record.name}: {state}")
    return lines
