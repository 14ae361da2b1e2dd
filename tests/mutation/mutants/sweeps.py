"""Sweeps: a rest is divided once, and an item that succeeded is not run again."""

from tests.mutation.mutant import Mutant

DIVISIONS, CHUNK = "unit/test_divisions.py::", "unit/test_chunk.py::"
MUTANTS = (
    Mutant(
        "sweep",
        "16 (lvi)",
        "who divides a rest goes by its own choice, whatever was decided before",
        "spool/divisions.py",
        "        head = self._decided(rest)\n",
        "        self._decided(rest)\n",
        (f"{DIVISIONS}test_the_first_to_divide_decides_and_the_others_go_by_it",),
    ),
    Mutant(
        "sweep",
        "16 (lvi)",
        "what somebody could not put into todo/ any more stays in sweeps/",
        "spool/divisions.py",
        '        self.once.make(self.folder(rest), FACTS, {"head": head}, rests, owner)\n',
        '        if not self.once.make(self.folder(rest), FACTS, {"head": head}, rests, owner):\n            return rest.part(rest.first, self._decided(rest), is_rest=False)\n',
        (f"{DIVISIONS}test_a_worker_that_dies_anywhere_while_it_divides_loses_and_doubles_nothing",),
    ),
    Mutant(
        "sweep",
        "7",
        "a rest that a person took away while it was divided is begun all the same",
        "worker/dividing.py",
        "        if held.file not in listing:  # RACE",
        "        if held.file is before:  # RACE",
        (f"{DIVISIONS}test_a_rest_that_a_person_takes_away_while_it_is_divided_is_not_begun",),
    ),
    Mutant(
        "sweep",
        "7",
        "a second sweep of a name goes by how the first one was divided",
        "spool/divisions.py",
        '        is_there = self.fs.folder_is_there(f"{self.spool.root}/{FOLDER}/{sweep}")\n',
        "        is_there = False\n",
        (f"{DIVISIONS}test_a_name_under_which_a_sweep_was_divided_is_no_name_for_another",),
    ),
    Mutant(
        "sweep",
        "16 (lvii)",
        "a chunk that was done runs nothing when a person wants it again",
        "worker/sweeping.py",
        "        if is_done and only is None:\n            break\n",
        "        str(is_done)\n",
        (f"{CHUNK}test_a_chunk_that_was_done_runs_all_its_items_when_it_is_wanted_again",),
    ),
    Mutant(
        "sweep",
        "16 (lvii)",
        "an attempt whose worker died while it wrote that it was done counts as done",
        "worker/sweeping.py",
        "record_is_over(data) and parse_record",
        "parse_record",
        (f"{CHUNK}test_items_of_an_attempt_whose_end_broke_off_are_not_run_again",),
    ),
    Mutant(
        "sweep",
        "16 (lvii)",
        "a line that broke off counts",
        "worker/chunk.py",
        '                    if line.endswith(b"\\n") and len(',
        "                    if len(",
        (f"{CHUNK}test_a_line_that_broke_off_is_not_there",),
    ),
    Mutant(
        "sweep",
        "16 (lvii)",
        "items that somebody chose are forgotten when the worker that began them is lost",
        "worker/chunk.py",
        "        found.difference_update(chosen)\n",
        "",
        (f"{CHUNK}test_a_choice_is_not_forgotten_when_its_worker_is_lost",),
    ),
)
