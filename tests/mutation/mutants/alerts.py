"""Alerts: told once, in one run at a time, by whoever publishes, and never as somebody else."""

from tests.mutation.mutant import Mutant

FILE = "worker/alerts.py"
ALERTS = "processes/test_alerts.py"

MUTANTS = (
    Mutant(
        "alerts",
        "docs/alerts.md",
        "a command runs twice at a time",
        FILE,
        "if call not in running and now >= self._due(call))\n",
        "if now >= self._due(call))\n",
        (f"{ALERTS}::test_what_happens_while_a_command_runs_goes_into_one_more_run",),
    ),
    Mutant(
        "alerts",
        "docs/alerts.md",
        "a thousand different commands run at once",
        FILE,
        "        for call in list(islice(due, AT_ONCE - len(running))):\n",
        "        for call in list(islice(due, 1000)):\n",
        ("unit/test_alerts.py::test_no_more_than_so_many_different_commands_run_at_once",),
    ),
    Mutant(
        "alerts",
        "docs/alerts.md",
        "a worker ends before all is told",
        "worker/control.py",
        "        idle = idle and (self.stopping or not self.worker.alerts.is_busy)\n",
        "",
        (f"{ALERTS}::test_a_failure_is_told_once_with_what_one_needs_to_know",),
    ),
    Mutant(
        "alerts",
        "docs/alerts.md",
        "what was lost with a dead worker is told to nobody",
        "janitor.py",
        "            if number == 0:  # RACE: everybody buries, and finds gone what another one moved; who moved it tells\n",
        "            if number > 255:\n",
        (f"{ALERTS}::test_a_task_that_is_given_up_with_its_dead_worker_is_told_by_whoever_publishes_it",),
    ),
    Mutant(
        "alerts",
        "docs/alerts.md",
        "two who bury the same dead worker both tell",
        "janitor.py",
        "            if number == 0:  # RACE: everybody buries, and finds gone what another one moved; who moved it tells\n",
        "            if number >= 0:\n",
        ("unit/test_janitor.py::test_of_two_who_bury_the_same_worker_one_tells",),
    ),
    Mutant(
        "alerts",
        "docs/alerts.md",
        "what a person takes away at the moment of publication is told as failed",
        "worker/sorting.py",
        "            if not leaving.errno or (lies(self.spool.fs, leaving.target) and not self._is_buried()):\n",
        "            if leaving:\n",
        ("unit/test_worker.py::test_what_a_person_takes_at_the_moment_of_publication_is_told_to_nobody",),
    ),
    Mutant(
        "alerts",
        "16 (lxix)",
        "who was taken for dead tells of what others published and told",
        "worker/sorting.py",
        " and not self._is_buried()):\n",
        "):\n",
        ("unit/test_worker.py::test_what_others_publish_who_took_me_for_dead_they_tell_and_not_i",),
    ),
    Mutant(
        "alerts",
        "15",
        "the command in a stranger's file is run",
        FILE,
        "            if why_foreign(text, settings, self.worker.me):\n                return nobody\n",
        "",
        ("processes/test_users.py::test_the_command_in_a_strangers_file_is_not_run",),
    ),
    Mutant(
        "alerts",
        "15",
        "a file that root's worker did not parse is told as root",
        FILE,
        'user = account(text.uid) if settings.run_as == "owner" and text.uid != uid else None\n',
        "user = None if uid else None\n",
        ("processes/test_users.py::test_roots_worker_tells_as_the_owner_of_the_task",),
    ),
)
