"""Values of secret variables of the environment, so that none of them is published."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

SECRET = re.compile(
    r"(?i)secret|token|passw|passphrase|credential|(api|access|account|private|signing|storage)_?key|^PGPASS|_(pwd|dsn)$"
)
"""The name of a variable that holds a secret."""

SHORTEST = 8
"""A value with fewer characters may be an ordinary word of a report."""


HIDDEN = "(not published: it shows a secret)"


def shown(value: Any) -> str | None:
    """The variable whose value stands in `value`: text, or lists and mappings of it. None where there is none.

    It is looked for as it is, in JSON, HTML and addresses, and in base64. Altered in another way, it is not found.
    """
    forms = _secrets()
    return next((forms[form] for text in _texts(value) for form in forms if form in text), None)


def without(value: Any) -> Any:
    """`value` with other words in place of every text that shows a secret."""
    forms = _secrets()

    def cleaned(part: Any) -> Any:
        match part:
            case str():
                return HIDDEN if any(form in part for form in forms) else part
            case dict():
                return {name: cleaned(below) for name, below in part.items()}
            case list():
                return [cleaned(below) for below in part]
        return part

    return cleaned(value) if forms else value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, below in value.items():
                yield str(name)
                yield from _texts(below)
        case list():
            for below in value:
                yield from _texts(below)


def _secrets() -> dict[str, str]:
    """The variable of each way in which a secret may be written."""
    found: dict[str, str] = {}
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST:
            encoded = base64.b64encode(value.encode(errors="surrogateescape")).decode().rstrip("=")
            urlsafe = encoded.replace("+", "-").replace("/", "_")
            in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
            forms = (value, *in_json, html.escape(value), quote(value, errors="replace"), encoded, urlsafe)
            found |= dict.fromkeys(forms, name)
    return found
