// Words of one answer that the other does not have, marked on demand.

const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}_]+|\S/gu;
// The longest edit script that is searched for; beyond it, whole words are compared by their number.
const MOST_EDITS = 1500;

/** Mark the words in which two elements differ. */
function markDifferences(one, other) {
  const [left, right] = [wordsOf(one), wordsOf(other)];
  const same = commonWords(left.map((each) => each.word), right.map((each) => each.word));
  mark(left.filter((_, place) => !same.left.has(place)));
  mark(right.filter((_, place) => !same.right.has(place)));
}

function unmark(...roots) {
  for (const root of roots) {
    for (const node of root.querySelectorAll("mark")) node.replaceWith(...node.childNodes);
    for (const node of root.querySelectorAll(".math.differs")) node.classList.remove("differs");
    root.normalize();
  }
}

/** The words of an element in order, with their place; a formula is one word. */
function wordsOf(root) {
  const words = [];
  const isFormula = (node) => node.nodeType === Node.ELEMENT_NODE && node.classList.contains("math");
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (node) =>
    node.parentElement.closest(".math, .language") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  for (let node; (node = walker.nextNode()); ) {
    if (isFormula(node)) words.push({ word: node.dataset.tex, node });
    else if (node.nodeType === Node.TEXT_NODE)
      for (const match of node.data.matchAll(WORD))
        words.push({ word: match[0], node, start: match.index, end: match.index + match[0].length });
  }
  return words;
}

/** The places of a longest common subsequence in both lists. */
function commonWords(left, right) {
  const same = { left: new Set(), right: new Set() };
  const keep = (x, y) => (same.left.add(x), same.right.add(y));
  let first = 0;
  while (first < left.length && left[first] === right[first]) keep(first, first++);
  let [m, n] = [left.length, right.length];
  while (m > first && n > first && left[m - 1] === right[n - 1]) keep(--m, --n);
  const steps = editScript(left.slice(first, m), right.slice(first, n));
  if (steps) for (const [x, y] of steps) keep(first + x, first + y);
  else countWords(left, right, first, m, n, keep);
  return same;
}

/** Pairs of equal places by Myers (1986), or null if more than MOST_EDITS are needed. */
function editScript(left, right) {
  const [m, n] = [left.length, right.length];
  const most = Math.min(m + n, MOST_EDITS);
  const zero = most + 1;
  // How far each diagonal k = x - y reaches, and for each number of edits how far it reached before.
  const reach = new Int32Array(2 * most + 3);
  const trace = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(reach.slice(zero - edits - 1, zero + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const [below, above] = [reach[zero + k - 1], reach[zero + k + 1]];
      let x = k === -edits || (k !== edits && below < above) ? above : below + 1;
      while (x < m && x - k < n && left[x] === right[x - k]) x += 1;
      reach[zero + k] = x;
      if (x >= m && x - k >= n) return backtrack(trace, m, n);
    }
  }
  return null;
}

function backtrack(trace, x, y) {
  const pairs = [];
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const reached = (k) => trace[edits][k + edits + 1];
    const k = x - y;
    const isDown = k === -edits || (k !== edits && reached(k - 1) < reached(k + 1));
    const fromX = reached(isDown ? k + 1 : k - 1);
    const fromY = fromX - (isDown ? k + 1 : k - 1);
    while (x > fromX && y > fromY) pairs.push([--x, --y]);
    [x, y] = [fromX, fromY];
  }
  return pairs;
}

/** For answers that hardly share an order: each word is kept as often as both have it. */
function countWords(left, right, first, m, n, keep) {
  const places = new Map();
  for (let y = n - 1; y >= first; y -= 1) {
    if (!places.has(right[y])) places.set(right[y], []);
    places.get(right[y]).push(y);
  }
  for (let x = first; x < m; x += 1) {
    const y = places.get(left[x])?.pop();
    if (y !== undefined) keep(x, y);
  }
}

/** Mark words, neighbors together. From the last: marking splits a text after the word. */
function mark(words) {
  for (let place = words.length - 1; place >= 0; place -= 1) {
    const { node, start } = words[place];
    if (start === undefined) {
      node.classList.add("differs");
      continue;
    }
    let { end } = words[place];
    let from = start;
    while (place > 0 && words[place - 1].node === node) {
      const between = node.data.slice(words[place - 1].end, from);
      if (between.trim()) break;
      place -= 1;
      from = words[place].start;
    }
    if (end < node.length) node.splitText(end);
    const part = from > 0 ? node.splitText(from) : node;
    const wrapper = document.createElement("mark");
    part.replaceWith(wrapper);
    wrapper.append(part);
  }
}
