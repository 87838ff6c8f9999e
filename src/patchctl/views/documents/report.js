// Sorts a table by the column whose heading is pressed. Without it the tables stay as they came.
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const order = new Intl.Collator("en", { numeric: true });
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => (down ? order.compare(b, a) : order.compare(a, b)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
