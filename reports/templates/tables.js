/* Tables that can be sorted by their heads and filtered. Without this script they are there all the same. */
"use strict";
const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function value(cell) {
  const text = cell.textContent.trim().replace(/,/g, "").replace(/−/g, "-");
  const found = text.match(/^[<>+]?(-?[\d.]+)(?:×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(%?)/);
  if (!cell.classList.contains("r") || !found) return text === "–" || text === "" ? null : text.toLowerCase();
  const power = (found[2] || "⁰").replace("⁻", "-").replace(/[^-]/g, (one) => DIGITS.indexOf(one));
  return (found[1] * 10 ** power) / (found[3] ? 100 : 1);
}
function order(a, b) {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === "number" ? -1 : 1;
}
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numbers = head.classList.contains("r");
      const down = head.ariaSort ? head.ariaSort === "ascending" : numbers;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = [...body.rows].map((row) => [value(row.cells[head.cellIndex]), row]);
      keyed.sort(([a], [b]) => (down && a !== null && b !== null ? order(b, a) : order(a, b)));
      body.append(...keyed.map(([, row]) => row));
    });
  }
}
for (const line of document.querySelectorAll(".filter")) {
  const rows = [...line.nextElementSibling.querySelectorAll("tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const input = line.querySelector("input");
  line.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach((row, at) => (shown += !(row.hidden = !words.every((word) => texts[at].includes(word)))));
    line.querySelector("[role=status]").textContent = input.value.trim() ? `${shown} of ${rows.length}` : "";
  });
}
