"""One family of errors. Each problem says where, what was found, what is allowed and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


def printable(text: object, limit: int = 200) -> str:
    """Untrusted text on one line, safe for a terminal: control characters escaped, length bounded."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return shown if len(shown) <= limit else f"{shown[:limit]}… ({len(shown)} characters)"


def quoted(value: object) -> str:
    """A found value as a person would type it, without the credentials an address may hold; never a private key."""
    if "PRIVATE KEY" in str(value):
        return "a private key"
    text = re.sub(r"(?s)^(.*?://).*[@?].*", r"\1…", str(value))
    return f'"{printable(text)}"'


def display_path(path: Path) -> str:
    """`path` from the working directory where it lies below it, else in full."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with the input. `line` counts from 1; 0 means the file as a whole."""

    file: Path
    found: str
    allowed: str
    todo: str
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        place = printable(display_path(self.file), 4096)
        if self.line:
            place += f":{self.line}"
        key = f" {printable(self.key, 400)}:" if self.key else ""
        found, allowed, todo = (printable(t, 1000) for t in (self.found, self.allowed, self.todo))
        return f"{place}:{key} found {found}; allowed: {allowed}; to do: {todo}"


class EthicsKitError(Exception):
    """Base of every error the kit raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """In a notebook the message alone, without the stack."""
        return [f"{type(self).__name__}:", *str(self).splitlines()]


class InputError(EthicsKitError):
    """The dossier, the policy, a table or the command line is wrong. Carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (str(p.file), p.line, p.key))
        super().__init__("\n".join(map(str, self.problems)))


OWN = ("EthicsKitError", "InputError", "RunError")
"""The names of errors whose messages are the kit's own words."""


def told(error: BaseException) -> str:
    """What may be published of an error: the kit's own words; of any other its kind, as its words may quote data.

    What the operating system says of a file is no data.
    """
    if isinstance(error, EthicsKitError):
        return str(error)
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


class Stopped(EthicsKitError):
    """The person who started a run stopped it; what was under way is dropped."""


class RunError(EthicsKitError):
    """An assessment could not be finished. The message is fit for the failure page."""


class Terminated(KeyboardInterrupt):
    """The process was told to end, as by a scheduler (SIGTERM)."""
