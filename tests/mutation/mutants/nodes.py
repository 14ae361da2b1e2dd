"""When a node is to be had, and CPUs that each task has to itself."""

from tests.mutation.mutant import Mutant

TEST, PINS = "unit/test_resting.py::", "unit/test_pinning.py::"

MUTANTS = (
    Mutant(
        "slots",
        "5.5",
        "a worker outside of its hours goes on claiming",
        "worker/control.py",
        "        is_told = self.starts_nothing or self.stopping or self.control.paused\n",
        "        is_told = self.draining or self.stopping or self.control.paused\n",
        (f"{TEST}test_outside_of_its_hours_it_takes_nothing_and_inside_it_does",),
    ),
    Mutant(
        "slots",
        "5.5",
        "what was claimed before begins outside of the hours",
        "worker/intake.py",
        "        if self.worker.controls.starts_nothing:\n",
        "        if self.worker.controls.draining:\n",
        (f"{TEST}test_what_runs_goes_on_and_what_has_not_begun_is_given_back",),
    ),
    Mutant(
        "slots",
        "5.3",
        "tasks that run at once are pinned to the same CPUs",
        "worker/pinning.py",
        "for attempt in attempts if attempt.slots for cpu",
        "for attempt in attempts if not attempt.slots for cpu",
        (f"{PINS}test_each_task_has_its_own_and_who_comes_later_gets_what_became_free",),
    ),
    Mutant(
        "slots",
        "5.3",
        "a command that runs is not known because its worker could not go back to its own CPUs",
        "spawning.py",
        "        with contextlib.suppress(OSError):  # it has been started: whatever happens now, its pid must be known\n"
        "            os.sched_setaffinity(0, mine)\n",
        "        os.sched_setaffinity(0, mine)\n",
        (
            "unit/test_spawning.py::test_a_command_that_was_started_is_known_even_when_the_worker_cannot_go_back_to_its_cpus",
        ),
    ),
)
