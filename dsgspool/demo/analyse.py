"""Palmer penguins: how much heavier is a penguin with a longer flipper, and can one tell males by their measures?

    python analyse.py bootstrap --species Adelie --chunk 3 --seed 1   one chunk of resamples of the slope, g per mm
    python analyse.py fit --species Gentoo --seed 119                 sex from four measures, by Newton's method
    python analyse.py describe --species Adelie --island Dream        mean and spread of the measures
    python analyse.py permutation --species Gentoo --sex male         longer flippers in 2009 than in 2007?
    python analyse.py summary                                         the table, once all the parts are there

Reads data/penguins.csv beside this file, writes into results/ of the current folder.  A result is written under
another name first and then renamed, so that a run that is killed leaves no half file.  The numbers follow from the
arguments alone (in `fit` from DSGSPOOL_ATTEMPT too): the same command gives the same ones on any machine.
Exit codes: 0 good, 1 crash, 3 the fit did not converge, 75 inputs are not there yet.
"""

# An ordinary script: it prints, and its random numbers need no cryptography.
# ruff: noqa: T201, S311

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
import os
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

DATA = Path(__file__).parent / "data" / "penguins.csv"
RESULTS = Path("results")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MEASURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")

Bird = dict[str, str]


def birds(**wanted: str) -> list[Bird]:
    """The rows with these values: birds(species='Adelie', sex='female')."""
    with DATA.open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if all(row[key] == value for key, value in wanted.items())]


def known(rows: list[Bird], *columns: str) -> list[Bird]:
    """Without the rows that have NA in one of these columns."""
    return [row for row in rows if all(row[column] != "NA" for column in columns)]


def write(name: str, text: str) -> None:
    """Write results/NAME whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    unfinished = RESULTS / f".{name}.{os.getpid()}.tmp"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(RESULTS / name)
    print(f"wrote {RESULTS / name}")


def write_json(name: str, result: dict[str, object]) -> None:
    """The same for a result with names in it."""
    write(name, json.dumps(result, indent=2) + "\n")


def progress(done: int, total: int) -> None:
    """A line that says how far it is; flushed, because whoever reads the log wants it now."""
    print(f"##progress {done}/{total}", flush=True)


# -- bootstrap: the slope of body mass on flipper length ---------------------------------------------------------------


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil-Sen slope: the median of the slopes of all pairs of birds.  Single odd birds cannot bend it."""
    return statistics.median(
        (y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x1 != x2
    )


def flippers(species: str) -> list[tuple[float, float]]:
    """(flipper length in mm, body mass in g) of every bird of a species that was measured."""
    rows = known(birds(species=species), "flipper_length_mm", "body_mass_g")
    return [(float(row["flipper_length_mm"]), float(row["body_mass_g"])) for row in rows]


def bootstrap(options: argparse.Namespace) -> None:
    """Draw the birds anew, with replacement, and take the slope: how far does chance move it?"""
    points = flippers(options.species)
    chance = random.Random(f"{options.species} chunk {options.chunk} seed {options.seed}")
    lines = ["resample,slope_g_per_mm"]
    for number in range(1, options.resamples + 1):
        lines.append(f"{number},{slope(chance.choices(points, k=len(points))):.4f}")
        if number % 50 == 0 or number == options.resamples:
            progress(number, options.resamples)
    write(f"bootstrap-{options.species.lower()}-{options.chunk:02}.csv", "\n".join(lines) + "\n")


# -- fit: logistic regression of sex on four measures ------------------------------------------------------------------


class ConvergenceError(Exception):
    """The iteration went astray; the text says how."""


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve matrix * x = right by Gauss-Jordan elimination with pivoting."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda line: abs(rows[line][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if abs(rows[column][column]) < 1e-9:
            raise ConvergenceError("the information matrix is singular: every bird's probability is 0 or 1 by now")
        for line in range(size):
            if line != column:
                factor = rows[line][column] / rows[column][column]
                rows[line] = [a - factor * b for a, b in zip(rows[line], rows[column], strict=True)]
    return [rows[line][size] / rows[line][line] for line in range(size)]


def probability(beta: Sequence[float], x: Sequence[float]) -> float:
    """That a bird with the measures x is a male."""
    z = sum(b * value for b, value in zip(beta, x, strict=True))
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, z))))


def newton(xs: list[list[float]], ys: list[int], start: list[float], limit: int = 25) -> tuple[list[float], int]:
    """Newton's method, plain: full steps, nothing that catches a bad start.  Coefficients and number of steps."""
    beta, size = start, len(start)
    for step in range(1, limit + 1):
        gradient = [0.0] * size
        information = [[0.0] * size for _ in range(size)]
        for x, y in zip(xs, ys, strict=True):
            p = probability(beta, x)
            weight, rest = p * (1 - p), y - p
            for i, value in enumerate(x):
                gradient[i] += rest * value
                line, scaled = information[i], weight * value
                for j in range(size):
                    line[j] += scaled * x[j]
        try:
            move = solve(information, gradient)
        except ConvergenceError as error:
            raise ConvergenceError(f"Step {step}: {error}") from None
        beta = [b + m for b, m in zip(beta, move, strict=True)]
        if max(map(abs, move)) < 1e-8:
            return beta, step
    raise ConvergenceError(f"It is still moving after {limit} steps")


def standardized(rows: list[Bird]) -> list[list[float]]:
    """1 and the four measures of each bird, in standard deviations from the mean."""
    columns = [[float(row[measure]) for row in rows] for measure in MEASURES]
    scaled = [[(v - statistics.fmean(column)) / statistics.stdev(column) for v in column] for column in columns]
    return [[1.0, *values] for values in zip(*scaled, strict=True)]


def left_out(xs: list[list[float]], ys: list[int], beta: list[float]) -> int:
    """Leave each bird out in turn and tell its sex by a fit to the others: how many come out right?"""
    right = 0
    for bird, (x, y) in enumerate(zip(xs, ys, strict=True)):
        without, _ = newton([*xs[:bird], *xs[bird + 1 :]], [*ys[:bird], *ys[bird + 1 :]], beta)
        right += (probability(without, x) > 0.5) == bool(y)
        if bird % 20 == 19 or bird + 1 == len(xs):
            progress(bird + 1, len(xs))
    return right


def fit(options: argparse.Namespace) -> None:
    """Fit from a random start; another attempt is another start."""
    rows = known(birds(species=options.species), "sex", *MEASURES)
    xs, ys = standardized(rows), [int(row["sex"] == "male") for row in rows]
    attempt = int(os.environ.get("DSGSPOOL_ATTEMPT", "1"))
    chance = random.Random(f"{options.species} seed {options.seed} attempt {attempt}")
    start = [chance.uniform(-options.spread, options.spread) for _ in xs[0]]
    print(f"{len(rows)} birds, attempt {attempt}, start {' '.join(f'{value:.2f}' for value in start)}", flush=True)
    try:
        beta, steps = newton(xs, ys, start)
    except ConvergenceError as error:
        print(f"The fit of {options.species} did not converge from this start. {error}.", file=sys.stderr)
        print("Another attempt draws another start, so try again.", file=sys.stderr)
        sys.exit(3)
    print(f"converged after {steps} steps")
    result: dict[str, object] = {"species": options.species, "birds": len(rows), "attempt": attempt, "steps": steps}
    result["per_sd"] = dict(zip(("intercept", *MEASURES), (round(b, 4) for b in beta), strict=True))
    result["sex_told_right"] = left_out(xs, ys, beta)
    write_json(f"fit-{options.species.lower()}.json", result)


# -- describe: mean and spread -----------------------------------------------------------------------------------------


def describe(options: argparse.Namespace) -> None:
    """Mean and standard deviation of each measure of a species on one island."""
    rows = birds(species=options.species, island=options.island)
    if options.drop_na:
        rows = known(rows, *MEASURES)
    result: dict[str, object] = {"species": options.species, "island": options.island, "birds": len(rows)}
    for done, measure in enumerate(MEASURES, start=1):
        values = [float(row[measure]) for row in rows]  # crashes on a bird that was not measured, unless --drop-na
        result[measure] = {"mean": round(statistics.fmean(values), 2), "sd": round(statistics.stdev(values), 2)}
        progress(done, len(MEASURES))
    write_json(f"describe-{options.species.lower()}-{options.island.lower()}.json", result)


# -- permutation: did the birds change from 2007 to 2009? -------------------------------------------------------------


def permutation(options: argparse.Namespace) -> None:
    """Share of the ways to deal the birds to the two years that differ as much as the real ones did (two-sided p)."""
    rows = known(birds(species=options.species, sex=options.sex), "flipper_length_mm")
    early, late = ([int(row["flipper_length_mm"]) for row in rows if row["year"] == year] for year in ("2007", "2009"))
    size, lengths = len(early), [*early, *late]
    mean = sum(lengths) * size / len(lengths)  # of the sum of the first group, by chance
    deals: Iterable[tuple[int, ...]]
    if options.exhaustive:
        total, deals = math.comb(len(lengths), size), itertools.combinations(lengths, size)
    else:
        chance = random.Random(f"{options.species} {options.sex} seed {options.seed}")
        total, deals = options.samples, (tuple(chance.sample(lengths, size)) for _ in range(options.samples))
    print(f"{size} birds of 2007, {len(late)} of 2009, {total} ways to deal them", flush=True)
    extreme, real = 0, abs(sum(early) - mean) - 1e-6
    for number, deal in enumerate(deals, start=1):
        extreme += abs(sum(deal) - mean) >= real
        if number % (2_000_000 if options.exhaustive else 10_000) == 0:
            progress(number, total)
    result: dict[str, object] = {"species": options.species, "sex": options.sex, "deals": total, "as_extreme": extreme}
    result["change_mm"] = round(statistics.fmean(late) - statistics.fmean(early), 2)
    result["p"] = round(extreme / total if options.exhaustive else (extreme + 1) / (total + 1), 4)
    kind = "exhaustive" if options.exhaustive else "sampled"
    write_json(f"permutation-{options.species.lower()}-{options.sex}-{kind}.json", result)


# -- summary -----------------------------------------------------------------------------------------------------------


def summary(options: argparse.Namespace) -> None:
    """Put the parts together; while one is missing, exit with 75: try again later."""
    names = [f"bootstrap-{species.lower()}-{n:02}.csv" for species in SPECIES for n in range(1, options.chunks + 1)]
    names += [f"fit-{species.lower()}.json" for species in SPECIES]
    there = {path.name for path in RESULTS.glob("*")}
    missing = [name for name in names if name not in there]
    progress(len(names) - len(missing), len(names))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        print(f"not yet: {', '.join(missing[:3])}{more} not in {RESULTS}/; try again later", file=sys.stderr)
        sys.exit(75)
    table: dict[str, object] = {}
    print("species    birds  g per mm of flipper (95 % of resamples)  resamples  sex told right")
    for species in SPECIES:
        files = [RESULTS / f"bootstrap-{species.lower()}-{n:02}.csv" for n in range(1, options.chunks + 1)]
        slopes = sorted(float(line.split(",")[1]) for file in files for line in file.read_text().splitlines()[1:])
        low, high = (slopes[round(share * (len(slopes) - 1))] for share in (0.025, 0.975))
        points, fitted = flippers(species), json.loads((RESULTS / f"fit-{species.lower()}.json").read_text())
        best, told = slope(points), f"{fitted['sex_told_right']} of {fitted['birds']}"
        interval = f"{best:.1f} ({low:.1f} to {high:.1f})"
        print(f"{species:10} {len(points):5}  {interval:38}  {len(slopes):9}  {told}")
        table[species] = {
            "birds": len(points),
            "g_per_mm": round(best, 2),
            "from": low,
            "to": high,
            "sex_told_right": told,
        }
    write_json("summary.json", table)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for verb in (bootstrap, fit, describe, permutation, summary):
        sub = verbs.add_parser(verb.__name__, help=verb.__doc__)
        sub.set_defaults(run=verb)
        if verb is not summary:
            sub.add_argument("--species", choices=SPECIES, required=True)
        if verb in (bootstrap, fit, permutation):
            sub.add_argument("--seed", type=int, default=1)
        if verb is bootstrap:
            sub.add_argument("--chunk", type=int, required=True)
            sub.add_argument("--resamples", type=int, default=800)
        if verb is fit:
            sub.add_argument("--spread", type=float, default=1.5, help="start coefficients lie within +-SPREAD")
        if verb is describe:
            sub.add_argument("--island", choices=("Biscoe", "Dream", "Torgersen"), required=True)
            sub.add_argument("--drop-na", action="store_true", help="leave out birds that were not measured")
        if verb is permutation:
            sub.add_argument("--sex", choices=("female", "male"), required=True)
            sub.add_argument("--samples", type=int, default=100_000)
            sub.add_argument("--exhaustive", action="store_true", help="all deals instead of a sample: hours")
        if verb is summary:
            sub.add_argument("--chunks", type=int, default=10, help="chunks of the bootstrap of each species")
    return parser


if __name__ == "__main__":
    options = arguments().parse_args()
    options.run(options)
