// What annotators read of a record. Argilla defines `record` in a script before this one.

const FOLDED_PX = 1000;
const page = unguarded(record.fields.page);

/** Takes out the joiners of escape.py. */
function unguarded(value) {
  if (typeof value === "string") return value.replace(/([<$#])\u2060+/g, (_, sign) => sign);
  if (Array.isArray(value)) return value.map(unguarded);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unguarded(each)]));
}

function button(label, onClick) {
  const node = element("button", "", label);
  node.type = "button";
  node.addEventListener("click", () => onClick(node));
  return node;
}

/** A part of the page under a title. `folds` is what the button says that shows all of it. */
function section(name, title, text, folds) {
  const body = markdown(text);
  body.dataset.length = text.length;
  if (folds) body.dataset.folds = folds;
  return element("section", name, element("h2", "title", title), body);
}

/** Cut what is too tall, and say how long it is. */
function fold(body) {
  // A little more is no reason to click.
  if (body.scrollHeight < 1.25 * FOLDED_PX) return;
  const length = Number(body.dataset.length).toLocaleString("en-US");
  body.classList.add("folded");
  const more = button(`Show all of ${body.dataset.folds} (${length} characters)`, () => {
    body.classList.remove("folded");
    more.remove();
  });
  more.className = "more";
  body.after(more);
}

function conversation(history) {
  const node = element("section", "history", element("h2", "title", "Conversation so far"));
  for (const { role, content } of history) {
    const speaker = role.charAt(0).toUpperCase() + role.slice(1);
    const turn = section(`turn ${role === "user" ? "user" : "other"}`, speaker, content, "this turn");
    node.append(turn);
  }
  return node;
}

function comparison() {
  const [a, b] = ["a", "b"].map((letter) => {
    const name = `answer ${letter.toUpperCase()}`;
    return section(`answer ${letter}`, name.replace("a", "A"), page[`answer_${letter}`], name);
  });
  const texts = [a, b].map((each) => each.querySelector(".text"));
  const toggle = button("Mark differing words", () => {
    const isOn = toggle.getAttribute("aria-pressed") === "true";
    if (isOn) unmark(...texts);
    else markDifferences(...texts);
    toggle.setAttribute("aria-pressed", String(!isOn));
  });
  toggle.setAttribute("aria-pressed", "false");
  return element("div", "", element("div", "tools", toggle), element("div", "answers", a, b));
}

function critique() {
  const node = element("section", "critique", element("h2", "title", "Critique"));
  const show = () => {
    node.replaceChildren(node.firstChild, markdown(page.critique));
  };
  if (page.is_open) {
    show();
    return node;
  }
  const hint = element("span", "hint", "Read it after the first three questions.");
  hint.setAttribute("role", "status");
  const open = button("Show the critique", () => {
    if (!parent.srtReview || parent.srtReview.isDecided()) show();
    else hint.textContent = "First say which answer is better, and score both answers.";
  });
  node.append(element("div", "tools", open, hint));
  return node;
}

function build() {
  const root = document.getElementById("page");
  if (page.system) root.append(section("system", "System prompt", page.system, "the system prompt"));
  if (page.history.length) root.append(conversation(page.history));
  root.append(section("instruction", "Instruction", page.instruction, "the instruction"));
  if (page.criteria) {
    const title = "What a good answer has to do";
    root.append(section("criteria", title, page.criteria, "what a good answer has to do"));
  }
  root.append(comparison());
  if (page.critique) root.append(critique());
  for (const body of root.querySelectorAll("[data-folds]")) fold(body);
}

/** Run keys.js in Argilla's page, once. */
function installKeys() {
  const script = parent.document.createElement("script");
  script.textContent = document.getElementById("keys").textContent;
  parent.document.head.append(script);
}

/** The frame is as tall as what is in it. */
function fitFrame() {
  const root = document.getElementById("page");
  new ResizeObserver(() => {
    if (window.frameElement) window.frameElement.style.height = `${Math.ceil(root.getBoundingClientRect().bottom) + 8}px`;
  }).observe(root);
}

if (parent !== window && !parent.srtReview) installKeys();
build();
fitFrame();
// Keys are for the questions, except while text is selected for copying.
document.addEventListener("click", () => {
  if (getSelection().isCollapsed) parent.srtReview?.refocus();
});
