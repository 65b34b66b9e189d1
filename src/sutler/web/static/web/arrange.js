// Rows that are dragged into another order: the form named in data-arrange sends it. Without this file arrows do the same.
"use strict";

document.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.("[data-arranged] > tr");
  if (row) {
    row.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
  }
});

document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-arranged] > tr");
  const row = document.querySelector("tr.dragged");
  if (!over || !row || over.parentNode !== row.parentNode) {
    return;
  }
  event.preventDefault();
  const box = over.getBoundingClientRect();
  over.parentNode.insertBefore(row, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
});

document.addEventListener("dragend", async () => {
  const row = document.querySelector("tr.dragged");
  if (!row) {
    return;
  }
  row.classList.remove("dragged");
  const form = document.querySelector("form[data-arrange]");
  const body = new FormData(form);
  body.set("ids", [...row.parentNode.children].map((each) => each.dataset.id).join(","));
  const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok) {
    location.reload();
  }
});

function prepare() {
  const form = document.querySelector("form[data-arrange]");
  const rows = form && document.querySelector(form.dataset.arrange);
  if (rows) {
    rows.dataset.arranged = "";
    [...rows.children].forEach((row) => { row.draggable = true; });
  }
}

prepare();
document.addEventListener("htmx:afterSettle", prepare);
