// Markdown, as models write it, as DOM nodes.
//
// No text is ever parsed as HTML: elements are created by name here, everything else is a text node.
// Links and images become text with their address, so nothing loads and nothing can be clicked.
// Every loop moves forward: 100 kB of brackets or stars take milliseconds.

const FENCE = /^( {0,3})(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,3}[.)])(?:(\s+)(.*))?$/;
const DELIMITERS = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const DISPLAY = /^\s*(\${2}|\\\[|\\begin\{)/;
const DEEPEST = 8;
const LONGEST_FORMULA_LINES = 60;

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;

/** The direction of a text by its first letter, as `dir=auto` has it; that does not see into lists. */
function direction(text) {
  return RIGHT_TO_LEFT.test(/\p{L}/u.exec(text)?.[0] ?? "") ? "rtl" : "ltr";
}

/** The blocks of a text, in an element. */
function markdown(text) {
  const root = element("div", "text");
  for (const node of blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0)) root.append(node);
  return root;
}

function* blocks(lines, depth) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    let match;
    if (!line.trim()) {
      at += 1;
    } else if ((match = FENCE.exec(line))) {
      const end = fenceEnd(lines, at + 1, match[2]);
      const indent = new RegExp(`^ {0,${match[1].length}}`);
      const code = lines.slice(at + 1, end).map((each) => each.replace(indent, ""));
      yield codeBlock(code.join("\n"), match[3].trim());
      at = end + 1;
    } else if ((match = HEADING.exec(line))) {
      yield filled(element(`h${match[1].length}`), match[2]);
      at += 1;
    } else if (RULE.test(line)) {
      yield element("hr");
      at += 1;
    } else if (QUOTE.test(line) && depth < DEEPEST) {
      const quoted = [];
      for (; at < lines.length && QUOTE.test(lines[at]); at += 1)
        quoted.push(lines[at].replace(QUOTE, ""));
      yield nested(element("blockquote"), quoted, depth);
    } else if (ITEM.test(line) && depth < DEEPEST) {
      const list = readList(lines, at, depth);
      yield list.node;
      at = list.end;
    } else if (line.includes("|") && isTable(lines, at)) {
      let end = at + 2;
      while (end < lines.length && lines[end].includes("|")) end += 1;
      yield table(lines.slice(at, end));
      at = end;
    } else if (DISPLAY.test(line) && (match = displayEnd(lines, at))) {
      yield formula(match.tex, true);
      at = match.end;
    } else if (/^(?: {4}|\t)/.test(line) && depth === 0) {
      let end = at;
      while (end < lines.length && /^(?: {4}|\t|\s*$)/.test(lines[end])) end += 1;
      const code = lines.slice(at, end).map((each) => each.replace(/^(?: {4}|\t)/, ""));
      yield codeBlock(code.join("\n").trimEnd(), "");
      at = end;
    } else {
      let end = at + 1;
      while (end < lines.length && !interrupts(lines, end)) end += 1;
      yield filled(element("p"), lines.slice(at, end).map((each) => each.trim()).join("\n"));
      at = end;
    }
  }
}

/** Whether a line ends the paragraph before it. */
function interrupts(lines, at) {
  const line = lines[at];
  if (!line.trim() || FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
  if (QUOTE.test(line) || ITEM.exec(line)?.[4]) return true;
  return (line.includes("|") && isTable(lines, at)) || (DISPLAY.test(line) && displayEnd(lines, at));
}

function fenceEnd(lines, from, mark) {
  const closing = new RegExp(`^ {0,3}${mark[0]}{${Math.min(mark.length, 99)},}` + "\\s*$");
  let end = from;
  while (end < lines.length && !closing.test(lines[end])) end += 1;
  return end;
}

function codeBlock(code, language) {
  const node = element("pre", "", element("code", "", code));
  node.dir = "ltr";
  return language ? element("div", "code", element("div", "language", language), node) : node;
}

function filled(node, text) {
  for (const part of inline(text)) node.append(part);
  node.dir = direction(text);
  return node;
}

function nested(node, lines, depth) {
  for (const block of blocks(lines, depth + 1)) node.append(block);
  node.dir = direction(node.textContent);
  return node;
}

/** A list whose first item is at `lines[at]`, and the line after it. */
function readList(lines, at, depth) {
  const [, indent, marker] = ITEM.exec(lines[at]);
  const isNumbered = /\d/.test(marker);
  const list = element(isNumbered ? "ol" : "ul");
  if (isNumbered) list.start = parseInt(marker, 10);
  let end = at;
  while (end < lines.length) {
    const match = ITEM.exec(lines[end]);
    if (!match || match[1].length > indent.length + 1 || /\d/.test(match[2]) !== isNumbered) break;
    if (RULE.test(lines[end])) break;
    const inner = match[1].length + 2;
    const own = [match[4] ?? ""];
    for (end += 1; end < lines.length; end += 1) {
      const line = lines[end];
      const width = line.length - line.trimStart().length;
      const afterBlank = !lines[end - 1].trim();
      if (line.trim() && width < inner && (afterBlank || interrupts(lines, end))) break;
      own.push(line.slice(Math.min(width, match[0].length - (match[4] ?? "").length)));
    }
    list.append(nested(element("li"), own, depth));
    while (end < lines.length && !lines[end].trim()) end += 1;
  }
  list.dir = direction(list.textContent);
  return { node: list, end };
}

function isTable(lines, at) {
  const below = lines[at + 1];
  return below !== undefined && below.includes("-") && below.includes("|") && DELIMITERS.test(below);
}

function table(lines) {
  const head = element("thead", "", tableRow(lines[0], "th"));
  const body = element("tbody");
  for (const line of lines.slice(2)) body.append(tableRow(line, "td"));
  const node = element("table", "", head, body);
  node.dir = direction(node.textContent);
  return element("div", "wide", node);
}

function tableRow(line, tag) {
  const row = element("tr");
  const cells = line.trim().replace(/^\|/, "").replace(/\|$/, "").split(/(?<!\\)\|/);
  for (const cell of cells) row.append(filled(element(tag), cell.trim().replaceAll("\\|", "|")));
  return row;
}

/** A displayed formula that starts at `lines[at]` and ends at the end of a line. */
function displayEnd(lines, at) {
  const opening = DISPLAY.exec(lines[at])[1];
  const name = /^\s*\\begin\{(\w+\*?)\}/.exec(lines[at])?.[1];
  const closing = opening.startsWith("\\b") ? `\\end{${name}}` : opening === "\\[" ? "\\]" : opening;
  const text = [];
  for (let end = at; end < lines.length && end < at + LONGEST_FORMULA_LINES; end += 1) {
    text.push(lines[end]);
    const tex = text.join("\n").trim();
    if (!tex.endsWith(closing) || tex.length < opening.length + closing.length) continue;
    const isWhole = opening.startsWith("\\b");
    return { tex: isWhole ? tex : tex.slice(opening.length, -closing.length), end: end + 1 };
  }
  return null;
}

const TOKENS = new RegExp(
  [
    /\\\((?<round>[^]{1,2000}?)\\\)/,
    /\\\[(?<square>[^]{1,2000}?)\\\]/,
    /\${2}(?<dollars>(?:\\.|[^\\$]){1,2000})\${2}/,
    // A price is no formula: the second sign follows no space, and no digit follows it.
    /\$(?=\S)(?<dollar>(?:\\.|[^\\$\n]){1,500})(?<=\S)\$(?!\d)/,
    /\\(?<escaped>[!-/:-@[-`{-~])/,
    /(?<ticks>`+)/,
    /(?<marks>\*{1,3}|_{1,3}|~~)/,
    /(?<image>!?)\[(?<label>[^[\]]*)\]\(\s*<?(?<address>[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)?)>?(?<title>\s+"[^"]*")?\s*\)/,
    /(?<break><br\s*\/?>|\n)/,
  ].map((each) => each.source).join("|"),
  "gi",
);
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

/** The nodes of a paragraph, a heading, a cell or a link's text. */
function inline(text) {
  const parts = [];
  const open = []; // Marks that are open: {mark, place in parts}.
  const unclosed = new Set(); // Lengths of backticks that do not occur again.
  const tokens = new RegExp(TOKENS);
  let done = 0;
  const say = (string) => string && parts.push(document.createTextNode(string));
  for (let match; (match = tokens.exec(text)); done = tokens.lastIndex) {
    say(text.slice(done, match.index));
    const { round, square, dollars, dollar, escaped, ticks, marks, label } = match.groups;
    const tex = round ?? square ?? dollars ?? dollar;
    if (tex !== undefined) {
      parts.push(formula(tex.trim(), square !== undefined || dollars !== undefined));
    } else if (escaped) {
      say(escaped);
    } else if (ticks) {
      const end = unclosed.has(ticks.length) ? null : codeEnd(text, tokens.lastIndex, ticks.length);
      if (end === null) {
        unclosed.add(ticks.length);
        say(ticks);
      } else {
        const code = text.slice(tokens.lastIndex, end).replaceAll("\n", " ");
        parts.push(element("code", "", /^ .* $/.test(code) ? code.slice(1, -1) : code));
        tokens.lastIndex = end + ticks.length;
      }
    } else if (marks) {
      emphasize(marks, text[match.index - 1], text[tokens.lastIndex], parts, open);
    } else if (label !== undefined) {
      parts.push(inertLink(match.groups));
    } else {
      parts.push(element("br"));
    }
  }
  say(text.slice(done));
  // What was never closed is text.
  for (const { mark, place } of open.reverse()) parts.splice(place, 0, document.createTextNode(mark));
  return parts;
}

function codeEnd(text, from, length) {
  const closing = new RegExp(`(?<!\`)\`{${length}}(?!\`)`, "g");
  closing.lastIndex = from;
  return closing.exec(text)?.index ?? null;
}

function emphasize(run, before = " ", after = " ", parts, open) {
  const isWithinWord = /[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after);
  const whole = run.length === 3 ? [run.slice(0, 2), run[0]] : [run];
  const mayClose = /\S/.test(before);
  for (const mark of mayClose ? whole.reverse() : whole) {
    // 2*3*4 and snake_case_names are no emphasis.
    const isLiteral = isWithinWord && (mark.length === 1 || mark[0] === "_");
    const opener = isLiteral || !mayClose ? -1 : open.findLastIndex((each) => each.mark === mark);
    if (opener >= 0 && open[opener].place < parts.length) {
      for (const unclosed of open.splice(opener + 1).reverse())
        parts.splice(unclosed.place, 0, document.createTextNode(unclosed.mark));
      const node = element(TAGS[mark]);
      for (const part of parts.splice(open.pop().place)) node.append(part);
      parts.push(node);
    } else if (!isLiteral && /\S/.test(after) && open.length < 20) {
      open.push({ mark, place: parts.length });
    } else {
      parts.push(document.createTextNode(mark));
    }
  }
}

/** A link as its text and, where it is another, its address; an image as what it says it is. */
function inertLink({ image, label, address, title = "" }) {
  const node = element("span", image ? "image" : "link");
  if (image) node.append("[image: ", label, label && address ? ", " : "", address, title, "]");
  else {
    for (const part of inline(label)) node.append(part);
    const target = (address === label ? "" : address) + title;
    if (target) node.append(element("span", "address", ` (${target})`));
  }
  return node;
}
