"""The demo's tasks: which commands are queued, under which names.

The rule: pure.  `tasks` says what a scientist would have typed into task files, `files` what these commands need beside
them; whoever queues them copies the files into a folder and sets `cwd` to it.

    bootstrap/SPECIES-NN     30 chunks of a bootstrap, the bulk of the work
    fit/SPECIES              Gentoo's first random start leads nowhere (exit 3); the retry converges
    describe/adelie-ISLAND   Torgersen has a bird that was not measured: crashes until somebody adds --drop-na
    permutation/...          sampled is quick; exhaustive would take hours and runs into its timeout
    summary                  needs all chunks and fits; until they are there it ends with 75 and is tried again
"""

from __future__ import annotations

SCRIPT = "analyse.py"
CHUNKS = 10  #: of the bootstrap of each species
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
ISLANDS = ("Biscoe", "Dream", "Torgersen")
SEED = "119"  #: of the fits. A start in four leads nowhere; with this seed it is Gentoo's first, and no other soon.

Named = tuple[str, dict[str, object]]


def files() -> list[str]:
    """What the tasks need in their folder: paths below this package, and below that folder."""
    return [SCRIPT, "README.txt", "data/penguins.csv", "data/SOURCE.txt", "data/LICENSE-CC0.md"]


def tasks(python: str) -> list[Named]:
    """(name, keys of the task file) of all tasks; `python` is an interpreter from 3.11, cwd is up to the caller."""
    run = [python, SCRIPT]
    return [*_bootstraps(run), *_fits(run), *_descriptions(run), *_permutations(run), _summary(run)]


def _bootstraps(run: list[str]) -> list[Named]:
    command = [*run, "bootstrap", "--species", "{species}", "--chunk", "{chunk}", "--seed", "1"]
    return [
        (
            f"bootstrap/{species.lower()}-{chunk:02}",
            {
                "command": command,
                "params": {"species": species, "chunk": f"{chunk:02}"},
                "description": f"Slope of body mass on flipper length, {species}: resamples, chunk {chunk} of {CHUNKS}",
                "tags": ["bootstrap", species.lower()],
                "timeout": "5m",
            },
        )
        for species in SPECIES
        for chunk in range(1, CHUNKS + 1)
    ]


def _fits(run: list[str]) -> list[Named]:
    return [
        (
            f"fit/{species.lower()}",
            {
                "command": [*run, "fit", "--species", species, "--seed", SEED],
                "description": f"Sex of {species} from four measures: logistic regression from a random start",
                "tags": ["fit", species.lower()],
                "timeout": "5m",
                "retries": 3,
                "backoff": {"base": "2s", "factor": 2, "max": "10s"},
            },
        )
        for species in SPECIES
    ]


def _descriptions(run: list[str]) -> list[Named]:
    return [
        (
            f"describe/adelie-{island.lower()}",
            {
                "command": [*run, "describe", "--species", "Adelie", "--island", island],
                "description": f"Mean and spread of the measures of Adelie penguins on {island}",
                "tags": ["describe", "adelie"],
            },
        )
        for island in ISLANDS
    ]


def _permutations(run: list[str]) -> list[Named]:
    command = [*run, "permutation", "--species", "Gentoo", "--sex", "male"]
    question = "Had Gentoo males longer flippers in 2009 than in 2007? Permutation test"
    sampled: dict[str, object] = {
        "command": [*command, "--seed", "1"],
        "description": f"{question}, 100,000 random deals",
        "tags": ["permutation", "gentoo"],
        "timeout": "5m",
    }
    exhaustive: dict[str, object] = {
        "command": [*command, "--exhaustive"],
        "description": f"{question}, all 28,781,143,380 deals",
        "tags": ["permutation", "gentoo"],
        "timeout": "3s",
    }
    return [("permutation/sampled", sampled), ("permutation/exhaustive", exhaustive)]


def _summary(run: list[str]) -> Named:
    return (
        "summary",
        {
            "command": [*run, "summary", "--chunks", str(CHUNKS)],
            "description": "The table of all chunks and fits; exit 75 = some are not there yet, try again",
            "tags": ["summary"],
            "retries": 40,
            "backoff": {"base": "4s", "factor": 1, "jitter": 0},
        },
    )
