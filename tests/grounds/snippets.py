"""Python that a test sends to a node: small programs over `root` and the other names given to them."""

LIST = """
answer = []
for state in states:
    for folder, _, files in os.walk(f"{root}/{state}"):
        answer += [os.path.relpath(f"{folder}/{file}", root) for file in files if not file.startswith(".")]
answer.sort()
"""
READ = """
try:
    answer = Path(path).read_text()
except FileNotFoundError:
    answer = ""
"""
#: Touches the folders a clock tick later, as `submit` does: a listing of an NFS v3 client may lack the last change.
DROP = """
targets = [Path(root, "todo", name + ".yaml") for name in files]
for target, text in zip(targets, files.values(), strict=True):
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent / ".draft"
    draft.write_text(text)
    draft.rename(target)
time.sleep(0.02)
for folder in {target.parent for target in targets}:
    try:
        os.utime(folder)
    except FileNotFoundError:
        pass  # moved away
"""
#: A guard first stands still, so that it does not see its worker die and cannot start another one.
BURY = """
def parents():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                pass
    return found

def below(pid, known):
    mine = [child for child, parent in known.items() if parent == pid]
    return mine + [each for child in mine for each in below(child, known)]

def signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass

for guard in guards:
    if os.path.exists(f"/proc/{guard}"):
        signal(guard, 19)
        for pid in below(guard, parents()):
            signal(pid, 9)
        signal(guard, 9)
"""
STRIKE = """
deadline = time.monotonic() + 30
while not eval(when):
    if time.monotonic() > deadline:
        raise TimeoutError(when)
for number in numbers:
    for pid in pids:
        os.kill(pid, number)
answer = 0
"""
ESCAPED = """
answer = []
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            if f"DSGSPOOL_SPOOL={root}".encode() in Path(f"/proc/{name}/environ").read_bytes().split(b"\\0"):
                answer.append(Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\\0", b" ").decode())
        except OSError:
            pass
"""
CHECK = """
import json, sys
from dsgspool.snapshot import check
from dsgspool.spool import Spool
for violation in check(Spool.open(sys.argv[1]), accepted=json.loads(sys.argv[2])):
    print(violation)
"""
