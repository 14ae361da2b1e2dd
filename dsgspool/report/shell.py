"""What the page is made of beside its data: title, sections, plots, style sheet and script.

The rule: assets are joined from package data and called by a hash of what they hold, as data files are.  Scripts come
in the order of their names, those of vendor/ first.
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader

from dsgspool import resources
from dsgspool.classes import dataclass
from dsgspool.report import failures, plots, render, summary
from dsgspool.report.digest import Digest, digest

if TYPE_CHECKING:
    from dsgspool.report.book import Book

POLICY = (
    "default-src 'none'; style-src 'self' file: 'unsafe-inline'; script-src 'self' file:; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Face:
    """What a page says at once."""

    digest: Digest
    sections: dict[str, str] = field(default_factory=dict)
    series: dict[str, Any] = field(default_factory=dict)
    failures: list[list[str | int]] = field(default_factory=list)  #: [signature, count] of each cause
    text: str = ""  #: report.txt

    @property
    def title(self) -> str:
        """The verdict."""
        return self.digest.verdict.sentence

    @property
    def tone(self) -> str:
        """good, busy, idle, attention or bad"""
        return self.digest.verdict.tone


def face(book: Book) -> Face:
    """All of it."""
    whole = digest(book)
    series = plots.series(whole)
    return Face(whole, render.sections(whole, series), series, failures.signatures(whole.causes), summary.text(whole))


def asset(kind: str, suffix: str, text: str) -> tuple[str, bytes]:
    """(name, content) of a style sheet or script."""
    content = text.encode()
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}", content


def style() -> str:
    """The style sheet."""
    return _joined("vendor/", ".css") + _joined("", ".css")


def first() -> str:
    """The script that runs before the page is read."""
    return _joined("", ".js")


def script() -> str:
    """All others."""
    return _joined("vendor/", ".js") + _joined("js/", ".js")


def _joined(folder: str, suffix: str) -> str:
    loader, environment = FileSystemLoader(resources.reports()), Environment(autoescape=True)
    names = [
        name for name in loader.list_templates() if name.endswith(suffix) and name.rpartition("/")[0] == folder[:-1]
    ]
    return "".join(f"{loader.get_source(environment, name)[0]}\n" for name in sorted(names))


def index(face: Face, files: dict[str, str], early: dict[str, list[str]]) -> str:
    """index.html.  See render.shell."""
    return render.shell(face.digest, face.sections, files, early, POLICY)
