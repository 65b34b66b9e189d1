// The search of the menu: "/" and Ctrl+K lead to it, arrows go through what it found, Escape puts it away.
"use strict";

function seekField() {
  const fields = [...document.querySelectorAll("[data-seek]")];
  // Of the two menus one is shown; on a phone it is closed.
  const field = fields.find((each) => each.closest("header, details").getClientRects().length);
  field?.closest("details")?.setAttribute("open", "");
  return field;
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  const isSlash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isCtrlK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  const field = isSlash || isCtrlK ? seekField() : null;
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
    return;
  }
  const form = event.target.closest?.(".seek");
  if (!form) {
    return;
  }
  const stops = [form.querySelector("[data-seek]"), ...form.querySelectorAll(".hits a")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    stops[stops.indexOf(document.activeElement) + step]?.focus();
  } else if (event.key === "Escape") {
    form.querySelector(".hits").replaceChildren();
    stops[0].focus();
  }
});

document.addEventListener("click", (event) => {
  for (const hits of document.querySelectorAll(".seek .hits")) {
    if (!hits.closest(".seek").contains(event.target)) {
      hits.replaceChildren();
    }
  }
});
