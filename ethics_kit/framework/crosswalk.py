"""Which requirement bears on which clause of a law or standard, and how each clause was checked.

A finding bears on a clause; that a clause is met, no row says. The rows are `clauses/<standard>.yaml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Condition, Identifier, Strict

Relationship = Literal["equal", "subset", "superset", "intersects"]
Seen = Literal["text", "contents", "elsewhere", "unverified"]

SEEN_WORDS: dict[Seen, str] = {
    "text": "seen in a mirror of the text itself",
    "contents": "seen in a publisher's contents page",
    "elsewhere": "seen only in others' lists or pages",
    "unverified": "no id was seen, so none is shown",
}


class InForce(Strict):
    """The day a rule applies from; `note` says what the day leaves out, or why there is none."""

    from_: date | None = Field(default=None, alias="from")
    note: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> InForce:
        if self.from_ is None and self.note is None:
            raise ValueError("a day, or a note that says why there is none")
        return self

    def words(self) -> str:
        """The day and the note in one line."""
        day = self.from_.isoformat() if self.from_ else None
        return "; ".join(text for text in (day, self.note) if text)


class Reach(Strict):
    """Clauses that reach only some systems: those for which one of the conditions holds. Silence counts as holding."""

    text: str
    when: Annotated[tuple[Condition, ...], Field(min_length=1)]


class Clause(Strict):
    """One clause, or a short range of them. `gist` is the kit's own wording, or a published title shortened.

    `id` is keyed by its standard, as in ``soc2:P1.1``; a clause whose number nobody saw has none. `bears` names the
    requirements with the relationship read from requirement to clause: *subset* evidences part of it, *superset* asks
    more. `at` names sources of the file; without it the first one. An *equal* needs `equal_because`.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*:\S.*$")] | None = None
    gist: str
    bears: dict[str, Relationship] = Field(default_factory=dict)
    because: str | None = None
    equal_because: str | None = None
    in_force: InForce | None = None
    seen: Seen
    at: tuple[Identifier, ...] = ()
    caution: str | None = None

    @property
    def number(self) -> str | None:
        """The id as the standard writes it; SOC 2's keep their key, as they look like the framework's own."""
        if self.id is None or self.id.startswith("soc2:"):
            return self.id
        return self.id.partition(":")[2]


class Part(Strict):
    """Clauses that belong together. Its `because` and `in_force` hold for rows that give none of their own."""

    title: str
    cite: str = ""
    because: str | None = None
    reach: Reach | None = None
    in_force: InForce | None = None
    rows: Annotated[tuple[Clause, ...], Field(min_length=1)]


class Mapping(Strict):
    """One law or standard. `as_a_whole`: requirements that ask for this mapping and not for a clause of it."""

    standard: Identifier
    edition: str
    about: str
    checked_on: date
    in_force: InForce | None = None
    as_a_whole: dict[str, str] = Field(default_factory=dict)
    never_claim: Annotated[tuple[str, ...], Field(min_length=1)]
    sources: Annotated[dict[Identifier, str], Field(min_length=1)]
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _rows_take_what_holds_for_all(cls, data: dict[str, Any]) -> dict[str, Any]:
        first = next(iter(data.get("sources", {})), None)
        parts = []
        for part in data.get("parts", ()):
            shared = {"because": part.get("because"), "in_force": part.get("in_force") or data.get("in_force")}
            rows = [{"at": [first] if row.get("seen") != "unverified" else [], **shared, **row} for row in part["rows"]]
            parts.append({**part, "rows": rows})
        return {**data, "parts": parts}

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """All clauses, in the file's order."""
        return tuple(row for part in self.parts for row in part.rows)


def _read(standard: str) -> Any:
    return catalogue._read(f"clauses/{standard}.yaml")


@cache
def mapping(standard: str) -> Mapping:
    """The file of one standard of standards.yaml."""
    return Mapping.model_validate(_read(standard))


def clauses(standard: str) -> tuple[Clause, ...]:
    """The clauses of one standard, in its file's order."""
    return mapping(standard).clauses


def problems() -> list[str]:
    """Where the crosswalk disagrees with itself or the framework; empty when it is whole."""
    files = {path.stem for path in (catalogue.FOLDER / "clauses").glob("*.yaml")}
    if files != set(catalogue.standards()):
        return [f"clauses/ and standards.yaml differ: {sorted(files ^ set(catalogue.standards()))}"]
    mappings = [mapping(name) for name in catalogue.standards()]
    ids = Counter(c.id for m in mappings for c in m.clauses if c.id)
    found = [f"{name} stands {count} times" for name, count in ids.items() if count > 1]
    for name, one in zip(catalogue.standards(), mappings, strict=True):
        found += _file_problems(name, one)
        found += [f"{name}: {problem}" for clause in one.clauses for problem in _clause_problems(one, clause)]
    named = {r for m in mappings for c in m.clauses if c.seen != "unverified" for r in c.bears}
    named |= {r for m in mappings for r in m.as_a_whole}
    missing = [r for r in catalogue.requirements() if r not in named]
    return [*found, *(f"{r}: bears on no clause that was seen, and no file says why" for r in missing)]


def _file_problems(name: str, one: Mapping) -> Iterator[str]:
    if one.standard != name:
        yield f"{name}: the file says standard: {one.standard}"
    for requirement in sorted(set(one.as_a_whole) - set(catalogue.requirements())):
        yield f"{name}: as_a_whole names no requirement {requirement}"
    asked = catalogue.questions("impact_analysis")
    for part in one.parts:
        for condition in part.reach.when if part.reach else ():
            question = asked.get(condition.question)
            if question is None or not set(condition.is_) <= {c.value for c in question.options}:
                yield f"{name}: {part.title}: reach names no answer of {condition.question}"


def _clause_problems(one: Mapping, clause: Clause) -> Iterator[str]:
    where = clause.id or clause.gist
    if clause.id and not clause.id.startswith(f"{one.standard}:"):
        yield f"{where}: the id is keyed by another standard"
    if clause.seen == "unverified" and (clause.id or clause.at):
        yield f"{where}: not verified, yet it has an id or a source"
    if clause.seen != "unverified" and not (clause.at and set(clause.at) <= set(one.sources)):
        yield f"{where}: `at` names no source of the file"
    if not clause.because:
        yield f"{where}: nothing says why"
    if "equal" in clause.bears.values() and not clause.equal_because:
        yield f"{where}: equal, and nothing says why one finding shows the whole clause"
    for requirement in sorted(set(clause.bears) - set(catalogue.requirements())):
        yield f"{where}: no requirement {requirement}"
