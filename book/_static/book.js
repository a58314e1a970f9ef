// The theme takes the focus away from these buttons when they are used: the next Tab would start again
// at the top of the page. Whoever came by keyboard keeps it, also after leaving a drawer with Escape.
(() => {
  const buttons = ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle";
  let used = null;
  let escape = false;
  const giveBack = () => {
    if (used && document.activeElement === document.body) used.focus();
  };
  const listen = (what, then) => document.addEventListener(what, then, true);
  listen("click", (event) => {
    const button = event.target.closest(buttons);
    if (button && event.detail === 0) {
      used = button;
      setTimeout(giveBack);
    }
  });
  listen("keydown", (event) => { escape = event.key === "Escape"; });
  listen("close", () => { if (escape) setTimeout(giveBack); });
})();

// The sliders of “Close the loop” over the grid that its notebook has recorded and writes into the page.
(() => {
  const svg = (name, attributes, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };
  const slider = (label, steps, start) => {
    const row = document.createElement("label");
    const input = Object.assign(document.createElement("input"),
      { type: "range", min: 0, max: steps.length - 1, step: 1, value: start });
    const shown = document.createElement("span");
    shown.setAttribute("aria-hidden", "true");
    row.append(`${label} `, input, " ", shown);
    const tell = () => {
      shown.textContent = steps[input.value];
      input.setAttribute("aria-valuetext", steps[input.value]);
    };
    input.addEventListener("input", tell);
    tell();
    return { row, input };
  };
  const draw = (place, { shares, powers, rounds, cells }) => {
    const x = (n) => 50 + (n * 260) / (rounds.length - 1);
    const y = (part) => 170 - ((part - 0.4) * 150) / 0.6;
    const path = (row) => row.map(([clicks], n) => `${n ? "L" : "M"}${x(n)} ${y(clicks)}`).join("");
    const dials = [
      slider("Places at random:", shares.map((share) => `${Math.round(100 * share)}%`), 2),
      slider("Power of exposure:", powers.map(String), 0),
      slider("Films:", ["shown once", "return if not clicked"], 0),
      slider("Rounds so far:", rounds.map(String), rounds.length - 1),
    ];
    const chart = svg("svg", { viewBox: "0 0 330 210", "aria-hidden": "true" });
    const said = Object.assign(document.createElement("p"), { className: "said" });
    said.setAttribute("role", "status");
    const show = () => {
      const [share, power, rule, end] = dials.map(({ input }) => Number(input.value));
      const row = (at) => cells[[rule, at, power].join(" ")];
      chart.replaceChildren();
      for (const part of [0.4, 0.6, 0.8, 1]) {
        chart.append(svg("line", { x1: 50, x2: 310, y1: y(part), y2: y(part), class: "grid" }),
          svg("text", { x: 44, y: y(part) + 4, "text-anchor": "end" }, part.toFixed(1)));
      }
      rounds.forEach((round, n) =>
        chart.append(svg("text", { x: x(n), y: 190, "text-anchor": "middle" }, round)));
      chart.append(svg("text", { x: 50, y: 12 }, "clicks, as a share of the oracle's"),
        svg("text", { x: 180, y: 206, "text-anchor": "middle" }, "rounds"),
        svg("path", { d: path(row(0)), class: "none" }),
        svg("path", { d: path(row(share)), class: "chosen" }),
        svg("circle", { cx: x(end), cy: y(row(share)[end][0]), r: 5, class: "chosen" }));
      const [clicks, apart] = row(share)[end];
      said.textContent = `After ${rounds[end]} rounds people have got ${clicks.toFixed(3)} of the oracle's ` +
        `clicks (the grey line, none at random: ${row(0)[end][0].toFixed(3)}), and two lists share ` +
        `${Math.abs(apart).toFixed(3)} ${apart < 0 ? "less" : "more"} than the oracle's.`;
    };
    const group = document.createElement("fieldset");
    group.append(Object.assign(document.createElement("legend"), { textContent: "Turn the dials" }));
    for (const { row, input } of dials) {
      group.append(row);
      input.addEventListener("input", show);
    }
    place.replaceChildren(group, chart, said);
    show();
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const place of document.querySelectorAll(".live-loop")) draw(place, JSON.parse(place.dataset.grid));
  });
})();
