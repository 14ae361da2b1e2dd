"""The rule: names stay, values of secrets become ***, and the rest of the text is as it was."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dsgspool import redaction
from dsgspool.yamlwriting import dump
from tests.property.test_codec_roundtrip import AWKWARD


@pytest.mark.parametrize(
    "name",
    ["API_TOKEN", "token", "HF_TOKEN_2", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "DB_PASS", "api-key", "apiKey", "MY_CREDENTIALS",
     "SSH_PRIVATE_KEY", "MYSQL_PASSWD", "passphrase", "AWS_ACCESS_KEY_ID"],
)  # fmt: skip
def test_names_of_secrets_are_known(name):
    assert redaction.is_secret(name)


@pytest.mark.parametrize(
    "name", ["PATH", "TOKENIZERS_PARALLELISM", "KEYBOARD", "BYPASS", "PASSES", "MONKEY", "seed", "SORT_KEY"]
)
def test_other_names_are_not(name):
    assert not redaction.is_secret(name)


TEXT = """\
# one task; TOKEN: in-a-comment
command: curl -H "Bearer hunter-two" https://x  # stays
env:
  API_TOKEN: hunter-two
  DB_PASSWORD: 'it''s "quoted"'
  PLAIN: visible
  PRIVATE_KEY: |
    -----BEGIN-----
    abc
  AFTER: "visible too"
params: {token: a, seed: 42, secrets: x}
"""


def test_values_are_hidden_and_everything_else_stays():
    masked = redaction.mask_text(TEXT)
    assert "hunter" not in masked and "BEGIN" not in masked and "in-a-comment" not in masked and "quoted" not in masked
    read = yaml.safe_load(masked)
    assert read["env"] == {
        "API_TOKEN": "***", "DB_PASSWORD": "***", "PLAIN": "visible", "PRIVATE_KEY": "***", "AFTER": "visible too",
    }  # fmt: skip
    assert read["params"] == {"token": "***", "seed": 42, "secrets": "***"}
    assert read["command"] == 'curl -H "Bearer ***" https://x'
    assert masked.count("\n") == TEXT.count("\n") - 2  # the key had three lines


def test_a_text_without_secrets_is_the_same_object():
    text = "command: echo hello\n"
    assert redaction.mask_text(text) is text


def test_a_text_that_is_no_yaml_hides_rather_too_much():
    masked = redaction.mask_text("env:\n  TOKEN: hunter-two\n   more-of-it\n  X: [1\n  PASSWORD= 'abc\n")
    assert "hunter" not in masked and "more" not in masked and "abc" not in masked
    assert "X: [1" in masked


def test_values_are_found_as_they_are_and_as_a_shell_quotes_them():
    assert redaction.hide("a --key='it'\"'\"'s it' it's it", ["it's it"]) == "a --key=*** ***"
    assert redaction.worth_hiding(["abc", "longer", "longest"]) == ("longest", "longer")


VALUE = st.one_of(
    st.sampled_from([text for text in AWKWARD if "\0" not in text]), st.text(st.characters(codec="utf-8"))
)


@given(VALUE, VALUE)
def test_a_secret_is_gone_however_it_is_written_and_its_neighbour_stays(secret, neighbour):
    neighbour = neighbour.replace("\0", "")
    text = dump(
        [("command", "true"), ("env", {"API_TOKEN": f"hunter{secret}hunter".replace("\0", ""), "X": neighbour})]
    )
    masked = redaction.mask_text(text)
    if "hunter" not in neighbour and "***" not in neighbour:
        assert "hunter" not in masked
        assert yaml.safe_load(masked)["env"] == {"API_TOKEN": "***", "X": neighbour}
