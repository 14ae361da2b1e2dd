// Commands to copy, and rows as CSV: text that another program will read.
// The rule: pure.  A shell gets each name as one word whatever it is made of, and as a name, not as a pattern or an
// option; a spreadsheet gets no formula.  A command has at most NAMES names and BYTES bytes, and says so when there
// were more.
(function (d) {
  "use strict";

  d.NAMES = 500;
  d.BYTES = 60_000;

  const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

  /** One word for a POSIX shell; what a terminal would take for a key press is written as $'\x1b'. */
  d.quote = (text) => {
    if (SAFE.test(text)) return text;
    if (/[\u0000-\u001f\u007f-\u009f]|\p{Cs}/u.test(text)) {
      const byte = (each) => `\\x${(each.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`;
      const inner = text
        .replace(/[\\']/g, "\\$&")
        .replace(/[\u0000-\u001f\u007f]|\p{Cs}/gu, byte)
        .replace(/[\u0080-\u009f]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`);
      return `$'${inner}'`;
    }
    return `'${text.replaceAll("'", "'\"'\"'")}'`;
  };

  /** A pattern that only this name matches.  A plain name means the batch of that name too, one with a sign in it does not. */
  d.literal = (name, isBatch = false) => {
    const pattern = name.replace(/[[*?]/g, "[$&]");
    if (!isBatch || pattern !== name) return pattern;
    const [first] = name;
    return `[${first}]${name.slice(first.length)}`;
  };

  /** {command, names, left}: `dsgspool --spool ROOT VERB NAME...`.  isBatch: whether a name is also a batch's. */
  d.verbCommand = (root, verb, names, isBatch = () => false) => {
    const head = `dsgspool --spool ${d.quote(root)} ${verb}`;
    const words = bounded(names.map((name) => d.quote(d.literal(name, isBatch(name)))));
    const dashes = names.some((name) => name.startsWith("-")) ? " --" : "";
    return { command: `${head}${dashes} ${words.join(" ")}`, names: words.length, left: names.length - words.length };
  };

  // What failed by a limit, or came too late, and would fail by it again, as report/larger.py tells it.
  const LIMITS = {
    timeout: /^still running after ([0-9.]+) s$/,
    oom: /; (limits\.memory|resources\.memory) is ([0-9.]+)(?: ([KMGT]?)i?B)?$/,
  };
  const UNITS = {
    timeout: [["d", 86400], ["h", 3600], ["m", 60]],
    oom: [["T", 1024 ** 4], ["G", 1024 ** 3], ["M", 1024 ** 2], ["K", 1024]],
  };

  /** `timeout=2h`: twice the limit that it failed by, or `expires=`; "" where that is no help, as for parts of sweeps. */
  d.larger = (task, tag, reason) => {
    if (/\/(rest-)?[0-9]{1,8}-[0-9]{1,8}$/.test(task)) return "";
    if (tag === "expired") return "expires=";
    const match = Object.hasOwn(LIMITS, tag) && LIMITS[tag].exec(reason);
    if (!match) return "";
    const plain = 2 * Number(match[tag === "oom" ? 2 : 1]) * 1024 ** Math.max(0, " KMGT".indexOf(match[3] || " ")),
      twice = tag === "oom" ? Math.floor(plain > 1024 ** 3 ? Math.ceil(plain / 1024 ** 2) * 1024 ** 2 : plain) : plain,
      [unit, size] = UNITS[tag].find(([, each]) => twice % each === 0) || [tag === "oom" ? "" : "s", 1],
      key = tag === "oom" ? match[1] : tag;
    return `${key}=${Number((twice / size).toFixed(3))}${unit}`;
  };

  /** {label, command} that parks a task, changes it and lets it run. */
  d.changedCommand = (root, name, change, isBatch = () => false) => {
    const word = d.quote(d.literal(name, isBatch(name))),
      more = change.startsWith("timeout") ? "with more time" : "with more memory",
      verbs = [`requeue --hold ${word}`, `edit ${word} ${change} --yes`, `release ${word}`];
    return {
      label: `Run again ${change === "expires=" ? "without expires" : more}`,
      command: verbs.map((verb) => `dsgspool --spool ${d.quote(root)} ${verb}`).join(" && "),
    };
  };

  const FIRST = new Map([["invalid", ", once mended"], ["expired", ", with another expires"]]);
  /** What a person does before a failed task runs again, without which it only fails again; as report/again.py tells it. */
  d.first = (tag) => FIRST.get(tag) || "";

  /**
   * The same without the program: files moved from folder to folder.  tasks: [{task, state, path}]; to: todo, hold,
   * failed.
   */
  d.moveCommand = (root, tasks, to) => {
    const byBatch = new Map();
    for (const task of tasks) {
      const batch = task.task.includes("/") ? task.task.slice(0, task.task.lastIndexOf("/")) : "";
      if (!byBatch.has(batch)) byBatch.set(batch, []);
      byBatch.get(batch).push(task);
    }
    const parts = [];
    let names = 0,
      length = 0;
    for (const [batch, some] of byBatch) {
      const folder = batch ? `${to}/${batch}/` : `${to}/`;
      const words = bounded(
        some.map((each) => d.quote(`${each.state}/${each.path}`)),
        d.NAMES - names,
        d.BYTES - length,
      );
      if (!words.length) break;
      const part = `${batch ? `mkdir -p ${d.quote(folder)} && ` : ""}mv -n ${words.join(" ")} ${d.quote(folder)}`;
      parts.push(part);
      names += words.length;
      length += part.length;
    }
    return { command: `cd ${d.quote(root)} && ${parts.join(" && ")}`, names, left: tasks.length - names };
  };

  function bounded(words, most = d.NAMES, bytes = d.BYTES) {
    const found = [];
    let length = 0;
    for (const word of words) {
      length += new TextEncoder().encode(word).length + 1;
      if (found.length >= most || length > bytes) break;
      found.push(word);
    }
    return found;
  }

  /** Part of an address; a byte that is no UTF-8 (a lone surrogate, as Python tells it) becomes that byte again. */
  d.encode = (text) =>
    String(text)
      .split(/(\p{Cs})/u)
      .map((part) =>
        /^\p{Cs}$/u.test(part)
          ? `%${(part.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, "0")}`
          : encodeURIComponent(part),
      )
      .join("");

  /** The same back. */
  d.decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
        try {
          return decodeURIComponent(run);
        } catch {
          return run.replace(/%([0-9a-f]{2})/gi, loose);
        }
      });
    }
  };
  const loose = (whole, digits) => {
    const byte = Number.parseInt(digits, 16);
    return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
  };

  /** Address of a file of the spool, seen from reports/. */
  d.address = (path) => `../${path.split("/").map(d.encode).join("/")}`;

  /** One field of CSV: quoted where it must be, and never a formula (a quote mark goes before = + - @ tab). */
  d.csvField = (value) => {
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
    if (value === null || value === undefined) return "";
    let text = String(value);
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
  };

  d.csv = (rows) => rows.map((row) => `${row.map(d.csvField).join(",")}\r\n`).join("");
})(globalThis.dsgspool);
