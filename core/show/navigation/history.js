// What a visitor chooses is in the address. Streamlit replaces the address after each choice; here
// each becomes an entry of the history, so that Back undoes one choice.
const KEPT = Symbol.for("spoofscope.history");

function keepHistory(pages) {
  if (window[KEPT]) return;
  const kept = (window[KEPT] = { chosen: false, emptied: false });
  const { history, location } = window;
  const replace = history.replaceState.bind(history);
  const push = history.pushState.bind(history);
  const next = (url) => new URL(url ?? location.href, location.href);
  const bound = (path) => pages.includes(path.split("/").pop());
  history.pushState = (state, title, url) => {
    const to = next(url);
    const stays = to.pathname === location.pathname;
    if (stays && !kept.chosen && bound(to.pathname)) {
      replace(state, title, url); // the page spells its address otherwise: no choice
    } else if (!stays && kept.emptied) {
      replace(state, title, url); // on its way to another page Streamlit first empties this one's
    } else {
      push(state, title, url);
      kept.emptied = stays && to.search === "";
      kept.chosen = false; // what else changes by the same choice is part of it
    }
  };
  history.replaceState = (state, title, url) => {
    const to = next(url);
    const here = to.pathname === location.pathname && bound(to.pathname);
    if (kept.chosen && here && to.search !== location.search) history.pushState(state, title, url);
    else replace(state, title, url);
  };
  // An address may name things by key; where the page spelt it by label before this ran, that is
  // another entry.
  const asked = performance.getEntriesByType("navigation")[0]?.name;
  const twice = asked && asked !== location.href && next(asked).pathname === location.pathname;
  // What Back or Forward restores is no choice; the next click or key is.
  const restore = () => {
    kept.chosen = kept.emptied = false;
    if (twice && location.href === asked) history.back();
  };
  window.addEventListener("popstate", restore, true);
  const choose = () => ((kept.chosen = true), (kept.emptied = false));
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, choose, true);
}

export default function ({ data }) {
  keepHistory(data.pages);
}
