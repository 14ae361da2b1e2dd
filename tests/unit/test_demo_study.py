"""The demo's study: its tasks are well formed, and its scripts really do what their descriptions say."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dsgspool import codec, demo, names
from dsgspool.demo import study

HERE = Path(demo.__file__).parent
TASKS = dict(study.tasks(sys.executable))


@pytest.fixture
def folder(tmp_path):
    """A folder with the study's files, as the demo lays it down."""
    for file in study.files():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / file, tmp_path / file)
    return tmp_path


def command(name, *more):
    """The task's command with its params put in."""
    params = TASKS[name].get("params", {})
    return [*(word.format(**params) if "{" in word else word for word in TASKS[name]["command"]), *more]


def run(folder, arguments, attempt=1, timeout=60):
    """Run it as a worker would."""
    environment = {**os.environ, "DSGSPOOL_ATTEMPT": str(attempt)}
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout)


def test_every_name_may_be_a_tasks_and_is_there_once():
    listed = [names.check_identity(name) for name, _ in study.tasks("python3")]
    assert len(listed) == len(set(listed)) == 39
    batches = Counter(name.rpartition("/")[0] for name in listed)
    assert batches == {"bootstrap": 30, "fit": 3, "describe": 3, "permutation": 2, "": 1}


def test_every_task_runs_the_given_interpreter_and_has_only_known_keys():
    known = {"command", "params", "description", "tags", "timeout", "retries", "backoff"}
    for _, keys in study.tasks("/opt/py/bin/python"):
        assert keys["command"][:2] == ["/opt/py/bin/python", study.SCRIPT]
        assert {"command", "description", "tags"} <= set(keys) <= known


@pytest.mark.parametrize("name", TASKS)
def test_the_codec_reads_every_task_and_puts_its_params_in(name):
    task = codec.parse_task(codec.dump_task(TASKS[name]))
    assert list(task.command or ()) == command(name)


def test_the_script_needs_nothing_but_the_standard_library(folder):
    isolated = run(folder, [sys.executable, "-I", "-S", study.SCRIPT, "--help"])
    assert isolated.returncode == 0, isolated.stderr


def test_a_bootstrap_chunk_writes_the_same_slopes_every_time(folder):
    result = folder / "results" / "bootstrap-chinstrap-03.csv"
    texts = []
    for _ in range(2):
        ended = run(folder, command("bootstrap/chinstrap-03"))
        assert ended.returncode == 0, ended.stderr
        texts.append(result.read_text())
    assert texts[0] == texts[1]
    slopes = [float(row["slope_g_per_mm"]) for row in csv.DictReader(texts[0].splitlines())]
    assert len(slopes) == 800 and len(set(slopes)) > 100
    assert 20 < sum(slopes) / len(slopes) < 50
    assert "##progress 50/800\n" in ended.stdout and "##progress 800/800\n" in ended.stdout
    assert os.listdir(result.parent) == [result.name]


def test_two_chunks_draw_different_birds(folder):
    for chunk in ("01", "02"):
        assert run(folder, command(f"bootstrap/chinstrap-{chunk}")).returncode == 0
    one, two = ((folder / "results" / f"bootstrap-chinstrap-{chunk}.csv").read_text() for chunk in ("01", "02"))
    assert one != two


def test_the_fit_of_gentoo_fails_at_first_and_converges_when_retried(folder):
    first = run(folder, command("fit/gentoo"), attempt=1)
    assert first.returncode == 3
    assert "did not converge" in first.stderr and "singular" in first.stderr
    assert not (folder / "results").exists()
    second = run(folder, command("fit/gentoo"), attempt=2)
    assert second.returncode == 0, second.stderr
    fitted = json.loads((folder / "results" / "fit-gentoo.json").read_text())
    assert fitted["birds"] == 119 and fitted["attempt"] == 2 and fitted["sex_told_right"] > 100
    assert fitted["per_sd"]["body_mass_g"] == pytest.approx(5.0622, abs=1e-3)


@pytest.mark.parametrize("species", ["adelie", "chinstrap"])
def test_the_other_fits_converge_at_once(folder, species):
    ended = run(folder, command(f"fit/{species}"))
    assert ended.returncode == 0, ended.stderr


def test_a_bird_that_was_not_measured_crashes_describe_until_it_is_mended(folder):
    assert run(folder, command("describe/adelie-dream")).returncode == 0
    naive = run(folder, command("describe/adelie-torgersen"))
    assert naive.returncode == 1
    assert naive.stderr.startswith("Traceback") and naive.stderr.endswith("could not convert string to float: 'NA'\n")
    mended = run(folder, command("describe/adelie-torgersen", "--drop-na"))
    assert mended.returncode == 0, mended.stderr
    assert json.loads((folder / "results" / "describe-adelie-torgersen.json").read_text())["birds"] == 51


def test_the_sampled_permutation_answers_what_the_exhaustive_one_cannot(folder):
    assert run(folder, command("permutation/sampled")).returncode == 0
    answer = json.loads((folder / "results" / "permutation-gentoo-male-sampled.json").read_text())
    assert answer["change_mm"] > 0 and 0.01 < answer["p"] < 0.06
    with pytest.raises(subprocess.TimeoutExpired):
        run(folder, command("permutation/exhaustive"), timeout=1)
    assert len(os.listdir(folder / "results")) == 1


def test_the_summary_waits_for_its_parts_and_then_makes_the_table(folder):
    early = run(folder, command("summary"))
    assert early.returncode == 75 and "not yet" in early.stderr
    assert run(folder, command("fit/gentoo"), attempt=2).returncode == 0
    fitted = folder / "results" / "fit-gentoo.json"
    for species in ("adelie", "chinstrap"):
        shutil.copy(fitted, fitted.with_name(f"fit-{species}.json"))
    for species in study.SPECIES:
        for chunk in range(1, study.CHUNKS + 1):
            part = fitted.with_name(f"bootstrap-{species.lower()}-{chunk:02}.csv")
            part.write_text("resample,slope_g_per_mm\n1,30.0\n2,40.0\n")
    late = run(folder, command("summary"))
    assert late.returncode == 0, late.stderr
    table = json.loads((folder / "results" / "summary.json").read_text())
    assert [table[species]["birds"] for species in study.SPECIES] == [151, 68, 123]
    assert table["Gentoo"]["from"] == 30.0 and table["Gentoo"]["to"] == 40.0


def test_the_data_have_their_source_and_licence_beside_them():
    rows = list(csv.DictReader((HERE / "data" / "penguins.csv").read_text().splitlines()))
    assert Counter(row["species"] for row in rows) == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}
    assert "CC0 1.0" in (HERE / "data" / "SOURCE.txt").read_text()
    assert "CC0 1.0 Universal" in (HERE / "data" / "LICENSE-CC0.md").read_text()
