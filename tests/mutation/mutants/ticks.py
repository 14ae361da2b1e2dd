"""Schedules: one task for each tick, of files that are obeyed."""

from tests.mutation.mutant import Mutant

MUTANTS = (
    Mutant(
        "schedule",
        "16 (xliii)",
        "a tick whose task has left its folder is made again",
        "spool/ticks.py",
        '        self.fs.create_whole(f"{staged}/{FACTS}"',
        '        self.fs.create_whole(f"{staged}/../.{FACTS}{chance.word()}"',
        ("unit/test_ticks.py::test_a_leader_that_is_slow_by_an_hour_makes_it_no_second_time",),
    ),
    Mutant(
        "schedule",
        "16 (xliii)",
        "a tick that its leader could not put into todo/ any more is lost",
        "spool/ticks.py",
        "            self._publish(schedule, stamp)\n",
        "            str(stamp)\n",
        ("unit/test_ticks.py::test_a_leader_that_dies_anywhere_leaves_it_to_the_next",),
    ),
    Mutant(
        "schedule",
        "16 (xliii)",
        "a tick is put into its place before its task is written",
        "spool/ticks.py",
        '            self._write(f"{staged}/{DRAFT}", instance)\n',
        '            self._write(f"{staged}/{DRAFT}", Instance(instance.schedule, b""))\n',
        ("unit/test_ticks.py::test_a_tick_is_a_task_in_todo",),
    ),
    Mutant(
        "schedule",
        "7",
        "an instance that is not over does not keep the next one away",
        "spool/ticks.py",
        '        skipped = self._still_open(instance.schedule) if skips else ""\n',
        '        skipped = self._still_open(instance.schedule) if skips and not instance else ""\n',
        ("unit/test_ticks.py::test_what_is_not_over_skips_the_next_tick",),
    ),
    Mutant(
        "schedule",
        "7",
        "that the newest tick was made is forgotten",
        "spool/ticks.py",
        "if is_folder)[:-1]\n",
        "if is_folder)\n",
        ("unit/test_ticks.py::test_old_ticks_are_forgotten_and_the_newest_never",),
    ),
    Mutant(
        "schedule",
        "15",
        "a schedule that others may write to is obeyed",
        "worker/scheduling.py",
        "            why = why or why_foreign(text, self.worker.settings, self.worker.me)\n",
        "            why = why or str(why_foreign)[:0]\n",
        ("processes/test_schedules.py::test_the_leader_makes_what_is_due_once_and_tells_what_it_does_not_obey",),
    ),
)
