"""What strangers put into a spool to harm whoever reads the report: names, logs, records, inventories, settings.

The rule: each of the teeth sets `window.pwned` when it gets through, in whatever place of HTML, script, CSV or address it
stands; a file system takes any byte but `/` and NUL in a name, so all others are tried.
"""

from __future__ import annotations

import json
import os

from tests.browser.hand import Hand

TEETH = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=2</script>",
    "<img src=x onerror=window.pwned=3>",
    "\"'><svg onload=window.pwned=4>",
    "');window.pwned=5;//",
    "\\u003cscript>window.pwned=6",
    "${window.pwned=7}",
    "{{window.pwned=8}}{% raw %}",
    "<!--<script>",
    "]]><!--",
    "javascript:window.pwned=9",
    "-->\u2028window.pwned=10\u2029",
    "&lt;b&gt;&amp;",
)
STRANGE = (
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\ "
    "\u202egnp.exe\u202c \u2066x\u2069 \x00nul \ufeff"
)
NAMES = (
    "a<b>b",
    "q'u\"o`te",
    "=SUM(A1:A9)",
    "+1+1",
    "a&amp;b",
    "per;cent#hash?query=1",
    "back\\slash",
    "rtl-\u202egpj.exe",
    "line\u2028sep",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "so-" + "long-" * 28,
    "日本語 и кириллица",
    "space  two",
    "<img src=x onerror=window.pwned=11>",
    "'onmouseover='window.pwned=12",
)
BIG = 100 << 20
LIES = ("worker", "host", "started", "ended", "outcome", "reason", "next", "git", "cwd", "digest", "text", "file")


def hostile(spool: Hand) -> None:
    """All of it at once."""
    wid = spool.worker(
        "n1-aaaaaaaa", host="<script>window.pwned=20</script>", version="</script><script>window.pwned=21</script>"
    )
    dead = spool.worker("n2-bbbbbbbb", silent=600, host=TEETH[2], python=TEETH[3])
    for number, name in enumerate(NAMES):
        task = f"{name}/{name}" if number % 3 == 0 and len(name) < 60 else name
        spool.failed(
            task,
            wid,
            ago=500 + number,
            err="\n".join(TEETH) + f"\n{STRANGE}\n{TEETH[number % len(TEETH)]}\n",
            text=_text(number),
        )
    for number, teeth in enumerate(TEETH):
        spool.failed(
            f"teeth/{number}",
            wid,
            ago=300,
            err=f"{teeth}\n",
            environment_lies=teeth,
            text=f"command: {json.dumps(teeth)}\n...\n",
        )
        spool.done(f"good/{number}", wid, ago=200, out=f"{teeth}\n{STRANGE}\n")
    spool.run("runs/<b>", wid, ago=30, err=f"##progress 3/0\n##progress 99999999999999999999/1\n{TEETH[1]}\n")
    spool.run("runs/dead", dead, ago=700, out=STRANGE)
    _records(spool, wid)
    _files(spool, wid)


def _text(number: int) -> str:
    return f"command: {json.dumps(TEETH[number % len(TEETH)])}\n# {STRANGE.replace(chr(0), '')}\n...\n"


def _records(spool: Hand, wid: str) -> None:
    """Records whose every value lies, and broken ones."""
    lies = dict.fromkeys(LIES, TEETH[1])
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in lies.items())
    spool.overwrite(
        "logs/liar.1.yaml",
        f"{lines}seconds: .nan\nexit_code: 1e999\ncpus: -7\npeak_memory_bytes: 99999999999999999999999\n...\n",
    )
    spool.overwrite("failed/liar~exit1.yaml", "command: false\n...\n")
    spool.overwrite("logs/broken.1.yaml", b"\xff\xfe\x00: [\n")
    spool.overwrite("done/broken.yaml", "command: false\n...\n")
    spool.overwrite("failed/recordless~exit9.yaml", "x")
    for number, moment in enumerate(("1969-12-31T23:59:59.000Z", "9999-12-31T23:59:59.999Z")):
        spool.done(f"when-{number}", wid, ago=100)
        record = spool / f"logs/when-{number}.1.yaml"
        text = "".join(
            f"started: {moment}\n" if each.startswith("started:") else f"{each}\n"
            for each in record.read_text().splitlines()
        )
        record.write_text(text)
    spool.overwrite(
        f"workers/{wid}.jsonl",
        f'{{"at": "x"}}\n[1]\n{json.dumps({"event": TEETH[0], "at": TEETH[1], "task": TEETH[2]})}\n\xff{{"a\n'.encode(
            "latin-1"
        ),
    )


def _files(spool: Hand, wid: str) -> None:
    """Logs of 100 MB, of one line, of no UTF-8; names that are no names."""
    spool.failed("big/log", wid, ago=90, err="first line\n")
    with open(spool / "logs/big/log.1.err", "ab") as file:
        file.truncate(BIG)
        file.seek(0, os.SEEK_END)
        file.write(b"\nthe very last line of a big log\n")
    spool.failed("big/line", wid, ago=80, err="y\n")
    spool.write("logs/big/line.1.err", b"y" * 3_000_000 + b"the end of one long line")
    spool.failed("big/bytes", wid, ago=70, err="z\n")
    spool.write(
        "logs/big/bytes.1.err", b"caf\xe9 \xff\xfe\x80\n" + bytes(range(256)) + b"\nlast bytes \xf0\x28\x8c\x28\n"
    )
    for name in (b"not-utf8-\xff\xfe.yaml", b"tab\tand\nnewline.yaml", b"~.yaml", b"a~b~c.yaml", b"@x@y.yaml"):
        with open(os.path.join(os.fsencode(str(spool)), b"failed", name), "wb") as file:
            file.write(b"command: x\n...\n")
    os.symlink("/etc/passwd", spool / "failed/link.yaml")
