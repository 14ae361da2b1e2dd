// What lies under the pointer, or where the keyboard is, on the timeline.
// The rule: a hit is looked for in one lane by halving; the tooltip is text, and a finger can open the task from it.
(function (d) {
  "use strict";

  const t = d.timeline,
    attempts = d.tables.attempts;

  const moment = (x) => {
    const [from, to] = t.whole();
    return from + ((x - t.layout.gutter) / (t.layout.width - t.layout.gutter)) * (to - from);
  };

  function hit(x, y) {
    if (x < t.layout.gutter) return null;
    const reach = Math.abs(moment(x + 4) - moment(x));
    for (let index = 0; index < t.layout.hosts.length; index += 1) {
      const place = t.layout.hosts[index];
      if (y < place.top || y > place.top + place.height) continue;
      const lane =
        t.model.hosts[index].lanes[
          Math.min(t.model.hosts[index].lanes.length - 1, Math.floor((y - place.top) / place.lane))
        ];
      const at = d.hitIn(lane, moment(x), reach);
      return at < 0 ? null : { row: lane.rows[at], lane, at, host: index };
    }
    return null;
  }

  function tip(found, x = 0, y = 0, touch = false) {
    if (!t.parts) return;
    const row = found ? found.row : -1;
    t.parts.canvas.style.cursor = found ? "pointer" : "";
    if (row !== t.state.hot) {
      t.state.hot = row;
      t.later();
    }
    t.parts.tip.hidden = !found;
    if (!found) return;
    const needed = d.KINDS[t.model.kinds[row]] === "running" ? [...d.ATTEMPTS, "tasks"] : d.ATTEMPTS;
    if (!d.has(...needed)) {
      t.parts.tip.dataset.row = "";
      t.parts.tip.replaceChildren("Reading …");
      t.with(needed, () => t.state.hot === row && tip(found, x, y, touch));
    } else if (t.parts.tip.dataset.row !== `${row} ${t.made}`) fillTip(row);
    t.parts.tip.classList.toggle("touched", touch);
    const box = t.parts.tip.getBoundingClientRect(),
      room = t.parts.frame.getBoundingClientRect();
    t.parts.tip.style.left = `${Math.max(0, Math.min(x + 14, room.width - box.width - 2))}px`;
    t.parts.tip.style.top = `${y + 18 + box.height > t.layout.height && y > box.height + 12 ? y - box.height - 12 : y + 18}px`;
  }

  function fillTip(row) {
    const outcome = attempts.word("outcome", row),
      kind = d.KINDS[t.model.kinds[row]];
    const memory = d.size(attempts.memory[row]),
      task = attempts.task[row];
    const wait = d.waitOf(row);
    t.parts.tip.dataset.row = `${row} ${t.made}`;
    t.parts.tip.replaceChildren(
      ...[
        d.h("b", {}, d.h("a", { href: d.link("task", task, { n: attempts.number[row] }) }, d.visible(task, true))),
        d.h(
          "p",
          {},
          d.h("i", { class: `key bar-${kind}` }),
          d.visible(outcome || "running"),
          attempts.number[row] > 1 ? `, attempt ${attempts.number[row]}` : "",
          ` on ${d.plain(attempts.word("host", row))}`,
          d.batchOf(task) ? `, in ${d.plain(d.batchOf(task))}` : "",
        ),
        d.h(
          "p",
          {},
          `${d.exact(attempts.started[row])} – ${d.known(attempts.ended[row]) ? d.exact(attempts.ended[row]).slice(11) : "now"}${outcome === "silent" ? ", last heard of" : ""}`,
        ),
        d.h(
          "p",
          {},
          d.h("b", {}, d.duration(d.secondsOf(row))),
          d.known(wait) ? ` after ${d.duration(wait)} of waiting` : "",
          memory ? `, ${memory}` : "",
        ),
        kind === "running" ? far(task) : null,
        attempts.word("reason", row) && kind !== "done"
          ? d.h("p", { class: "bad" }, d.visible(d.bare(attempts.word("reason", row)).slice(0, 200)))
          : null,
      ].filter(Boolean),
    );
  }

  /** How far a running task says that it is. */
  function far(task) {
    const { progress } = d.tables.tasks,
      row = d.rowOf(task),
      line = row < 0 ? "" : d.tables.tasks.word("line", row);
    const share = row >= 0 && d.known(progress[row]) ? `${Math.round(progress[row] * 100)} % done` : "";
    return share || line
      ? d.h("p", {}, d.h("b", {}, share), share && line ? ", " : "", d.visible(d.bare(line).slice(0, 200)))
      : null;
  }

  /** The keyboard goes from attempt to attempt in the lane of the last one. */
  function step(by) {
    let [lane, at] = t.state.walk || [null, 0];
    if (!lane || !t.model.lanes.includes(lane)) {
      lane = t.model.lanes.find((each) => d.visibleIn(each, ...t.whole()).reduce((a, b) => b - a) > 0);
      at = lane ? d.visibleIn(lane, ...t.whole())[0] - (by > 0 ? 1 : 0) : 0;
    }
    if (!lane) return;
    at += by;
    if (at < 0 || at >= lane.rows.length) {
      lane =
        t.model.lanes[(t.model.lanes.indexOf(lane) + (by > 0 ? 1 : -1) + t.model.lanes.length) % t.model.lanes.length];
      at = by > 0 ? 0 : lane.rows.length - 1;
    }
    if (at < 0) return;
    t.state.walk = [lane, at];
    const [from, to] = t.whole(),
      middle = (lane.starts[at] + lane.ends[at]) / 2;
    if (middle < from || middle > to)
      t.set(d.within([middle - (to - from) / 2, middle + (to - from) / 2], t.model.bounds));
    const host = t.model.hosts.findIndex((each) => each.lanes.includes(lane)),
      place = t.layout.hosts[host];
    const [a, b] = t.whole();
    tip(
      { row: lane.rows[at], lane, at, host },
      t.layout.gutter + ((middle - a) / (b - a)) * (t.layout.width - t.layout.gutter),
      place.top + (t.model.hosts[host].lanes.indexOf(lane) + 0.5) * place.lane,
    );
    d.announce(t.parts.tip.textContent);
  }

  Object.assign(t, { moment, hit, tip, step: (by) => t.with(d.ATTEMPTS, () => step(by)) });
})(globalThis.dsgspool);
