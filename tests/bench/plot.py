"""The ratios as bars, in an SVG that needs nothing but a browser.

The rule: plain text out of plain rows; the length of a bar is its ratio to the reference, which is the line at 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.bench.workloads import Row

WIDTH, LEFT, BAR, GAP, HEAD = 760, 170, 18, 6, 46
TITLES = {"true": "true, two slots", "shell": "shell lines with both logs, two slots"}


def svg(rows: Sequence[Row], caption: str) -> str:
    """Bars of the throughput of everybody, one block for each workload."""
    parts: list[str] = []
    top = 34
    most = max((row.ratio or 0.0 for row in rows if row.workload in TITLES), default=1.0)
    scale = (WIDTH - LEFT - 70) / max(most, 1.0)
    for kind, title in TITLES.items():
        block = sorted((row for row in rows if row.workload == kind and row.ratio), key=lambda row: -(row.ratio or 0))
        if not block:
            continue
        parts.append(
            f'<text x="{LEFT}" y="{top + 16}" class="t">{escape(title)}: tasks a second as a ratio to xargs -P2</text>'
        )
        begin = top + 28
        end = begin + len(block) * (BAR + GAP)
        one = LEFT + scale
        parts.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{begin - 4}" y2="{end}"/>')
        for number, row in enumerate(block):
            y = begin + number * (BAR + GAP)
            kind_of = (
                "mine" if row.who.startswith("dsgspool") else "ref" if row.who.startswith(("xargs", "C ")) else "peer"
            )
            length = (row.ratio or 0.0) * scale
            parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(row.who)}</text>')
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" class="{kind_of}"/>')
            parts.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{row.ratio:.2f}</text>')
        top = end + HEAD - 28
    height = top + 24
    style = (
        "text{font:13px sans-serif;fill:#222;paint-order:stroke;stroke:#fff;stroke-width:4px}.t{font-weight:bold}.mine{fill:#1769aa}.peer{fill:#9aa5b1}.ref{fill:#d0d6dc}"
        "line{stroke:#222;stroke-dasharray:3 3}.c{font-size:11px;fill:#555}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
        f"<title>Throughput beside others</title><style>{style}</style>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}'
        f'<text x="12" y="{height - 10}" class="c">{escape(caption)}</text></svg>\n'
    )
