// A table that shows only the rows in sight, whatever their number.
// The rule: for people who do not see it, it is a grid that says how many rows it has; the keyboard moves an active
// row, which is scrolled into sight; more rows than a browser can scroll over are scrolled in larger steps.
(function (d) {
  "use strict";

  const TALLEST = 8_000_000; // px: browsers lose their way beyond 17 million
  const SPARE = 8; // rows above and below what is in sight

  /** on: {fill(element, index), open(index), toggle(index, range), describe()}. */
  d.Grid = class {
    constructor(element, on) {
      this.on = on;
      this.count = 0;
      this.active = -1;
      this.rowHeight = 34;
      this.pool = [];
      this.head = d.h("div", { role: "rowgroup", class: "grid-head" });
      this.body = d.h("div", { role: "rowgroup", class: "grid-body" });
      this.element = element;
      element.append(this.head, this.body);
      this.draw = this.draw.bind(this);
      const later = d.framed(this.draw);
      element.addEventListener("scroll", later, { passive: true });
      element.addEventListener("keydown", (event) => this.key(event));
      element.addEventListener("focus", () => {
        if (this.active < 0 && this.count) this.activate(this.top(), false);
      });
      new ResizeObserver(later).observe(element);
    }

    /** Other rows, or the same with other content. */
    set(count, keep) {
      this.count = count;
      if (!keep) this.active = -1;
      if (this.active >= count) this.active = count - 1;
      this.element.setAttribute("aria-rowcount", String(count + 1));
      for (const row of this.pool) row.dataset.index = "";
      this.measure();
      this.draw();
    }

    measure() {
      this.height = Math.min(TALLEST, this.count * this.rowHeight);
      this.body.style.height = `${Math.max(this.height, 1)}px`;
    }

    get view() {
      return Math.max(0, this.element.clientHeight - this.head.offsetHeight);
    }

    /** How far down, in rows. */
    offset() {
      const most = this.height - this.view,
        whole = this.count * this.rowHeight - this.view;
      return most <= 0 ? 0 : ((this.element.scrollTop / most) * whole) / this.rowHeight;
    }

    top() {
      return Math.min(this.count - 1, Math.ceil(this.offset() - 0.01));
    }

    draw() {
      const view = this.view;
      if (!view) return;
      const offset = this.offset(),
        { scrollTop } = this.element; // asked for once: after each change it would have the page laid out anew
      const first = Math.max(0, Math.floor(offset) - SPARE);
      const last = Math.min(this.count, Math.ceil(offset + view / this.rowHeight) + SPARE);
      const size = Math.max(last - first, 0);
      while (this.pool.length < size) this.pool.push(this.makeRow());
      for (const row of this.pool) {
        const at = Number(row.dataset.index || -1);
        if (row.dataset.index && (at < first || at >= last)) row.dataset.index = "";
      }
      const there = new Map(
        this.pool.filter((row) => row.dataset.index).map((row) => [Number(row.dataset.index), row]),
      );
      const free = this.pool.filter((row) => !row.dataset.index);
      for (let index = first; index < last; index += 1) {
        let row = there.get(index);
        if (!row) {
          row = free.pop();
          row.dataset.index = String(index);
          row.setAttribute("aria-rowindex", String(index + 2));
          this.on.fill(row, index);
          row.hidden = false;
        }
        row.style.transform = `translateY(${scrollTop + (index - offset) * this.rowHeight}px)`;
        row.classList.toggle("active", index === this.active);
      }
      for (const row of free) {
        row.hidden = true;
        row.removeAttribute("data-task");
      }
      this.describe();
    }

    makeRow() {
      const row = d.h("div", { role: "row", class: "grid-row", id: `row-${this.pool.length}` });
      row.hidden = true;
      this.body.append(row);
      return row;
    }

    describe() {
      const row = this.pool.find((each) => !each.hidden && each.classList.contains("active"));
      if (row) this.element.setAttribute("aria-activedescendant", row.id);
      else this.element.removeAttribute("aria-activedescendant");
    }

    refill() {
      for (const row of this.pool) if (row.dataset.index) this.on.fill(row, Number(row.dataset.index));
    }

    scrollToRow(offset) {
      const most = this.height - this.view,
        whole = this.count * this.rowHeight - this.view;
      this.element.scrollTop = whole <= 0 ? 0 : ((offset * this.rowHeight) / whole) * most;
    }

    activate(index, show = true) {
      this.active = Math.max(0, Math.min(this.count - 1, index));
      if (show) {
        const offset = this.offset(),
          rows = this.view / this.rowHeight;
        if (this.active < offset) this.scrollToRow(this.active);
        else if (this.active + 1 > offset + rows) this.scrollToRow(this.active + 1 - rows);
      }
      this.draw();
    }

    key(event) {
      if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey || !this.count) return;
      const page = Math.max(1, Math.floor(this.view / this.rowHeight) - 1);
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.count, End: this.count };
      if (Object.hasOwn(steps, event.key)) {
        const before = this.active;
        this.activate(this.active < 0 && event.key === "ArrowDown" ? this.top() : this.active + steps[event.key]);
        if (event.shiftKey && before >= 0) this.on.toggle(this.active, before, true);
      } else if (event.key === "Enter" && this.active >= 0) this.on.open(this.active);
      else if (event.key === " " && this.active >= 0) this.on.toggle(this.active, this.active, false);
      else return;
      event.preventDefault();
    }
  };
})(globalThis.dsgspool);
