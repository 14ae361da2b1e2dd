// Commands to copy, and rows as CSV: text that another program will read.
// The rule: pure.  A shell gets each name as one word whatever it is made of, and as a name, not as a pattern or an option; a
// spreadsheet gets no formula.  A command has at most NAMES names and BYTES bytes, and says so when there were more.
(function (d) {
  "use strict";

  d.NAMES = 500;
  d.BYTES = 60_000;

  const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

  /** One word for a POSIX shell; what a terminal would take for a key press is written as $'\x1b'. */
  d.quote = (text) => {
    if (SAFE.test(text)) return text;
    if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) {
      const inner = text.replace(/[\\']/g, "\\$&").replace(/[\u0000-\u001f\u007f]/g, (each) =>
        `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`).replace(/[\u0080-\u009f]/g, (each) =>
        `\\u00${each.charCodeAt(0).toString(16)}`);
      return `$'${inner}'`;
    }
    return `'${text.replaceAll("'", "'\"'\"'")}'`;
  };

  /** A pattern that only this name matches. */
  d.literal = (name) => name.replace(/[[*?]/g, "[$&]");

  /** {command, names, left}: `dsgspool --spool ROOT VERB NAME...`. */
  d.verbCommand = (root, verb, names) => {
    const head = `dsgspool --spool ${d.quote(root)} ${verb}`;
    const words = bounded(names.map((name) => d.quote(d.literal(name))));
    const dashes = names.some((name) => name.startsWith("-")) ? " --" : "";
    return { command: `${head}${dashes} ${words.join(" ")}`, names: words.length, left: names.length - words.length };
  };

  /** The same without the program: files moved from folder to folder.  tasks: [{task, state, path}]; to: todo, hold, failed. */
  d.moveCommand = (root, tasks, to) => {
    const byBatch = new Map();
    for (const task of tasks) {
      const batch = task.task.includes("/") ? task.task.slice(0, task.task.lastIndexOf("/")) : "";
      if (!byBatch.has(batch)) byBatch.set(batch, []);
      byBatch.get(batch).push(task);
    }
    const parts = [];
    let names = 0, length = 0;
    for (const [batch, some] of byBatch) {
      const folder = batch ? `${to}/${batch}/` : `${to}/`;
      const words = bounded(some.map((each) => d.quote(`${each.state}/${each.path}`)), d.NAMES - names, d.BYTES - length);
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

  /** Path of a file in logs/, as an address seen from reports/. */
  d.address = (path) => `../${path.split("/").map(encodeURIComponent).join("/")}`;

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
