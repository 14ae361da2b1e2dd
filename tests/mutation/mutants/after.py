"""Rules of `after`: no wake-up is lost, nobody runs too early, nobody waits for himself."""

from __future__ import annotations

from tests.mutation.mutant import Edit, Mutant

UNIT = "unit/test_dependencies.py::"

MUTANTS = (
    Mutant(
        "after",
        "16 (xxxiv)",
        "who files a task does not look afterwards at what it waits for",
        "worker/sorting.py",
        "                self.waiters.filed(what)\n",
        "                pass\n",
        (f"{UNIT}test_who_files_a_task_looks_again_what_it_waits_for",),
    ),
    Mutant(
        "after",
        "16 (xxxiv)",
        "who publishes a task does not look who waits for it",
        "worker/sorting.py",
        "            self.waiters.published(leaving.held.name.identity)\n",
        "            pass\n",
        (f"{UNIT}test_who_publishes_a_task_looks_afterwards_who_waits_for_it",),
    ),
    Mutant(
        "after",
        "16 (xxxiv)",
        "a client's memory answers whether anybody waits",
        "spool/waiters.py",
        "        if not self.fs.folder_is_there(path):\n            return\n",
        "",
        (f"{UNIT}test_a_client_that_believes_that_nobody_waits_asks_the_server",),
        (
            Edit(
                "dsgspool/listings.py",
                "            self.see(folder)\n            return os.scandir(folder)\n",
                "            raise\n",
            ),
        ),
    ),
    Mutant(
        "after",
        "16 (xlix)",
        "what is remembered of a folder decides whether anything is listed there",
        "listings.py",
        "            self.see(folder)\n            return os.scandir(folder)\n",
        "            raise\n",
        (f"{UNIT}test_a_name_is_finished_though_a_client_believes_that_its_batch_does_not_exist",),
    ),
    Mutant(
        "after",
        "16 (xlix)",
        "what is remembered of the folder of a name's batch decides whether it is finished",
        "listings.py",
        "            self.see(folder)\n            os.close(os.open(folder, _FOLDER))\n",
        "            raise\n",
        (f"{UNIT}test_a_name_is_finished_though_a_client_believes_that_its_batch_does_not_exist",),
    ),
    Mutant(
        "after",
        "16 (xlix)",
        "in a folder that is listed and cannot be opened lies nothing",
        "spool/dependencies.py",
        "find(path, part, prefix, must_be_there=True)",
        "find(path, part, prefix)",
        (f"{UNIT}test_a_batch_is_not_over_when_a_client_believes_that_its_folder_does_not_exist",),
    ),
    Mutant(
        "after",
        "16 (xlix)",
        "a batch's folder that cannot be opened is not looked for in the one above",
        "spool/dependencies.py",
        '            raise FileNotFoundError(errno.ENOENT, "it is listed and cannot be opened", folder)\n',
        "            return False\n",
        (f"{UNIT}test_a_batch_is_not_over_when_a_client_believes_that_its_folder_does_not_exist",),
    ),
    Mutant(
        "after",
        "7 After",
        "the leader makes no rounds",
        "spool/waiters.py",
        "(leading or self._is_asked or self._round)",
        "(self._is_asked or self._round)",
        (f"{UNIT}test_what_a_crash_left_in_waiting_is_found_by_the_leaders_round",),
    ),
    Mutant(
        "after",
        "7 After",
        "what is filed in a folder while that is looked at is forgotten",
        "spool/waiters.py",
        "                del self._wanted[self._folder]\n                self._turn = self._wake(self._folder)\n",
        "                self._turn = self._wake(self._folder)\n",
        (f"{UNIT}test_what_is_filed_while_its_folder_is_looked_at_is_looked_for_once_more",),
        (
            Edit(
                "dsgspool/spool/waiters.py",
                "            self._turn = None\n        return woken\n",
                "            self._turn = None\n            self._wanted.pop(self._folder, None)\n        return woken\n",
            ),
        ),
    ),
    Mutant(
        "after",
        "16 (xxxv)",
        "who claims a woken task does not judge it",
        "worker/sorting.py",
        "        if hint.after and (verdict := ",
        "        if hint.after and not held.name.token and (verdict := ",
        (f"{UNIT}test_many_wait_for_many_and_keep_batch_and_lane",),
    ),
    Mutant(
        "after",
        "16 (xxxvi)",
        "one look says that a batch is over",
        "spool/dependencies.py",
        "        for _ in range(2):\n",
        "        for _ in range(1):\n",
        (f"{UNIT}test_what_one_look_at_a_batch_missed_the_second_one_finds",),
    ),
    Mutant(
        "after",
        "16 (xxxvii)",
        "a task waits for itself",
        "spool/dependencies.py",
        "self.standing(entry.what, but=identity)",
        "self.standing(entry.what)",
        (f"{UNIT}test_a_member_of_the_batch_does_not_wait_for_itself",),
    ),
    Mutant(
        "after",
        "16 (xxxviii)",
        "--until-empty ends without a round over what waits",
        "worker/rounds.py",
        "        self.worker.janitor.waiters.ask()\n",
        "",
        (f"{UNIT}test_who_works_until_empty_does_not_end_before_what_can_be_woken_has_run",),
        (
            Edit(
                "dsgspool/worker/rounds.py",
                "*self.worker.janitor.rounds(), ",
                "self.worker.janitor.round_at, ",
            ),
        ),
    ),
)
