"""Other programs' words (SimpleTaskQueue, HyperQueue, batch systems), and what to write here.

The rule: plain data.  `{value}` is the value that stands behind the word, `{less}` the same minus one.
"""

from __future__ import annotations

WORDS = {
    **dict.fromkeys(("cmd", "cmdline", "run", "exec"), "here it is called `command`"),
    **dict.fromkeys(("cores", "cpu", "ncpus", "threads"), "here it is called `cpus`: write `cpus: {value}`"),
    **dict.fromkeys(
        ("directory", "workdir", "working_directory", "dir", "chdir"), "here it is called `cwd`: write `cwd: {value}`"
    ),
    **dict.fromkeys(("environment", "environ", "env_vars"), "here it is called `env`"),
    **dict.fromkeys(("time_limit", "walltime", "max_time"), "here it is called `timeout`: write `timeout: {value}`"),
    **dict.fromkeys(
        ("stdout", "stderr", "log", "output"), "here logs/NAME.N.out and logs/NAME.N.err are always written: remove it"
    ),
    **dict.fromkeys(("retry", "max_retries"), "here it is called `retries`: write `retries: {value}`"),
    **dict.fromkeys(
        ("dependent_on", "depends_on", "deps", "dependencies"),
        "here it is called `after`",
    ),
    **dict.fromkeys(("eta", "run_at", "start_at", "begin"), "here it is called `not_before`"),
    **dict.fromkeys(
        ("memory", "mem", "ram", "gpus"), "it stands in `resources`, such as `resources: {memory: 16G, gpus: 1}`"
    ),
    **dict.fromkeys(
        ("constraint", "constraints", "requirements", "node", "host", "nodelist"),
        "here it is called `where`, such as `where: host=n3 gpu~A100`",
    ),
    "max_attempts": "here it is called `retries`, which does not count the first attempt: write `retries: {less}`",
    "duration": "an expected duration is not needed here; a limit is called `timeout`: write `timeout: {value}`",
    "time_request": "not needed here: remove it; a limit is called `timeout`",
    "name": "here it is called by the name of its file: save it as {value}.yaml",
    **dict.fromkeys(
        ("schedule", "cron"),
        "what runs again and again is a file of its own: schedules/NAME.yaml, with `cron:` and, below `task:`, this",
    ),
    "priority": "remove it: what lies in todo/@p10/ has priority 10, so: mkdir -p todo/@p10 && mv todo/NAME.yaml todo/@p10/ "
    "(a whole batch: dsgspool batch set BATCH priority=10)",
    "crash_limit": "here it is called `max_lost` and stands in spool.yaml",
    "max_fails": "here it is called nothing: each task stands for itself, `dsgspool hold 'BATCH/*'` parks the others",
    "array": "here it is called a batch: one file for each task, see `dsgspool submit --each-line`",
    "labels": "here it is called `tags`",
    "comment": "here it is called `description`",
    "interpreter": "here it is called `shell`, or write a `script` that begins with its #! line",
}

#: The same for what stands in `resources`.
RESOURCES = {
    **dict.fromkeys(("mem", "ram", "mem_mb", "rss"), "here it is called `memory`, such as 16G"),
    **dict.fromkeys(("cpu", "cores", "threads", "slots"), "here it is called `cpus`"),
    **dict.fromkeys(
        ("gpu", "ngpus", "gpus_per_task"), "here it is called `gpus`, a number; its model stands in `where: gpu~A100`"
    ),
    **dict.fromkeys(("vram", "gpu_mem", "gpumem"), "here it is called `gpu_memory`"),
    **dict.fromkeys(("disk", "tmp", "disk_mb", "tmpdir", "storage"), "here it is called `scratch`"),
    **dict.fromkeys(("time", "walltime", "runtime"), "that is `timeout`, beside `resources`"),
}

#: The same for what stands in `limits`.
LIMITS = {
    **dict.fromkeys(("mem", "ram", "rss", "memory_max", "vmem", "as"), "here it is called `memory`"),
    **dict.fromkeys(("nproc", "pids", "tasks", "procs"), "here it is called `processes`"),
    **dict.fromkeys(("nofile", "files"), "here it is called `open_files`"),
    **dict.fromkeys(("fsize", "disk"), "here it is called `file_size`"),
    **dict.fromkeys(("cpu", "cputime"), "here it is called `cpu_time`"),
    **dict.fromkeys(("time", "walltime", "timeout"), "that is `timeout`, beside `limits`"),
    "max_log": "it stands beside `limits`, not in it",
}
