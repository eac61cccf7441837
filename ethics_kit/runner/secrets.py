"""Values of secret variables of the environment, so that none of them is published."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

SECRET = re.compile(
    r"(?i)secret|token|passw|passphrase|credential|(api|access|account|private|signing|storage)_?key|^PGPASS|_(pwd|dsn)$"
)
"""The name of a variable that holds a secret."""

SHORTEST = 8
"""A value with fewer characters may be an ordinary word of a report."""


def shown(text: str) -> str | None:
    """The variable whose value stands in `text`, as it is or as it is commonly written down; None where there is none.

    It is looked for as it is, in JSON, HTML and addresses, and in base64. Otherwise altered, it is not found.
    """
    return next((name for name, forms in _secrets() if any(form in text for form in forms)), None)


def without(value: Any) -> Any:
    """`value` (text, or lists and mappings of it) without the texts that show a secret."""
    match value:
        case str():
            return "(not published: it shows a secret)" if shown(value) else value
        case dict():
            return {name: without(below) for name, below in value.items()}
        case list():
            return [without(below) for below in value]
        case _:
            return value


def _secrets() -> Iterator[tuple[str, set[str]]]:
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST:
            encoded = base64.b64encode(value.encode()).decode().rstrip("=")
            urlsafe = encoded.replace("+", "-").replace("/", "_")
            in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
            yield name, {value, *in_json, html.escape(value), quote(value), quote_plus(value), encoded, urlsafe}
