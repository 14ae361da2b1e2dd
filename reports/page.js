// Small comforts; without this script the page says the same. Its hash stands in the page's Content-Security-Policy.
"use strict";
document.documentElement.classList.add("js");

// How old is this page? Red when work was open and nobody has written a new one for a quarter of an hour.
const age = document.getElementById("age");
function tell() {
  const seconds = Math.max(0, Date.now() / 1000 - Number(age.dataset.written));
  const steps = [[60, 1, "s"], [3600, 60, "min"], [172800, 3600, "h"], [Infinity, 86400, "days"]];
  const [, unit, name] = steps.find(([limit]) => seconds < limit);
  document.getElementById("ago").textContent = `, ${Math.floor(seconds / unit)} ${name} ago`;
  age.classList.toggle("stale", seconds > 900 && Number(age.dataset.open) > 0);
}
tell();
setInterval(tell, 10000);

for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      document.body.append(field);
      field.select();
      copied = document.execCommand("copy");
      field.remove();
    }
    button.textContent = copied ? "Copied" : "Select it by hand";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

const table = document.getElementById("table");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const search = document.getElementById("search");
  const chips = [...document.querySelectorAll(".chip")];
  const shown = document.getElementById("shown");
  const all = shown.innerHTML;
  document.querySelector(".tools").hidden = false;

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.state);
    let number = 0;
    for (const row of rows) {
      const fits = words.every((word) => texts.get(row).includes(word)) && (!states.length || states.includes(row.className));
      row.hidden = !fits;
      number += fits;
    }
    document.getElementById("empty").hidden = number > 0;
    if (number === rows.length) shown.innerHTML = all;
    else shown.textContent = `${number} of ${rows.length} match`;
  }
  search.addEventListener("input", filter);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }

  const collator = new Intl.Collator(undefined, { numeric: true });
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const column = head.cellIndex;
      const value = head.dataset.sort === "number"
        ? (row) => Number(row.cells[column].dataset.v ?? row.cells[column].textContent)
        : (row) => row.cells[column].textContent;
      const order = head.dataset.sort === "number" ? (a, b) => a - b : collator.compare;
      rows.sort((a, b) => order(value(a), value(b)) * (up ? 1 : -1));
      body.append(...rows);
    });
  }
}
