"""Escapes in JSON that its writer did not mean.

A model that writes LaTeX or a path into a JSON string forgets to double the backslash. `\\alpha`
is then no JSON, but `\\frac` and `\\times` are: JSON reads a form feed and "rac", a tab and "imes".
What was meant is gone, so such a reply is rejected.
"""

import re

# Commands of LaTeX after their first letter. What they leave behind a tab or a new line is no word.
_AFTER_T = (
    "imes|heta|au|o|op|an|anh|ext(?:bf|it|rm|sf|sc|tt|color|style)?|ilde|herefore|riangle(?:left|right"
    "|q)?|rianglelefteq|frac|binom|ag|hickapprox|hicksim|woheadrightarrow"
)
_AFTER_N = (
    "abla|eq|earrow|warrow|ot(?:in|ag)?|olimits|onumber|ewcommand|ewline|leq|geq|parallel|atural"
    "|subseteq|supseteq|Rightarrow|rightarrow|Leftarrow|leftarrow|cong|vdash|eqq|eqslant|orm"
)
# These leave a word or the name of a variable, and count only within a formula.
_AFTER_N_IN_FORMULA = "e|i|u|eg|sim|mid|less|gtr|exists|prec|succ"
_MAY_BE_UNMEANT = re.compile(
    rf"\\(?:[bfr]|u00[01]|t(?:{_AFTER_T})(?![A-Za-z])|n(?:{_AFTER_N}|{_AFTER_N_IN_FORMULA})(?![A-Za-z])"
    r'|n\\"|[tn][a-z])'
)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_T_COMMAND = re.compile(rf"(?:{_AFTER_T})(?![A-Za-z])")
_N_COMMAND = re.compile(rf"(?:{_AFTER_N})(?![A-Za-z])")
_N_COMMAND_IN_FORMULA = re.compile(rf"(?:{_AFTER_N_IN_FORMULA})(?![A-Za-z])")
_IN_FORMULA_AFTER = re.compile(r"[\s}}]*+(?:[$^]|\\\\|_[0-9{])")
_FORMULA_BEFORE = frozenset(" $({=^_+-*/<>&|,")
_CLOSES_CALL = re.compile(r'\\"\s?[);,]')
_DRIVE = re.compile(r"(?<![A-Za-z])[C-H]:\Z")
_ALLOWED_CODES = frozenset(("0009", "000a", "000A", "000d", "000D"))


def find_unmeant_escape(body: str) -> str | None:
    """The first escape in the JSON text `body` that hardly stands for what JSON reads.

    >>> find_unmeant_escape(r'"The answer is \\frac{1}{2}."')
    '\\\\frac{1}{2}'
    >>> find_unmeant_escape(r'"a\\n\\tb \\\\frac{1}{2}"')
    """
    if not _MAY_BE_UNMEANT.search(body):
        return None
    for escape in _ESCAPE.finditer(body):
        if _is_unmeant(body, escape):
            return body[escape.start() : escape.start() + 11]
    return None


def _is_unmeant(body: str, escape: re.Match[str]) -> bool:
    kind, end = escape[0][1], escape.end()
    if kind in "bf":
        return True
    if kind == "u":
        code = escape[0][2:]
        return code[:3] in ("000", "001") and code not in _ALLOWED_CODES
    if kind == "r":
        return not body.startswith("\\n", end)
    if kind not in "nt":
        return False
    before = body[max(0, escape.start() - 3) : escape.start()]
    if body[end : end + 1].islower() and _DRIVE.search(before):
        return True
    if kind == "t":
        return _T_COMMAND.match(body, end) is not None
    if _N_COMMAND.match(body, end) or _CLOSES_CALL.match(body, end):
        return True
    command = _N_COMMAND_IN_FORMULA.match(body, end)
    if not command:
        return False
    is_in_formula = before[-1:] in _FORMULA_BEFORE
    return is_in_formula or _IN_FORMULA_AFTER.match(body, command.end()) is not None
