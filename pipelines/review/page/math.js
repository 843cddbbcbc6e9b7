// TeX as MathML, which browsers draw themselves. A formula with a command that is not known here is
// shown as its TeX in a monospaced font.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const LONGEST_FORMULA = 4000;
const DEEPEST_FORMULA = 30;

// Without what every object has: `\constructor` is no letter.
const dictionary = (entries) => Object.assign(Object.create(null), entries);
// "name:character name:character".
const pairs = (text) =>
  dictionary(
    Object.fromEntries(
      text.trim().split(/\s+/).map((each) => {
        const colon = each.indexOf(":", 1);
        return [each.slice(0, colon), each.slice(colon + 1)];
      }),
    ),
  );
const LETTERS = pairs(`
  alpha:α beta:β gamma:γ delta:δ epsilon:ϵ varepsilon:ε zeta:ζ eta:η theta:θ vartheta:ϑ iota:ι
  kappa:κ lambda:λ mu:μ nu:ν xi:ξ pi:π rho:ρ sigma:σ tau:τ upsilon:υ phi:ϕ varphi:φ chi:χ psi:ψ
  omega:ω Gamma:Γ Delta:Δ Theta:Θ Lambda:Λ Xi:Ξ Pi:Π Sigma:Σ Phi:Φ Psi:Ψ Omega:Ω infty:∞ partial:∂
  nabla:∇ ell:ℓ hbar:ℏ emptyset:∅ varnothing:∅ aleph:ℵ Re:ℜ Im:ℑ angle:∠ triangle:△ degree:°
  top:⊤ bot:⊥ square:□ dots:… ldots:… cdots:⋯ vdots:⋮ ddots:⋱ checkmark:✓`);
const OPERATORS = pairs(`
  times:× cdot:⋅ div:÷ pm:± mp:∓ ast:∗ star:⋆ circ:∘ bullet:• oplus:⊕ otimes:⊗ le:≤ leq:≤ ge:≥
  geq:≥ ne:≠ neq:≠ approx:≈ equiv:≡ sim:∼ simeq:≃ cong:≅ propto:∝ ll:≪ gg:≫ in:∈ notin:∉ ni:∋
  subset:⊂ subseteq:⊆ supset:⊃ supseteq:⊇ cup:∪ cap:∩ setminus:∖ wedge:∧ land:∧ vee:∨ lor:∨ neg:¬
  lnot:¬ forall:∀ exists:∃ to:→ rightarrow:→ leftarrow:← Rightarrow:⇒ Leftarrow:⇐ implies:⟹ iff:⟺
  leftrightarrow:↔ Leftrightarrow:⇔ longrightarrow:⟶ mapsto:↦ uparrow:↑ downarrow:↓ mid:∣ nmid:∤
  parallel:∥ perp:⟂ therefore:∴ because:∵ vdash:⊢ models:⊨ colon:: prime:′ lbrace:{ rbrace:}
  langle:⟨ rangle:⟩ lfloor:⌊ rfloor:⌋ lceil:⌈ rceil:⌉ vert:| lvert:| rvert:| Vert:‖ lVert:‖ rVert:‖
  backslash:\\ sum:∑ prod:∏ int:∫ iint:∬ oint:∮ bigcup:⋃ bigcap:⋂ {:{ }:} %:% $:$ &:& #:# _:_ |:‖`);
const NAMED = new Set(
  ("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim max min sup inf " +
    "arg det dim ker gcd Pr deg hom liminf limsup").split(" "),
);
// Whose limits are above and below in a displayed formula.
const LIMITS = new Set("sum prod bigcup bigcap lim max min sup inf liminf limsup".split(" "));
const SPACES = dictionary({ ",": 0.17, ":": 0.22, ";": 0.28, "!": 0, " ": 0.25, quad: 1, qquad: 2 });
const ACCENTS = pairs("hat:^ widehat:^ bar:¯ overline:¯ tilde:~ vec:→ overrightarrow:→ dot:˙ ddot:¨");
const IGNORED = new Set("displaystyle textstyle limits nolimits nonumber notag big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr hline".split(" "));
const TEXTS = new Set("text textrm textbf textit texttt mbox mathrm mathtt operatorname".split(" "));
const STYLES = dictionary({
  mathbf: "bold", boldsymbol: "bold", bm: "bold", mathit: "italic", mathsf: "", mathcal: "", mathscr: "",
});
const DOUBLE = pairs("R:ℝ N:ℕ Z:ℤ Q:ℚ C:ℂ P:ℙ H:ℍ E:𝔼 F:𝔽 1:𝟙");
const FENCES = pairs("matrix:, pmatrix:(,) bmatrix:[,] Bmatrix:{,} vmatrix:|,| Vmatrix:‖,‖ cases:{, array:, align:, aligned:, gather:, gathered:, equation:, split:,");

/** A formula, as MathML where it can be read. `data-tex` has its source. */
function formula(tex, isDisplayed) {
  const node = element("span", isDisplayed ? "math displayed" : "math");
  node.dir = "ltr";
  node.dataset.tex = tex;
  try {
    if (tex.length > LONGEST_FORMULA) throw new Error("long");
    const tokens = tex.match(/\\(?:[a-zA-Z]+|[^])|\d+(?:\.\d+)?|[^]/gu) ?? [];
    const reader = { tokens, at: 0, depth: 0, isDisplayed };
    const content = mathRow(reader, []);
    if (reader.at < tokens.length) throw new Error("not closed");
    const math = mathElement("math", content);
    if (isDisplayed) math.setAttribute("display", "block");
    node.append(math);
  } catch {
    node.append(element("code", "", tex));
  }
  return node;
}

function mathElement(tag, ...children) {
  const node = document.createElementNS(MATHML, tag);
  node.append(...children);
  return node;
}

/** What comes up to one of `stops`, which is not read. */
function mathRow(reader, stops) {
  if ((reader.depth += 1) > DEEPEST_FORMULA) throw new Error("deep");
  const row = mathElement("mrow");
  while (reader.at < reader.tokens.length && !stops.includes(reader.tokens[reader.at])) {
    if (/^\s$/.test(reader.tokens[reader.at])) reader.at += 1;
    else row.append(...scripted(reader));
  }
  reader.depth -= 1;
  return row;
}

function expect(reader, token) {
  if (reader.tokens[reader.at] !== token) throw new Error(`no ${token}`);
  reader.at += 1;
}

function skipSpace(reader) {
  while (/^\s$/.test(reader.tokens[reader.at] ?? "")) reader.at += 1;
}

/** An atom with its sub- and superscripts; nothing for what is ignored. */
function scripted(reader) {
  const name = reader.tokens[reader.at].slice(1);
  const base = /^[\^_']$/.test(reader.tokens[reader.at]) ? mathElement("mrow") : atom(reader);
  if (base === null) return [];
  let below = null;
  let above = null;
  for (;;) {
    skipSpace(reader);
    const token = reader.tokens[reader.at];
    if (token === "\\limits" || token === "\\nolimits") reader.at += 1;
    else if (token === "_" && !below) below = (reader.at++, argument(reader));
    else if (token === "^" && !above) above = (reader.at++, argument(reader));
    else if (token === "'" && !above) {
      let primes = "";
      for (; reader.tokens[reader.at] === "'"; reader.at += 1) primes += "′";
      above = mathElement("mo", primes);
    } else break;
  }
  if (!below && !above) return [base];
  const [under, over, both] =
    reader.isDisplayed && LIMITS.has(name)
      ? ["munder", "mover", "munderover"]
      : ["msub", "msup", "msubsup"];
  if (below && above) return [mathElement(both, base, below, above)];
  return [below ? mathElement(under, base, below) : mathElement(over, base, above)];
}

/** A group in braces, or one atom: of `\frac12`, one digit. */
function argument(reader) {
  skipSpace(reader);
  const token = reader.tokens[reader.at];
  if (token === undefined) throw new Error("ends early");
  if (/^\d./.test(token)) reader.tokens.splice(reader.at, 1, ...token);
  return atom(reader) ?? mathElement("mrow");
}

/** The characters in braces, as they are. */
function rawGroup(reader) {
  skipSpace(reader);
  expect(reader, "{");
  let text = "";
  for (let open = 1; ; reader.at += 1) {
    const token = reader.tokens[reader.at];
    if (token === undefined) throw new Error("ends early");
    if (token === "{") open += 1;
    if (token === "}" && (open -= 1) === 0) break;
    if (!/^[{}$]$/.test(token)) text += /^\\[^a-zA-Z]$/.test(token) ? token[1] : token;
  }
  reader.at += 1;
  return text.replace(/^ | $/g, "\u00a0");
}

function atom(reader) {
  const token = reader.tokens[reader.at];
  reader.at += 1;
  if (token === "{") {
    const row = mathRow(reader, ["}"]);
    expect(reader, "}");
    return row;
  }
  if (token[0] === "\\" && token.length > 1) return command(reader, token.slice(1));
  if (/^\d/.test(token)) return mathElement("mn", token);
  if (/^\p{L}$/u.test(token)) return mathElement("mi", token);
  if (/[}&^_]/.test(token)) throw new Error(`stray ${token}`);
  return mathElement("mo", token === "-" ? "−" : token === "~" ? "\u00a0" : token);
}

function command(reader, name) {
  if (IGNORED.has(name)) return null;
  if (name === "\\") return newLine();
  if (name in LETTERS) return mathElement("mi", LETTERS[name]);
  if (NAMED.has(name)) return mathElement("mi", name);
  if (name in OPERATORS) return mathElement("mo", OPERATORS[name]);
  if (name in SPACES) return space(SPACES[name]);
  if (TEXTS.has(name)) return mathElement("mtext", rawGroup(reader));
  if (name in STYLES) return styled(argument(reader), STYLES[name]);
  if (name in ACCENTS) return accented(argument(reader), ACCENTS[name]);
  if (/^[dtc]?frac$/.test(name)) return mathElement("mfrac", argument(reader), argument(reader));
  if (/^[dt]?binom$/.test(name)) {
    const stack = mathElement("mfrac", argument(reader), argument(reader));
    stack.setAttribute("linethickness", "0");
    return mathElement("mrow", mathElement("mo", "("), stack, mathElement("mo", ")"));
  }
  if (name === "sqrt") return root(reader);
  if (name === "mathbb") return doubleStruck(reader);
  if (name === "left") return fenced(reader);
  if (name === "begin") return environment(reader);
  if (name === "boxed") {
    const box = mathElement("mrow", argument(reader));
    box.setAttribute("class", "boxed");
    return box;
  }
  if (name === "underbrace" || name === "overbrace") {
    const brace = mathElement("mo", name === "underbrace" ? "⏟" : "⏞");
    return mathElement(name === "underbrace" ? "munder" : "mover", argument(reader), brace);
  }
  if (name === "pmod") {
    const row = mathElement("mrow", mathElement("mtext", " (mod "), argument(reader));
    row.append(mathElement("mo", ")"));
    return row;
  }
  if (name === "mod" || name === "bmod") return mathElement("mtext", " mod ");
  if (name === "not") return mathElement("mrow", mathElement("mo", "¬"), argument(reader));
  if (name === "cancel") return argument(reader);
  throw new Error(`unknown ${name}`);
}

function space(width) {
  const node = mathElement("mspace");
  node.setAttribute("width", `${width}em`);
  return node;
}

function newLine() {
  const node = mathElement("mspace");
  node.setAttribute("linebreak", "newline");
  return node;
}

function styled(content, style) {
  if (style) content.setAttribute("style", style === "bold" ? "font-weight: bold" : "font-style: italic");
  return content;
}

function accented(base, accent) {
  const node = mathElement("mover", base, mathElement("mo", accent));
  node.setAttribute("accent", "true");
  return node;
}

function root(reader) {
  skipSpace(reader);
  if (reader.tokens[reader.at] !== "[") return mathElement("msqrt", argument(reader));
  reader.at += 1;
  const index = mathRow(reader, ["]"]);
  expect(reader, "]");
  return mathElement("mroot", argument(reader), index);
}

function doubleStruck(reader) {
  const text = rawGroup(reader);
  return mathElement("mi", [...text].map((each) => DOUBLE[each] ?? each).join(""));
}

/** The sign after `\left` or `\right`; empty for a dot. */
function delimiter(reader) {
  skipSpace(reader);
  const token = reader.tokens[reader.at];
  if (token === undefined) throw new Error("ends early");
  reader.at += 1;
  const sign = token[0] === "\\" ? OPERATORS[token.slice(1)] : token;
  if (sign === undefined) throw new Error(`unknown ${token}`);
  return mathElement("mo", sign === "." ? "" : sign);
}

function fenced(reader) {
  const row = mathElement("mrow", delimiter(reader));
  row.append(mathRow(reader, ["\\right"]));
  expect(reader, "\\right");
  row.append(delimiter(reader));
  return row;
}

function environment(reader) {
  const name = rawGroup(reader).replace("*", "");
  if (!(name in FENCES)) throw new Error(`unknown ${name}`);
  if (name === "array") rawGroup(reader);
  const rows = mathElement("mtable");
  let row = mathElement("mtr");
  for (;;) {
    row.append(mathElement("mtd", mathRow(reader, ["&", "\\\\", "\\end"])));
    const token = reader.tokens[reader.at];
    if (token === undefined) throw new Error("ends early");
    reader.at += 1;
    if (token === "&") continue;
    rows.append(row);
    row = mathElement("mtr");
    if (token === "\\end") break;
  }
  rawGroup(reader);
  if (/^(align|cases|split)/.test(name)) rows.setAttribute("class", "aligned");
  const [left, right] = FENCES[name].split(",");
  return mathElement("mrow", mathElement("mo", left), rows, mathElement("mo", right ?? ""));
}
