"""The rule: what a text comes to is worked out once for all tasks that have it, and never outlives what it depends on."""

from dataclasses import replace

import pytest

from dsgspool.names import Claim, TaskName
from dsgspool.policy import Policy
from dsgspool.spool.own import Held, Text
from dsgspool.worker import definitions, freezing
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.definitions import Definitions
from dsgspool.worker.scripts import Scripts
from dsgspool.yamltext import Node

WID, NONE = "n1-aaaaaaaa", Policy()


@pytest.fixture
def apply(world, monkeypatch):
    """Take a text through it, for a new attempt; the attempt, its record's lines, and how often a text was parsed so far."""
    parsed, parse = [], freezing.parse_task
    monkeypatch.setattr(freezing, "parse_task", lambda *given, **more: parsed.append(1) or parse(*given, **more))
    scripts = Scripts(world.spool.fs, WID)
    kept = Definitions(world.spool, {"HOME": "/home/ann"}, scripts)

    def apply(data, settings, policy=NONE, **given):
        attempt = Attempt(Held(TaskName("x", claim=Claim(WID, len(parsed) + 1))), 1, -1, **given)
        lines = kept.apply(attempt, Text(data, (1, 2, 3), 0, 0, 0o644), settings, policy)
        return attempt, lines, len(parsed)

    apply.kept = kept._kept
    yield apply
    scripts.shut()


def test_what_has_the_same_text_is_parsed_once(world, apply):
    settings = world.spool.settings()
    first, lines, _ = apply(b"command: [a, b]\n...\n", settings)
    second, again, parsed = apply(b"command: [a, b]\n...\n", settings)
    assert (parsed, again) == (1, lines)
    assert (second.task, second.argv, second.cwd) == (first.task, ["a", "b"], first.cwd)
    assert second.environment == first.environment
    assert apply(b"command: [a, c]\n...\n", settings)[2] == 2


def test_what_spool_yaml_or_the_policy_says_now_holds(world, apply):
    settings, data = world.spool.settings(), b"command: [a]\n...\n"
    apply(data, settings)
    attempt, lines, parsed = apply(data, replace(settings, default_cwd="/elsewhere"))
    assert (parsed, attempt.cwd) == (2, "/elsewhere")
    assert "cwd: /elsewhere\n" in lines
    settings = world.spool.settings()
    apply(data, settings)
    longer = Policy(defaults={"timeout": Node("scalar", 1, "int", "60")}, text="defaults: {timeout: 60}\n")
    assert apply(data, settings, longer)[0].task.timeout == 60.0
    assert apply(data, settings)[0].task.timeout is None


def test_what_an_attempt_has_of_its_own_is_not_shared(world, apply, tmp_path):
    settings, secret = world.spool.settings(), tmp_path / "secret"
    script = b"script: |\n  #!/bin/sh\n  true\n...\n"
    assert apply(script, settings)[0].script != apply(script, settings)[0].script
    data = f"command: [a]\nenv_file: {secret}\n...\n".encode()
    for word in ("one-of-them", "the-other-one"):
        secret.write_text(f"KEY={word}\n")
        secret.chmod(0o600)
        assert apply(data, settings)[0].environment.added["KEY"] == word
    parsed = apply(b"command: [a]\n...\n", settings)[2]
    assert apply(b"command: [a]\n...\n", settings, gpus=())[0].environment.added["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    attempt, _, again = apply(b"command: [a]\n...\n", settings)
    assert again == parsed + 1
    assert "CUDA_DEVICE_ORDER" not in attempt.environment.added


def test_texts_that_are_kept_are_few_and_short(world, apply):
    settings = world.spool.settings()
    long = b"command: [" + b"a" * definitions.LONGEST + b"]\n...\n"
    assert apply(long, settings)[2] + 1 == apply(long, settings)[2]
    for number in range(definitions.MOST + 5):
        apply(b"command: [a%d]\n...\n" % number, settings)
    assert len(apply.kept) <= definitions.MOST
