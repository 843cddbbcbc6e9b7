"""Elasticsearch's "simple query string" as a tree, and a leaf of it as an FTS5 expression.

The words of a query must all be there (AND); `|` is or, `-` before a word not, quotes make a
phrase, `*` after a word a prefix, parentheses group, a backslash takes the next character as it
is. There is no malformed query: what makes no sense is left out, as Elasticsearch does. Fuzziness
(`~2`) is read and not applied; a word like `well-kept` is looked for as a phrase.
"""

import re
from dataclasses import dataclass

# Written without spaces between words, or signs that FTS5's tokeniser skips: looked for as they
# stand.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)


@dataclass(frozen=True)
class Text:
    """One word, phrase or prefix."""

    text: str
    phrase: bool = False
    prefix: bool = False


@dataclass(frozen=True)
class Not:
    node: "Node"


@dataclass(frozen=True)
class All:
    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class Any_:  # noqa: N801 - Any is typing's
    nodes: tuple["Node", ...]


Node = Text | Not | All | Any_


def parse(query: str) -> Node | None:
    """The query as a tree; None where it asks for nothing."""
    # Half a surrogate pair is no text that SQLite takes.
    return _Parser(query.encode(errors="replace").decode()).either(depth=0)


def leaves(node: Node, *, wanted: bool = True) -> list[Text]:
    """The texts that a match has; those behind a Not are left out."""
    if isinstance(node, Text):
        return [node] if wanted else []
    if isinstance(node, Not):
        return leaves(node.node, wanted=not wanted)
    return [leaf for child in node.nodes for leaf in leaves(child, wanted=wanted)]


def fts5(leaf: Text) -> str | None:
    """The leaf in FTS5's language; None where its index cannot know, and a scan has to."""
    text = leaf.text.replace("\0", " ")
    if _UNSPACED.search(text) or not any(character.isalnum() for character in text):
        return None
    quoted = '"' + text.replace('"', '""') + '"'
    return f"{quoted} *" if leaf.prefix else quoted


class _Parser:
    """Recursive descent; parentheses nest at most 50 deep, deeper ones are read as spaces."""

    _DEEPEST = 50

    def __init__(self, query: str) -> None:
        self.query, self.at = query, 0

    def peek(self) -> str:
        while self.at < len(self.query) and self.query[self.at].isspace():
            self.at += 1
        return self.query[self.at : self.at + 1]

    def either(self, depth: int) -> Node | None:
        groups = [self.together(depth)]
        while self.peek() == "|":
            self.at += 1
            groups.append(self.together(depth))
        nodes = tuple(group for group in groups if group is not None)
        return nodes[0] if len(nodes) == 1 else Any_(nodes) if nodes else None

    def together(self, depth: int) -> Node | None:
        nodes: list[Node] = []
        while (sign := self.peek()) and sign != "|":
            if sign == ")":
                if depth:
                    break
                self.at += 1
                continue
            node = self.one(depth)
            if node is not None:
                nodes.append(node)
        return nodes[0] if len(nodes) == 1 else All(tuple(nodes)) if nodes else None

    def one(self, depth: int) -> Node | None:
        negated = False
        while (sign := self.peek()) in ("-", "+") and sign:
            negated ^= sign == "-"
            self.at += 1
        node = self.operand(sign, depth)
        return Not(node) if negated and node is not None else node

    def operand(self, sign: str, depth: int) -> Node | None:
        if sign in ("", "|", ")"):
            return None
        if sign == "(":
            self.at += 1
            if depth == self._DEEPEST:
                return None
            node = self.either(depth + 1)
            if self.peek() == ")":
                self.at += 1
            return node
        if sign == '"':
            self.at += 1
            text = self.until('"')
            self.at += 1
            self.skip_slop()
            return Text(text, phrase=True) if text.strip() else None
        return self.word()

    def word(self) -> Text | None:
        text = self.until(' \t\r\n\v\f()"|')
        end = self.query[self.at - 1 : self.at]
        prefix = end == "*" and self.query[self.at - 2 : self.at - 1] != "\\"
        text = re.sub(r"(?<=.)~\d*$", "", text)
        if prefix:
            text = text[:-1]
        return Text(text, prefix=prefix) if text else None

    def until(self, stops: str) -> str:
        """The characters up to one of `stops`, which is not consumed."""
        taken = []
        while self.at < len(self.query) and self.query[self.at] not in stops:
            if self.query[self.at] == "\\":
                self.at += 1
            taken.append(self.query[self.at : self.at + 1])
            self.at += 1
        return "".join(taken)

    def skip_slop(self) -> None:
        found = re.compile(r"~\d*").match(self.query, self.at)
        self.at = found.end() if found else self.at
