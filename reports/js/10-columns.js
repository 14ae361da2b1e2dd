// The rows of attempts and tasks as columns: typed arrays for numbers, indexes into one dictionary for words that
// repeat.
// The rule: pure.  NaN is a number that is not known, "" such a text; a row number is that of the whole report,
// whatever chunk it came in; no object for a row.
(function (d) {
  "use strict";

  /** Outcomes without a command: a worker wrote them down and put the task away (report/tally.py). */
  d.NEVER_BEGAN = ["dependency", "expired", "invalid"];

  /** True when an attempt has an outcome: it does not run, and is not in the hands of a worker that has fallen silent. */
  d.isOver = (outcome) => outcome !== "" && outcome !== "silent";

  /** Words <-> small numbers. */
  class Dictionary {
    constructor() {
      this.words = [""];
      this.index = new Map([["", 0]]);
    }

    number(word) {
      let found = this.index.get(word);
      if (found === undefined) {
        found = this.words.push(word) - 1;
        this.index.set(word, found);
      }
      return found;
    }
  }

  /** A table of columns that grows.  parts: what comes together, {words, texts, numbers}: names of columns of each kind. */
  class Table {
    constructor(parts) {
      this.parts = parts;
      this.count = 0;
      this.version = 0; // another one when what was known became other rows
      this.dictionaries = {};
      for (const { words = [], texts = [], numbers = [] } of Object.values(parts)) {
        for (const name of texts) this[name] = [];
        for (const name of numbers) this[name] = new Float64Array(0);
        for (const name of words) {
          this[name] = new Int32Array(0);
          this.dictionaries[name] = new Dictionary();
        }
      }
    }

    /** Room for so many rows of a part. */
    reserve(kind, rows) {
      const { words = [], texts = [], numbers = [] } = this.parts[kind];
      for (const name of words) this[name] = grown(this[name], rows, Int32Array);
      for (const name of numbers) this[name] = grown(this[name], rows, Float64Array);
      for (const name of texts) {
        if (rows <= this[name].length) continue;
        // made at its size: an array that is filled from behind becomes a slow one
        const column = new Array(rows),
          old = this[name];
        for (let row = 0; row < old.length; row += 1) column[row] = old[row];
        this[name] = column;
      }
    }

    /** Put the rows of a chunk where they belong. */
    take(chunk) {
      const first = Number(chunk.first),
        rows = Number(chunk.rows),
        known = chunk.words;
      const { words = [], texts = [], numbers = [] } = this.parts[chunk.kind];
      this.reserve(chunk.kind, first + rows);
      for (const name of texts) spell(this[name], first, indexes(chunk, name, rows), known);
      for (const name of words)
        translate(this[name].subarray(first, first + rows), indexes(chunk, name, rows), known, this.dictionaries[name]);
      for (const name of numbers)
        unpack(chunk[name], this[name].subarray(first, first + rows), SCALES[name]);
    }

    /** All chunks are in: so many rows there are.  changed: what was there before is other now. */
    commit(rows, changed = true) {
      if (changed || this.count !== rows) this.version += 1;
      this.count = rows;
    }

    word(name, row) {
      return this.dictionaries[name].words[this[name][row]];
    }
  }

  // Long loops stand in functions of their own: left in the midst of one, what was compiled for them is thrown away.

  function spell(into, first, column, known) {
    for (let row = 0; row < column.length; row += 1) into[first + row] = column[row] < 0 ? "" : known[column[row]];
  }

  /** A chunk's words as those of the whole column's dictionary. */
  function translate(into, column, known, dictionary) {
    const given = new Int32Array(known.length).fill(-1);
    for (let row = 0; row < column.length; row += 1) {
      const word = column[row];
      if (word >= 0 && given[word] < 0) given[word] = dictionary.number(known[word]);
      into[row] = word < 0 ? 0 : given[word];
    }
  }

  const SCALES = { seconds: 1000, cpu_seconds: 1000 }; // written in thousandths

  const indexes = (chunk, name, rows) => unpack(chunk[`${name}_w`] ?? -1, new Int32Array(rows));

  /**
   * A column as a chunk writes it: a list, {from: N} that counts up, {from, bytes, data}: base64 of little-endian numbers
   * (0: not known), or the value of all rows.
   */
  function unpack(column, into, scale = 1) {
    const rows = into.length;
    if (Array.isArray(column)) for (let row = 0; row < rows; row += 1) into[row] = numeric(column[row]) / scale;
    else if (column === null || typeof column !== "object") into.fill(numeric(column) / scale);
    else if (column.data === undefined) for (let row = 0; row < rows; row += 1) into[row] = column.from + row;
    else {
      const { from, bytes } = column,
        numbers = new (KINDS[bytes] || Uint32Array)(bytesOf(column.data).buffer);
      if (bytes === 8) addWide(numbers, from, scale, into);
      else add(numbers, from, scale, into);
    }
    return into;
  }

  function add(numbers, from, scale, into) {
    for (let row = 0; row < into.length; row += 1) into[row] = numbers[row] === 0 ? NaN : (numbers[row] + from) / scale;
  }

  /** The same of numbers of 8 bytes. */
  function addWide(halves, from, scale, into) {
    for (let row = 0; row < into.length; row += 1) {
      const value = halves[2 * row] + halves[2 * row + 1] * 2 ** 32;
      into[row] = value === 0 ? NaN : (value + from) / scale;
    }
  }

  const KINDS = { 1: Uint8Array, 2: Uint16Array };
  const numeric = (value) => (typeof value === "number" ? value : NaN);

  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const letters = atob(text),
      found = new Uint8Array(letters.length);
    for (let at = 0; at < found.length; at += 1) found[at] = letters.charCodeAt(at);
    return found;
  }

  /** A typed array that holds so many, in whole steps so that it is not made anew each time. */
  function grown(old, rows, Kind) {
    if (rows <= old.length) return old;
    const made = new Kind(Math.max(rows, Math.min(old.length * 2, old.length + 500_000)));
    made.set(old);
    return made;
  }

  d.Table = Table;
  d.Dictionary = Dictionary;
  d.newAttempts = () =>
    new Table({
      runs: {
        words: ["host", "outcome", "reason", "error", "tags"],
        numbers: ["submitted", "started", "ended", "seconds", "number"],
      },
      names: { texts: ["task"] },
      rest: {
        words: ["worker"],
        numbers: ["cpus", "cpu_seconds", "memory", "memory_limit", "code", "signal", "out", "err"],
      },
    });
  d.newTasks = () =>
    new Table({
      tasks: {
        words: ["state", "tag", "path", "line"],
        texts: ["task"],
        numbers: ["attempts", "row", "until", "submitted", "progress", "detail"],
      },
    });

  /** Rows in the order of their values, which stay as they are where those are equal; what is not known comes last. */
  d.ranked = (rows, values) => {
    let least = Infinity,
      most = -Infinity,
      whole = rows.length < 2 ** 22;
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at];
      if (value < least) least = value;
      if (value > most) most = value;
      if (value !== Math.floor(value) && value === value) whole = false;
    }
    if (whole && most - least < 2 ** 42 - 1) return packedAndSorted(rows, values, least);
    const order = Uint32Array.from(rows, (_, at) => at).sort((a, b) => {
      const one = values[a],
        other = values[b];
      if (one !== one || other !== other) return (one !== one) - (other !== other) || a - b;
      return one - other || a - b;
    });
    return order.map((at) => rows[at]);
  };

  /** The same of whole numbers: 42 bits of value before 22 bits of place in one number, which sorts twice as fast. */
  function packedAndSorted(rows, values, least) {
    const keys = new BigUint64Array(rows.length),
      halves = new Uint32Array(keys.buffer);
    for (let at = 0; at < rows.length; at += 1) {
      const value = values[at] === values[at] ? values[at] - least : 2 ** 42 - 1;
      halves[2 * at] = ((value % 1024) << 22) | at;
      halves[2 * at + 1] = value / 1024;
    }
    keys.sort();
    const found = new Uint32Array(rows.length);
    for (let at = 0; at < rows.length; at += 1) found[at] = rows[halves[2 * at] & 0x3fffff];
    return found;
  }

  d.batchOf = (task) => {
    const slash = task.indexOf("/");
    return slash < 0 ? "" : task.slice(0, slash);
  };

  /** What names have in common: `maps/tile-0017` -> `tile-#`. */
  d.stemOf = (task) => {
    const name = task.slice(task.lastIndexOf("/") + 1).replace(/[0-9]+/g, "#");
    return /[^#._-]/.test(name) ? name : `${task.slice(0, Math.max(0, task.lastIndexOf("/")))}/#`.replace(/^\//, "");
  };

  /** The values of a column at these rows. */
  d.pick = (column, rows) => {
    const found = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; at += 1) found[at] = column[rows[at]];
    return found;
  };

  /** Position of the first value in a sorted array that is not less. */
  d.lower = (values, wanted, low = 0, high = values.length) => {
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  /** Quantile of sorted values. */
  d.quantile = (sorted, share) => {
    if (!sorted.length) return NaN;
    const at = (sorted.length - 1) * share,
      below = Math.floor(at);
    return sorted[below] + (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]) * (at - below);
  };
})(globalThis.dsgspool);
