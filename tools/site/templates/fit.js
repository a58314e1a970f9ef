() => {
  for (const all of document.querySelectorAll(".scale-figure svg")) {
    const tops = [...all.querySelectorAll(".task")].map((task) => task.getBBox().y - 8);
    const bottom = all.getBoundingClientRect().height;
    tops.forEach((top, n) => {
      const part = all.cloneNode(true);
      const moved = document.createElementNS(all.namespaceURI, "g");
      moved.setAttribute("transform", `translate(0, ${-top})`);
      moved.append(...part.childNodes);
      part.append(moved);
      part.setAttribute("height", (tops[n + 1] ?? bottom) - top);
      part.style.overflow = "hidden";
      if (n) part.setAttribute("aria-hidden", "true");
      all.before(part);
    });
    if (tops.length) all.remove();
  }
  for (const wide of document.querySelectorAll("main :is(table, mjx-container[display], svg)")) {
    const place = wide.parentElement;
    const style = getComputedStyle(place);
    const room = place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const width = Math.max(wide.scrollWidth, wide.getBoundingClientRect().width);
    if (room > 0 && width > room + 1) wide.style.zoom = Math.floor(1000 * room / width) / 1000;
  }
  const edge = document.querySelector("main").getBoundingClientRect().right;
  const out = [...document.querySelectorAll("article :not(mjx-container *, .visually-hidden)")];
  return out.filter((e) => e.getBoundingClientRect().right > edge + 2).map(
    (e) => `${e.closest("article").id}: <${e.localName}> ${e.textContent.trim().slice(0, 60)}`);
}
