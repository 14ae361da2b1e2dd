// The words that people type to find tasks, as a function of a row.
// The rule: pure; every text is a valid query.  What is no known `key:value` is searched for as text; all words must
// fit; `-` turns one around; commas are `or`, unless in quotes; numbers take units and < > <= >=.
(function (d) {
  "use strict";

  const EXACT = ["state", "batch", "host", "outcome", "tag", "name"];
  const WITHIN = ["task", "reason", "error", "line"];
  const BEGIN = ["worker"];
  const NUMBERS = {
    attempts: "number",
    seconds: "seconds",
    wait: "seconds",
    memory: "bytes",
    cpus: "number",
    cpu: "seconds",
    load: "number",
    code: "number",
    signal: "number",
    out: "bytes",
    err: "bytes",
    progress: "number",
    submitted: "moment",
    started: "moment",
    ended: "moment",
    until: "moment",
  };
  const ALIASES = {
    attempt: "attempts",
    node: "host",
    exit: "code",
    time: "seconds",
    duration: "seconds",
    log: "line",
    is: "state",
    mem: "memory",
    tags: "tag",
    waited: "wait",
  };

  d.queryKeys = [...EXACT, ...WITHIN, ...BEGIN, ...Object.keys(NUMBERS)];

  /** Words of a query: spaces part them, quotes keep them together. */
  d.words = (text) => {
    const words = [];
    for (const match of text.matchAll(/(?:[^\s"]|"[^"]*(?:"|$))+/g)) words.push(match[0]);
    return words;
  };

  const bare = (word) => word.replaceAll('"', "");

  function pattern(parts) {
    const escaped = parts.map((part) => part.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&")).join(".*");
    const found = new RegExp(`^${escaped}$`, "su");
    return (value) => found.test(value);
  }

  /** The alternatives of a value, each as the parts between its stars.  In quotes all is itself, and "" is one quote. */
  function alternatives(value) {
    const found = [[""]];
    const add = (text) => {
      const parts = found[found.length - 1];
      parts[parts.length - 1] += text;
    };
    for (const [token] of value.toLowerCase().matchAll(/"(?:[^"]|"")*(?:"|$)|[^"]/gs)) {
      if (token[0] === '"') add(token.slice(1).replace(/"$/, "").replaceAll('""', '"'));
      else if (token === ",") found.push([""]);
      else if (token === "*") found[found.length - 1].push("");
      else add(token);
    }
    return found.filter((parts) => parts.length > 1 || parts[0]);
  }

  function textTest(key, value) {
    const wanted = alternatives(value);
    if (key === "batch" && /^(?:"")?$/.test(value)) return (row, get) => get("batch", row) === "";
    if (!wanted.length) return null;
    const tests = wanted.map((parts) => {
      const each = parts.join("*");
      if (parts.length > 1 && !WITHIN.includes(key)) return pattern(parts);
      if (WITHIN.includes(key)) return (text) => text.includes(each);
      if (BEGIN.includes(key)) return (text) => text.startsWith(each);
      return (text) => text === each;
    });
    return (row, get) => {
      const text = get(key, row).toLowerCase();
      if (key === "tag") return text.split("\n").some((each) => tests.some((test) => test(each))); // one on each line
      return tests.some((test) => test(text));
    };
  }

  const COMPARE = {
    "<": (a, b) => a < b,
    ">": (a, b) => a > b,
    "<=": (a, b) => a <= b,
    ">=": (a, b) => a >= b,
    "=": (a, b) => a === b,
  };

  function numberTest(key, sign, value, now) {
    if (value === "") return null;
    if (sign === "=" && value.includes(",")) {
      const all = value.split(",").map((each) => d.amount(each, NUMBERS[key], now));
      return all.some(Number.isNaN) ? undefined : (row, get) => all.includes(get(key, row));
    }
    const range = sign === "=" && /^(.+?)\.\.(.+)$/.exec(value);
    if (range) {
      const [from, to] = [range[1], range[2]].map((each) => d.amount(each, NUMBERS[key], now));
      return Number.isNaN(from + to) ? undefined : (row, get) => get(key, row) >= from && get(key, row) <= to;
    }
    const limit = d.amount(value, NUMBERS[key], now);
    const compare = COMPARE[sign];
    return Number.isNaN(limit) ? undefined : (row, get) => compare(get(key, row), limit);
  }

  /** A word with a key as {key, test}; null when it is to be taken as text. */
  function keyed(word, now) {
    const found = /^([a-z_]+)(?::\s*(<=|>=|<|>|=)?|(<=|>=|<|>|=))(.*)$/is.exec(word);
    if (!found) return null;
    const typed = found[1].toLowerCase();
    const key = Object.hasOwn(ALIASES, typed) ? ALIASES[typed] : typed;
    const sign = found[2] || found[3] || "=";
    if (Object.hasOwn(NUMBERS, key)) {
      const test = numberTest(key, sign, bare(found[4]), now);
      return test === undefined ? null : { key, test };
    }
    if (!d.queryKeys.includes(key) || sign.length > 1 || "<>".includes(sign)) return null;
    return { key, test: textTest(key, found[4]) };
  }

  function free(word) {
    const wanted = bare(word).toLowerCase();
    return wanted ? (row, get) => get("all", row).includes(wanted) : null;
  }

  /**
   * {test(row, get) or null when everything fits, terms}.  get(key, row): a text (of `all`: lower case) or a number
   * (NaN unknown).
   */
  d.query = (text, now = Date.now()) => {
    const terms = [];
    for (const word of d.words(text)) {
      const turned = word.length > 1 && word[0] === "-";
      const rest = turned ? word.slice(1) : word;
      const found = keyed(rest, now) || { key: "", test: free(rest) };
      if (!found.test) continue;
      terms.push({ key: found.key, word, turned, test: found.test });
    }
    terms.sort((a, b) => cost(a) - cost(b));
    const test = (row, get) => {
      for (const term of terms) if (term.test(row, get) === term.turned) return false;
      return true;
    };
    return { terms, test: terms.length ? test : null };
  };

  function cost(term) {
    return Object.hasOwn(NUMBERS, term.key) ? 0 : EXACT.includes(term.key) ? 1 : term.key ? 2 : 3;
  }

  /** The query with every word of a key taken out, and another value put in ('' for none). */
  d.withKey = (text, key, value) => {
    const rest = d.words(text).filter((word) => {
      const found = keyed(word.replace(/^-/, ""), 0);
      return !found || found.key !== key;
    });
    return [...rest, ...(value ? [`${key}:${value}`] : [])].join(" ");
  };

  /** The values that a query asks of a key. */
  d.valuesOf = (text, key) => {
    for (const word of d.words(text)) {
      const found = /^([a-z_]+):([^<>=].*)$/is.exec(word);
      if (found && (ALIASES[found[1].toLowerCase()] || found[1].toLowerCase()) === key)
        return bare(found[2]).toLowerCase().split(",");
    }
    return [];
  };

  /** A value as it may stand in a query (text.py writes the same). */
  d.term = (key, value) => `${key}:${/[\s,"*]|^[<>=]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value}`;

  /** Order of names as people count: s2 before s10. */
  d.natural = (a, b) => {
    let i = 0,
      j = 0;
    while (i < a.length && j < b.length) {
      if (digit(a, i) && digit(b, j)) {
        const from = [i, j];
        while (a.charCodeAt(i) === 48) i += 1;
        while (b.charCodeAt(j) === 48) j += 1;
        let unlike = 0,
          ends = i,
          other = j;
        while (digit(a, ends) && digit(b, other)) {
          unlike = unlike || a.charCodeAt(ends) - b.charCodeAt(other);
          ends += 1;
          other += 1;
        }
        if (digit(a, ends)) return 1;
        if (digit(b, other)) return -1;
        unlike = unlike || ends - from[0] - (other - from[1]);
        if (unlike) return unlike;
        i = ends;
        j = other;
      } else {
        const unlike = a.charCodeAt(i) - b.charCodeAt(j);
        if (unlike) return unlike;
        i += 1;
        j += 1;
      }
    }
    return a.length - i - (b.length - j);
  };

  const digit = (text, at) => {
    const code = text.charCodeAt(at);
    return code >= 48 && code <= 57;
  };
})(globalThis.dsgspool);
