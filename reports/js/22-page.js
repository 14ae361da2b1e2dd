// A newer report in the page that is open: sections change in place.
// The rule: an element that is still in the new text stays the same element, so that scroll, focus, selection and what
// is open stay as they are.  Only here text becomes HTML: sections that were rendered and escaped by the writer.
(function (d) {
  "use strict";

  d.current = null;
  const last = new Map(); // section -> HTML as it was put there

  /** Called by a page file. */
  d.page = (page) => {
    const before = d.current;
    if (before && page.stamp < before.stamp) return;
    d.current = page;
    if (!before) {
      for (const [name, html] of Object.entries(page.sections || {})) last.set(name, html);
      d.start();
      return;
    }
    for (const [name, html] of Object.entries(page.sections || {})) {
      if (last.get(name) === html) continue;
      last.set(name, html);
      const parsed = document.createElement("template");
      parsed.innerHTML = html;
      morph(d.section(name), parsed.content);
    }
    d.emit("page", page);
  };

  const KEYS = ["id", "data-key", "data-cause", "data-batch", "data-node", "data-series"];

  function keyOf(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    for (const name of KEYS) {
      const value = node.getAttribute(name);
      if (value !== null) return `${node.nodeName} ${name} ${value}`;
    }
    return "";
  }

  const ours = (node) => node.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-own");

  /** Make the children of `old` those of `fresh`, keeping what is alike. */
  function morph(old, fresh) {
    const keyed = new Map();
    for (const child of old.childNodes) {
      const key = keyOf(child);
      if (key && !ours(child)) keyed.set(key, child);
    }
    let at = next(old.firstChild);
    for (const wanted of [...fresh.childNodes]) {
      const key = keyOf(wanted);
      const found = key ? keyed.get(key) : at && alike(at, wanted) ? at : null;
      if (found) {
        keyed.delete(key);
        if (found !== at) old.insertBefore(found, at);
        else at = next(at.nextSibling);
        adapt(found, wanted);
      } else {
        old.insertBefore(wanted, at);
      }
    }
    while (at) {
      const gone = at;
      at = next(at.nextSibling);
      gone.remove();
    }
  }

  function next(node) {
    let found = node;
    while (found && ours(found)) found = found.nextSibling;
    return found;
  }

  const alike = (one, other) => one.nodeName === other.nodeName && !keyOf(one);

  function adapt(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.isEqualNode(fresh)) return;
    for (const { name } of [...old.attributes]) {
      const mine =
        name.startsWith("data-own") || name === "tabindex" || (name === "open" && old.nodeName === "DETAILS");
      if (!mine && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (name === "open" && old.nodeName === "DETAILS") continue;
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morph(old, fresh);
  }

  d.morph = morph;
})(globalThis.dsgspool);
