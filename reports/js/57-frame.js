// The frame of the timeline's page: buttons, legend, canvases and their hands; made once.
// The rule: whatever a pointer can do here, a button or a key can do too.
(function (d) {
  "use strict";

  const t = d.timeline;
  const TO_SLIDER = (seconds) => (seconds > 0 ? Math.round(Math.log10(seconds * 10) * 100) : 0); // 0.1 s ... 1e6 s
  const FROM_SLIDER = (value) => (value > 0 ? Number((10 ** (value / 100) / 10).toPrecision(2)) : 0);

  t.build = () => {
    if (t.parts) return;
    const section = d.section("timeline");
    const button = (label, name, call) =>
      d.h("button", { type: "button", "aria-label": name, title: name, on: { click: call } }, label);
    t.parts = {
      section,
      busy: d.h("p", { class: "dim busy" }, "Reading the attempts …"),
      empty: d.h("p", { class: "none", hidden: true }, "Nothing has run yet."),
      canvas: d.h("canvas", {
        class: "lanes",
        tabindex: "0",
        role: "img",
        "aria-label": "Timeline",
        "aria-keyshortcuts": "+ - 0 ArrowLeft ArrowRight n p Enter",
      }),
      over: d.h("canvas", { class: "overview", "aria-hidden": "true" }),
      tip: d.h("div", { class: "tooltip", hidden: true }),
      mark: d.h("div", { class: "mark", hidden: true }),
      range: d.h("small", { class: "range" }),
      summary: d.h("p", { class: "summary", role: "status" }),
      legend: d.h("ul", { class: "legend", "aria-label": "Colours" }),
      by: d.h(
        "div",
        { class: "segments", role: "group", "aria-label": "Colour by" },
        Object.entries(t.BY).map(([key, label]) =>
          d.h(
            "button",
            {
              type: "button",
              "data-by": key,
              "aria-pressed": "false",
              on: {
                click: () => t.colourBy(key),
              },
            },
            label,
          ),
        ),
      ),
      min: d.h("input", {
        type: "range",
        id: "longer",
        min: "0",
        max: "700",
        step: "5",
        value: "0",
        on: {
          input: (event) => {
            t.state.min = FROM_SLIDER(Number(event.target.value));
            t.later();
            t.keep();
          },
        },
      }),
      minText: d.h("output", { for: "longer" }, "any"),
      tasks: d.h("a", { href: "#/tasks" }, "These in the table"),
    };
    t.parts.frame = d.h("div", { class: "timeline-frame" }, t.parts.canvas, t.parts.over, t.parts.mark, t.parts.tip);
    let hand = null;
    t.parts.body = d.h(
      "div",
      { class: "timeline-body" },
      d.h(
        "div",
        { class: "tools" },
        d.h("span", { class: "labelled" }, "Colour by ", t.parts.by),
        d.h("label", { class: "labelled", for: "longer" }, "Longer than ", t.parts.min, t.parts.minText),
        d.h(
          "span",
          { class: "segments", role: "group", "aria-label": "Zoom" },
          button("+", "Zoom in", () => hand.zoom(0.5)),
          button("−", "Zoom out", () => hand.zoom(2)),
          button("Whole", "Show everything", () => t.set(t.model.bounds, true)),
          button("Last hour", "Show the last hour", () =>
            t.set(d.within([d.current.stamp * 1000 - 3_600_000, d.current.stamp * 1000], t.model.bounds)),
          ),
        ),
      ),
      d.h("div", { class: "timeline-words" }, t.parts.summary, t.parts.tasks),
      t.parts.legend,
      t.parts.frame,
      d.h(
        "p",
        { class: "dim keys" },
        "Drag to move, Ctrl + wheel or pinch to zoom, Shift + drag to choose a part. Keys: + − 0 ← →, n and p go from attempt to attempt, Enter opens.",
      ),
      d.h("p", { class: "dim keys fingers" }, "Drag sideways to move, two fingers zoom, a tap on a bar says what it is."),
    );
    section.replaceChildren(d.h("h1", {}, "Timeline ", t.parts.range), t.parts.busy, t.parts.empty, t.parts.body);
    hand = d.timelineHand(t.parts.canvas, {
      view: t.whole,
      set: t.set,
      bounds: () => t.model.bounds,
      moment: t.moment,
      hit: t.hit,
      hover: t.tip,
      open: t.open,
      layout: () => t.layout,
      step: t.step,
      mark,
      enter: () => {
        if (t.state.hot >= 0) t.open({ row: t.state.hot });
        else location.hash = t.parts.tasks.getAttribute("href");
      },
    });
    d.timelineBrush(t.parts.over, { view: t.whole, set: t.set, bounds: () => t.model.bounds, layout: () => t.layout });
    new ResizeObserver(
      d.framed(() => {
        if (t.model && t.layout && !section.hidden && t.parts.frame.clientWidth !== t.layout.width) t.refresh();
      }),
    ).observe(t.parts.frame);
    d.on("shown", () => {
      t.parts.min.value = String(TO_SLIDER(t.state.min));
    });
  };

  function mark(a, b) {
    t.parts.mark.hidden = a === null;
    if (a === null) return;
    t.parts.mark.style.left = `${Math.min(a, b)}px`;
    t.parts.mark.style.width = `${Math.abs(a - b)}px`;
    t.parts.mark.style.height = `${t.layout.height}px`;
  }
})(globalThis.dsgspool);
