"""Real workers: GPUs from a fake nvidia-smi, memory as reservation and limit, ladders of memory, two unlike nodes."""

import sys

from dsgspool.snapshot import take
from dsgspool.spool import Spool
from tests.support.processes import Gate, SpoolFolder, Workers, two_gpus

HOG = "import time; x = bytearray({} << 20); time.sleep({})"


def test_a_task_sees_its_gpus_its_memory_and_its_cpus_and_others_see_no_gpu(
    folder: SpoolFolder, workers: Workers
) -> None:
    echo = "echo [$CUDA_VISIBLE_DEVICES] $DSGSPOOL_CPUS $DSGSPOOL_MEMORY $OMP_NUM_THREADS"
    folder.drop("a", echo, resources={"cpus": 2, "memory": "256M", "gpus": 1}, where="gpu~a100 has:sh rack=b")
    folder.drop("b", echo)
    folder.configure(software={"sh": "echo sh 1.0", "none": "no-such-program"})
    worker = workers.start("--until-empty", "--label", "rack=b", env=two_gpus(folder))
    assert worker.ends() == 0, worker.output()
    assert folder.out("a") == "[0] 2 268435456 2\n"
    assert folder.out("b").startswith("[] 1")
    record = folder.record("a")
    assert (record["resources"], record["gpus"]) == ("memory=256M gpus=1 gpu~a100 has:sh rack=b", [0])
    assert record["memory_limit_bytes"] == 256 << 20


def test_who_looks_while_it_runs_sees_which_gpus_it_has(folder: SpoolFolder, workers: Workers, gate: Gate) -> None:
    folder.drop("both", gate.wait, resources={"gpus": 2})
    worker = workers.start("--until-empty", env=two_gpus(folder))
    (run,) = workers.wait_until(lambda: [run for run in take(Spool.find(str(folder))).running if run.gpus], 10)
    assert sorted(run.gpus) == [0, 1]
    gate.open()
    assert worker.ends() == 0, worker.output()


def test_each_task_runs_on_the_node_that_has_what_it_wants(folder: SpoolFolder, workers: Workers) -> None:
    for number in range(3):
        folder.drop(f"gpu{number}", resources={"gpus": 1})
        folder.drop(f"rack{number}", where="rack=b")
    workers.ready("--label", "rack=b")
    workers.ready(env=two_gpus(folder))
    folder_hosts = workers.wait_until(lambda: len(folder.done()) == 6 and folder.done(), 20)
    assert folder_hosts == {f"{kind}{number}" for kind in ("gpu", "rack") for number in range(3)}
    on = {name: folder.record(name)["worker"] for name in folder_hosts}
    assert len({on[f"gpu{n}"] for n in range(3)}) == len({on[f"rack{n}"] for n in range(3)}) == 1
    assert on["gpu0"] != on["rack0"]


def test_an_oom_is_tried_again_with_more_memory_until_the_ladder_ends(folder: SpoolFolder, workers: Workers) -> None:
    hog = [sys.executable, "-c", HOG.format(80, 60)]
    folder.drop("x", hog, resources={"memory": ["30M", "60M"]})
    folder.drop("y", [sys.executable, "-c", HOG.format(60, 1)], resources={"memory": ["30M", "900M"]})
    workers.run_until_empty(40)
    assert folder.states() == {"done": ["y.yaml"], "failed": ["x~oom.yaml"]}
    assert [folder.record("x", number)["resources"] for number in (1, 2)] == ["memory=30M", "memory=60M"]
    assert "resources.memory is 60.0 MiB" in str(folder.record("x", 2)["reason"])


def test_small_tasks_overtake_one_that_finds_no_room_as_long_as_spool_yaml_says(
    folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    folder.configure(reserve_after="1h")
    folder.drop("a", gate.wait)
    worker = workers.ready(slots=2)
    worker.wait_until(lambda: folder.has_begun("a"), 20)
    folder.drop("wide", "true", cpus=2)
    worker.wait_until(lambda: folder.ls("todo/@cpus2"), 20)
    folder.drop("b", "true")
    worker.wait_until(lambda: folder.done() == {"b"}, 20)
    assert len(folder.ls("todo/@cpus2")) == 1
    gate.open()
    worker.wait_until(lambda: folder.done() == {"a", "b", "wide"}, 20)
