// Brings data files onto the page: as scripts, because a page opened from a folder may not fetch.
// The rule: a chunk is loaded once and when a page needs it, and only the parts of the rows that it shows; while a newer
// report comes in, the old rows stay until all new ones are there, and those of all parts change together.  A file that
// is gone means that a newer report is there: the page asks for it.
(function (d) {
  "use strict";

  d.tables = { attempts: d.newAttempts(), tasks: d.newTasks() };
  d.ATTEMPTS = Object.keys(d.tables.attempts.parts);
  const tableOf = (part) => (part === "tasks" ? d.tables.tasks : d.tables.attempts);
  const filled = new Map(); // part -> first row -> file: what is in the tables, all of it of one page
  let shown = null; // that page
  const details = new Map(); // file -> tasks
  const came = d.came || new Map(); // file -> its text: came, and nobody has read it yet
  const arriving = new Map(); // file -> promise
  let asked = { page: null, files: new Map() }; // of that page: file -> promise of all that it is shown with
  const underway = new Map(); // what -> promise

  /** Called by a data file. */
  d.chunk = (file, text) => came.set(file, text);

  /** Load a script, unless first.js has asked for it and it is on its way; resolves when it ran. */
  d.script = (source) =>
    new Promise((resolve, reject) => {
      const early = document.head.querySelector(`script[data-early][src="${source}"]`);
      const element = early || d.h("script", { src: source, prop: { async: true } });
      element.addEventListener("load", () => {
        element.remove();
        resolve();
      });
      element.addEventListener("error", () => {
        element.remove();
        reject(new Error(`${source} cannot be read`));
      });
      if (!early) document.head.append(element);
    });

  function fetchChunk(file) {
    if (!arriving.has(file)) arriving.set(file, broughtBy(file).finally(() => arriving.delete(file)));
    return arriving.get(file);
  }

  async function broughtBy(file) {
    if (!came.has(file)) await d.script(`data/${file}`);
    const text = came.get(file);
    came.delete(file);
    if (text === undefined) throw new Error(`${file} holds nothing`);
    return JSON.parse(text);
  }

  /**
   * Parts of the tables as the present page names them, and those that are there already with them, so that all is of one
   * page; resolves when they are there.  What is being brought for others is waited for: asked for again it would come
   * twice, between the arrival of a file and that of the last one it is shown with.
   */
  function bring(parts) {
    const page = d.current;
    if (asked.page !== page) asked = { page, files: new Map() };
    const { files } = asked;
    const all = new Set([...parts, ...filled.keys()]);
    const missing = [...all].flatMap((part) =>
      (page.chunks[part] || []).filter(([file, first]) => filled.get(part)?.get(first) !== file).map(([file]) => [part, file]),
    );
    const own = missing.filter(([, file]) => !files.has(file));
    const others = new Set(missing.map(([, file]) => files.get(file)).filter(Boolean));
    const done = fill(page, all, own, others);
    for (const [, file] of own) files.set(file, done);
    const forget = () => own.forEach(([, file]) => files.delete(file));
    done.then(forget, forget);
    return done;
  }

  async function fill(page, all, own, others) {
    const changed = new Set(own.filter(([part]) => filled.has(part)).map(([part]) => tableOf(part)));
    const held = [];
    for (const part of all) tableOf(part).reserve(part, end(page, part));
    await Promise.all([
      ...others,
      ...own.map(async ([part, file]) => {
        const payload = await fetchChunk(file);
        if (d.current !== page) return; // a newer page is being brought, perhaps into the same rows
        if (filled.has(part)) held.push(payload);
        else tableOf(part).take(payload); // nobody reads this part yet
      }),
    ]);
    if (d.current !== page) return;
    for (const payload of held) tableOf(payload.kind).take(payload);
    for (const part of all) {
      const table = tableOf(part);
      filled.set(part, new Map((page.chunks[part] || []).map(([file, first]) => [first, file])));
      table.commit(end(page, part), changed.has(table));
      changed.delete(table);
    }
    shown = page;
  }

  /** How many rows a part has. */
  const end = (page, part) => (page.chunks[part] || []).reduce((most, [, first, rows]) => Math.max(most, first + rows), 0);

  /** True when these parts of the present page are there. */
  d.has = (...parts) => shown === d.current && parts.every((part) => filled.has(part));

  /** Make sure that these parts are those of the present page. */
  d.load = async (...parts) => {
    if (d.has(...parts)) return undefined;
    const { stamp } = d.current;
    const key = `${parts} ${stamp}`;
    try {
      if (!underway.has(key))
        underway.set(
          key,
          bring(parts).finally(() => underway.delete(key)),
        );
      await underway.get(key);
    } catch (error) {
      if (d.current.stamp !== stamp) return d.load(...parts);
      const newer = await d.poll(true);
      if (newer && d.current.stamp !== stamp) return d.load(...parts);
      throw error;
    }
    return d.current.stamp === stamp ? undefined : d.load(...parts);
  };

  /** Bring the rest while nobody waits for it.  Who needs a part that did not come asks again, and is told why. */
  d.loadLater = (...parts) => {
    setTimeout(() => d.load(...parts).catch(() => {}), 500);
  };

  /** The details of a task, null when the report has none. */
  d.detailsOf = async (task, index) => {
    const named = (d.current.chunks.details || [])[index];
    if (!named) return null;
    const file = named[0];
    if (!details.has(file)) {
      if (details.size > 20) details.clear();
      details.set(file, new Map(Object.entries((await fetchChunk(file)).tasks)));
    }
    return details.get(file).get(task) || null;
  };

  // -- a word from one part of the script to another ------------------------------------------------------------

  const listeners = new Map();
  d.on = (event, call) => {
    if (!listeners.has(event)) listeners.set(event, []);
    listeners.get(event).push(call);
  };
  d.emit = (event, facts) => {
    for (const call of listeners.get(event) || []) call(facts);
  };
})(globalThis.dsgspool);
