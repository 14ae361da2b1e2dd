// Hands on the timeline: wheel, drag, pinch, keys, and what lies under the pointer.
// The rule: the page scrolls as pages do (a bare wheel is not taken away from it); every move has a key; fingers that
// tap get the tooltip first and open the task from there.
(function (d) {
  "use strict";

  /**
   * on: {view() -> [from, to], set([from, to]), bounds(), moment(x), hit(x, y), hover(hit, x, y, touch), open(hit),
   * layout()}.
   */
  d.timelineHand = (canvas, on) => {
    const touches = new Map();
    let drag = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const zoom = (factor, x) =>
      on.set(d.zoomed(on.view(), factor, x === null ? (on.view()[0] + on.view()[1]) / 2 : on.moment(x), on.bounds()));
    const pan = (share) => {
      const [from, to] = on.view(),
        by = (to - from) * share;
      on.set(d.within([from + by, to + by], on.bounds()));
    };

    canvas.addEventListener(
      "wheel",
      (event) => {
        const step = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
        if (event.ctrlKey || event.metaKey)
          zoom(
            Math.exp(
              Math.max(-600, Math.min(600, event.deltaY * step)) * (Math.abs(event.deltaY) < 20 ? 0.01 : 0.0022),
            ),
            place(event)[0],
          );
        else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
          pan(((event.deltaX || event.deltaY) * step) / 900);
        else return;
        event.preventDefault();
      },
      { passive: false },
    );

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      touches.set(event.pointerId, place(event));
      canvas.setPointerCapture(event.pointerId);
      const [x, y] = place(event);
      drag = {
        x,
        y,
        view: on.view(),
        moved: false,
        select: event.shiftKey,
        pinch: touches.size > 1 ? spread() : 0,
        touch: event.pointerType !== "mouse",
      };
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      if (!drag) {
        on.hover(on.hit(x, y), x, y, false);
        return;
      }
      if (touches.has(event.pointerId)) touches.set(event.pointerId, [x, y]);
      if (touches.size > 1) {
        pinched();
        return;
      }
      if (Math.abs(x - drag.x) > 4) drag.moved = true;
      if (!drag.moved) return;
      on.hover(null);
      if (drag.select) {
        on.mark(drag.x, x);
        return;
      }
      const width = on.layout().width - on.layout().gutter,
        [from, to] = drag.view;
      const by = ((drag.x - x) / width) * (to - from);
      canvas.classList.add("dragged");
      on.set(d.within([from + by, to + by], on.bounds()));
    });
    const end = (event) => {
      touches.delete(event.pointerId);
      canvas.classList.remove("dragged");
      if (!drag || touches.size) return;
      const [x, y] = place(event),
        was = drag;
      drag = null;
      if (was.select && was.moved) {
        on.mark(null);
        on.set(d.within([on.moment(Math.min(was.x, x)), on.moment(Math.max(was.x, x))], on.bounds()));
      } else if (!was.moved && !was.pinch && event.type === "pointerup") {
        const hit = on.hit(x, y);
        if (was.touch) on.hover(hit, x, y, true);
        else if (hit) on.open(hit);
      }
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !drag) on.hover(null);
    });
    canvas.addEventListener("dblclick", (event) => {
      if (!on.hit(...place(event))) zoom(0.5, place(event)[0]);
    });

    function spread() {
      const [[a], [b]] = [...touches.values()];
      return Math.max(20, Math.abs(a - b));
    }

    function pinched() {
      const [[a], [b]] = [...touches.values()];
      if (!drag.pinch) Object.assign(drag, { pinch: spread(), view: on.view() });
      const middle = (a + b) / 2;
      zoom(drag.pinch / spread(), middle);
      drag.pinch = spread();
      drag.moved = true;
    }

    const KEYS = {
      "+": () => zoom(0.6, null),
      "=": () => zoom(0.6, null),
      "-": () => zoom(1 / 0.6, null),
      _: () => zoom(1 / 0.6, null),
      0: () => on.set(on.bounds(), true),
      ArrowLeft: () => pan(-0.15),
      ArrowRight: () => pan(0.15),
      PageUp: () => pan(-0.9),
      PageDown: () => pan(0.9),
      Home: () => edge(0),
      End: () => edge(1),
      n: () => on.step(1),
      p: () => on.step(-1),
      Enter: () => on.enter(),
      Escape: () => on.hover(null),
    };
    function edge(which) {
      const [from, to] = on.view(),
        bounds = on.bounds();
      on.set(which ? [bounds[1] - (to - from), bounds[1]] : [bounds[0], bounds[0] + to - from]);
    }
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
      KEYS[event.key]();
      event.preventDefault();
    });
    return { zoom: (factor) => zoom(factor, null) };
  };

  /** The strip of everything with a window that is moved and drawn anew. */
  d.timelineBrush = (canvas, on) => {
    let drag = null;
    const share = (event) => {
      const box = canvas.getBoundingClientRect(),
        gutter = on.layout().gutter;
      return (event.clientX - box.left - gutter) / Math.max(1, box.width - gutter);
    };
    const moment = (event) => {
      const [least, most] = on.bounds();
      return least + Math.max(0, Math.min(1, share(event))) * (most - least);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const at = moment(event),
        [from, to] = on.view(),
        [least, most] = on.bounds();
      const near = ((most - least) / canvas.clientWidth) * 8,
        whole = to - from > (most - least) * 0.98;
      const mode =
        !whole && Math.abs(at - from) < near
          ? "from"
          : !whole && Math.abs(at - to) < near
            ? "to"
            : !whole && at > from && at < to
              ? "move"
              : "draw";
      drag = { at, mode, view: [from, to] };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const at = moment(event),
        [from, to] = drag.view,
        bounds = on.bounds();
      if (drag.mode === "move") on.set(d.within([from + at - drag.at, to + at - drag.at], bounds));
      else {
        const fixed = drag.mode === "from" ? to : drag.mode === "to" ? from : drag.at;
        if (Math.abs(at - fixed) > (bounds[1] - bounds[0]) / 2000) on.set([Math.min(at, fixed), Math.max(at, fixed)]);
      }
    });
    const end = () => {
      drag = null;
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("dblclick", () => on.set(on.bounds(), true));
  };
})(globalThis.dsgspool);
