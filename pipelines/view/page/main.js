// The page: its state is the filters and the row that is shown, and both are in the address.

const ROW_PX = 54;
// Browsers end elements at about 33 million pixels; beyond this, the scroll bar is scaled.
const MOST_PX = 8_000_000;
const CHUNK = 100;
const LOOK_AGAIN_MS = 3000;

const find = (id) => document.getElementById(id);
const [panel, list, inside, detail, notice] = ["panel", "list", "inside", "detail", "notice"].map(find);
const embedded = find("data");
const rows = embedded ? rowsInFile(JSON.parse(embedded.textContent)) : rowsOfServer();

let query = new URLSearchParams();
let summary = null;
let chosen = 0; // How many rows the filters leave.
let at = -1; // The place of the row that is shown among them.
let rowId = null;
let chunks = new Map();
let asking = new AbortController();
let asked = 0; // Grows with each change: an answer to an older question is dropped.

const say = (text) => (notice.textContent = text);

let pending = 0;

/** Runs what asks; an error is shown, one that was given up is not. */
async function attempt(work) {
  pending += 1;
  document.body.ariaBusy = "true";
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
    return null;
  } finally {
    pending -= 1;
    // After what goes on with the answer, which may ask again.
    setTimeout(() => (document.body.ariaBusy = String(pending > 0)));
  }
}

function readAddress() {
  query = new URLSearchParams(location.hash.slice(1));
  rowId = query.get("row");
  query.delete("row");
}

function writeAddress(isNew) {
  const all = new URLSearchParams(query);
  if (rowId !== null) all.set("row", rowId);
  const address = all.size ? `#${all}` : location.pathname + location.search;
  // Of an exported file, the browser may allow no history.
  try {
    history[isNew ? "pushState" : "replaceState"](null, "", address);
  } catch {
    location.hash = all;
  }
}

/** Replaces the values of some filters, {name: [values]}, or clears all (null). */
function change(filters) {
  if (filters === null) query = new URLSearchParams();
  for (const [name, values] of Object.entries(filters ?? {})) {
    query.delete(name);
    for (const value of values) query.append(name, value);
  }
  // A draw of ten is of one question only.
  if (filters && !("sample" in filters) && !("sort" in filters)) query.delete("sample");
  writeAddress(true);
  return load();
}

/** Asks for everything again: after a change of filters, or when a run has grown. */
async function load({ isSame = false } = {}) {
  const mine = ++asked;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const found = await attempt(() => rows.summary(query, signal));
  if (mine !== asked) return;
  if (!found) {
    // What the filters mean is not known: no rows are shown for them.
    if (!isSame && !signal.aborted) await setChosen(0);
    return;
  }
  summary = found;
  say(found.skipped.map(({ file, reason }) => `Left out: ${file}: ${reason}. `).join(""));
  chunks = new Map();
  showHead();
  if (!panel.contains(document.activeElement) || !isSame) showPanel(panel, summary, query, change);
  await setChosen(found.chosen);
  if (mine !== asked) return;
  const place = rowId === null ? 0 : await attempt(() => rows.place(query, rowId));
  if (mine !== asked) return;
  if (isSame && rowId !== null) {
    at = place ?? -1;
    await fill();
  } else await show(place === null || place < 0 ? 0 : place);
}

function showHead() {
  const { title, kind, facts, beside, complete, whole } = summary;
  document.title = title;
  const parts = [kind, ...facts, `${count(summary.chosen)} of ${count(summary.rows)} rows`];
  if (beside) parts.splice(1, 0, `beside ${beside}`);
  if (!complete) parts.push("still being built");
  if (!whole) parts.push("lengths, models and stages are being read");
  find("about").textContent = parts.join(" · ");
  const [sort, names] = [find("sort"), ["n", ...RANGES]];
  const value = query.get("sort") ?? "n";
  sort.replaceChildren(...names.flatMap((name) => [
    new Option(wordsFor(name), name, false, name === value),
    ...(name === "n" ? [] : [new Option(`${wordsFor(name)}, highest first`, `-${name}`, false, `-${name}` === value)]),
  ]));
  if (document.activeElement !== find("q")) find("q").value = query.get("q") ?? "";
}

async function setChosen(number) {
  chosen = number;
  inside.style.height = `${Math.min(chosen * ROW_PX, MOST_PX)}px`;
  if (!chosen) {
    at = -1;
    inside.replaceChildren();
    detail.replaceChildren(element("p", "quiet", summary?.rows ? "No row is left by these filters." : "There are no rows yet."));
  }
}

/** How many pixels of rows one pixel of the scroll bar stands for, beyond one screen. */
function scale() {
  const [whole, shown] = [chosen * ROW_PX, list.clientHeight];
  return whole <= MOST_PX ? 1 : (whole - shown) / (MOST_PX - shown);
}

async function chunkOf(place) {
  const number = Math.floor(place / CHUNK);
  if (!chunks.has(number)) chunks.set(number, rows.list(query, number * CHUNK, CHUNK, asking.signal));
  const { rows: found } = await chunks.get(number);
  return found[place % CHUNK];
}

/** Draws the rows that are in sight. */
async function fill() {
  const mine = asked;
  const top = list.scrollTop * scale();
  const first = Math.max(0, Math.floor(top / ROW_PX) - 3);
  const last = Math.min(chosen, Math.ceil((top + list.clientHeight) / ROW_PX) + 3);
  const places = [...Array(Math.max(0, last - first)).keys()].map((place) => place + first);
  const found = await attempt(() => Promise.all(places.map(chunkOf)));
  if (!found || mine !== asked) return;
  inside.replaceChildren(...found.map((row, place) => row && lineOf(row, first + place)).filter(Boolean));
}

function lineOf(row, place) {
  const scores = [row.draft_score, row.refinement_score].map((score) => score ?? "–").join(" → ");
  const fate = row.reason ? row.reason.replaceAll("_", " ") : row.status;
  const text = element("p", "", row.instruction.replace(/\s+/g, " ").replace(INVISIBLE, "�"));
  text.dir = "auto";
  const change = row.change && row.change !== "same" ? ` · ${row.change}` : "";
  const line = element("div", "row",
    element("p", "about", element("span", "", row.id), element("span", row.status === "kept" ? "kept-text" : row.status === "dropped" ? "dropped-text" : "", fate + change), element("span", "", scores)),
    text);
  line.role = "option";
  line.id = `place-${place}`;
  line.ariaSelected = String(place === at);
  line.style.top = `${place * ROW_PX - list.scrollTop * (scale() - 1)}px`;
  line.addEventListener("click", () => show(place));
  return line;
}

/** Shows the row at a place, and brings it into sight in the list. */
async function show(place) {
  if (!chosen) return;
  at = Math.max(0, Math.min(chosen - 1, place));
  const mine = asked;
  const [top, bottom] = [at * ROW_PX, (at + 1) * ROW_PX];
  const offset = list.scrollTop * scale();
  if (top < offset) list.scrollTop = top / scale();
  else if (bottom > offset + list.clientHeight) list.scrollTop = (bottom - list.clientHeight) / scale();
  list.setAttribute("aria-activedescendant", `place-${at}`);
  const wanted = at;
  await fill();
  const row = await attempt(() => chunkOf(wanted));
  if (!row || mine !== asked || wanted !== at) return;
  rowId = row.id;
  writeAddress(false);
  const whole = await attempt(() => rows.row(row.n));
  if (!whole || mine !== asked || wanted !== at) return;
  showDetail(detail, whole, summary.labels, summary.reasons);
  detail.scrollTop = 0;
}

async function nextDropped() {
  const place = await attempt(() => rows.next(query, at));
  if (place === null || place < 0) say("There is no dropped row behind this one.");
  else await show(place);
}

async function format() {
  isFormatted = !isFormatted;
  find("formatted").ariaPressed = String(isFormatted);
  await show(at);
}

const KEYS = {
  j: () => show(at + 1), ArrowDown: () => show(at + 1), k: () => show(at - 1), ArrowUp: () => show(at - 1),
  n: nextDropped, g: () => show(0), G: () => show(chosen - 1), Home: () => show(0), End: () => show(chosen - 1),
  m: format, x: () => change(null), "/": () => find("q").focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") {
      // Which would empty the search.
      event.preventDefault();
      list.focus();
    }
    return;
  }
  // Where a reader scrolls a long row, the arrows scroll it.
  if (event.key.startsWith("Arrow") && detail.contains(event.target)) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

let typing = 0;
find("q").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ q: find("q").value ? [find("q").value] : [] }), 350);
});
find("sort").addEventListener("change", () => change({ sort: find("sort").value === "n" ? [] : [find("sort").value] }));
find("formatted").addEventListener("click", format);
find("open-panel").addEventListener("click", () => {
  find("open-panel").ariaExpanded = String(panel.classList.toggle("open"));
});
list.addEventListener("scroll", () => requestAnimationFrame(fill));
addEventListener("resize", () => fill());
addEventListener("popstate", () => {
  readAddress();
  load();
});

/** Looks again while a run is being built, or while the server still reads. */
async function lookAgain() {
  if (rows.isLive && summary && (!summary.complete || !summary.whole)) {
    const now = await attempt(() => rows.summary(query));
    if (now && (now.version !== summary.version || now.complete !== summary.complete)) await load({ isSame: true });
  }
  setTimeout(lookAgain, LOOK_AGAIN_MS);
}

readAddress();
load().then(lookAgain);
