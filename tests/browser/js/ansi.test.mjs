import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("03");
const ESC = "\u001b";
const text = (log) =>
  d
    .terminal(log)
    .map((runs) => runs.map((run) => run.text).join(""))
    .join("\n");
const first = (log) => d.terminal(log)[0][0].style;

test("colours and weights of all kinds become styles", () => {
  assert.equal(first(`${ESC}[31mx`).fg, "ansi-red");
  assert.equal(first(`${ESC}[1;92mx`).fg, "ansi-bright-green");
  assert.equal(first(`${ESC}[1;92mx`).bold, true);
  assert.equal(first(`${ESC}[44mx`).bg, "ansi-blue");
  assert.equal(first(`${ESC}[38;5;196mx`).fg, "#ff0000");
  assert.equal(first(`${ESC}[38;5;9mx`).fg, "ansi-bright-red");
  assert.equal(first(`${ESC}[38;5;244mx`).fg, "#808080");
  assert.equal(first(`${ESC}[38;2;1;2;3mx`).fg, "#010203");
  assert.equal(first(`${ESC}[38:2::1:2:3mx`).fg, "#010203");
  assert.equal(first(`${ESC}[48;2;10;20;30;1mx`).bold, true);
  assert.deepEqual(first(`${ESC}[1;31m${ESC}[mx`), first("x"));
  assert.equal(first(`${ESC}[31m${ESC}[39mx`).fg, "");
});

test("colours that are none change nothing", () => {
  for (const wrong of ["38;5;256", "38;5", "38;2;1;2", "38;2;1;2;999", "38", "999", "38;5;-1", "4294967296", ";;;"])
    assert.equal(first(`${ESC}[${wrong}mx`).fg, "", wrong);
});

test("every other escape sequence vanishes whole", () => {
  for (const [log, seen] of [
    [`${ESC}]0;title\u0007x`, "x"],
    [`${ESC}]8;;javascript:alert(1)${ESC}\\link${ESC}]8;;${ESC}\\`, "link"],
    [`${ESC}[2J${ESC}[1;1Hx`, "x"],
    [`${ESC}[?25lx`, "x"],
    [`${ESC}P1$r${ESC}\\x`, "x"],
    [`${ESC}(Bx`, "x"],
    [`${ESC}cx`, "x"],
    ["\u009b31mx", "x"],
    [`x${ESC}`, "x"],
    [`${ESC}]unfinished`, ""],
    [`${ESC}[>4;2mx`, "x"],
  ])
    assert.equal(text(log), seen, JSON.stringify(log));
});

test("a carriage return lets a line be written over, a backspace takes one back", () => {
  assert.equal(text("10%\r50%\r100%\ndone"), "100%\ndone");
  assert.equal(text("100%\rab"), "ab0%");
  assert.equal(text(`100%\r${ESC}[Kab`), "ab");
  assert.equal(text("line\r\nnext\r\n"), "line\nnext");
  assert.equal(text("abc\b\bX"), "aXc");
  assert.equal(text("progress: 1\u001b[2K\rx"), "x");
});

test("what is no escape sequence stays as it is, characters of any plane too", () => {
  assert.equal(text("a\tb 日本 😀\u0000"), "a\tb 日本 😀\u0000");
  assert.equal(text(""), "");
  assert.equal(d.terminal("a\n".repeat(9000), 100).length, 100);
});

test("colours are moved until they can be read, in light and dark", () => {
  const contrast = (a, b) => {
    const [high, low] = [d.luminance(a), d.luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  for (const [ground, ink] of [
    ["#f3f1eb", "#000000"],
    ["#12161a", "#ffffff"],
  ]) {
    for (const colour of ["#ffff00", "#000080", "#808080", "#ff0000", "#ffffff", "#000000"])
      assert.ok(contrast(d.readable(colour, ground, ink), ground) >= 4.5, `${colour} on ${ground}`);
  }
  assert.equal(d.readable("#000000", "#ffffff", "#000000"), "#000000");
});
