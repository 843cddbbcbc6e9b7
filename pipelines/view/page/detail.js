// One row with everything that is known of it.

const LONG_TEXT_PX = 900;
const STEPS = { draft: "draft", critique: "critique", score_draft: "score of the draft", score_refinement: "score of the refinement" };
// What a terminal would obey, what reorders the text around it, and what cannot be seen.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

let isFormatted = false;

/** A text as text: HTML is not read, and what cannot be seen is named. */
function textOf(text) {
  if (isFormatted) {
    const node = markdown(text);
    node.classList.add("formatted");
    return node;
  }
  const node = element("div", "text");
  node.dir = "auto";
  let done = 0;
  const shown = text.replaceAll("\r\n", "\n");
  for (const match of shown.matchAll(INVISIBLE)) {
    node.append(shown.slice(done, match.index));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    node.append(element("span", "invisible", `U+${code}`));
    done = match.index + match[0].length;
  }
  node.append(shown.slice(done));
  return node;
}

function titled(title, ...children) {
  return element("section", "", element("h2", "", title), ...children);
}

function boxed(title, text, className = "") {
  const body = text === null || text === undefined ? element("div", "quiet", "none") : textOf(text);
  return element("section", `box ${className}`, element("h2", "", title), body);
}

/** Folds what is longer than a few screens; to be called once it is on the page. */
function foldLong(root) {
  for (const node of root.querySelectorAll(".text")) {
    if (node.scrollHeight <= LONG_TEXT_PX * 1.3) continue;
    node.classList.add("folded");
    const button = element("button", "", `Show all ${node.textContent.length.toLocaleString("en")} characters`);
    button.type = "button";
    button.addEventListener("click", () => {
      node.classList.remove("folded");
      button.remove();
    });
    node.after(button);
  }
}

function critiqueBox(title, critique, reply) {
  if (!critique) return reply ? boxed(`${title}: as the critic wrote it`, reply, "critique") : "";
  if (critique.score === null && !critique.weaknesses.length && !critique.suggestions.length) return "";
  const list = (texts) => texts.length
    ? element("ul", "", ...texts.map((text) => element("li", "", textOf(text))))
    : element("div", "quiet", "none");
  const score = critique.score === null ? "no score" : `${critique.score}/10`;
  return element("section", "box critique", element("h2", "", `${title}: ${score}`),
    element("h2", "", "Weaknesses"), list(critique.weaknesses),
    element("h2", "", "Suggestions"), list(critique.suggestions));
}

function table(headings, rows) {
  const line = (tag, cells) => element("tr", "", ...cells.map((cell) => element(tag, "", ...[cell ?? "–"].flat())));
  return element("div", "wide", element("table", "",
    element("thead", "", line("th", headings)), element("tbody", "", ...rows.map((cells) => line("td", cells)))));
}

function callsTable(calls) {
  const number = (value, digits = 0) =>
    value === null ? null : value.toLocaleString("en", { maximumFractionDigits: digits });
  const headings = ["call", "model", "tokens in", "out", "cost", "seconds", "attempts", "ended"];
  const rows = calls.map((call) => [
    STEPS[call.step] ?? call.step.replaceAll("_", " "),
    `${call.model}${call.temperature === null ? "" : `, temperature ${call.temperature}`}`,
    number(call.tokens_in),
    (number(call.tokens_out) ?? "–") + (call.tokens_reasoning ? ` (${number(call.tokens_reasoning)} thinking)` : ""),
    number(call.cost, 6), number(call.latency, 3),
    `${call.attempts ?? "–"}${call.failures.length ? `: ${call.failures.join("; ")}` : ""}`,
    call.finish_reason,
  ]);
  const thinking = calls.filter((call) => call.reasoning).map((call) =>
    element("details", "", element("summary", "", `Thinking before the ${STEPS[call.step] ?? call.step}`), textOf(call.reasoning)));
  return titled("Calls", table(headings, rows), ...thinking);
}

function verdictsTable(verdicts) {
  const headings = ["annotator", "better", "draft", "refinement", "weaknesses real", "suggestions help", "brings in an error"];
  const word = (value) => (value === null ? null : value === true ? "yes" : value === false ? "no" : String(value));
  const rows = verdicts.map((each) => [
    each.annotator + (each.assisted ? " (saw the model's verdict)" : ""), each.better, word(each.draft_score),
    word(each.refinement_score), each.weaknesses_real, word(each.suggestions_actionable),
    word(each.refinement_introduces_error),
  ]);
  const corrections = verdicts.flatMap((each) => [
    each.corrected_critique && boxed(`Critique as ${each.annotator} wrote it`, each.corrected_critique),
    each.corrected_refinement && boxed(`Refinement as ${each.annotator} wrote it`, each.corrected_refinement),
  ].filter(Boolean));
  return titled("What people said", table(headings, rows), ...corrections);
}

const outOfTen = (score) => (score === null ? "" : ` · ${score}/10`);
const upperFirst = (text) => text[0].toUpperCase() + text.slice(1);

/** The elements of a row; `other` is the row of the same id beside it. */
function detailOf(detail, labels, reasons) {
  const { facts, row } = detail;
  if ("unreadable" in row) return element("p", "dropped-text", `This row cannot be read: ${row.unreadable}`);
  const root = element("div");
  const fate = facts.reason ? `${facts.status}: ${facts.reason}` : facts.status;
  const why = [reasons[facts.reason], row.detail].filter(Boolean).join(" – ");
  root.append(titled(facts.id,
    element("div", facts.status === "kept" ? "kept-text" : facts.status === "dropped" ? "dropped-text" : "", fate),
    ...(why ? [textOf(why)] : []),
    element("p", "facts", ...factsLine(detail).map((each) => element("span", "", each))),
    ...detail.notes.map((note) => element("div", "quiet", note))));
  const before = [...(row.system === null ? [] : [["system", row.system]]), ...row.history.map((turn) => [turn.role, turn.content])];
  for (const [role, text] of before) root.append(boxed(`Before: ${role}`, text));
  root.append(boxed("Instruction", row.instruction));
  if (row.criteria !== null) root.append(boxed("What a good answer has to do", row.criteria));
  const draft = boxed(upperFirst(labels.draft) + outOfTen(row.draft_score), row.draft, "draft");
  const refinement = boxed(upperFirst(labels.refinement) + outOfTen(row.refinement_score), row.refinement, "refinement");
  root.append(element("div", "side-by-side", draft, refinement));
  if (row.draft !== null && row.refinement !== null)
    markDifferences(draft.querySelector(".text"), refinement.querySelector(".text"));
  root.append(critiqueBox("Critique", row.critique, row.critic_reply));
  const scored = ["draft", "refinement"].map((part) =>
    row[`${part}_assessment`]?.weaknesses.length || row[`${part}_assessment`]?.suggestions.length
      ? critiqueBox(`Scored alone, ${labels[part]}`, row[`${part}_assessment`]) : "").filter(Boolean);
  if (scored.length) root.append(element("details", "", element("summary", "", "What the scorer wrote about each answer alone"), element("div", "side-by-side", ...scored)));
  if (row.control_scores.length)
    root.append(titled("Other scorers", table(["model", labels.draft, labels.refinement, "why not"],
      row.control_scores.map((each) => [each.model, each.draft_score, each.refinement_score, each.detail].map((value) => value === null ? null : String(value))))));
  if (detail.verdicts.length) root.append(verdictsTable(detail.verdicts));
  if (row.calls.length) root.append(callsTable(row.calls));
  return root;
}

function factsLine({ facts, row }) {
  const said = [row.source, row.license, facts.split, facts.script];
  if (facts.margin !== null) said.push(`margin ${facts.margin > 0 ? "+" : ""}${facts.margin}`);
  if (facts.verdict !== null) said.push(`people: ${facts.verdict}`);
  if (facts.change !== null && facts.change !== undefined) said.push(`beside: ${facts.change}`);
  if (row.task !== null) said.push("has a task that is checked by computing");
  return said.filter(Boolean);
}

/** A row above the one that stands beside it, what differs in the latter marked. */
function showDetail(root, detail, labels, reasons) {
  const own = detailOf(detail, labels, reasons);
  root.replaceChildren(own);
  if (detail.other) {
    const other = detailOf(detail.other, labels, reasons);
    for (const name of ["draft", "refinement"]) {
      const pair = [own, other].map((each) => each.querySelector(`.box.${name} .text`));
      if (!pair[0] || !pair[1]) continue;
      // Between the two, not between draft and refinement.
      unmark(...pair);
      markDifferences(...pair);
    }
    own.prepend(element("h2", "", detail.of));
    other.prepend(element("h2", "", detail.other.of));
    root.replaceChildren(element("p", "quiet", "Marked: what differs between the two."), element("div", "side-by-side", own, other));
  }
  foldLong(root);
}
