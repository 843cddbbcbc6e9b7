// Filters as pictures: the funnel, reasons, scores, lengths, and fields for everything else.

const STAGES = ["drawn", "drafted", "critiqued", "scored", "kept"];
const RANGES = ["draft_score", "refinement_score", "critique_score", "margin", "instruction_length",
  "draft_length", "refinement_length", "tokens", "cost", "latency"];
const CHOICES = { status: "status", reason: "reason", source: "source", split: "split", model: "model",
  script: "script", verdict: "people found better", change: "beside" };
const WORDS = { draft_score: "draft's score", refinement_score: "refinement's score", critique_score: "critic's score",
  instruction_length: "instruction, characters", draft_length: "draft, characters",
  refinement_length: "refinement, characters", latency: "seconds", n: "order of the file" };
const wordsFor = (name) => WORDS[name] ?? name;
const count = (number) => number.toLocaleString("en");

/** Sums the last entries of groups by what `key` makes of the others; a null key is left out. */
function summed(groups, key) {
  const sums = new Map();
  for (const group of groups) {
    const name = key(...group);
    if (name !== null && name !== undefined) sums.set(name, (sums.get(name) ?? 0) + group.at(-1));
  }
  return sums;
}

const byCount = (one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1);

function barButton(label, rows, most, className, isPressed, onClick) {
  const fill = element("span", "fill");
  fill.style.width = `${most ? (100 * rows) / most : 0}%`;
  const button = element("button", `bar ${className}`, fill, element("span", "", label), element("span", "", count(rows)));
  button.type = "button";
  button.ariaPressed = String(isPressed);
  button.addEventListener("click", onClick);
  return button;
}

/** Builds the panel for a summary. `change(name, values)` replaces the values of a filter. */
function showPanel(root, summary, query, change) {
  const { counts, reasons, options } = summary;
  const pressed = (name, value) => query.getAll(name).includes(value);
  const toggle = (name, value) => () => change({ [name]: pressed(name, value) ? [] : [value] });
  const parts = [];
  const hasStages = summary.staged;
  if (hasStages && summary.whole) {
    parts.push(element("h2", "", "Funnel"));
    const reached = STAGES.map((_, stage) =>
      summed(counts.fates, (status, reason, place) => (place >= stage ? "all" : null)).get("all") ?? 0);
    STAGES.forEach((stage, place) => parts.push(
      barButton(stage, reached[place], reached[0], stage === "kept" ? "kept" : "", pressed("reached", stage), toggle("reached", stage))));
  }
  const fates = hasStages
    ? summed(counts.fates, (status, reason) => reason)
    : summed(counts.fates, (status) => status);
  if (fates.size) parts.push(element("h2", "", hasStages ? "Dropped, by reason" : "Outcome"));
  const name = hasStages ? "reason" : "status";
  const most = Math.max(...fates.values());
  for (const [fate, rows] of [...fates].sort(byCount)) {
    const bar = barButton(fate.replaceAll("_", " "), rows, most, hasStages ? "dropped" : "", pressed(name, fate), toggle(name, fate));
    bar.title = reasons[fate] ?? fate;
    const ten = element("button", "ten", "10");
    ten.type = "button";
    ten.title = "Ten of them, drawn at random";
    ten.ariaLabel = `Ten rows, drawn at random: ${fate}`;
    ten.addEventListener("click", () => change({ [name]: [fate], sample: ["10"], reached: [] }));
    parts.push(element("div", "with-sample", bar, ten));
  }
  parts.push(...distribution("Scores", [...Array(10).keys()].map((place) => place + 1), String,
    summed(counts.scores, (draft) => draft), summed(counts.scores, (_, refinement) => refinement), summary.labels,
    (score) => change({ draft_score: pressed("draft_score", `${score}`) ? [] : [`${score}`] }),
    (score) => change({ refinement_score: pressed("refinement_score", `${score}`) ? [] : [`${score}`] })));
  const margins = summed(counts.scores, (draft, refinement) => draft === null || refinement === null ? null : refinement - draft);
  if (margins.size) {
    const [low, high] = [Math.min(...margins.keys()), Math.max(...margins.keys())];
    const places = [...Array(high - low + 1).keys()].map((place) => place + low);
    parts.push(...distribution("Margin", places, (place) => `${place > 0 ? "+" : ""}${place}`, null, margins, summary.labels, null,
      (margin) => change({ margin: pressed("margin", `${margin}`) ? [] : [`${margin}`] })));
  }
  const [drafts, refinements] = [0, 1].map((at) => summed(counts.lengths, (...lengths) => lengths[at]));
  if (summary.whole && drafts.size + refinements.size) {
    const present = [...drafts.keys(), ...refinements.keys()];
    const low = Math.min(...present);
    const bins = [...Array(Math.max(...present) - low + 1).keys()].map((place) => place + low);
    const range = (bin) => `${2 ** bin}..${2 ** (bin + 1) - 1}`;
    parts.push(...distribution("Lengths in characters", bins, (bin) => (bin < 10 ? `${2 ** bin}` : `${2 ** (bin - 10)}k`), drafts, refinements, summary.labels,
      (bin) => change({ draft_length: pressed("draft_length", range(bin)) ? [] : [range(bin)] }),
      (bin) => change({ refinement_length: pressed("refinement_length", range(bin)) ? [] : [range(bin)] })));
  }
  parts.push(element("h2", "", "Only rows with"), fieldsOf(summary, query, change));
  const clear = element("button", "", "Clear all filters (x)");
  clear.type = "button";
  clear.id = "clear";
  clear.addEventListener("click", () => change(null));
  parts.push(clear);
  root.replaceChildren(...parts);
}

/** Columns for each place, of the draft and of the refinement, whose halves filter. */
function distribution(title, places, label, drafts, refinements, labels, onDraft, onRefinement) {
  if (!refinements.size && !drafts?.size) return [];
  const most = Math.max(...(drafts?.values() ?? []), ...refinements.values());
  const chart = element("div", "columns");
  for (const place of places) {
    const bars = [[drafts, "of-draft", labels.draft], [refinements, "of-refinement", labels.refinement]].filter(([rows]) => rows);
    const column = element("button", "", ...bars.map(([rows, className]) => {
      const bar = element("i", className);
      bar.style.height = `${Math.round((58 * (rows.get(place) ?? 0)) / most)}px`;
      return bar;
    }), element("span", "label", label(place)));
    column.type = "button";
    column.title = bars.map(([rows, , name]) => `${name}: ${count(rows.get(place) ?? 0)}`).join(", ");
    column.ariaLabel = `${title} ${label(place)}: ${column.title}`;
    // The left half is the draft's, the right half the refinement's; a key counts as the latter.
    column.addEventListener("click", (event) => {
      const box = column.getBoundingClientRect();
      const isLeft = event.detail > 0 && event.clientX < box.left + box.width / 2;
      (isLeft && onDraft ? onDraft : onRefinement)(place);
    });
    chart.append(column);
  }
  const legend = drafts
    ? element("div", "legend", element("span", "", element("i", "of-draft"), labels.draft), element("span", "", element("i", "of-refinement"), labels.refinement))
    : "";
  return [element("h2", "", title), chart, legend];
}

function choiceLabel(name, value, labels) {
  if (value === "-") return "none";
  return name === "verdict" ? labels[value] ?? value : value.replaceAll("_", " ");
}

function fieldsOf(summary, query, change) {
  const fields = element("div", "fields");
  const add = (name, title, input) => {
    input.id = `filter-${name}`;
    const label = element("label", "", title);
    label.htmlFor = input.id;
    fields.append(label, input);
    input.addEventListener("change", () => change({ [name]: input.value.trim() ? [input.value.trim()] : [] }));
  };
  for (const [name, title] of Object.entries(CHOICES)) {
    const values = summary.options[name] ?? [];
    const [chosen = ""] = query.getAll(name);
    // One value for all rows filters nothing.
    if (values.length < 2 && !chosen) continue;
    const select = element("select", "", new Option("any", ""));
    const listed = values.some(([value]) => value === chosen) || !chosen ? values : [...values, [chosen, 0]];
    for (const [value, rows] of listed)
      select.append(new Option(`${choiceLabel(name, value, summary.labels)} (${count(rows)})`, value, false, value === chosen));
    add(name, title, select);
  }
  for (const name of RANGES) {
    if (!summary.whole && !["draft_score", "refinement_score", "critique_score", "margin"].includes(name)) continue;
    const input = element("input");
    input.placeholder = "2..5, 3.. or 4";
    input.value = query.get(name) ?? "";
    add(name, wordsFor(name), input);
  }
  return fields;
}
