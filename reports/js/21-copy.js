// Copy buttons: any `button.copy` with data-copy (or before or after a <code>), in sections and in what the script
// draws.
// The rule: it works without navigator.clipboard too (pages from a folder have none in some browsers), and is told to
// those who cannot see it.
(function (d) {
  "use strict";

  async function copied(text) {
    try {
      if (navigator.clipboard) {
        await navigator.clipboard.writeText(text);
        return true;
      }
    } catch {
      /* not allowed here: the older way */
    }
    const before = document.activeElement;
    const field = d.h("textarea", {
      class: "unseen",
      "aria-hidden": "true",
      tabindex: "-1",
      readonly: true,
      prop: { value: text },
    });
    document.body.append(field);
    field.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      done = false;
    }
    field.remove();
    if (before) before.focus({ preventScroll: true });
    return done;
  }

  function textOf(button) {
    if (button.dataset.copy !== undefined) return button.dataset.copy;
    const target = button.dataset.copyOf && document.getElementById(button.dataset.copyOf);
    const near = target || button.parentElement.querySelector("code, pre");
    return near ? near.textContent : "";
  }

  d.copy = async (button) => {
    const done = await copied(textOf(button));
    if (!button.dataset.ownLabel) button.dataset.ownLabel = button.textContent;
    button.textContent = done ? "Copied" : "Select it by hand";
    button.classList.toggle("copied", done);
    d.announce(done ? "Copied" : "It could not be copied: select it by hand");
    clearTimeout(button.ownTimer);
    button.ownTimer = setTimeout(() => {
      button.textContent = button.dataset.ownLabel;
      button.classList.remove("copied");
      delete button.dataset.ownLabel;
    }, 1600);
  };

  d.copyButton = (text, label = "Copy", what = "") =>
    d.h(
      "button",
      { type: "button", class: "copy", "data-copy": text, "aria-label": what ? `${label} ${what}` : null },
      label,
    );

  /** A command in a box of its own, with its button. */
  d.command = (label, text) =>
    d.h(
      "div",
      { class: "command" },
      label ? d.h("span", {}, label) : null,
      d.h("code", { tabindex: "0" }, d.plain(text)),
      d.copyButton(text, "Copy", label),
    );

  d.startCopy = () => {
    document.documentElement.classList.add("js");
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button.copy");
      if (button) d.copy(button);
    });
  };
})(globalThis.dsgspool);
