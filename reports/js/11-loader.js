// Brings data files onto the page: as scripts, because a page opened from a folder may not fetch.
// The rule: a chunk is loaded once and when a page needs it; while a newer report comes in, the old rows stay until all
// new ones are there.  A file that is gone means that a newer report is there: the page asks for it.
(function (d) {
  "use strict";

  d.tables = { attempts: d.newAttempts(), tasks: d.newTasks() };
  const filled = { attempts: new Map(), tasks: new Map() }; // first row -> file
  const details = new Map(); // file -> tasks
  const waiting = new Map(); // file -> [resolve]
  const underway = new Map(); // what -> promise

  /** Called by a data file. */
  d.chunk = (file, text) => {
    const payload = JSON.parse(text);
    for (const resolve of waiting.get(file) || []) resolve(payload);
    waiting.delete(file);
  };

  /** Load a script; resolves when it ran. */
  d.script = (source) =>
    new Promise((resolve, reject) => {
      const element = d.h("script", { src: source, prop: { async: true } });
      element.addEventListener("load", () => {
        element.remove();
        resolve();
      });
      element.addEventListener("error", () => {
        element.remove();
        reject(new Error(`${source} cannot be read`));
      });
      document.head.append(element);
    });

  async function fetchChunk(file) {
    let payload = null;
    const came = new Promise((resolve) => {
      if (!waiting.has(file)) waiting.set(file, []);
      waiting.get(file).push(resolve);
    }).then((found) => {
      payload = found;
    });
    await d.script(`data/${file}`);
    await Promise.race([
      came,
      new Promise((resolve) => {
        setTimeout(resolve, 0);
      }),
    ]);
    if (!payload) throw new Error(`${file} holds nothing`);
    return payload;
  }

  /** Rows of `kind` as the present page names them; resolves when they are in the table. */
  async function rows(kind) {
    const page = d.current;
    const wanted = page.chunks[kind] || [];
    const missing = wanted.filter(([file, first]) => filled[kind].get(first) !== file);
    const table = d.tables[kind];
    const total = wanted.reduce((most, [, first, number]) => Math.max(most, first + number), 0);
    if (missing.length || table.count !== total || !table.version) {
      table.reserve(total);
      const first = table.version === 0;
      const held = [];
      let came = 0;
      await Promise.all(
        missing.map(async ([file]) => {
          const payload = await fetchChunk(file);
          if (first) table.take(payload);
          else held.push(payload);
          came += 1;
          d.emit("loading", { kind, came, of: missing.length });
        }),
      );
      for (const payload of held) table.take(payload);
      filled[kind] = new Map(wanted.map(([file, start]) => [start, file]));
      table.commit(total);
    }
  }

  /** Make sure that the rows of these kinds are those of the present page. */
  d.load = async (...kinds) => {
    const stamp = d.current.stamp;
    try {
      await Promise.all(
        kinds.map((kind) => {
          const key = `${kind} ${stamp}`;
          if (!underway.has(key))
            underway.set(
              key,
              rows(kind).finally(() => underway.delete(key)),
            );
          return underway.get(key);
        }),
      );
    } catch (error) {
      if (d.current.stamp !== stamp) return d.load(...kinds);
      const newer = await d.poll(true);
      if (newer && d.current.stamp !== stamp) return d.load(...kinds);
      throw error;
    }
    return d.current.stamp === stamp ? undefined : d.load(...kinds);
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
