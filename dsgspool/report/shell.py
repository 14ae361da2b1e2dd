"""What the page is made of beside its data: title, sections, plots, style sheet and script.

The rule: assets are joined from package data and called by a hash of what they hold, as data files are.  Scripts come
in the order of their names, those of vendor/ first.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from dsgspool import resources

if TYPE_CHECKING:
    from dsgspool.report.book import Book

POLICY = (
    "default-src 'none'; style-src 'self' file: 'unsafe-inline'; script-src 'self' file:; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Face:
    """What a page says at once."""

    title: str
    tone: str
    sections: dict[str, str] = field(default_factory=dict)
    series: dict[str, Any] = field(default_factory=dict)
    failures: list[list[Any]] = field(default_factory=list)  #: [signature, count] of each cause
    text: str = ""  #: report.txt


def face(book: Book) -> Face:
    """All of it."""
    counts = book.snapshot.counts
    title = f"{counts.done} of {counts.total} done, {counts.failed} failed"
    names = ("overview", "failures", "batches", "nodes", "about")
    return Face(title, "busy", {name: f"<h2>{name}</h2><p>{escape(title)}</p>" for name in names}, text=f"{title}\n")


def asset(kind: str, suffix: str, text: str) -> tuple[str, bytes]:
    """(name, content) of a style sheet or script."""
    content = text.encode()
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}", content


def style() -> str:
    """The style sheet."""
    return _joined("vendor", ".css") + _joined("", ".css")


def script() -> str:
    """All scripts."""
    return _joined("vendor", ".js") + _joined("js", ".js")


def _joined(folder: str, suffix: str) -> str:
    place = os.path.join(resources.reports(), folder)
    found = sorted(os.listdir(place)) if os.path.isdir(place) else []
    return "".join(f"{_read(f'{place}/{name}')}\n" for name in found if name.endswith(suffix) and name != "page.js")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def index(book: Book, face: Face, style: str, app: str, page: str) -> str:
    """index.html."""
    sections = "".join(f'<section id="{name}">{html}</section>' for name, html in face.sections.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{escape(face.title)}</title>
<link rel="stylesheet" href="data/{style}"></head><body data-stamp="{book.taken}"><main>{sections}</main>
<script src="data/{app}"></script><script src="data/{page}"></script></body></html>
"""
