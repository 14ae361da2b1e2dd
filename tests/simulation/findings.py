"""What a Linux NFS client was seen to do, as assertions: the simulated one must do the same, the real one still does.

The rule: a finding knows nothing but two clients A and B of one export, each doing one thing at a time with `os`, a pause,
and faults.  The same functions run over the simulation (always) and on real mounts (tests/nfs); where the real
mount disagrees, the real one is right.  `[n]` = finding n of hazards, section 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.pair import Pair

DAY = 86_400.0
GAP = 0.05  #: seconds after which a change of a folder shows also on v3, with room
TICK = 0.02  #: seconds that were enough in 60 of 60 trials, and on which the product relies
FRESH = 2.0
SILENCE = 20.0  #: seconds after which the server of the rig (its lease is 10 s) gives away what a v4 client held


def a_cached_absence_hides_a_new_file(pair: Pair) -> None:
    """[4] stat and open say ENOENT for long after another client made the file; a listing, or opening the folder, helps."""
    d = _believed_absent(pair)
    assert pair.b.read(f"{d}/y") == "ENOENT"
    assert "x" in pair.b.list(d)
    assert pair.b.stat(f"{d}/x") is None
    assert pair.b.read(f"{d}/y") == "y"


def opening_the_folder_helps_too(pair: Pair) -> None:
    """[4] open + close of the folder is enough (R6)."""
    d = _believed_absent(pair)
    pair.b.see(d)
    assert pair.b.read(f"{d}/y") == "y"


def _believed_absent(pair: Pair) -> str:
    """A folder with x and y in which B believes that they are absent.  A client may forget: one of three will do."""
    for d in ("d1", "d2", "d3"):
        pair.a.mkdir(d)
        pair.b.list(d)
        assert [pair.b.stat(f"{d}/{name}") for name in "xy"] == ["ENOENT", "ENOENT"]
        pair.wait(GAP)
        assert [pair.a.create(f"{d}/{name}", name) for name in "xy"] == [None, None]
        pair.wait(FRESH)
        if pair.b.stat(f"{d}/x") == "ENOENT":
            return d
    raise AssertionError("B found each of three new files at once")


def a_cached_absence_hides_a_new_folder_and_all_that_lies_in_it(pair: Pair) -> None:
    """[4] Listing it, or a folder in it, asks nobody; only opening the folder above does, and then each in turn."""
    d = _believed_without_folders(pair)
    assert pair.b.call("os.listdir(path)", path=f"{d}/s/t") == "ENOENT"
    pair.b.see(d)
    assert pair.b.list(f"{d}/s") == {"t"}
    assert pair.b.list(f"{d}/s/t") == {"x"}


def a_listing_of_the_folder_above_shows_a_new_folder(pair: Pair) -> None:
    """[4] What was just listed can be opened, whatever was believed of it before."""
    d = _believed_without_folders(pair)
    assert pair.b.list(d) == {"s"}
    assert pair.b.list(f"{d}/s") == {"t"}


def _believed_without_folders(pair: Pair) -> str:
    """A folder with s/t/x in which B believes that s is absent.  A client may forget: one of three will do."""
    for d in ("d1", "d2", "d3"):
        pair.a.mkdir(d)
        pair.b.list(d)
        assert pair.b.call("os.listdir(path)", path=f"{d}/s") == "ENOENT"
        pair.wait(GAP)
        pair.a.mkdir(f"{d}/s")
        pair.a.mkdir(f"{d}/s/t")
        pair.a.create(f"{d}/s/t/x")
        pair.wait(FRESH)
        if pair.b.call("os.listdir(path)", path=f"{d}/s") == "ENOENT":
            return d
    raise AssertionError("B found each of three new folders at once")


def a_won_rename_may_show_an_older_file(pair: Pair) -> None:
    """[2] A has todo/x in its cache; B moves it away and puts a new one; A's rename moves the new one, A opens the old."""
    _change_under_the_cache(pair)
    assert pair.a.rename("todo/x", "mine/x") is None
    assert pair.a.read("mine/x") == "old"
    assert pair.b.list("mine") == {"x"}
    assert pair.b.read("mine/x") == "new"


def looking_and_touching_again_do_not_cure_it(pair: Pair) -> None:
    """[2] Nor do open and close, nor utime of the file: A goes on reading what it took the file for."""
    _change_under_the_cache(pair)
    assert pair.a.rename("todo/x", "mine/x") is None
    assert pair.a.read("mine/x") == "old"
    assert pair.a.utime("mine/x") is None
    assert pair.a.stat("mine/x") is None
    assert pair.a.read("mine/x") == "old"


def a_listing_of_the_source_before_the_rename_cures_it(pair: Pair) -> None:
    """[2] Then A knows what it moves."""
    _change_under_the_cache(pair)
    assert pair.a.list("todo") == {"x"}
    assert pair.a.rename("todo/x", "mine/x") is None
    assert pair.a.read("mine/x") == "new"


def a_listing_before_the_open_cures_it(pair: Pair) -> None:
    """[2] scandir of the destination after the rename and before the open: then it is the file that was moved."""
    _change_under_the_cache(pair)
    assert pair.a.rename("todo/x", "mine/x") is None
    inodes = pair.a.inodes("mine")
    assert pair.a.read("mine/x") == "new"
    assert pair.a.fstat("mine/x")[0] == inodes["x"]


def _change_under_the_cache(pair: Pair) -> None:
    for folder in ("todo", "mine", "away"):
        pair.a.mkdir(folder)
    pair.b.list(".")
    pair.a.create("todo/x", "old")
    pair.wait(GAP)
    pair.a.list("todo")
    assert pair.a.read("todo/x") == "old"
    pair.wait(GAP)
    pair.b.list("todo")
    assert pair.b.rename("todo/x", "away/x") is None
    assert pair.b.create("todo/x", "new") is None
    pair.wait(GAP)


def a_folder_that_was_renamed_can_be_worked_in(pair: Pair) -> None:
    """[5] A has running/w1 in its cache; B renames the folder; A's rename out of it works all the same."""
    for folder in ("running", "running/w1", "done"):
        pair.a.mkdir(folder)
    pair.a.create("running/w1/k", "k")
    pair.a.list("running/w1")
    pair.a.list("done")
    pair.wait(GAP)
    pair.b.list("running")
    assert pair.b.rename("running/w1", "running/dead") is None
    assert pair.a.rename("running/w1/k", "done/k") is None
    assert pair.b.list("done") == {"k"}
    assert pair.b.list("running/dead") == set()


def renaming_the_file_fences(pair: Pair) -> None:
    """[5, 7] Only that: A's rename of a name that B took away says ENOENT."""
    for folder in ("running", "todo", "done"):
        pair.a.mkdir(folder)
    pair.a.create("running/k@a", "k")
    pair.a.list("running")
    pair.b.list("running")
    assert pair.b.rename("running/k@a", "todo/k") is None
    assert pair.a.rename("running/k@a", "done/k") == "ENOENT"


def a_change_in_the_same_tick_is_overlooked(pair: Pair) -> None:
    """[3] v3: B lists between two changes of one clock tick; the second stays invisible until the folder is touched."""
    if name := _overlooked(pair):
        assert pair.a.utime("d") is None
        assert name in pair.b.list("d")


def who_overlooked_it_can_touch_the_folder_too(pair: Pair) -> None:
    """[3] utime by anybody cures it, also by the client that does not see the change."""
    if name := _overlooked(pair):
        assert pair.b.utime("d") is None
        assert name in pair.b.list("d")


def _overlooked(pair: Pair) -> str:
    """A name in d/ that B does not see; '' on v4.2, where there is none.  A client may look anew: one of three will do."""
    pair.a.mkdir("d")
    for name in ("x", "y", "z"):
        with pair.still_clock():
            pair.a.create(f"d/before-{name}")
            pair.b.list("d")
            pair.a.create(f"d/{name}")
        pair.wait(FRESH)
        if name not in pair.b.list("d"):
            assert pair.version == "3"
            return name
    assert pair.version == "4.2", "B saw each of three changes of the tick in which it looked"
    return ""


def who_makes_a_name_sees_all_that_came_before_it(pair: Pair) -> None:
    """[3] Also what came in the tick of its last listing, and on v3: its own change has it forget what it listed (li)."""
    pair.a.mkdir("d")
    for name in ("x", "y", "z"):
        with pair.still_clock():
            pair.a.create(f"d/before-{name}")
            pair.b.list("d")
            pair.a.create(f"d/{name}")
            pair.b.create(f"d/mine-{name}")
            assert {name, f"mine-{name}"} <= pair.b.list("d")


def a_change_after_the_tick_is_seen(pair: Pair) -> None:
    """[3] 20 ms later nothing is overlooked."""
    pair.a.mkdir("d")
    for number in range(10):
        pair.a.create(f"d/{number}-1")
        pair.b.list("d")
        pair.wait(TICK)
        pair.a.create(f"d/{number}-2")
        assert f"{number}-2" in pair.b.list("d")
        pair.wait(GAP)


def exactly_one_wins(pair: Pair) -> None:
    """rename of one source, mkdir and exclusive creation: one client wins, the other is told."""
    for folder in ("todo", "one", "two"):
        pair.a.mkdir(folder)
    for number in range(10):
        pair.a.create(f"todo/{number}")
        pair.wait(GAP)
        pair.a.list("todo"), pair.b.list("todo"), pair.b.list(".")
        assert [pair.a.rename(f"todo/{number}", "one/x"), pair.b.rename(f"todo/{number}", "two/x")] == [None, "ENOENT"]
        assert [pair.b.mkdir(f"m{number}"), pair.a.mkdir(f"m{number}")] == [None, "EEXIST"]
        assert [pair.a.create(f"c{number}"), pair.b.create(f"c{number}")] == [None, "EEXIST"]


def a_file_removed_while_open_gets_a_silly_name(pair: Pair) -> None:
    """`.nfsXXXX` shows in listings and keeps the folder from being removed, until the file is closed."""
    pair.a.mkdir("d")
    pair.a.create("d/x", "x")
    descriptor = pair.a.open("d/x", "os.O_RDONLY")
    assert pair.a.unlink("d/x") is None
    names = pair.b.list("d")
    assert len(names) == 1
    assert next(iter(names)).startswith(".nfs")
    assert pair.b.rmdir("d") == "ENOTEMPTY"
    pair.wait(GAP)
    pair.a.close(descriptor)
    pair.wait(GAP)
    assert pair.b.list("d") == set()


def a_heartbeat_is_seen_at_once_by_open_and_fstat(pair: Pair) -> None:
    """[7 of the table] utime by A; B's open + fstat shows it, though its attribute cache is young."""
    pair.a.create("lock")
    pair.b.list(".")
    before = pair.b.fstat("lock")[1]
    pair.wait(GAP)
    pair.a.utime("lock")
    assert pair.b.fstat("lock")[1] > before


def what_is_gone_is_not_found(pair: Pair) -> None:
    """The kernel answers ESTALE of a cached name by itself: it looks again, and the name is not there."""
    pair.a.mkdir("d")
    pair.a.create("d/x", "x")
    assert pair.b.read("d/x") == "x"
    pair.wait(FRESH)  # v4 sends a close later; as long as the server takes a file for open it can be opened once more
    pair.a.unlink("d/x")
    assert pair.b.read("d/x") == "ENOENT"


# -- faults --------------------------------------------------------------------------------------------------------


def a_rename_that_worked_can_say_ENOENT(pair: Pair) -> None:  # noqa: N802
    """[1] The server restarts between doing it and saying so: it is done again, and says how that went."""
    _two_folders(pair)
    pair.a.create("todo/x", "x")
    answer = pair.lost_reply(lambda: pair.a.rename("todo/x", "mine/x"), lambda: "x" in pair.b.look("mine"))
    assert answer == "ENOENT"
    assert pair.a.list("mine") == {"x"}
    assert pair.a.list("todo") == set()


def a_removal_that_worked_can_say_ENOENT(pair: Pair) -> None:  # noqa: N802
    """[1] The same of unlink."""
    _two_folders(pair)
    pair.a.create("todo/x", "x")
    answer = pair.lost_reply(lambda: pair.a.unlink("todo/x"), lambda: pair.b.look("todo") == set())
    assert answer == "ENOENT"


def a_folder_that_was_made_can_say_EEXIST(pair: Pair) -> None:  # noqa: N802
    """[1] The same of mkdir."""
    _two_folders(pair)
    assert pair.lost_reply(lambda: pair.a.mkdir("todo/x"), lambda: "x" in pair.b.look("todo")) == "EEXIST"


def a_reply_that_is_lost_without_a_restart_comes_again(pair: Pair) -> None:
    """[1] As long as the server remembers what it said, rename and unlink answer right."""
    _two_folders(pair)
    for name in "xy":
        pair.a.create(f"todo/{name}", name)
    assert pair.unanswered(lambda: pair.a.rename("todo/x", "mine/x"), lambda: "x" in pair.b.look("mine")) is None
    assert pair.unanswered(lambda: pair.a.unlink("todo/y"), lambda: pair.b.look("todo") == set()) is None


def an_exclusive_creation_says_the_truth(pair: Pair) -> None:
    """[1] Of O_EXCL the server remembers who made the file."""
    _two_folders(pair)
    assert pair.lost_reply(lambda: pair.a.create("todo/x"), lambda: "x" in pair.b.look("todo")) is None


def to_be_told_that_a_folder_is_there_ends_the_belief_that_it_is_not(pair: Pair) -> None:
    """A client that believes in a folder's absence is told EEXIST by mkdir, and from then on it finds it."""
    _two_folders(pair)
    pair.a.create("mine/x", "x")
    assert pair.a.stat("todo/batch") == "ENOENT"
    assert pair.b.mkdir("todo/batch") is None
    assert pair.a.rename("mine/x", "todo/batch/x") == "ENOENT"
    assert pair.a.mkdir("todo/batch") == "EEXIST"
    assert pair.a.rename("mine/x", "todo/batch/x") is None


def what_was_created_exclusively_has_no_mtime_at_first(pair: Pair) -> None:
    """The server keeps the verifier of O_EXCL in mtime; only the maker's next call, when it heard the answer, sets it."""
    _two_folders(pair)
    pair.a.create("mine/clock")
    now, seen = pair.b.fstat("mine/clock")[1], []

    def look() -> bool:
        if "x" in pair.b.look("todo"):
            seen.append(pair.b.fstat("todo/x")[1])
        return bool(seen)

    assert pair.unanswered(lambda: pair.a.create("todo/x"), look) is None
    print(f"mtime {seen[0] - now:+.0f} s from the server's time, {pair.b.fstat('todo/x')[1] - now:+.0f} s at the end")
    assert abs(seen[0] - now) > DAY
    assert abs(pair.b.fstat("todo/x")[1] - now) < DAY


def a_hard_mount_delays_and_does_not_cancel(pair: Pair) -> None:
    """[7] What was issued while cut off happens after the heal, and only then."""
    _two_folders(pair)
    for name in ("x", "y"):
        pair.a.create(f"todo/{name}", name)
    pair.a.list("todo"), pair.a.list("mine"), pair.b.list("todo"), pair.b.list("mine")

    def nothing_yet() -> None:
        assert pair.b.list("mine") == set()

    def nothing_new() -> None:
        assert pair.b.list("mine") == {"x"}

    assert pair.cut_off(lambda: pair.a.rename("todo/x", "mine/x"), nothing_yet) is None
    assert pair.b.list("mine") == {"x"}
    assert pair.cut_off(lambda: pair.a.create("mine/new"), nothing_new) is None
    assert pair.b.list("mine") == {"x", "new"}
    taken: list[Any] = []
    answer = pair.cut_off(
        lambda: pair.a.rename("todo/y", "mine/y"), lambda: taken.append(pair.b.rename("todo/y", "todo/z"))
    )
    assert taken == [None]
    assert answer == "ENOENT"
    assert pair.b.list("mine") == {"x", "new"}


def locks_do_not_fence(pair: Pair) -> None:
    """[6] v4.2 gives the lock of a client that is cut off to who asks, v3 does not; either way its renames work later."""
    _two_folders(pair)
    pair.a.create("todo/x", "x")
    pair.a.create("lock")
    held = pair.a.open("lock", "os.O_RDWR")
    assert pair.a.lock(held) is None
    wanted = pair.b.open("lock", "os.O_RDWR")
    assert pair.b.lock(wanted) == "EAGAIN"
    taken: list[Any] = []

    def wait_for_it() -> None:
        pair.wait(SILENCE)
        taken.append(pair.b.lock(wanted))

    assert pair.cut_off(lambda: pair.a.rename("todo/x", "mine/x"), wait_for_it) is None
    assert taken == [None if pair.version == "4.2" else "EAGAIN"]
    assert pair.a.utime("lock") is None
    assert pair.b.list("mine") == {"x"}


def a_full_disk_shows_at_fsync(pair: Pair) -> None:
    """[10] rename and utime work, write says that it worked, fsync says ENOSPC, and the file is left empty.

    What else works, link and symlink, is not asked: nothing of dsgspool makes links in a spool.
    """
    _two_folders(pair)
    pair.a.create("todo/x", "x")
    with pair.full_disk():
        assert pair.a.rename("todo/x", "mine/x") is None
        assert pair.a.utime("mine/x") is None
        descriptor = pair.a.open("todo/new", "os.O_WRONLY | os.O_CREAT | os.O_EXCL")
        assert pair.a.write(descriptor, "text") == 4
        assert pair.a.fsync(descriptor) == "ENOSPC"
        pair.a.close(descriptor)
        assert pair.b.list("todo") == {"new"}
        assert pair.b.fstat("todo/new")[2] == 0


def _two_folders(pair: Pair) -> None:
    for folder in ("todo", "mine"):
        pair.a.mkdir(folder)
    pair.b.list("todo"), pair.b.list("mine")
    pair.wait(GAP)


FINDINGS: list[Callable[[Pair], None]] = [
    a_cached_absence_hides_a_new_file, opening_the_folder_helps_too,
    a_cached_absence_hides_a_new_folder_and_all_that_lies_in_it, a_listing_of_the_folder_above_shows_a_new_folder,
    a_won_rename_may_show_an_older_file,
    looking_and_touching_again_do_not_cure_it, a_listing_of_the_source_before_the_rename_cures_it,
    a_listing_before_the_open_cures_it, a_folder_that_was_renamed_can_be_worked_in, renaming_the_file_fences,
    a_change_in_the_same_tick_is_overlooked, who_overlooked_it_can_touch_the_folder_too, a_change_after_the_tick_is_seen,
    who_makes_a_name_sees_all_that_came_before_it, exactly_one_wins,
    a_file_removed_while_open_gets_a_silly_name, a_heartbeat_is_seen_at_once_by_open_and_fstat, what_is_gone_is_not_found,
    a_rename_that_worked_can_say_ENOENT, a_removal_that_worked_can_say_ENOENT, a_folder_that_was_made_can_say_EEXIST,
    a_reply_that_is_lost_without_a_restart_comes_again, an_exclusive_creation_says_the_truth,
    to_be_told_that_a_folder_is_there_ends_the_belief_that_it_is_not,
    what_was_created_exclusively_has_no_mtime_at_first, a_hard_mount_delays_and_does_not_cancel, locks_do_not_fence,
    a_full_disk_shows_at_fsync,
]  # fmt: skip
