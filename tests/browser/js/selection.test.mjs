import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("01", "04", "34");
const labels = (...tasks) => d.commandsFor("/s", tasks, -1).map((each) => [each.label, each.command]);

test("a task that waits for others is looked at again, and not said to run", () => {
  const mail = { task: "flow/mail", state: "waiting", path: "after-flow%clean/flow/mail~0.abcdefgh-1.yaml" };
  assert.deepEqual(labels(mail), [
    ["Hold", "dsgspool --spool /s hold flow/mail"],
    ["Look again", "dsgspool --spool /s release flow/mail"],
    ["Cancel", "dsgspool --spool /s cancel flow/mail"],
  ]);
});

test("what is parked or pauses before a retry is let run", () => {
  const held = { task: "a", state: "hold", path: "a.yaml" };
  const paused = { task: "b", state: "waiting", path: "until-20261121T210000Z/b~1.abcdefgh-1.yaml" };
  const waits = { task: "c", state: "waiting", path: "after-x/c.yaml" };
  const released = labels(held, paused, waits).filter(([, command]) => command.includes(" release "));
  assert.deepEqual(released, [
    ["Let run", "dsgspool --spool /s release a b"],
    ["Look again", "dsgspool --spool /s release c"],
  ]);
});
