// What changed since I last looked.
// The rule: kept in this browser only (localStorage, one entry for each spool), and done without when that is
// forbidden.  A visit ends when the page was hidden for more than 30 seconds or was opened anew; somebody who was never
// here is told nothing.
(function (d) {
  "use strict";

  const AWAY = 30_000;
  let base = null; // how it was at the end of the last visit
  let hidden = 0;

  const place = () => `dsgspool:${d.current.root}`;

  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(place()) || "null");
      return found && typeof found === "object" && found.counts ? found : null;
    } catch {
      return null;
    }
  }

  function write(facts) {
    try {
      localStorage.setItem(place(), JSON.stringify(facts));
    } catch {
      /* forbidden or full: then not */
    }
  }

  const seen = (page) => ({
    at: Date.now(),
    stamp: page.stamp,
    counts: page.counts,
    failures: ((page.since && page.since.failures) || []).slice(0, 2000),
    cancelled: (page.since && page.since.cancelled) || 0,
    silent: (page.since && page.since.nodes_silent) || [],
  });

  /** Sentences about what is another one now.  Pure. */
  d.changes = (before, page) => {
    const words = [],
      now = page.counts,
      then = before.counts;
    const more = (now.done || 0) - (then.done || 0);
    if (more) words.push({ kind: "done", text: `${more > 0 ? "+" : "−"}${d.count(Math.abs(more))} done` });
    const cancelled = (page.since && page.since.cancelled) || 0,
      off = cancelled - (before.cancelled ?? cancelled);
    const failed = (now.failed || 0) - (then.failed || 0) - off;
    const old = new Map(before.failures || []);
    let fresh = 0,
      causes = 0;
    for (const [signature, number] of (page.since && page.since.failures) || []) {
      fresh += Math.max(0, number - (old.get(signature) || 0));
      if (!old.has(signature)) causes += 1;
    }
    fresh = Math.max(fresh, failed);
    if (fresh > 0) {
      const of = causes ? ` of ${d.many(causes, "new cause")}` : "";
      words.push({ kind: "failed", text: `${d.count(fresh)} new ${fresh === 1 ? "failure" : "failures"}${of}` });
    } else if (failed < 0) words.push({ kind: "done", text: `${d.count(-failed)} fewer failed` });
    if (off > 0) words.push({ kind: "more", text: `${d.count(off)} cancelled` });
    const silent = (page.since && page.since.nodes_silent) || [];
    const fell = silent.filter((node) => !(before.silent || []).includes(node));
    const back = (before.silent || []).filter((node) => !silent.includes(node));
    for (const node of fell.slice(0, 5)) words.push({ kind: "failed", text: `node ${d.plain(node)} fell silent` });
    for (const node of back.slice(0, 5)) words.push({ kind: "done", text: `node ${d.plain(node)} is back` });
    const added = total(now) - total(then);
    if (added)
      words.push({ kind: "more", text: `${d.many(Math.abs(added), "task")} ${added > 0 ? "added" : "taken out"}` });
    return words;
  };

  const total = (counts) => Object.values(counts).reduce((sum, each) => sum + Number(each || 0), 0);

  function tell() {
    const element = document.getElementById("since") || document.querySelector(".since");
    if (!element) return;
    element.classList.add("since");
    const words = base ? d.changes(base, d.current) : [];
    element.hidden = !base;
    element.classList.toggle("news", words.length > 0);
    if (!base) return;
    const since = d.moment(base.at);
    const parts = words.flatMap((each, index) => [
      index ? ", " : "",
      d.h("b", { class: `change-${each.kind}` }, each.text),
    ]);
    const told = words.length
      ? [d.h("span", { class: "since-label" }, `Since you looked at ${since}: `), ...parts]
      : [d.h("span", { class: "since-label" }, `Nothing has changed since you looked at ${since}.`)];
    const box = d.h("p", { "data-own": "since" }, ...told);
    const old = element.querySelector("[data-own='since']");
    if (old && old.isEqualNode(box)) return;
    if (old) old.replaceWith(box);
    else element.replaceChildren(box);
  }

  d.startSince = () => {
    const last = read();
    const kind = (performance.getEntriesByType("navigation")[0] || {}).type;
    const same = last && kind === "reload" && Date.now() - last.at < AWAY;
    base = same ? last.base || null : last && { ...last, base: undefined };
    note();
    d.on("page", note);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") {
        hidden = Date.now();
        note();
        return;
      }
      if (hidden && Date.now() - hidden > AWAY) base = { ...seen(d.current), at: hidden };
      hidden = 0;
    });
    addEventListener("pagehide", note);
  };

  function note() {
    if (document.visibilityState === "visible") tell();
    write({ ...seen(d.current), base: base || undefined });
  }
})(globalThis.dsgspool);
