"""The checker of the promises: a rule of it that is taken away would make every stress test weaker."""

from tests.mutation.mutant import Mutant

_CHECKS = tuple(
    Mutant("check", "13", taken, "snapshot/check.py", old, new, (f"unit/test_check.py::{test}",))
    for taken, old, new, test in (
        (
            "a claim or token in two places", "    for (kind, mark), places in seen.items():\n",
            "    for (kind, mark), places in ():\n", "test_the_same_claim_in_two_places_is_one_file_twice",
        ),
        (
            "a token in two places", '(("claim", str(task.name.claim or "")), ("token", task.name.token))',
            '(("claim", str(task.name.claim or "")),)', "test_the_same_token_in_two_places_is_one_file_twice",
        ),
        (
            "a dead worker's `@` outside of running/", "        *_ownerless(tasks, dead),\n", "",
            "test_what_a_dead_or_unknown_worker_held_must_not_stay_outside_of_running",
        ),
        (
            "a claim that began two attempts", "        *_claims_twice(attempts),\n", "",
            "test_one_claim_begins_one_attempt",
        ),
        (
            "a record without the one before it", "        if attempt.number != expected and not (is_going or (pruned and before)):\n",
            "        if attempt.number < 0:\n", "test_a_record_needs_the_one_before_it",
        ),
        (
            "an attempt that began before the one before it was over",
            "        if before and not before.over and not dead.reason(",
            "        if before and not before and not dead.reason(",
            "test_no_attempt_begins_while_the_one_before_it_lives",
        ),
        (
            "a record that tells of another task", '        if attempt.recorded_task not in ("", identity):\n',
            "        if not identity:\n", "test_a_record_of_another_task_is_wrong",
        ),
        (
            "attempts that overlap in time", "*_overlaps(identity, chain)]", "]",
            "test_attempts_of_one_name_do_not_overlap_in_time",
        ),
        (
            "an overlap with an attempt before the one before",
            "        last = max(last or (ended, attempt), (ended, attempt), key=lambda pair: pair[0])\n",
            "        last = (ended, attempt)\n", "test_attempts_of_one_name_do_not_overlap_in_time",
        ),
        (
            "done/ without an attempt that ended well", "    if not any(attempt.good for attempt in ended):\n",
            "    if not task:\n", "test_what_is_done_has_an_attempt_that_ended_so",
        ),
        (
            "done/ although the newest attempt failed", "    elif not ended[-1].good and not has_another:\n",
            "    elif not task:\n", "test_what_is_done_did_not_fail_last_unless_a_second_file_did",
        ),
        (
            "failed/ without an attempt that ended so", "        elif _claims_a_record(task) and all(",
            "        elif not task and all(", "test_what_failed_without_a_token_has_an_attempt_that_ended_so",
        ),
        (
            "an accepted task that is nowhere", "        *_lost(tasks, accepted),\n", "",
            "test_an_accepted_task_that_is_nowhere_is_lost",
        ),
        (
            "rubbish in tmp/", "        if age > DAY:\n            yield Violation(\"rubbish\"",
            "        if age < 0:\n            yield Violation(\"rubbish\"",
            "test_folders_in_tmp_older_than_a_day_are_rubbish",
        ),
    )
)  # fmt: skip

MUTANTS = (
    *_CHECKS,
    Mutant(
        "check",
        "16 (xviii)",
        "a worker that has lost its inventory counts as dead",
        "snapshot/look.py",
        '    if f"{wid}.yaml" not in files and f"{wid}.lock" not in files:\n',
        '    if f"{wid}.yaml" not in files:\n',
        ("unit/test_check.py::test_a_worker_that_has_lost_its_inventory_is_known_by_its_lock",),
    ),
)
