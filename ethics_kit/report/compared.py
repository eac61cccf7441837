"""Two records side by side for a reader: lines for a terminal, and a page that says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ethics_kit import comparison
from ethics_kit.comparison import KINDS, Comparison, FindingChange, ValueChange, plain, words
from ethics_kit.project import TITLES
from ethics_kit.record import Record
from ethics_kit.report.html import environment
from ethics_kit.schema.review import Decision, State

CAUTIONS = {
    "systems": "These are records of two systems: findings of one name are about other people and data.",
    "order": "The first record is the later one: read before as after.",
    "same": "Both are the same record.",
    "kits": "The versions of the kit differ: a finding may be new, gone or another for that reason alone.",
    "outside": "A record that lies in no reports folder was checked by its own digest only; its review is not known.",
}
UNKNOWN = "not known"


@dataclass(frozen=True)
class Side:
    """A record with what people made of it; both None where it lies in no reports folder."""

    record: Record
    state: State | Literal["unreadable"] | None
    decision: Decision | None

    @property
    def reviewed(self) -> str:
        """The state of the review, in words."""
        return self.state or UNKNOWN

    @property
    def decided(self) -> str:
        """What people decided, in words."""
        return UNKNOWN if self.state is None else words(self.decision or "none taken")


def cautions(before: Side, after: Side) -> list[str]:
    """The names in `CAUTIONS` of what a reader has to know before the rest."""
    old, new = before.record, after.record
    found = {
        "systems": old.system["id"] != new.system["id"],
        "order": old.as_of > new.as_of,
        "same": old.record_id == new.record_id,
        "kits": old.versions.get("ethics_kit") != new.versions.get("ethics_kit"),
        "outside": None in (before.state, after.state),
    }
    return [name for name, holds in found.items() if holds]


def facts(before: Side, after: Side, found: Comparison) -> list[ValueChange]:
    """What the records say of themselves, with the decision and the review after the recommendation.

    What is 0 or unknown in both is left out.
    """
    people = [
        ValueChange("decision", before.decided, after.decided),
        ValueChange("review", before.reviewed, after.reviewed),
    ]
    told = [*found.facts[:1], *people, *found.facts[1:]]
    return [fact for fact in told if fact.before or fact.after]


def lines(before: Side, after: Side) -> Iterator[str]:
    """Plain lines for a terminal: cautions, what changed in the records, findings worst first, parameters, inputs."""
    old, new = before.record, after.record
    found = comparison.compare(old, new)
    yield f"{new.system['name']}: {TITLES[new.stage].lower()}"
    for name, record in (("before", old), ("now", new)):
        yield f"  {name:<6}  {record.as_of}  {record.record_id[:12]}  {record.system['id']}"
    for caution in cautions(before, after):
        yield f"  Note: {CAUTIONS[caution]}"
    yield ""
    yield comparison.sentence(old, found)
    yield ""
    told = facts(before, after, found)
    width = max(len(comparison.FACT_WORDS[fact.name]) for fact in told)
    for fact in told:
        arrow = f"{_said(fact.before)} -> {_said(fact.after)}" if fact.changed else f"{_said(fact.after)} (as before)"
        yield f"  {comparison.FACT_WORDS[fact.name]:<{width}}  {arrow}"
    yield from _findings(found.findings)
    yield from _values("Parameters", found.parameters)
    yield from _values("Inputs", found.inputs)


def _said(value: object) -> str:
    return plain(value) or "none"


def _findings(changes: tuple[FindingChange, ...]) -> Iterator[str]:
    yield ""
    yield f"Findings that changed: {len(changes)}"
    for change in changes:
        both = [found for found in (change.before, change.after) if found]
        statuses = dict.fromkeys(words(found.status) for found in both)
        yield f"  {comparison.KIND_WORDS[change.kind]:<6}  {change.id}: {' -> '.join(statuses)}"
        values = [value for value in comparison.value_words(change) if value]
        if values:
            moved = f" ({comparison.MOVEMENT_WORDS[change.movement]})" if change.movement else ""
            yield f"  {'':<6}  {' -> '.join(values)}{moved}"


def _values(title: str, changes: tuple[ValueChange, ...]) -> Iterator[str]:
    yield ""
    yield f"{title} that changed: {len(changes)}"
    for change in changes:
        yield f"  {change.name}: {_said(change.before)} -> {_said(change.after)}"


def page(before: Side, after: Side) -> str:
    """The same as a page of its own, in the language of the later record."""
    found = comparison.compare(before.record, after.record)
    kinds = Counter(change.kind for change in found.findings)
    labels = [side.record.policy.get("confidentiality") for side in (before, after)]
    return (
        environment(after.record.policy.get("language"))
        .get_template("compare.html.j2")
        .render(
            before=before,
            after=after,
            found=found,
            facts=facts(before, after, found),
            counts={kind: n for kind in KINDS if (n := kinds[kind])},
            cautions=cautions(before, after),
            labels=[label for label in dict.fromkeys(labels) if label],
            caution_words=CAUTIONS,
            fact_words=comparison.FACT_WORDS,
            movement_words=comparison.MOVEMENT_WORDS,
            value_words=comparison.value_words,
            plain=plain,
        )
    )
