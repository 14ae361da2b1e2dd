// The rows of attempts and tasks as columns: typed arrays for numbers, indexes into one dictionary for words that
// repeat.
// The rule: pure.  NaN is a number that is not known, "" such a text; a row number is that of the whole report,
// whatever chunk it came in; no object for a row.
(function (d) {
  "use strict";

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

  /** A table of columns that grows.  shape: {words, texts, numbers}: names of columns of each kind. */
  class Table {
    constructor(shape) {
      this.shape = shape;
      this.count = 0;
      this.room = 0;
      this.version = 0;
      this.dictionaries = Object.fromEntries(shape.words.map((name) => [name, new Dictionary()]));
      for (const name of shape.texts) this[name] = [];
      for (const name of shape.words) this[name] = new Int32Array(0);
      for (const name of shape.numbers) this[name] = new Float64Array(0);
    }

    reserve(rows) {
      if (rows <= this.room) return;
      this.room = Math.max(rows, Math.min(this.room * 2, this.room + 500_000));
      for (const name of this.shape.words) this[name] = grown(this[name], new Int32Array(this.room));
      for (const name of this.shape.numbers) this[name] = grown(this[name], new Float64Array(this.room));
      for (const name of this.shape.texts) {
        // made at its size: an array that is filled from behind becomes a slow one
        const column = new Array(this.room),
          old = this[name];
        for (let row = 0; row < old.length; row += 1) column[row] = old[row];
        this[name] = column;
      }
    }

    /** Put the rows of a chunk where they belong. */
    take(chunk) {
      const first = Number(chunk.first),
        rows = Number(chunk.rows),
        words = chunk.words;
      this.reserve(first + rows);
      for (const name of this.shape.texts) {
        const into = this[name];
        each(chunk[`${name}_w`], rows, (row, word) => {
          into[first + row] = word >= 0 ? words[word] : "";
        });
      }
      for (const name of this.shape.words) {
        const into = this[name],
          dictionary = this.dictionaries[name];
        const numbers = new Map();
        each(chunk[`${name}_w`], rows, (row, word) => {
          let number = numbers.get(word);
          if (number === undefined) numbers.set(word, (number = word >= 0 ? dictionary.number(words[word]) : 0));
          into[first + row] = number;
        });
      }
      for (const name of this.shape.numbers) {
        const into = this[name],
          base = MOMENTS.has(name) ? Number(chunk.base) : 0;
        each(chunk[name], rows, (row, value) => {
          into[first + row] = typeof value === "number" ? base + value : NaN;
        });
      }
      if (this.path) this.plain(first, rows);
    }

    /** A path that is not told is the one that each task begins with. */
    plain(first, rows) {
      for (let row = first; row < first + rows; row += 1) this.path[row] ||= `${this.task[row]}.yaml`;
    }

    /** All chunks are in: so many rows there are. */
    commit(rows) {
      this.count = rows;
      this.version += 1;
    }

    word(name, row) {
      return this.dictionaries[name].words[this[name][row]];
    }
  }

  const MOMENTS = new Set(["submitted", "started", "ended", "until"]); // counted from the earliest one of a chunk

  /** Every row of a column as a chunk writes it: a list, {from: N} that counts up, or the value of all rows. */
  function each(column, rows, call) {
    if (Array.isArray(column)) for (let row = 0; row < rows; row += 1) call(row, column[row]);
    else if (column !== null && typeof column === "object")
      for (let row = 0; row < rows; row += 1) call(row, column.from + row);
    else for (let row = 0; row < rows; row += 1) call(row, column);
  }

  function grown(from, to) {
    to.set(from);
    return to;
  }

  d.Table = Table;
  d.Dictionary = Dictionary;
  d.newAttempts = () =>
    new Table({
      words: ["worker", "host", "outcome"],
      texts: ["task", "reason", "error"],
      numbers: [
        "n",
        "submitted",
        "started",
        "ended",
        "seconds",
        "cpus",
        "cpu_seconds",
        "memory",
        "memory_limit",
        "code",
        "signal",
        "out",
        "err",
      ],
    });
  d.newTasks = () =>
    new Table({
      words: ["state", "tag"],
      texts: ["task", "path", "line"],
      numbers: ["attempts", "row", "until", "submitted", "progress", "detail"],
    });

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
