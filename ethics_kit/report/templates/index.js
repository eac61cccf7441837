"use strict";
(() => {
  const table = document.querySelector("table.systems");
  const template = document.querySelector("template");
  if (!template) return;
  table.parentElement.before(template.content);
  const form = document.querySelector("form");
  const shown = form.querySelector("[role=status]");
  const state = (cell) => cell.querySelector(".status").classList[1];
  const day = /\d{4}-\d\d-\d\d/;
  const entries = [...table.tBodies[0].rows].map((row, place) => {
    const [name, , due, ...cells] = row.cells;
    const days = cells.slice(0, 4).map((cell) => cell.textContent.match(day)?.[0]).filter(Boolean).sort();
    return {
      row, place, text: row.textContent.toLowerCase(), name: name.textContent.toLowerCase(), level: row.dataset.level,
      due: due.textContent.match(day)?.[0] ?? "9", states: cells.slice(0, 4).map(state), oldest: days[0] ?? "9",
    };
  });
  const levels = [...form.level.options].map((option) => option.value);
  const orders = {
    worst: (a, b) => a.place - b.place,
    name: (a, b) => a.name.localeCompare(b.name),
    level: (a, b) => (levels.indexOf(a.level) || 9) - (levels.indexOf(b.level) || 9),
    due: (a, b) => a.due.localeCompare(b.due),
    oldest: (a, b) => a.oldest.localeCompare(b.oldest),
  };
  const filter = () => {
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const entry of entries) {
      const states = form.stage.value ? [entry.states[form.stage.value]] : entry.states;
      const fits = words.every((word) => entry.text.includes(word)) && (!form.level.value || entry.level === form.level.value)
        && (!form.verdict.value || states.includes(form.verdict.value));
      entry.row.hidden = !fits;
      count += fits;
    }
    shown.textContent = shown.dataset.words.replace("{shown}", count).replace("{all}", entries.length);
  };
  const order = () => {
    const by = form.order.value;
    entries.sort((a, b) => orders[by](a, b) || a.place - b.place);
    table.tBodies[0].append(...entries.map((entry) => entry.row));
    for (const head of table.tHead.rows[0].cells) {
      if (head.dataset.order === by) head.setAttribute("aria-sort", "ascending");
      else head.removeAttribute("aria-sort");
    }
  };
  for (const head of table.tHead.querySelectorAll("[data-order]")) {
    if (!head.querySelector("button")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
    }
    head.firstElementChild.addEventListener("click", () => {
      form.order.value = head.dataset.order;
      order();
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  form.order.addEventListener("change", order);
  form.addEventListener("reset", () => setTimeout(() => { filter(); order(); }));
  filter();
})();
