"""Rules of batches: no command above a limit, none by a policy that is not whole or not to be obeyed."""

from __future__ import annotations

from tests.mutation.mutant import Mutant

UNIT = "unit/test_policies.py::"

MUTANTS = (
    Mutant(
        "max_running",
        "16 (xlii)",
        "nobody counts again after a claim",
        "worker/turnstile.py",
        "if not held.is_gift and any(running[key] > limit for key, limit in limits.items()):",
        "if False:",
        (f"{UNIT}test_of_two_that_claimed_at_once_nobody_begins_above_the_limit",),
    ),
    Mutant(
        "max_running",
        "16 (xlii)",
        "who gives back claims again at once",
        "worker/turnstile.py",
        "            self.rests_until = self.clock.boot() + pause\n",
        "            self.rests_until = 0.0 * pause\n",
        (f"{UNIT}test_who_gave_back_does_not_claim_again_at_once",),
    ),
    Mutant(
        "max_running",
        "7 Batches",
        "a name that cannot be used is given back by a name that it never had",
        "worker/turnstile.py",
        "if not held.original and self._limits(",
        "if self._limits(",
        (f"{UNIT}test_a_name_that_cannot_be_used_is_told_also_when_the_spool_is_full",),
    ),
    Mutant(
        "batches",
        "16 (xliii)",
        "policies are read before the tasks are seen",
        "spool/scan.py",
        "            self.policies.refresh()\n",
        "            self.policies.freshen(60.0)\n",
        (f"{UNIT}test_a_policy_that_was_written_before_the_tasks_is_known_when_they_are_seen",),
    ),
    Mutant(
        "batches",
        "16 (xliii)",
        "a policy counts at the first sight of it",
        "spool/policies.py",
        "if not is_complete(data) and now - since < self.settle():",
        "if False:",
        (f"{UNIT}test_one_without_the_last_line_stops_its_batch_until_it_is_at_rest",),
    ),
    Mutant(
        "batches",
        "16 (xliii)",
        "a policy that is away for a moment is forgotten",
        "spool/policies.py",
        "        if now - entry.gone >= self.settle():\n",
        "        if True:\n",
        (f"{UNIT}test_one_that_an_editor_moved_away_for_a_moment_stops_its_batch_meanwhile",),
    ),
    Mutant(
        "batches",
        "15",
        "anybody's policy is obeyed",
        "spool/policies.py",
        "        elif why := self.judge(status):\n",
        "        elif why := '':\n",
        (f"{UNIT}test_one_that_is_not_obeyed_stops_its_batch_and_is_told_once_and_when_it_is_over",),
    ),
    Mutant(
        "batches",
        "7 Batches",
        "what was claimed before a pause begins all the same",
        "worker/intake.py",
        "            self.worker.attempts.endings.give_back(ready.held)\n",
        "            pass\n",
        (f"{UNIT}test_what_was_claimed_before_its_batch_was_paused_goes_back",),
    ),
    Mutant(
        "batches",
        "7 Batches",
        "--until-empty ends while a policy is being written",
        "worker/intake.py",
        "        looked = looked and not self.paused and not self.turnstile.is_unsettled\n",
        "        looked = looked and not self.paused\n",
        (f"{UNIT}test_a_worker_that_works_the_queue_off_waits_for_a_policy_and_not_for_a_pause",),
    ),
)
