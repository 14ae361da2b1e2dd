import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("04");
const NAMES = [
  "plain/0001",
  "two words",
  "it's",
  'a"b',
  "$HOME `id` $(id)",
  "-rf",
  "a;b&c|d",
  "new\nline",
  "tab\there",
  "\u001b[31mred",
  "*?[x]",
  "~",
  "!history",
  "日本語",
  "back\\slash",
  "'",
  "''",
  "#x",
  "a'\nb\\",
  "\u0085x",
];

test("bash hands each name back as one word, whatever it is made of", () => {
  const out = execFileSync("bash", ["-c", `printf '%s\\0' ${NAMES.map(d.quote).join(" ")}`], {
    env: { LC_ALL: "C.UTF-8" },
  });
  assert.deepEqual(out.toString().split("\0").slice(0, -1), NAMES);
});

test("a byte that is no UTF-8 is that byte again, in a shell and in an address", () => {
  const out = execFileSync("bash", ["-c", `printf '%s' ${d.quote("caf\udce9")}`]);
  assert.deepEqual([...out], [0x63, 0x61, 0x66, 0xe9]);
  assert.equal(d.encode("caf\udce9/é"), "caf%E9%2F%C3%A9");
  assert.equal(d.decode("caf%E9"), "caf\udce9");
  assert.equal(d.decode("%E0%A4%A"), "\udce0\udca4%A");
  for (const name of NAMES) assert.equal(d.decode(d.encode(name)), name);
});

test("a name is a name for the program, not a pattern and not an option", () => {
  assert.equal(d.literal("a[1]*?"), "a[[]1][*][?]");
  assert.equal(
    d.verbCommand("/lab/my spool", "requeue", ["a*", "b c"]).command,
    "dsgspool --spool '/lab/my spool' requeue 'a[*]' 'b c'",
  );
  assert.ok(d.verbCommand("/s", "hold", ["-x"]).command.includes(" -- "));
  const isBatch = (name) => name === "sweep";
  assert.equal(d.verbCommand("/s", "hold", ["sweep", "x"], isBatch).command, "dsgspool --spool /s hold '[s]weep' x");
});

test("what failed by a limit gets twice as much before it runs again", () => {
  const oom = (key, count) => `its processes had 9 bytes of memory; ${key} is ${count}`;
  for (const [task, tag, reason, change] of [
    ["a", "timeout", "still running after 3600 s", "timeout=2h"],
    ["a", "timeout", "still running after 0.75 s", "timeout=1.5s"],
    ["a", "oom", oom("resources.memory", 209715200), "resources.memory=400M"],
    ["a", "oom", oom("limits.memory", 1000001), "limits.memory=2000002"],
    ["s/10-19", "oom", oom("limits.memory", 1024), ""],
    ["a", "oom", oom("limits.memory", "50.0 MiB"), "limits.memory=100M"],
    ["a", "timeout", "it ended by itself", ""],
    ["a", "exit1", "still running after 3600 s", ""],
    ["a", "expired", "it had not begun", "expires="],
    ["s/10-19", "expired", "it had not begun", ""],
  ])
    assert.equal(d.larger(task, tag, reason), change);
  assert.equal(d.changedCommand("/s", "a", "expires=").label, "Run again without expires");
  const first = ["invalid", "expired", "exit1", "constructor"].map(d.first);
  assert.deepEqual(first, [", once mended", ", with another expires", "", ""]);
  assert.deepEqual(d.changedCommand("/s", "b[1]", "timeout=2h"), {
    label: "Run again with more time",
    command:
      "dsgspool --spool /s requeue --hold 'b[[]1]' && dsgspool --spool /s edit 'b[[]1]' timeout=2h --yes && dsgspool --spool /s release 'b[[]1]'",
  });
});

test("a command has an end, and says how many names are left", () => {
  const many = Array.from({ length: 2000 }, (_, n) => `sweep/${n}`);
  const made = d.verbCommand("/s", "requeue", many);
  assert.deepEqual([made.names, made.left], [d.NAMES, 1500]);
  const long = d.verbCommand(
    "/s",
    "requeue",
    many.map((name) => name + "x".repeat(400)),
  );
  assert.ok(long.command.length <= d.BYTES + 100 && long.left > 1500);
  const moved = d.moveCommand(
    "/s",
    many.map((task) => ({ task, state: "failed", path: `${task}~exit1.yaml` })),
    "todo",
  );
  assert.deepEqual([moved.names, moved.left], [d.NAMES, 1500]);
});

test("files are moved batch by batch into folders that are there", () => {
  const tasks = [
    { task: "a/1", state: "failed", path: "a/1~exit1.yaml" },
    { task: "b", state: "hold", path: "b.yaml" },
    { task: "a/2", state: "failed", path: "a/2~oom.yaml" },
  ];
  assert.equal(
    d.moveCommand("/s", tasks, "todo").command,
    "cd /s && mkdir -p todo/a/ && mv -n 'failed/a/1~exit1.yaml' 'failed/a/2~oom.yaml' todo/a/ && mv -n hold/b.yaml todo/",
  );
});

test("CSV quotes what it must, and a spreadsheet computes nothing", () => {
  const rows = [
    ["task", "n"],
    ["=1+1", 3.5],
    ["+x", NaN],
    ["-x", -2],
    ["@x", null],
    ["\tx", ""],
    ['say "hi", you', "a\nb"],
    [" padded ", "plain"],
  ];
  assert.equal(
    d.csv(rows),
    'task,n\r\n\'=1+1,3.5\r\n\'+x,\r\n\'-x,-2\r\n\'@x,\r\n\'\tx,\r\n"say ""hi"", you","a\nb"\r\n" padded ",plain\r\n',
  );
});
