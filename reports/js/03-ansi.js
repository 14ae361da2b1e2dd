// What a log looks like on a terminal, as pieces of text with colours.
// The rule: pure.  Of escape sequences only colours and weights (SGR) do something; all others vanish whole, a stray
// control character becomes a sign.  A carriage return lets the line be written over; a backspace takes one character
// back.
(function (d) {
  "use strict";

  const SEQUENCE = new RegExp(
    [
      "\\u001b\\[([0-9:;<=>?]*)[ -/]*([@-~])", // CSI ... final
      "\\u001b[\\]PX^_][^\\u0007\\u001b\\u009c]*(?:\\u0007|\\u001b\\\\|\\u009c|$)", // OSC, DCS, SOS, PM, APC ... end
      "\\u009b([0-9:;<=>?]*)[ -/]*([@-~])", // 8-bit CSI
      "\\u001b[ -/]*[0-~]", // two characters
      "\\u001b",
    ].join("|"),
    "g",
  );
  const BASE = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

  const fresh = () => ({
    fg: "",
    bg: "",
    bold: false,
    dim: false,
    italic: false,
    under: false,
    strike: false,
    inverse: false,
  });

  /** Lines of `text`; each an array of {text, style}.  style: fg/bg = "" | ansi-NAME | ansi-bright-NAME | #rrggbb. */
  d.terminal = (text, most = 5000) => {
    const lines = [];
    let style = fresh();
    let key = JSON.stringify(style);
    let line = new Line();
    const write = (part) => {
      let start = 0;
      for (let at = 0; at <= part.length; at += 1) {
        const character = part[at];
        if (at < part.length && character !== "\n" && character !== "\r" && character !== "\b") continue;
        if (at > start) line.write(part.slice(start, at), key);
        start = at + 1;
        if (character === "\n") {
          lines.push(line.runs());
          line = new Line();
        } else if (character === "\r") line.at = 0;
        else if (character === "\b") line.at = Math.max(0, line.at - 1);
      }
    };
    let last = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      write(text.slice(last, match.index));
      last = match.index + match[0].length;
      const final = match[2] || match[4];
      const facts = match[1] ?? match[3] ?? "";
      if (final === "m" && !/[<=>?]/.test(facts)) {
        style = sgr(style, facts);
        key = JSON.stringify(style);
      } else if (final === "K") line.erase(facts);
      else if (final === "G") line.at = Math.min(4000, Math.max(0, (Number.parseInt(facts, 10) || 1) - 1));
    }
    write(text.slice(last));
    if (line.cells.length) lines.push(line.runs());
    return lines.slice(-most);
  };

  /** One line while it is written: characters and the style of each. */
  class Line {
    constructor() {
      this.cells = [];
      this.styles = [];
      this.at = 0;
    }

    write(text, style) {
      for (const character of text) {
        while (this.cells.length < this.at) {
          this.cells.push(" ");
          this.styles.push(style);
        }
        this.cells[this.at] = character;
        this.styles[this.at] = style;
        this.at += 1;
      }
    }

    erase(facts) {
      const what = Number.parseInt(facts, 10) || 0;
      if (what === 0) {
        this.cells.length = this.styles.length = Math.min(this.at, this.cells.length);
      } else if (what === 2) {
        this.cells.length = this.styles.length = 0;
      }
    }

    runs() {
      const runs = [];
      let last = null;
      this.cells.forEach((character, index) => {
        if (last && last.key === this.styles[index]) last.text += character;
        else runs.push((last = { text: character, key: this.styles[index] }));
      });
      return runs.map((run) => ({ text: run.text, style: JSON.parse(run.key) }));
    }
  }

  const CODES = {
    1: { bold: true },
    2: { dim: true },
    3: { italic: true },
    4: { under: true },
    7: { inverse: true },
    9: { strike: true },
    21: { under: true },
    22: { bold: false, dim: false },
    23: { italic: false },
    24: { under: false },
    27: { inverse: false },
    29: { strike: false },
    39: { fg: "" },
    49: { bg: "" },
  };

  function sgr(style, facts) {
    let next = { ...style };
    const codes = facts.split(";").map((each) => each.split(":").map((part) => (part === "" ? -1 : Number(part))));
    for (let at = 0; at < codes.length; at += 1) {
      const code = Math.max(0, codes[at][0]);
      if (code === 0) next = fresh();
      else if (code === 38 || code === 48) {
        const own = codes[at].length > 1;
        const given = own ? codes[at].slice(1) : codes.slice(at + 1, at + 5).map((each) => each[0]);
        const [colour, used] = extended(given, own);
        if (colour) next[code === 38 ? "fg" : "bg"] = colour;
        if (!own) at += used;
      } else if (code === 4 && codes[at][1] === 0) next.under = false;
      else if (Object.hasOwn(CODES, code)) Object.assign(next, CODES[code]);
      else simple(next, code);
    }
    return next;
  }

  function simple(style, code) {
    const tens = Math.floor(code / 10),
      unit = code % 10;
    if (unit > 7) return;
    if (tens === 3) style.fg = `ansi-${BASE[unit]}`;
    else if (tens === 4) style.bg = `ansi-${BASE[unit]}`;
    else if (tens === 9) style.fg = `ansi-bright-${BASE[unit]}`;
    else if (tens === 10) style.bg = `ansi-bright-${BASE[unit]}`;
  }

  /** [colour, codes used] of `5;N` or `2;R;G;B` (with colons there may be a colour space before R). */
  function extended(given, own) {
    if (given[0] === 5) return [indexed(given[1]), 2];
    if (given[0] !== 2) return ["", given.length ? 1 : 0];
    const parts = own && given.length > 4 ? given.slice(2, 5) : given.slice(1, 4);
    if (parts.length < 3 || parts.some((each) => !(each >= 0 && each <= 255))) return ["", 4];
    return [hex(parts), 4];
  }

  const hex = (parts) => `#${parts.map((each) => Math.round(each).toString(16).padStart(2, "0")).join("")}`;

  function indexed(number) {
    if (!(number >= 0 && number <= 255)) return "";
    if (number < 8) return `ansi-${BASE[number]}`;
    if (number < 16) return `ansi-bright-${BASE[number - 8]}`;
    if (number > 231) return hex(Array(3).fill(8 + (number - 232) * 10));
    const steps = [0, 95, 135, 175, 215, 255],
      cube = number - 16;
    return hex([steps[Math.floor(cube / 36)], steps[Math.floor(cube / 6) % 6], steps[cube % 6]]);
  }

  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  d.luminance = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => linear(Number.parseInt(colour.slice(at, at + 2), 16) / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  /** A colour that can be read on a ground: mixed with ink until the contrast is 4.5. */
  d.readable = (colour, ground, ink) => {
    const parts = (each) => [1, 3, 5].map((at) => Number.parseInt(each.slice(at, at + 2), 16));
    const contrast = (each) => {
      const [one, other] = [d.luminance(each), d.luminance(ground)].sort((a, b) => b - a);
      return (one + 0.05) / (other + 0.05);
    };
    let mixed = colour;
    for (let share = 0; share <= 1.001 && contrast(mixed) < 4.5; share += 0.1) {
      mixed = hex(parts(colour).map((each, index) => each * (1 - share) + parts(ink)[index] * share));
    }
    return mixed;
  };
})(globalThis.dsgspool);
