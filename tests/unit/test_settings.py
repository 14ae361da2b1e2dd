"""The rule: spool.yaml is refused as a whole, with line and remedy, when two workers could misread it."""

import re
from pathlib import Path

import pytest

from dsgspool.errors import SettingsError
from dsgspool.nodes import NEVER_MIND, Idle, Rules, written
from dsgspool.settings import (
    DEFAULT_KEYS,
    Control,
    Floor,
    NewerFormatSettings,
    Settings,
    format_of,
    parse_control,
    parse_settings,
)
from dsgspool.task import Backoff, Task
from dsgspool.yamlwriting import dump

TEMPLATE = Path(__file__).parents[2] / "spool_template" / "spool.yaml"


def refused(text, parse=parse_settings):
    with pytest.raises(SettingsError) as caught:
        parse(text.encode(), "spool.yaml")
    return caught.value


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "format: 1\n", "\ufeff" + "format: 1\r\n"])
def test_an_empty_file_means_the_defaults(text):
    assert parse_settings(text.encode(), "spool.yaml") == Settings()


def test_the_template_as_it_is_means_the_defaults():
    assert parse_settings(TEMPLATE.read_bytes(), "spool.yaml") == Settings()


def uncommented():
    return re.sub(r"(?m)^#(?=[a-z]|  [a-z])", "", TEMPLATE.read_text())


def test_uncommenting_every_line_of_the_template_means_the_defaults():
    assert parse_settings(uncommented().encode(), "spool.yaml") == Settings()


def test_the_template_names_every_setting():
    words = set(re.findall(r"(?m)^ *([a-z_]+):", uncommented()))
    fields = set(Settings.__dataclass_fields__) - {"task"}
    assert words == fields | {"shell", "setup", "defaults"} | set(DEFAULT_KEYS)


def test_every_line_of_the_template_fits_a_screen():
    assert max(map(len, TEMPLATE.read_text().splitlines())) <= 120


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        ("0", Floor(0)),
        ("5G", Floor(5 << 30)),
        ("5%", Floor(0, 5.0)),
        ("2.5 %", Floor(0, 2.5)),
        ("100%", Floor(0, 100.0)),
    ],
)
def test_free_space_is_a_size_or_a_part_of_the_whole(text, floor):
    assert parse_settings(f"min_free: {text}\n".encode(), "spool.yaml").min_free == floor


@pytest.mark.parametrize("text", ["101%", "-1%", "%", "some", "[1]"])
def test_other_free_space_is_refused(text):
    assert refused(f'min_free: "{text}"\n' if text != "[1]" else "min_free: [1]\n").line == 1


def test_too_little_free_space_is_told_in_numbers():
    assert Floor(1 << 20).why_low(1 << 19, 1 << 30) == "only 0.5 MiB are free, less than `min_free` (1.0 MiB)"
    assert Floor(3 << 40).why_low(3 << 29, 9 << 40) == "only 1.5 GiB are free, less than `min_free` (3,072.0 GiB)"
    assert Floor(0, 50).why_low(4, 10)
    assert not Floor(0, 50).why_low(5, 10)
    assert not Floor(1 << 20).why_low(0, 0)  # a file system that does not tell


def test_times_have_units_and_words_are_taken():
    text = "heartbeat: 200ms\nfence: 1s\nkill: 1s\nlease: 2.5s\ndurability: strict\ngroup: lab\nreport_every: 5m\n"
    settings = parse_settings(text.encode(), "spool.yaml")
    assert (settings.heartbeat, settings.fence, settings.lease) == (0.2, 1.0, 2.5)
    assert (settings.durability, settings.group, settings.report_every) == ("strict", "lab", 300.0)


def test_defaults_shell_and_setup_are_what_a_task_gets():
    text = "shell: /bin/bash\nsetup: module load x\ndefaults:\n  retries: 2\n  backoff: 30s\n  env: {A: 1}\n"
    task = parse_settings(text.encode(), "spool.yaml").task
    expected = Task(shell="/bin/bash", setup="module load x", retries=2, backoff=Backoff(base=30), env={"A": "1"})
    assert task == expected


def test_a_lease_that_is_too_short_is_refused_with_the_numbers_and_the_smallest_legal_one():
    error = refused("format: 1\nlease: 30s\n")
    assert error.line == 2
    for part in ("spool.yaml, line 2", "30 s", "fence 25", "kill 10", "heartbeat 5", "lease: 46.75s"):
        assert part in str(error)


def test_the_smallest_legal_lease_is_legal():
    least = re.search(r"that is legal: (lease: \S+)\)", str(refused("kill: 11.111s\nlease: 30s")))[1]
    assert parse_settings(f"kill: 11.111s\n{least}\n".encode(), "spool.yaml").lease < 48


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("fence: 2000000", ("(fence 2000000 + kill 10)", "lease: 2100020.5s")),
        (
            "heartbeat: 3000000\nfence: 1234567.5",
            ("`fence` is 1234567.5 s", "two heartbeats of 3000000 s", "fence: 6000000s"),
        ),
        ("poll_min: 40d\npoll_max: 20d", ("`poll_min` is 3456000 s", "`poll_max`, 1728000 s")),
    ],
)
def test_very_long_times_are_told_in_plain_digits(text, parts):
    reason = str(refused(text))
    assert [part for part in parts if part not in reason] == []


def test_a_longer_fence_alone_is_blamed_on_the_fence():
    error = refused("format: 1\n\nfence: 60s\n")
    assert error.line == 3
    assert "`lease` is 47 s" in error.reason


def test_a_fence_of_less_than_two_heartbeats_is_refused():
    assert "fence: 40s" in refused("heartbeat: 20s\nlease: 200s").reason


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("heartbeet: 3", 1, "did you mean `heartbeat`?"),
        ("format: 1\nretries: 3", 2, "below `defaults:`"),
        ("defaults:\n  command: x", 2, "no default here"),
        ("slots: 8", 1, "--slots 8"),
        ("durability: strikt", 1, "did you mean `strict`?"),
        ("default_cwd: data", 1, "absolute path"),
        ("timezone: Berlin/Europe", 1, "knows no 'Berlin/Europe'"),
        ("group: no", 1, "YAML reads no as false"),
        ("allow_soft_mount: maybe", 1, "true or false"),
        ("heartbeat: 0:30", 1, "90s"),
        ("heartbeat: 0", 1, "at least 0.01"),
        ("poll_min: 9s", 1, "more than `poll_max`, 5 s"),
        ("max_lost: 0", 1, "from 1"),
        ("a: 1\na: 2", 2, "second time"),
        ("- a", 1, "not a mapping"),
        ("run_between: weekends", 1, "below `nodes:`"),
        ("nodes:\n  n1: weekends", 2, "`nodes.n1` must be a mapping"),
        ("nodes:\n  n1:\n    run_betwen: weekends", 3, "did you mean `run_between`?"),
        ("nodes:\n  n1:\n    run_between: 25:00-08:00", 3, "`nodes.n1.run_between`: `25:00` is no time of day"),
        ("nodes: {n1: {only_when_idle: 3}}", 1, "must be true or false"),
        ("nodes: {n1: {only_when_idle: {lod: 1}}}", 1, "did you mean `load`?"),
        (
            "nodes: {n1: {only_when_idle: {load: -1}}}",
            1,
            "`nodes.n1.only_when_idle.load` is -1.0 and must be at least 0",
        ),
        ("nodes: {n1: {only_when_idle: {users: 2}}}", 1, "`nodes.n1.only_when_idle.users` is '2'"),
        ("nodes: {n1: {pin: 3}}", 1, "`nodes.n1.pin` is '3' and must be true or false"),
        ("nodes: {n1: {run_between: 19:00}}", 1, "base 60"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_remedy(text, line, part):
    error = refused(text)
    assert error.line == line
    assert part in str(error)
    assert str(error).startswith(f"spool.yaml, line {line}: ")


def test_a_newer_format_is_told_apart_before_its_keys_are_looked_at():
    error = refused("quantum: 1\nformat: 2\n")
    assert isinstance(error, NewerFormatSettings)
    assert "install a newer dsgspool" in str(error)


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"", 1),
        (b"format: 3\n", 3),
        (b"\xef\xbb\xbfformat:  2 # x\r\n", 2),
        (b"a: 1\nformat: 7", 7),
        (b" format: 9", 1),
    ],
)
def test_the_format_is_seen_without_yaml(data, number):
    assert format_of(data) == number


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ("true", Idle(1.0, True)),
        ("false", NEVER_MIND),
        ("{load: 0.3}", Idle(0.3, True)),
        ("{users: false}", Idle(1.0, False)),
        ("{load: null}", Idle(None, True)),
    ],
)
def test_what_counts_as_use_of_a_node_can_be_said(text, idle):
    rules = parse_settings(f"nodes: {{n1: {{only_when_idle: {text}}}}}".encode(), "spool.yaml").nodes["n1"]
    assert rules == Rules(only_when_idle=idle)
    again = parse_control(dump(written(rules)).encode(), "c.yaml")
    assert again.rules == rules


def test_control_says_only_what_it_says():
    assert parse_control(b"", "c.yaml") == Control()
    assert parse_control(b"{slots: 4, paused: false, drain: true}", "c.yaml") == Control(4, False, True)
    assert parse_control(b"slots: null", "c.yaml").slots is None
    assert parse_control(b"slots: 1", "c.yaml", paused=True).paused  # as it was started
    assert not parse_control(b"paused: false", "c.yaml", paused=True).paused


def test_a_wrong_control_file_is_named():
    assert "slots" in str(refused("slots: many", parse_control))
    assert "did you mean `paused`?" in str(refused("pause: true", parse_control))


def test_counted_resources_of_the_whole_spool():
    assert parse_settings(b"resources: {licence: 5, band-width: 0}\n", "p").resources == {"licence": 5, "band-width": 0}
    assert parse_settings(b"resources: {}\n", "p").resources == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("resources: {memory: 5}", "`memory` is counted on each node"),
        ("resources: {disk: 5}", "here it is called `scratch`"),
        ("resources: {licence: -1}", "resources.licence"),
        ("resources: {licence: many}", "resources.licence"),
        ("resources: {'a=b': 1}", "'a=b' cannot be a resource's name"),
        ("resources: [licence]", "resources"),
        ("resources: {licence: 1, licence: 2}", "licence"),
    ],
)
def test_counted_resources_that_cannot_be_meant_are_told_with_the_line(text, why):
    with pytest.raises(SettingsError, match=re.escape(why)) as error:
        parse_settings(f"format: 1\n{text}\n".encode(), "p")
    assert error.value.line == 2


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("", set()),
        ("group: lab", {"owners"}),
        ("run_as: owner", {"owners"}),
        ("fair: owners", set()),
        ("fair: batches", {"batches"}),
        ("{fair: batches, group: lab}", {"batches"}),
        ("{fair: [owners, batches], group: lab}", {"owners", "batches"}),
        ("{fair: [], group: lab}", set()),
        ("{fair: null, group: lab}", {"owners"}),
    ],
)
def test_owners_take_turns_where_there_can_be_several_and_batches_when_asked_for(text, turns):
    assert parse_settings(text.encode(), "spool.yaml").turns == turns
