"""YAML text to mappings, lists and scalars that know their lines: with comments, to write it back, or quickly, to read.

Either way refuses anchors, aliases, tags and endless nesting before anything is made of them: aliases can swell a small
file to gigabytes, and a reader must follow them by hand; tags ask for other types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.tag import Tag

from ethics_kit.errors import printable

MAX_LEVELS = 50

DIFFERENT = re.compile(r"^%|[|>]\S*#|[\t\r\\\x85\u2028\u2029\ufeff]", re.MULTILINE)
"""What YAML 1.1, which libyaml reads, and YAML 1.2 may take in different ways."""

MAPPING, SEQUENCE = (Tag(suffix=f"tag:yaml.org,2002:{kind}") for kind in ("map", "seq"))


class NotPlain(Exception):
    """What was found, what to do, and the line."""

    def __init__(self, found: str, todo: str, line: int) -> None:
        self.found, self.todo, self.line = found, todo, line


class _Composer(Composer):
    levels = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        line = event.start_mark.line + 1
        if self.levels > MAX_LEVELS:
            raise NotPlain(f"keys or lists more than {MAX_LEVELS} deep inside one another", "write it flatter", line)
        if event.anchor:
            todo = "write the value out, or put text that begins so in quotes"
            raise NotPlain("an anchor or alias (& or *)", todo, line)
        if event.tag:
            todo = "remove it, or put text that begins with ! in quotes"
            raise NotPlain(f"a tag ({printable(event.tag, 80)})", todo, line)
        self.levels += 1
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node


class _Constructor(RoundTripConstructor):
    """Leaves a date that no calendar has as text, for the model to refuse with its line and all other problems."""

    def construct_date(self, node: ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return self.construct_scalar(node)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_date)


def round_trip() -> YAML:
    """The reader and writer that keeps comments, order and quotes."""
    whole = YAML(typ="rt", pure=True)
    whole.Composer = _Composer
    whole.Constructor = _Constructor
    whole.preserve_quotes = True
    whole.width = 110
    whole.indent(mapping=2, sequence=4, offset=2)
    return whole


def read(text: str) -> Any:
    """What `text` holds, without its comments.

    libyaml, in C, finds the parts; what they mean is told by the same code as in `round_trip`, which also reads what
    libyaml refuses or could understand differently.

    Raises
    ------
    NotPlain, ruamel.yaml.error.YAMLError, TypeError, ValueError
        As `round_trip` does.
    """
    whole = round_trip()
    if yaml.__with_libyaml__ and not DIFFERENT.search(text):
        try:
            return whole.constructor.construct_document(_composed(text, whole))
        except (yaml.YAMLError, YAMLError, TypeError, ValueError, NotPlain):
            whole = round_trip()
    return whole.load(text)


def _composed(text: str, whole: YAML) -> Node:
    """The nodes of a text of one document; NotPlain where it is anything more."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    kinds = [type(next(events)), type(next(events))]
    if kinds != [yaml.StreamStartEvent, yaml.DocumentStartEvent]:
        raise NotPlain("no document", "", 1)
    node = _node(next(events), events, whole.resolver, 0)
    if [type(event) for event in events] != [yaml.DocumentEndEvent, yaml.StreamEndEvent]:
        raise NotPlain("a second document", "", 1)
    return node


def _node(event: Any, events: Iterator[Any], resolver: Any, level: int) -> Node:
    """The node that begins with `event`, its parts taken from `events`."""
    start = event.start_mark
    if level > MAX_LEVELS or event.anchor or event.tag:
        raise NotPlain("more than plain values", "", start.line + 1)
    if isinstance(event, yaml.ScalarEvent):
        tag = resolver.resolve(ScalarNode, event.value, event.implicit)
        return ScalarNode(tag, event.value, start, event.end_mark, style=event.style or None)
    parts: list[Any] = []
    if isinstance(event, yaml.SequenceStartEvent):
        node: Node = SequenceNode(SEQUENCE, parts, start, None, flow_style=event.flow_style)
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            parts.append(_node(item, events, resolver, level + 1))
    else:
        node = MappingNode(MAPPING, parts, start, None, flow_style=event.flow_style)
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            name = _node(key, events, resolver, level + 1)
            parts.append((name, _node(next(events), events, resolver, level + 1)))
    return node
