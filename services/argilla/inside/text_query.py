"""Elasticsearch's "simple query string" as a tree, and a leaf of it as an FTS5 expression.

All words of a query must match (AND); `|` is OR, `-` before a word is NOT, quotes enclose a phrase,
`*` after a word makes it a prefix, parentheses group, and a backslash escapes the next character.
No query is malformed: what cannot be parsed is ignored, as in Elasticsearch. Fuzziness (`~2`) is
ignored; a word like `well-kept` is searched for as a phrase.
"""

import re
from dataclasses import dataclass

# Scripts without spaces between words, which FTS5's tokenizer cannot split: a substring search.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)


@dataclass(frozen=True)
class SearchText:
    """One word, phrase or prefix."""

    text: str
    phrase: bool = False
    prefix: bool = False


@dataclass(frozen=True)
class Not:
    node: "Node"


@dataclass(frozen=True)
class AllOf:
    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class AnyOf:
    nodes: tuple["Node", ...]


Node = SearchText | Not | AllOf | AnyOf


def parse(query: str) -> Node | None:
    """The query as a tree; None if it has no terms."""
    # Half a surrogate pair is no text that SQLite takes.
    return _Parser(query.encode(errors="replace").decode()).either(depth=0)


def leaves(node: Node, *, negated: bool = False) -> list[SearchText]:
    """The texts that a match contains, without negated ones."""
    if isinstance(node, SearchText):
        return [] if negated else [node]
    if isinstance(node, Not):
        return leaves(node.node, negated=not negated)
    return [leaf for child in node.nodes for leaf in leaves(child, negated=negated)]


def fts5(leaf: SearchText) -> str | None:
    """The leaf as an FTS5 expression; None if only a scan can find it."""
    text = leaf.text.replace("\0", " ")
    if _UNSPACED.search(text) or not any(character.isalnum() for character in text):
        return None
    quoted = '"' + text.replace('"', '""') + '"'
    return f"{quoted} *" if leaf.prefix else quoted


class _Parser:
    """Recursive descent; parentheses nested more than 50 deep are ignored."""

    _MAX_DEPTH = 50

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
        return nodes[0] if len(nodes) == 1 else AnyOf(nodes) if nodes else None

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
        return nodes[0] if len(nodes) == 1 else AllOf(tuple(nodes)) if nodes else None

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
            if depth == self._MAX_DEPTH:
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
            return SearchText(text, phrase=True) if text.strip() else None
        return self.word()

    def word(self) -> SearchText | None:
        text = self.until(' \t\r\n\v\f()"|')
        end = self.query[self.at - 1 : self.at]
        prefix = end == "*" and self.query[self.at - 2 : self.at - 1] != "\\"
        text = re.sub(r"(?<=.)~\d*$", "", text)
        if prefix:
            text = text[:-1]
        return SearchText(text, prefix=prefix) if text else None

    def until(self, stops: str) -> str:
        """Consume the characters up to one of `stops`."""
        characters = []
        while self.at < len(self.query) and self.query[self.at] not in stops:
            if self.query[self.at] == "\\":
                self.at += 1
            characters.append(self.query[self.at : self.at + 1])
            self.at += 1
        return "".join(characters)

    def skip_slop(self) -> None:
        match = re.compile(r"~\d*").match(self.query, self.at)
        self.at = match.end() if match else self.at
