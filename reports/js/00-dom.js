// Elements and text of the pages.
// The rule: what others wrote gets onto a page as text only (textContent, attributes that nobody runs); characters that
// would not be seen, or would turn the direction of what is, are shown as signs.  innerHTML is used nowhere but in
// 22-page.js.
globalThis.dsgspool = globalThis.dsgspool || {};
(function (d) {
  "use strict";

  const STRANGE = new RegExp(
    "[\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff" +
      "\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]|\\p{Cs}",
    "gu",
  );

  function sign(character) {
    const number = character.codePointAt(0);
    return number < 0x100 ? `\\x${number.toString(16).padStart(2, "0")}` : `\\u${number.toString(16).padStart(4, "0")}`;
  }

  /** The text with signs for what cannot be seen. */
  d.plain = (text) => String(text).replace(STRANGE, sign);

  /** The same as nodes: the signs are set apart, and a name may break after a slash. */
  d.visible = (text, breaks = false) => {
    const nodes = [],
      whole = String(text);
    let last = 0;
    const add = (part) => {
      if (!part) return;
      if (!breaks) {
        nodes.push(part);
        return;
      }
      part.split("/").forEach((piece, index) => {
        if (index) nodes.push("/", document.createElement("wbr"));
        if (piece) nodes.push(piece);
      });
    };
    for (const match of whole.matchAll(STRANGE)) {
      add(whole.slice(last, match.index));
      nodes.push(d.h("i", { class: "sign" }, sign(match[0])));
      last = match.index + match[0].length;
    }
    add(whole.slice(last));
    return nodes;
  };

  /**
   * An element.  Facts: attributes; `on` = listeners, `prop` = properties.  Children: nodes, texts, null, arrays of
   * them.
   */
  d.h = (tag, facts, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(facts || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
      else if (name === "prop") Object.assign(element, value);
      else element.setAttribute(name, value === true ? "" : String(value));
    }
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  };

  /** Replace the text of an element only when it is another one: no flicker, no needless announcement. */
  d.say = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  let speaker = null;
  /** Tell people who listen to the page instead of looking at it. */
  d.announce = (text) => {
    if (!speaker) {
      speaker = document.getElementById("live") || d.h("p", { class: "unseen", "aria-live": "polite", role: "status" });
      if (!speaker.isConnected) document.body.append(speaker);
    }
    speaker.textContent = "";
    setTimeout(() => {
      speaker.textContent = text;
    }, 50);
  };

  /** A value of the style sheet. */
  d.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /** Call once, a while after the last of many calls. */
  d.settled = (milliseconds, call) => {
    let timer = 0;
    const later = (...facts) => {
      clearTimeout(timer);
      timer = setTimeout(call, milliseconds, ...facts);
    };
    later.cancel = () => clearTimeout(timer);
    return later;
  };

  /** Call once before the next picture. */
  d.framed = (call) => {
    let asked = 0;
    return () => {
      asked =
        asked ||
        requestAnimationFrame(() => {
          asked = 0;
          call();
        });
    };
  };

  d.once = (make) => {
    let made = null;
    return () => (made = made || make());
  };
})(globalThis.dsgspool);
