"""Where the nodes of a YAML text lie in it, and how new values are written there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import LiteralScalarString

Splice = tuple[int, int, str]
WIDTH = 1_000_000


@lru_cache(maxsize=4)  # what one change wrote is what the next one begins with
def compose(text: str) -> Any:
    """The text's nodes, with their places."""
    return YAML(typ="safe", pure=True).compose(text)


def values(text: str) -> Any:
    """The text's plain values."""
    return YAML(typ="safe", pure=True).constructor.construct_document(compose(text))


def merge(data: Any, new: Mapping[str, Any]) -> None:
    """Set keys of a mapping, mappings among the values key by key; None empties a key and adds none."""
    for key, value in new.items():
        if isinstance(value, Mapping):
            merge(below(data, key), value)
        elif value is not None or key in data:
            data[key] = value


def below(data: Any, part: str | int) -> Any:
    """What `data` holds under `part`; a mapping gets an empty one where it holds nothing."""
    if isinstance(data, Mapping) and not data.get(part):
        data[part] = {}  # type: ignore[index]
    return data[part]


def filled(new: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping without what is None."""
    whole: dict[str, Any] = {}
    merge(whole, new)
    return whole


def entry(node: Any, part: str | int) -> tuple[Node, Node] | None:
    """The key's node and the value's, or None; of a list, the item twice."""
    if isinstance(node, SequenceNode):
        return node.value[int(part)], node.value[int(part)]
    return next(((k, v) for k, v in node.value if k.value == part), None)


def empty(node: Any) -> bool:
    """Whether there is a key and no value. The parser puts such a value before whatever comes next."""
    return isinstance(node, ScalarNode) and not node.style and not node.value


def holds(node: Any) -> bool:
    return isinstance(node, MappingNode | SequenceNode) and bool(node.value)


class Text:
    """A YAML text, where its nodes lie in it, and how new values are written there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def spliced(self, splices: Iterator[Splice]) -> str:
        """The text with pieces replaced; those at one place in the order given."""
        text = self.text
        ordered = sorted(enumerate(splices), key=lambda s: (s[1][0], s[0]), reverse=True)
        for _, (start, end, new) in ordered:
            text = text[:start] + new + text[end:]
        return text

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        found = re.compile(r"\r?\n|\Z").search(self.text, index)
        return found.start() if found else len(self.text)

    def colon(self, key: Node) -> int:
        """Behind the colon of a key."""
        return self.text.index(":", key.end_mark.index) + 1

    def end(self, node: Any, column: int) -> int:
        """Where the text of a node ends; `column` is that of its key or dash."""
        if holds(node) and not node.flow_style:
            last = node.value[-1]
            if isinstance(node, SequenceNode):
                return self.end(last, node.start_mark.column)
            key, value = last
            return self.colon(key) if empty(value) else self.end(value, key.start_mark.column)
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            return self._end_of_lines(node.start_mark.index, column)
        return int(node.end_mark.index)

    def _end_of_lines(self, start: int, column: int) -> int:
        """Where a text written as lines ends: before the first line that is not indented as its first."""
        end = self.line_end(start)
        indent = column + 1
        for line in re.compile(r"\r?\n([^\r\n]*)").finditer(self.text, end):
            words = line[1]
            if not words.strip():
                continue
            blanks = len(words) - len(words.lstrip(" "))
            if blanks < indent:
                break
            indent, end = (blanks if indent == column + 1 else indent), line.end()
        return end

    def put(self, node: Any, new: Mapping[str, Any]) -> Iterator[Splice]:
        """Set keys of a mapping; new ones come behind the last."""
        if node.flow_style and node.value:
            yield node.start_mark.index, node.end_mark.index, self._merged(node, new)
            return
        fresh: dict[str, Any] = {}
        for name, value in new.items():
            found = entry(node, name)
            if found is None:
                merge(fresh, {name: value})
                continue
            key, old = found
            if isinstance(value, Mapping) and holds(old):
                yield from self.put(old, value)
            elif not self._same(old, value):
                yield from self._replace(key, old, filled(value) if isinstance(value, Mapping) else value)
        if fresh:
            column = node.start_mark.column if node.value else 0
            end = self.line_end(self.end(node, column)) if node.value else len(self.text)
            yield end, end, self.block(fresh, column)

    def _same(self, old: Any, value: Any) -> bool:
        """Whether a value on one line is there already, whatever quotes it has."""
        plain = isinstance(old, ScalarNode) and old.style not in ("|", ">") and not empty(old)
        return plain and bool(values(self.text[old.start_mark.index : old.end_mark.index]) == value)

    def _replace(self, key: Node, old: Any, value: Any) -> Iterator[Splice]:
        inline, below = self._written(value, key.start_mark.column)
        start, end = old.start_mark.index, self.end(old, key.start_mark.column)
        if holds(old) and not old.flow_style:  # lines below the key
            colon = self.colon(key)
            yield colon, colon, f" {inline}" if inline else ""
            yield self.line_end(colon), self.line_end(colon), below
            yield self.line_start(start), self.line_end(end) + 1, ""
            return
        note = ""
        if isinstance(old, ScalarNode) and old.style in ("|", ">"):
            note = "".join(re.findall(r"\s+#.*", self.text[start : self.line_end(start)]))
        if empty(old):
            end = self.colon(key)
        if empty(old) or not inline:
            start = self.colon(key)
            inline = f" {inline}" if inline else ""
        yield start, end, inline + note
        yield self.line_end(end), self.line_end(end), below

    def _merged(self, node: Any, new: Mapping[str, Any]) -> str:
        """A mapping between braces with `new` set, on one line."""
        whole = values(self.text[node.start_mark.index : node.end_mark.index])
        merge(whole, new)
        kept = CommentedMap(whole)
        kept.fa.set_flow_style()
        inline, _ = self._written(kept, 0)
        return inline

    def _written(self, value: Any, column: int) -> tuple[str, str]:
        """A value as what stands behind its key, and the lines below it."""
        if value is None:
            return "", ""
        first, *rest = self._dumped({"k": value})
        return first[2:].strip(), "".join(self.newline + " " * column * bool(line) + line for line in rest)

    def block(self, value: Any, column: int) -> str:
        """A mapping or list as lines of their own, to stand behind the end of a line."""
        return "".join(self.newline + " " * column * bool(line) + line for line in self._dumped(value))

    def _dumped(self, value: Any) -> list[str]:
        yaml = YAML(typ="rt", pure=True)
        yaml.width = WIDTH
        yaml.indent(mapping=2, sequence=4, offset=2)
        out = io.StringIO()
        yaml.dump(_styled(value), out)
        lines = out.getvalue().removesuffix("\n").split("\n")
        return [line[2:] if isinstance(value, list) else line for line in lines]


def _styled(value: Any, *, whole: bool = True) -> Any:
    """Text of several lines as lines, and ratings between braces, unless they are the whole of it."""
    if isinstance(value, CommentedMap):
        return value
    if isinstance(value, Mapping):
        styled = CommentedMap((name, _styled(v, whole=False)) for name, v in value.items())
        if not whole and all(isinstance(v, int) for v in value.values()):
            styled.fa.set_flow_style()
        return styled
    if isinstance(value, list):
        return [_styled(v) for v in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value
