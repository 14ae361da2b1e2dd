"""The doctor, who repairs beside living workers: what must not be mended, and who is not dead."""

from tests.mutation.mutant import Mutant

MUTANTS = (
    Mutant(
        "doctor",
        "9",
        "a worker that is just starting counts as dead",
        "doctor/owners.py",
        "        return self.now - seen < self.settings.lease\n",
        "        return False\n",
        ("unit/test_doctor_races.py::test_a_worker_that_is_just_starting_is_not_dead",),
    ),
    Mutant(
        "doctor",
        "7",
        "a record that is missing below a living attempt is made",
        "doctor/tasks.py",
        "        if not all(data is None or self.chain.is_over(identity, n) for n, data in records.items()):\n",
        "        if not records:\n",
        ("unit/test_doctor_races.py::test_below_an_attempt_that_may_be_alive_no_record_is_made",),
    ),
    Mutant(
        "doctor",
        "7",
        "records that are missing are made from above",
        "doctor/tasks.py",
        "        missing = [n for n, data in records.items() if data is None]\n",
        "        missing = [n for n, data in reversed(records.items()) if data is None]\n",
        ("unit/test_doctor_races.py::test_missing_records_are_made_from_below",),
    ),
    Mutant(
        "doctor",
        "docs/doctor.md",
        "who goes to be a guest leaves its own door open",
        "doctor/rendezvous.py",
        "        if not self._take(self.folder):\n",
        "        if not self.folder:\n",
        ("unit/test_doctor_races.py::test_a_doctor_at_whose_door_somebody_is_does_not_go_to_be_a_guest",),
    ),
    Mutant(
        "doctor",
        "docs/doctor.md",
        "two guests are let in at one door",
        "doctor/rendezvous.py",
        "        except (FileExistsError, FileNotFoundError):\n            return False\n",
        "        except (FileExistsError, FileNotFoundError):\n            return True\n",
        ("unit/test_doctor_races.py::test_at_one_door_one_guest_is_let_in",),
    ),
    Mutant(
        "doctor",
        "docs/doctor.md",
        "the second look at the pairs does not wait for the touch",
        "doctor/measure.py",
        '        self.line.hear("pairs-touched")\n',
        '        self.line.hear("pairs-made")\n',
        ("unit/test_doctor_races.py::test_the_one_who_lists_waits_for_the_touch_in_both_directions",),
    ),
    Mutant(
        "doctor",
        "docs/doctor.md",
        "the second Ctrl-C interrupts the tidying up",
        "doctor/child.py",
        "        signal.signal(each, signal.SIG_IGN)\n",
        "        signal.getsignal(each)\n",
        ("unit/test_doctor_races.py::test_a_second_interrupt_does_not_disturb_the_tidying_up",),
    ),
)
