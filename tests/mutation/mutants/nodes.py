"""When a node is to be had, CPUs that each task has to itself, and memory that the kernel keeps."""

from tests.mutation.mutant import Mutant

TEST, PINS, GROUPS = "unit/test_resting.py::", "unit/test_pinning.py::", "unit/test_cgroups.py::"

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
    Mutant(
        "slots",
        "5.5",
        "a group in which others live is divided",
        "cgroups.py",
        '_why_not(folder) or (f"other processes are in it ({_some(others)})" if others else "")',
        "_why_not(folder)",
        (f"{GROUPS}test_what_is_not_its_own_is_left_alone_for_a_reason",),
    ),
    Mutant(
        "slots",
        "5.5",
        "a group that systemd has not given away is divided",
        "cgroups.py",
        "    if has_systemd() and",
        "    if not os.access(SYSTEMD, os.F_OK) and",
        (f"{GROUPS}test_where_systemd_is_its_word_counts",),
    ),
    Mutant(
        "slots",
        "5.3",
        "a task is blamed for a machine without memory",
        "worker/limits.py",
        "    if was_killed and is_its_limit:\n",
        "    if was_killed:\n",
        (f"{GROUPS}test_a_machine_without_memory_is_no_fault_of_the_task_that_it_kills",),
    ),
    Mutant(
        "slots",
        "5.3",
        "memory is not watched any more where the kernel does not keep it any more",
        "worker/limits.py",
        "    return attempt.group is not None and attempt.group.holds()\n",
        "    return attempt.group is not None\n",
        (f"{GROUPS}test_memory_is_watched_again_when_the_limit_is_gone",),
    ),
    Mutant(
        "slots",
        "5.5",
        "until when a worker takes tasks is told once and never again",
        "worker/resting.py",
        "        if by != self._closes_by or (self._closes is not None and now >= self._closes):\n",
        "        if self._closes is None and by != self._closes_by:\n",
        (f"{TEST}test_until_when_tasks_are_taken_is_told_and_followed",),
    ),
    Mutant(
        "slots",
        "5.5",
        "a worker that drains tells nobody, and is taken for one that is free",
        "worker/resting.py",
        "if controls.draining else None\n",
        "if controls.stopping else None\n",
        (f"{TEST}test_one_that_drains_says_so_at_once_and_until_it_ends",),
    ),
)
