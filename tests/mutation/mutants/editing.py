"""Editing queued tasks: out, edit, in.  And until when a task may begin."""

from tests.mutation.mutant import Mutant

STRANGE = "unit/test_editing.py::test_what_no_edit_laid_into_edits_stops_nobody"
KILLED = ("unit/test_editing.py::test_what_a_killed_editor_took_out_comes_back_once",)

LATE = ("processes/test_tasks.py::test_what_has_not_begun_when_it_expires_never_runs",)

MUTANTS = (
    Mutant(
        "expires",
        "7",
        "a retry expires",
        "worker/sorting.py",
        "    if expires is None or name.budget.attempts or now <",
        "    if expires is None or now <",
        LATE,
    ),
    Mutant(
        "expires",
        "7",
        "what the peek does not see never expires",
        "worker/attempts.py",
        "        if why := late(attempt.name, attempt.task.expires, text, self.server.now()):\n",
        "        if (why := late(attempt.name, attempt.task.expires, text, self.server.now())) and not text:\n",
        LATE,
    ),
    Mutant(
        "expires",
        "7",
        "a task that waits for others cannot expire",
        "worker/sorting.py",
        "        if why := late(held.name, hint.expires, text, now):\n",
        "        if not hint.after and (why := late(held.name, hint.expires, text, now)):\n",
        LATE,
    ),
    Mutant(
        "edit",
        "16 (xlii)",
        "a new text is put into todo/ although the old one was not taken out",
        "spool/editing.py",
        '        yield from (f"{stage}/{path}" for path in tasks_below(spool, f"{folder}/{stage}") if path in replaced)\n',
        '        yield from (f"{stage}/{path}" for path in tasks_below(spool, f"{folder}/{stage}") if path not in "")\n',
        KILLED,
    ),
    Mutant(
        "edit",
        "16 (xlii)",
        "what a living editor has taken out is put back under its hands",
        "spool/editing.py",
        '/{origin}")) > lease:\n',
        '/{origin}")) > 0:\n',
        KILLED,
    ),
    Mutant(
        "edit",
        "7",
        "a text that a person changed since it was read is replaced",
        "spool/editing.py",
        "        if self._has_changed(out, change):\n",
        "        if self._has_changed(out, change) and not change:\n",
        ("unit/test_editing.py::test_a_text_that_a_person_changed_meanwhile_is_not_replaced",),
    ),
    Mutant(
        "edit",
        "16 (xlii)",
        "an editor that was closed as dead makes its folder again and puts a task into it",
        "spool/editing.py",
        '        number = self.fs.rename(f"{self.spool.root}/{change.path}", out)\n',
        '        number = self.fs.rename_into(f"{self.spool.root}/{change.path}", out)\n',
        ("unit/test_editing.py::test_an_editor_that_comes_back_after_a_day_finds_its_folder_closed",),
    ),
    Mutant(
        "edit",
        "16 (xlii)",
        "a batch is over while a task of it is taken out",
        "spool/dependencies.py",
        "        under = under_edit(self.spool)\n",
        "        under = [u for u in under_edit(self.spool) if not u]\n",
        ("unit/test_editing.py::test_a_batch_is_not_over_while_a_task_of_it_is_taken_out",),
    ),
    Mutant(
        "edit",
        "7",
        "a strange file in edits/ stops whoever asks whether a batch is over",
        "spool/editing.py",
        "                if state in EDITABLE and task_name(State(state), below):\n",
        "                if task_name(State(state), below):\n",
        (STRANGE,),
    ),
    Mutant(
        "edit",
        "7",
        "a strange name in edits/ stops whoever asks whether a batch is over",
        "spool/editing.py",
        "            with contextlib.suppress(InvalidName):\n",
        "            with contextlib.suppress(KeyError):\n",
        (STRANGE,),
    ),
    Mutant(
        "edit",
        "11",
        "what cannot be brought back keeps all behind it from coming back",
        "spool/editing.py",
        "                failed.append(error)\n",
        "                raise error\n",
        ("unit/test_editing.py::test_what_cannot_be_brought_back_keeps_nothing_else_from_it",),
    ),
    Mutant(
        "edit",
        "11",
        "nobody brings back what a killed editor took out",
        "janitor.py",
        "        return mend(self.moves, self._age, self.peers.times().lease)\n",
        '        return mend(self.moves, self._age, float("inf"))\n',
        ("faults/test_crash_points.py::test_a_crash_at_any_point_loses_and_doubles_nothing[edit]",),
    ),
)
