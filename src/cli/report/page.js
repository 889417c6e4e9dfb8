// The page is whole without this: it adds a search, keys, and the choice of light or dark.
"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  const search = byId("search"), hits = byId("hits");
  // What can be found: rows of tables and lines of trees, each with its text as it is shown.
  const places = [];
  let found = [], at = -1;

  for (const element of document.querySelectorAll("main tbody tr, main details > summary")) {
    const place = element.tagName === "TR" ? element : element.parentElement;
    places.push({ place, text: element.textContent.toLowerCase() });
  }

  function reveal(element) {
    for (let above = element; above; above = above.parentElement)
      if (above.tagName === "DETAILS" && above !== element) above.open = true;
  }

  function go(step) {
    if (!found.length) return;
    if (at >= 0) found[at].classList.remove("now");
    at = (at + step + found.length) % found.length;
    found[at].classList.add("now");
    reveal(found[at]);
    (found[at].querySelector("summary") || found[at]).scrollIntoView({ block: "center" });
    hits.textContent = at + 1 + " of " + found.length;
  }

  function look() {
    const wanted = search.value.trim().toLowerCase();
    for (const element of found) element.classList.remove("hit", "now");
    found = [];
    at = -1;
    if (wanted) for (const { place, text } of places) if (text.includes(wanted)) found.push(place);
    for (const element of found) element.classList.add("hit");
    hits.textContent = wanted ? found.length + " found" : "";
    if (found.length) go(1);
  }

  function fold(open) {
    for (const element of document.querySelectorAll("main details")) element.open = open;
  }

  // A link may lead into something that is folded.
  function follow() {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const details = target.closest("details");
    if (details) {
      details.open = true;
      reveal(details);
    }
    target.scrollIntoView();
  }

  function turn() {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 120);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      clearTimeout(waiting);
      if (at < 0) look();
      else go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      search.value = "";
      look();
      search.blur();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (event.key === "n") go(1);
    else if (event.key === "p") go(-1);
  });
  byId("unfold").addEventListener("click", () => fold(true));
  byId("fold").addEventListener("click", () => fold(false));
  byId("theme").addEventListener("click", turn);
  window.addEventListener("hashchange", follow);
  byId("tools").hidden = false;
  follow();
})();
