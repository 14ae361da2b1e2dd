"""The policies of batches, for `dsgspool batch`: looked at, and edited line by line.

The rule: an edit touches the lines of its keys only, and is written when the whole is a policy that says what was asked
for; then by one rename.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from dsgspool import snapshot
from dsgspool.classes import dataclass, replace
from dsgspool.cli import output
from dsgspool.cli.context import seen_as_told, usage
from dsgspool.cli.ends import facts_seen
from dsgspool.cli.overview import by_state, swept_in
from dsgspool.cli.pasting import pasted
from dsgspool.errors import InvalidName, SettingsError, TaskNotFound
from dsgspool.names import check_identity
from dsgspool.policy import Policy, batch_of, final_of, parse_policy
from dsgspool.snapshot import Counts
from dsgspool.spool import Spool
from dsgspool.spool.divisions import FOLDER
from dsgspool.spool.finals import since_of, words_of
from dsgspool.spool.policies import Policies, path_of, read_policies, top_batch

SETTABLE = ("priority", "paused", "max_running", "canary", "breaker", "notify")


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch, its tasks and its policy; `why`: why nothing of it is started; `over`: what was known when it was over."""

    batch: str
    state: str
    why: str
    policy: Policy
    counts: Counts
    path: str  #: of the policy, '' when there is none
    text: str
    over: Mapping[str, object]
    items: Mapping[str, Counts] = field(default_factory=dict)  #: of its sweeps
    is_divided: bool = False  #: a sweep was divided in it

    def row(self) -> tuple[object, ...]:
        """For the table."""
        limit = self.policy.max_running
        numbers = by_state(self.counts).values()
        return (self.batch, self.state, self.policy.priority, "-" if limit is None else limit, *numbers)

    @property
    def counted(self) -> str:
        """`3 todo, 1 running`"""
        return f"{_in_words(self.counts)}{' (chunks of a sweep)' * self.is_divided}"

    @property
    def swept(self) -> Iterator[tuple[str, str]]:
        """The same of the items of each sweep."""
        for sweep, counts in self.items.items():
            yield "items" if len(self.items) == 1 else f"items of {sweep}", _in_words(counts)

    def document(self) -> dict[str, object]:
        """For --json."""
        return {
            "batch": self.batch,
            "state": self.state,
            "why": pasted(self.why),
            "priority": self.policy.priority,
            "paused": self.policy.paused,
            "max_running": self.policy.max_running,
            "canary": self.policy.canary,
            "breaker": self.policy.breaker,
            "finally": final_of(self.batch) if self.policy.final else None,
            "notify": self.policy.notify,
            "over": self.over or None,
            "counts": by_state(self.counts),
            "policy": self.path or None,
            "text": self.text or None,
            "sweeps": {sweep: by_state(counts) for sweep, counts in self.items.items()},
        }

    @property
    def ended(self) -> str:
        """Since when it is over, and what comes then; '' when nobody asked for that."""
        name = f"{final_of(self.batch)} " if self.policy.final else ""
        if self.over:
            return f"was over at {since_of(self.over)}: {words_of(self.over)}"
        return f"{name or 'notify '}comes when it is over" if self.policy.wants_its_end else ""


def _in_words(counts: Counts) -> str:
    return ", ".join(f"{number:,} {state}" for state, number in by_state(counts).items() if number) or "none"


def look(spool: Spool) -> list[Seen]:
    """Every batch that has tasks or a policy."""
    policies, seen = read_policies(spool), seen_as_told(snapshot.take(spool, brief=True))
    counts, items = seen.batches, swept_in(seen)
    batches = sorted({*policies.entries, *filter(None, counts)})
    divided = {name for name, is_folder in spool.fs.scan(f"{spool.root}/{FOLDER}") if is_folder}
    found = []
    for batch in batches:
        mine = {sweep: numbers for sweep, numbers in items.items() if top_batch(f"{sweep}/") == batch}
        each = _seen(policies, batch, counts.get(batch, Counts()))
        found.append(replace(each, items=mine, is_divided=batch in divided))
    return found


def look_at(spool: Spool, batch: str) -> Seen:
    """One batch; TaskNotFound when nothing is known of it."""
    _check(batch)
    if found := [seen for seen in look(spool) if seen.batch == batch]:
        return found[0]
    raise TaskNotFound(f"{batch}/", "there is no such batch; see them with: dsgspool batch list")


def _seen(policies: Policies, batch: str, counts: Counts) -> Seen:
    why, entry = policies.stopped().get(batch, ""), policies.entries.get(batch)
    text = entry.data.decode(errors="replace") if entry else ""
    path = path_of(policies.spool, batch) if entry else ""
    over = facts_seen(policies.spool, batch) if policies.of(batch).wants_its_end else {}
    state = policies.state(batch)
    if over and state == "open" and not (counts.todo or counts.waiting or counts.hold or counts.running):
        state = "over"
    return Seen(batch, state, why, policies.of(batch), counts, path, text, over)


def _check(batch: str) -> None:
    if "/" in batch:
        raise InvalidName(batch, f"a policy is that of a whole batch: {batch.partition('/')[0]}")
    if not batch_of(f"{batch}.yaml"):
        raise InvalidName(batch, "no batch can be called so")
    # What is too long for that is too long for a file's name, or no task of it could have one.
    check_identity(f"{batch}/x")


def go_on(spool: Spool, batch: str) -> bool:
    """End what canary and breaker say; False when they say nothing."""
    policies = read_policies(spool)
    if not (trial := policies.trial(batch)).what:
        return False
    policies.trials.end(batch, trial)
    return True


# -- changing --------------------------------------------------------------------------------------------------------


def read(spool: Spool, batch: str) -> Policy:
    """The policy as it lies there, one that says nothing when there is none; SettingsError when it is broken."""
    return parse_policy(data, path_of(spool, batch)) if (data := _data(spool, batch)) else Policy()


def write(spool: Spool, batch: str, changes: Iterable[str]) -> list[str]:
    """Change keys of the policy; the lines that say so.  A usage error for what is no change of a policy."""
    words = dict(_change(change) for change in changes)
    data, path = _data(spool, batch), path_of(spool, batch)
    if data:
        parse_policy(data, path)  # what is broken is mended by hand: a line more would not help
    try:
        changed = edited(data.decode("utf-8-sig"), words)
        after = parse_policy(changed.encode(), path)
    except SettingsError as error:
        raise usage(f"that would be no policy: {error.reason}; edit {path}" if data else error.reason) from None
    if wrong := [key for key, value in words.items() if not _says(after, key, value)]:
        raise usage(f"`{wrong[0]}` has several lines there, which cannot be changed as one; edit {path}")
    if not data and batch not in snapshot.take(spool, brief=True).batches:
        output.hint(f"nothing is called {batch}/ yet: this holds for what will be; see: dsgspool batch list")
    spool.fs.make_folder(os.path.dirname(path))
    # RACE: such a look takes seconds in a large spool, and somebody may lay the file there meanwhile.
    if _data(spool, batch) != data:
        raise usage(f"somebody else has just changed {path}: look at it, and do this again")
    spool.fs.replace(path, changed.encode())
    if os.geteuid() not in (0, owner := spool.fs.status_of_folder(spool.root).st_uid):
        output.hint(f"only workers of your own user obey it: the spool belongs to uid {owner}")
    return [f"{batch}: {key}: {value}" for key, value in words.items()]


def _says(policy: Policy, key: str, value: str) -> bool:
    """True when it says of the key what the value alone says: further lines of an old value would be added to it."""
    try:
        return bool(getattr(policy, key) == getattr(parse_policy(f"{key}: {value}\n".encode(), ""), key))
    except SettingsError:  # only with those lines it says anything
        return False


def edited(text: str, words: dict[str, str]) -> str:
    """The text with these keys; comments and all other lines stay, the last line says that it is whole."""
    text = re.sub(r"(?m)^\.\.\.\s*\Z", "", text)
    text = text if text.endswith("\n") or not text else f"{text}\n"
    for key, value in words.items():
        text = _with(text, key, value)
    return f"{text}...\n"


def _with(text: str, key: str, value: str) -> str:
    line = re.compile(rf"(?m)^{key}:[^#\n]*?([ \t]+#[^\n]*)?$")
    if not line.search(text):
        return f"{text}{key}: {value}\n"
    return line.sub(lambda match: f"{key}: {value}{match[1] or ''}", text)


def _change(change: str) -> tuple[str, str]:
    key, equals, value = change.partition("=")
    if key not in SETTABLE or not equals or not value.strip() or "\n" in value or "#" in value:
        raise usage(
            f"{change!r} is no change of a policy: write KEY=VALUE, with {', '.join(SETTABLE)}; all else in the file"
        )
    return key, value.strip()


def _data(spool: Spool, batch: str) -> bytes:
    _check(batch)
    return spool.fs.read_fresh(path_of(spool, batch)) or b""
