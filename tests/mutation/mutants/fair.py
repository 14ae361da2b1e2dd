"""Turns of owners and batches."""

from tests.mutation.mutant import Mutant

TURNS, SHARING = "unit/test_turns.py::", "unit/test_sharing.py::"

MUTANTS = (
    Mutant(
        "turns",
        "16 (lii)",
        "a candidate takes the turn of its folder's owner",
        "spool/turns.py",
        "                    uid = known  # of those",
        "                    pass  # of those",
        (f"{TURNS}test_a_file_takes_the_turn_of_its_own_owner_whoevers_folder_it_lies_in",),
    ),
    Mutant(
        "turns",
        "16 (lii)",
        "who is charged is whose turn a look believed it to be",
        "worker/sharing.py",
        "        uid = attempt.text.uid if attempt.text else ALL[0]\n",
        "        uid = self._line.share(attempt.held.dropped_as)[0]\n",
        (f"{SHARING}test_the_owner_of_the_file_that_ran_is_charged_whatever_a_look_believed",),
    ),
    Mutant(
        "turns",
        "7",
        "of a folder only the first names are candidates, whoever owns them",
        "spool/turns.py",
        "        if not self.by_owner or not is_top_folder(prefix):\n",
        "        if True:\n",
        (f"{TURNS}test_the_few_of_one_owner_are_among_the_candidates_although_their_names_sort_last",),
    ),
    Mutant(
        "turns",
        "7",
        "what runs counts only when it has ended",
        "worker/sharing.py",
        "        for attempt in desk.attempts.values():\n",
        "        for attempt in ():\n",
        (f"{SHARING}test_what_runs_counts_before_it_has_ended",),
    ),
    Mutant(
        "turns",
        "7",
        "batches that had least and may not be started now hide all others",
        "spool/turns.py",
        "        random.shuffle(rest)\n",
        "",
        (f"{TURNS}test_of_very_many_batches_those_that_had_least_are_listed_and_some_by_chance",),
    ),
)
