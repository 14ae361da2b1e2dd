// One plot in an element: legend, canvas, tooltip.
// The rule: drawn by uPlot; what the pointer is told is text; it is as wide as its place, also when that changes.
(function (d) {
  "use strict";

  const HEIGHT = 190;
  const { inUnit } = d.plot;

  /** Draw into an element; {destroy, resize}. */
  d.chart = (place, series, kind) => {
    const made = d.plotKinds[kind](series);
    const tip = d.h("div", { class: "plot-tip", hidden: true });
    const box = d.h("div", { class: "plot-box" });
    const legend =
      made.legend.length > 1 || series.named
        ? d.h(
            "ul",
            { class: "plot-legend" },
            made.legend.map(([label, colour, hatched]) => {
              const key = d.h("i", { class: hatched ? "key hatched" : "key" });
              if (!hatched) key.style.background = colour;
              return d.h("li", {}, key, d.visible(label));
            }),
          )
        : null;
    place.replaceChildren(...[legend, box, tip].filter(Boolean));
    const options = {
      width: Math.max(160, place.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 26, 0, 0],
      cursor: { drag: { x: false, y: false }, y: kind === "scatter", points: { size: 7 } },
      ...made.options,
    };
    options.hooks = {
      ...options.hooks,
      setCursor: [(u) => (kind === "scatter" ? tellPoint(u, tip, made.points, series) : tellAt(u, tip, made))],
    };
    const chart = new uPlot(options, made.data, box);
    chart.over.addEventListener("mouseleave", () => {
      tip.hidden = true;
    });
    if (kind === "scatter")
      chart.over.addEventListener("click", () => {
        if (tip.dataset.task && !tip.hidden) location.hash = d.link("task", tip.dataset.task);
      });
    const resize = () => {
      const width = Math.max(160, place.clientWidth);
      if (place.clientWidth && width !== chart.width) chart.setSize({ width, height: options.height });
    };
    const watcher = following(place, resize);
    return {
      chart,
      destroy: () => {
        watcher.disconnect();
        chart.destroy();
      },
      resize,
    };
  };

  /** Drawn anew before the next picture when its place gets another width; what is out of sight when that is over. */
  function following(place, resize) {
    const soon = d.settled(80, resize);
    const watcher = new ResizeObserver(() => {
      const { top, bottom } = place.getBoundingClientRect();
      if (bottom > 0 && top < innerHeight) resize();
      else soon();
    });
    watcher.observe(place);
    return watcher;
  }

  function put(u, tip, nodes) {
    tip.replaceChildren(...nodes);
    tip.hidden = false;
    const { left, top } = u.cursor,
      width = tip.offsetWidth,
      room = u.width;
    const x = left + u.bbox.left / devicePixelRatio;
    tip.style.left = `${Math.max(0, x + width + 16 > room ? x - width - 12 : x + 14)}px`;
    tip.style.top = `${Math.max(0, top - 10) + tip.parentElement.querySelector(".plot-box").offsetTop}px`;
  }

  function tellAt(u, tip, made) {
    if (u.cursor.idx === null || u.cursor.idx === undefined || u.cursor.left < 0) {
      tip.hidden = true;
      return;
    }
    const at = u.axes[0].splits || made.legend ? u.cursor.idx : 0;
    const exact = u.scales.x.time ? at : Math.min(Math.floor(u.posToVal(u.cursor.left, "x")), u.data[0].length - 2);
    const [title, ...rows] = made.tell(Math.max(0, exact));
    put(u, tip, [
      d.h("b", {}, title),
      ...rows.map(([label, value, colour]) => {
        const key = d.h("i", { class: "key" });
        key.style.background = colour;
        return d.h("p", {}, key, d.visible(label), " ", d.h("b", {}, value));
      }),
    ]);
  }

  function tellPoint(u, tip, points, series) {
    let best = -1,
      least = 20;
    if (u.cursor.left >= 0) {
      points.forEach(([x, y], at) => {
        const apart = Math.hypot(u.valToPos(x, "x") - u.cursor.left, u.valToPos(y, "y") - u.cursor.top);
        if (apart < least) {
          least = apart;
          best = at;
        }
      });
    }
    u.over.style.cursor = best < 0 ? "" : "pointer";
    if (best < 0) {
      tip.hidden = true;
      return;
    }
    const [x, y, task] = points[best],
      unit = inUnit(series.unit || "");
    tip.dataset.task = task;
    put(u, tip, [
      d.h("b", {}, d.visible(task)),
      d.h("p", {}, `${series.xlabel}: ${unit(x)}`),
      d.h("p", {}, `${series.ylabel}: ${unit(y)}`),
    ]);
  }

  /** Memory and CPU of one attempt over its time. */
  d.drawCurve = (place, curve, { memory }) => {
    const facts = JSON.stringify(curve);
    if (place.ownFacts === facts && place.ownTheme === d.colour("card")) return;
    Object.assign(place, { ownFacts: facts, ownTheme: d.colour("card") });
    const x = curve.map(([at]) => at / 1000),
      limited = d.known(memory);
    const pictures = [
      ["memory", "B", curve.map(([, bytes]) => bytes), "done"],
      ["CPUs in use", "", curve.map(([, , cpu]) => cpu), "running"],
    ].filter(([, , y]) => y.some((each) => each !== null));
    place.replaceChildren(...pictures.map(() => d.h("div", { class: "chart-half" })));
    pictures.forEach(([label, unit, y, state], index) => {
      const lines = [{ label, state, y }];
      if (unit === "B" && limited) lines.push({ label: "limit", state: "failed", y: y.map(() => memory) });
      d.chart(place.children[index], { kind: "lines", x, lines, unit: unit || "n", named: true }, "lines");
    });
  };
})(globalThis.dsgspool);
