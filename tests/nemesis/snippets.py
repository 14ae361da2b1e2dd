"""Python that is sent to nodes (see `Node.python`): what only a process there can see or do.

The rule: each is a few lines over the names given to it, needs nothing but Python, and touches the share only where it
says so: a node whose share hangs still answers the others.
"""

from tests.nfs.rig import cluster as rig

PROCESSES = """
import signal

def family():
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                state, parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state not in "ZX":
                parents[int(name)] = int(parent)
    return parents

def line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\\0")
    except OSError:
        return []

def below(pid, parents):
    mine = [child for child, parent in parents.items() if parent == pid]
    return mine + [each for child in mine for each in below(child, parents)]

def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

parents = family()
living = [guard for guard in guards if guard in parents]
"""

#: What waits in the kernel and cannot be interrupted, and where: command lines with the kernel's functions.
HANGING = """
answer = []
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            if Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0] == "D":
                words = Path(f"/proc/{name}/cmdline").read_bytes().decode(errors="replace").split("\\0")
                answer.append(" ".join([*words[:6], *Path(f"/proc/{name}/stack").read_text().split()[1::2]]))
        except OSError:
            continue
"""

#: Which of these guards live.
LIVING = f"{PROCESSES}\nanswer = living"

#: A blow against one worker: `who` is worker, guard, both, task or all; `number` the signal.  What it hit.
STRIKE = f"""{PROCESSES}
answer = None
if living:
    guard = living[int(chance * len(living))]
    workers = [pid for pid in below(guard, parents) if "--guard-fd" in line(pid)]
    tasks = [pid for pid in below(guard, parents) if pid not in workers]
    long = [pid for pid in tasks if (words := line(pid)) and words[0].endswith("/act") and words[1][:2] != "0:"]
    hit = {{
        "worker": workers, "guard": [guard], "both": [guard, *workers], "all": [guard, *workers, *tasks],
        "task": long[:1],
    }}[who]
    if who == "both":
        send(hit, signal.SIGSTOP)  # so that neither does anything about the death of the other
    send(hit, number)
    if hit:
        answer = {{"guard": guard, "hit": hit}}
"""
SEND = """
for pid in pids:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
answer = 0
"""

#: Processes that were started for this spool and are there: tasks, commands, workers.
THERE = """
answer = []
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            if f"DSGSPOOL_SPOOL={root}".encode() in Path(f"/proc/{name}/environ").read_bytes().split(b"\\0"):
                answer.append(name + " " + Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\\0", b" ").decode())
        except OSError:
            pass
"""

#: Files of some folders of the spool, with their paths below it.
FILES = """
answer = []
for state in states:
    for folder, _, files in os.walk(f"{root}/{state}"):
        answer += [os.path.relpath(f"{folder}/{file}", root) for file in files if file.endswith(".yaml")]
"""

#: What an edit that was killed has taken out, until a leader brings it back.
OWED = """
def below(top):
    return {
        os.path.relpath(f"{folder}/{file}", top)
        for folder, _, files in os.walk(top) for file in files if file.endswith(".yaml")
    }

answer = []
for name in os.listdir(f"{root}/edits") if os.path.isdir(f"{root}/edits") else ():
    top = f"{root}/edits/{name}"
    if name.endswith(".open"):
        old = below(f"{top}/old")
        answer += [f"edits/{name}/out/{path}" for path in below(f"{top}/out")]
        answer += [f"edits/{name}/{stage}/{path}" for stage in ("new", "afresh") for path in below(f"{top}/{stage}") & old]
"""

#: Last tasks of batches that are over, as far as they are still to be made.
FINALS = """
answer = []
for file in os.listdir(f"{root}/batches"):
    batch, _, ending = file.rpartition(".")
    over = f"{root}/batches/{batch}.over"
    some = any(os.path.isdir(f"{root}/{state}/{batch}") for state in ("done", "failed"))
    if ending == "yaml" and some and (not os.path.isdir(over) or "task.yaml" in os.listdir(over)):
        if "finally" in Path(f"{root}/batches/{file}").read_text():
            answer.append(f"batches/{batch}.over")
"""

#: A schedule whose time began half an hour ago by the server's clock.
LAY = """
draft = f"{root}/schedules/.{name}"
Path(draft).write_text(text)
began = os.stat(draft).st_mtime - 1800
os.utime(draft, (began, began))
os.rename(draft, f"{root}/schedules/{name}.yaml")
answer = 0
"""

#: All of the spool, for the verdict: [state, path, id, digest], [path, worker, outcome, id, digest], worker -> facts.
LISTING = r"""
import hashlib, re

ID = re.compile(rb"\d+:\d+:\d+:\d+:([a-z0-9.-]+)")
FACT = re.compile(rb"^(worker|outcome|digest): ?(.*)\n", re.M)

def read(path):
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""

def its_id(data):
    found = ID.search(data)
    return found[1].decode() if found else ""

def below(top, ending):
    for folder, _, files in os.walk(f"{root}/{top}"):
        yield from (os.path.relpath(f"{folder}/{file}", f"{root}/{top}") for file in files if file.endswith(ending))

files, records, workers = [], [], {}
for state in ("todo", "waiting", "hold", "running", "done", "failed"):
    for path in below(state, ".yaml"):
        data = read(f"{root}/{state}/{path}")
        files.append([state, path, its_id(data), hashlib.sha256(data).hexdigest()])
for path in below("logs", ".yaml"):
    data = read(f"{root}/logs/{path}")
    facts = {key: value.decode().strip('"') for key, value in FACT.findall(data)}
    over = data.endswith(b"...\n")
    outcome = facts.get(b"outcome", "") if over else ""
    records.append([path, facts.get(b"worker", ""), outcome, its_id(data), facts.get(b"digest", "")])
for path in below("workers", ".yaml"):
    if path.count(".") == 1:
        text = read(f"{root}/workers/{path}").decode()
        workers[path[:-5]] = dict(row.split(": ", 1) for row in text.splitlines() if ": " in row)
lines = {}
for path in below("logs", ".items"):
    rows = [row.split() for row in read(f"{root}/logs/{path}").splitlines(keepends=True) if row.endswith(b"\n")]
    done = [int(row[0]) for row in rows if row[0] != b"#" and row[1] == b"done"]
    lines.setdefault(path.rsplit(".", 2)[0], []).extend(done)
ended = {path[:-5]: json.loads(read(f"{root}/workers/{path}") or b"{}").get("exit") for path in below("workers", ".dead")}
fenced = [path[:-7] for path in below("workers", ".fenced")]
rescues = []
for path in below("workers", ".jsonl"):
    for row in read(f"{root}/workers/{path}").split(b"\n"):
        if b'"rescue"' in row:
            said = json.loads(row)
            rescues.append([said["at"], said["worker"], said["why"]])
ticks = [name for top, names, _ in os.walk(f"{root}/schedules/ticks") for name in names if top != f"{root}/schedules/ticks"]
answer = [files, records, workers, fenced, rescues, ticks, lines, ended]
"""

#: A program: what `snapshot.check` finds in argv[1]; argv[2] is a file with the names that must be there.
CHECK = """
import json, sys
from dsgspool.snapshot import check
from dsgspool.spool import Spool
for violation in check(Spool.open(sys.argv[1]), accepted=json.load(open(sys.argv[2]))):
    print(violation)
"""

#: People.  They touch the share, and nothing but the share: a node that boots answers before it has mounted it.
LOOK = """
answer = []
for state in ("todo", "hold", "running", "done", "failed"):
    top = f"{root}/{state}"
    folders = [top, *(f"{top}/{name}" for name in os.listdir(top) if state == "running" or name in batches)]
    for folder in folders:
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        answer += [os.path.relpath(f"{folder}/{name}", root) for name in names if name.endswith(".yaml")]
"""
#: mv -n, mv -n of a whole folder.
MOVE = """
os.stat(f"{root}/spool.yaml")
folder, name = os.path.split(f"{root}/{new}")
os.makedirs(folder, exist_ok=True)
answer = name in os.listdir(folder)
if not answer:
    os.rename(f"{root}/{old}", f"{root}/{new}")
"""
#: cp -n
COPY = """
os.stat(f"{root}/spool.yaml")
data = Path(root, old).read_bytes()
os.makedirs(os.path.dirname(f"{root}/{new}"), exist_ok=True)
with open(f"{root}/{new}", "xb") as file:
    file.write(data)
answer = 0
"""
REMOVE = """
os.stat(f"{root}/spool.yaml")
os.unlink(f"{root}/{old}")
answer = 0
"""
#: What editors do: a new file in the place of the old one, or the old one emptied and written again.
SAVE = """
path = f"{root}/{old}"
if in_place:
    with open(path, "w") as file:
        file.write(text)
else:
    draft = f"{os.path.dirname(path)}/.{os.path.basename(path)}.swx"
    Path(draft).write_text(text)
    os.rename(draft, path)
answer = 0
"""
#: Whole files, each made beside its place and renamed, or written in its place.
DROP = """
os.stat(f"{root}/spool.yaml")
for name, text in files.items():
    path = Path(root, "todo", name + ".yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    if in_place:
        path.write_text(text)
    else:
        draft = path.parent / f".{path.name}.draft"
        draft.write_text(text)
        draft.rename(path)
answer = 0
"""
FILL = f"{rig.FILL}answer = 0\n"
