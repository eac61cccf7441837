"""UBJSON (draft 12, as XGBoost writes it) into Python's own types, with every length held against what is there.

XGBoost reads this format itself, but a damaged file ends the process.
"""

from __future__ import annotations

import struct
from typing import Any

NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
CONSTANTS: dict[str, Any] = {"Z": None, "T": True, "F": False}
DEEPEST = 32


class _Reader:
    """What is left of the bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.content) - self.place:
            raise ValueError("it ends too early")
        self.place += size
        return self.content[self.place - size : self.place]

    def mark(self) -> str:
        return self.take(1).decode("latin-1")

    def next_is(self, mark: str) -> bool:
        """Whether the next byte is `mark`, which is then passed over."""
        found = self.content[self.place : self.place + 1] == mark.encode()
        self.place += found
        return found


def loads(content: bytes) -> Any:
    """The one value in `content`.

    Raises
    ------
    ValueError
        It is no UBJSON, is cut off, is nested more than 32 deep, or something follows the value.
    """
    reader = _Reader(content)
    found = _value(reader, reader.mark(), 0)
    if reader.place != len(content):
        raise ValueError("something follows its end")
    return found


def _value(reader: _Reader, mark: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("it is nested too deep")
    if mark in NUMBERS:
        return struct.unpack(NUMBERS[mark], reader.take(struct.calcsize(NUMBERS[mark])))[0]
    if mark in CONSTANTS:
        return CONSTANTS[mark]
    if mark == "S":
        return _text(reader)
    if mark == "[":
        return _array(reader, depth)
    if mark == "{":
        found = {}
        while not reader.next_is("}"):
            name = _text(reader)
            found[name] = _value(reader, reader.mark(), depth + 1)
        return found
    raise ValueError(f"it has a mark that is unknown: {mark!r}")


def _length(reader: _Reader) -> int:
    mark = reader.mark()
    if mark not in "iUIlL":
        raise ValueError("it has a length that is no whole number")
    return int(_value(reader, mark, 0))


def _text(reader: _Reader) -> str:
    return reader.take(_length(reader)).decode("utf-8")


def _array(reader: _Reader, depth: int) -> list[Any]:
    """A list that says its type and length first, its length, or neither."""
    if reader.next_is("$"):
        mark = reader.mark()
        if mark not in NUMBERS or not reader.next_is("#"):
            raise ValueError("it has a list of a type that is unknown")
        count = _length(reader)
        size = struct.calcsize(NUMBERS[mark])
        return list(struct.unpack(f">{count}{NUMBERS[mark][1]}", reader.take(size * count)))
    if reader.next_is("#"):
        return [_value(reader, reader.mark(), depth + 1) for _ in range(_length(reader))]
    found = []
    while not reader.next_is("]"):
        found.append(_value(reader, reader.mark(), depth + 1))
    return found
