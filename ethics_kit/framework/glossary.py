"""The words that reports use, from glossary.yaml."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated

from pydantic import Field

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Strict

Sentence = Annotated[str, Field(min_length=10, max_length=200, pattern=r"^[^%<>]+\.$")]


class Term(Strict):
    """A term and what it means; `seen_as` are the spellings by which a text is searched for it."""

    term: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^%<>]+$")]
    seen_as: tuple[str, ...] = ()
    meaning: Sentence
    source: str | None = None

    @property
    def spellings(self) -> tuple[str, ...]:
        return self.seen_as or (self.term,)


@cache
def glossary() -> tuple[Term, ...]:
    """The terms, by the alphabet."""
    terms = [Term.model_validate(row) for row in catalogue._read("glossary.yaml")]
    return tuple(sorted(terms, key=lambda t: t.term.casefold()))


def mentions(text: str, spellings: tuple[str, ...]) -> bool:
    """Whether one of `spellings` stands in `text` as a word of its own; capitals are ignored."""
    small = text.lower()
    there = "|".join(re.escape(s) for s in spellings if s.lower() in small)  # few are: the search below takes long
    return bool(there) and re.search(rf"(?<![\w.-])(?:{there})(?![\w-])", text, re.IGNORECASE) is not None


def problems() -> list[str]:
    """Where two terms share a spelling; empty when none do."""
    owner: dict[str, str] = {}
    found = []
    for term in glossary():
        for spelling in term.spellings:
            other = owner.setdefault(spelling.casefold(), term.term)
            if other != term.term:
                found.append(f"glossary: {spelling} is a spelling of {other} and of {term.term}")
    return found
