"""`python -m tests.bench.scaling`: where one file server becomes the limit, from what a task and a worker cost it.

The rule: nothing but counted calls and a division.  The costs were counted by tests/nfs/test_rpcs.py; how many calls a
second a server answers is for you to say (`--server`), since it is the one figure that differs a hundredfold between servers.

    calls a second = nodes * slots / seconds * CALLS[task] + nodes * CALLS[idle] + CALLS[leader]

With fewer seconds a task than the shortest that fits, slots stand idle and wait for the server; nothing breaks.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 360, 70, 40, 60
NODES = (10, 30, 100, 300, 1000, 3000)
SERVERS = {5_000: "#9a3412", 20_000: "#1769aa", 100_000: "#166534"}
SECONDS = (1, 10, 100, 1_000)  #: marks of the plot


@dataclass(frozen=True)
class Costs:
    """Calls of one task, and calls a second of a worker without work, default settings, two workers on one spool."""

    task: float
    idle: float
    leader: float


#: Counted on NFS with the Linux 6.1 client (`pytest -m nfs tests/nfs/test_rpcs.py`).
MEASURED = {"4.2": Costs(20.1, 4.3, 7.4), "3": Costs(18.8, 4.2, 7.2)}


def shortest(nodes: int, slots: int, server: float, costs: Costs) -> float:
    """Seconds a task must last at least so that every slot is always busy; infinite when idle workers alone are too many."""
    left = server - nodes * costs.idle - costs.leader
    return nodes * slots * costs.task / left if left > 0 else float("inf")


def rate(server: float, nodes: int, costs: Costs) -> float:
    """Tasks a second that the server bears."""
    return max(server - nodes * costs.idle - costs.leader, 0.0) / costs.task


def text(slots: int, server: float, version: str) -> str:
    """A table over numbers of nodes."""
    costs = MEASURED[version]
    lines = [
        f"NFS v{version}, {slots} slots a node, a server of {server:,.0f} calls a second",
        f"{'nodes':>6} {'idle calls/s':>13} {'tasks/s at most':>16} {'shortest task that keeps all slots busy':>40}",
    ]
    for nodes in NODES:
        idle = nodes * costs.idle + costs.leader
        least = shortest(nodes, slots, server, costs)
        shown = f"{least:,.1f} s" if least < float("inf") else "none: idle workers alone are too many"
        lines.append(f"{nodes:>6} {idle:>13,.0f} {rate(server, nodes, costs):>16,.0f} {shown:>40}")
    return "\n".join(lines)


def svg(slots: int, version: str) -> str:
    """The shortest task over the number of nodes, a line for each server; both axes are logarithmic."""
    costs = MEASURED[version]
    parts = []
    for seconds in SECONDS:
        y = _y(seconds)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{seconds:,} s</text>')
    for nodes in NODES:
        parts.append(f'<text x="{_x(nodes):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{nodes:,}</text>')
    for server, colour in SERVERS.items():
        points = [(nodes, shortest(nodes, slots, server, costs)) for nodes in NODES]
        shown = [(_x(nodes), _y(least)) for nodes, least in points if least <= SECONDS[-1]]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in shown)
        x, y = shown[-1]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end" class="l" fill="{colour}">{server:,} calls/s</text>'
        )
    title = f"Shortest task that keeps {slots} slots on every node busy, one NFS v{version} server"
    style = "text{font:13px sans-serif}.t{font-weight:bold}.g{stroke:#d0d6dc}.l{paint-order:stroke;stroke:#fff;stroke-width:5px}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f'<title>{escape(title)}</title><style>{style}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<text x="{LEFT}" y="24" class="t">{escape(title)}</text>{"".join(parts)}'
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 14}" text-anchor="middle">nodes</text></svg>\n'
    )


def _x(nodes: float) -> float:
    return _scale(nodes, NODES, LEFT + 10, WIDTH - 40)


def _y(seconds: float) -> float:
    return _scale(max(seconds, 0.1), (0.1, SECONDS[-1]), HEIGHT - BOTTOM, TOP)


def _scale(value: float, ends: Iterable[float], first: float, last: float) -> float:
    low, *_, high = map(math.log, ends)
    return first + (math.log(value) - low) / (high - low) * (last - first)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.bench.scaling")
    words.add_argument("--slots", type=int, default=64)
    words.add_argument("--server", type=float, default=20_000, help="calls a second that the file server answers")
    words.add_argument("--nfs", choices=sorted(MEASURED), default="4.2")
    words.add_argument("--svg", type=Path, help="write the plot here")
    given = words.parse_args()
    print(text(given.slots, given.server, given.nfs))
    if given.svg:
        given.svg.write_text(svg(given.slots, given.nfs))


if __name__ == "__main__":
    main()
