"""Two records of one stage held side by side: what appeared, went, got worse or better, and what they rest on.

A finding is worse or better by its status alone. Of a number that changed it is told whether it moved *beyond its
interval*: the intervals before and now have no value in common. For two independent estimates with equal 95% intervals
that is stricter than a test at 5% (about p < 0.006; Schenker & Gentleman 2001, The American Statistician 55(3)); that
two intervals overlap does not show that nothing changed.
Two records that share data are not independent, and for them the rule is stricter still.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ethics_kit import numbers
from ethics_kit.record import EARLIER, WEAKEST, Finding, Input, Record, Status

Kind = Literal["worse", "appeared", "moved", "gone", "better"]
KINDS: tuple[Kind, ...] = ("worse", "appeared", "moved", "gone", "better")
KIND_WORDS: dict[Kind, str] = {
    "worse": "Worse",
    "appeared": "New",
    "moved": "Moved",
    "gone": "Gone",
    "better": "Better",
}
"""How a finding changed, in words; *moved*: only its number."""

Movement = Literal["beyond", "within", "unjudged"]
MOVEMENT_WORDS: dict[Movement, str] = {
    "beyond": "moved beyond its interval",
    "within": "moved within its interval",
    "unjudged": "moved, without an interval to judge by",
}

FACT_WORDS = {
    "recommendation": "recommendation",
    "decision": "decision",
    "review": "review",
    "level": "impact level",
    "required": "requirements that are required",
    "not_met": "findings not met",
    "not_assessed": "findings not assessed",
    "inconclusive": "findings inconclusive",
    "met": "findings met",
    "not_applicable": "findings not applicable",
    "waived": "findings waived",
    "model": "model version",
    "policy": "policy version",
    "kit": "kit version",
}
"""What a record says of itself, and what people made of it, by the name of the fact."""


@dataclass(frozen=True)
class FindingChange:
    """One finding in two records; one of the two is None where it is in the other only.

    `moved`: the status is as good as before, and the number is another.
    """

    kind: Kind
    before: Finding | None
    after: Finding | None

    @property
    def id(self) -> str:
        return (self.after or self.before).id  # type: ignore[union-attr]

    @property
    def newly_not_met(self) -> bool:
        """Whether the finding is *not met* now and was not before."""
        return self.kind in ("worse", "appeared") and self.after is not None and self.after.status == "not_met"

    @property
    def movement(self) -> Movement | None:
        """How far the number moved, by the two intervals; None where it is the same, or one record has none.

        *Unjudged* where one of the two has no interval, or unit or level of the intervals are not the same.
        """
        if not (self.before and self.after) or None in (self.before.value, self.after.value):
            return None
        if self.before.value == self.after.value:
            return None
        old, new = _bounds(self.before), _bounds(self.after)
        if old is None or new is None or _scale(self.before) != _scale(self.after):
            return "unjudged"
        return "beyond" if old[1] < new[0] or new[1] < old[0] else "within"


def _bounds(finding: Finding) -> tuple[float, float] | None:
    found = finding.interval
    return None if found is None or found.low is None or found.high is None else (found.low, found.high)


def _scale(finding: Finding) -> tuple[str | None, float | None]:
    return finding.unit, finding.interval.level if finding.interval else None


@dataclass(frozen=True)
class ValueChange:
    """A named value in two records; None where one of the two has none."""

    name: str
    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        return bool(self.before != self.after)


@dataclass(frozen=True)
class Comparison:
    """What changed between two records: findings worst first, parameters and inputs by name.

    `facts` are what a record says of itself, named as in `FACT_WORDS`, whether they changed or not. The values of
    `inputs` are `Input`.
    """

    facts: tuple[ValueChange, ...]
    findings: tuple[FindingChange, ...]
    parameters: tuple[ValueChange, ...]
    inputs: tuple[ValueChange, ...]


def compare(before: Record, after: Record) -> Comparison:
    """What changed from `before` to `after`.

    An input is named by its role and address, and changed by its sha256 or the rows that count. The records of before
    that a record read are left out: they are others each time.
    """
    old, new = _facts(before), _facts(after)
    return Comparison(
        tuple(ValueChange(name, old[name], new[name]) for name in old),
        compare_findings(before.findings, after.findings),
        _values(before.parameters, after.parameters),
        tuple(c for c in _values(_inputs(before), _inputs(after)) if _content(c.before) != _content(c.after)),
    )


def compare_findings(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[FindingChange, ...]:
    """The findings that changed, worst first: by status now, then by kind of change, then by id.

    Those of which only the number moved, within its interval, come last.
    """
    old, new = ({f.id: f for f in findings} for findings in (before, after))
    changes = [
        FindingChange(kind, old.get(i), new.get(i))
        for i in old.keys() | new.keys()
        if (kind := _kind(old.get(i), new.get(i))) is not None
    ]
    return tuple(sorted(changes, key=lambda c: (_slight(c), _rank(c.after), KINDS.index(c.kind), c.id)))


def _slight(change: FindingChange) -> bool:
    return change.kind == "moved" and change.movement == "within"


def _rank(finding: Finding | None) -> int:
    """How good a status is, from 0; *not applicable* is as good as *met*, and a finding that is gone comes last."""
    if finding is None:
        return len(WEAKEST)
    return WEAKEST.index("met" if finding.status == "not_applicable" else finding.status)


def _kind(before: Finding | None, after: Finding | None) -> Kind | None:
    if before is None:
        return "appeared"
    if after is None:
        return "gone"
    if _rank(before) != _rank(after):
        return "worse" if _rank(after) < _rank(before) else "better"
    return "moved" if (before.status, before.value) != (after.status, after.value) else None


def _values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    names = sorted(before.keys() | after.keys())
    return tuple(ValueChange(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n))


def _inputs(record: Record) -> dict[str, Input]:
    return {f"{i.role}: {i.address}": i for i in record.inputs if i.role != EARLIER}


def _content(given: Input | None) -> tuple[str, int | None] | None:
    return (given.sha256, _counted(given)) if given else None


def _facts(record: Record) -> dict[str, str | int | None]:
    level = record.level
    statuses = Counter(f.status for f in record.findings)
    return {
        "recommendation": words(record.recommendation.verdict),
        "level": level.value if level.value != "undetermined" else f"undetermined, {level.holds} holds",
        "required": len(record.obligations.required),
        **{status: statuses[status] for status in WEAKEST},
        "waived": sum(f.waiver is not None for f in record.findings),
        "model": record.system.get("model_version"),
        "policy": record.policy.get("version"),
        "kit": record.versions.get("ethics_kit"),
    }


# --- in words --------------------------------------------------------------------------------------------------


def words(name: str) -> str:
    """A status or verdict as a reader sees it."""
    return name.replace("_", " ")


def value_words(change: FindingChange) -> tuple[str | None, str | None]:
    """The values before and now with their intervals and n, and the limits where these are not the same.

    None where there is no finding, or neither has a value.
    """
    ends = (change.before, change.after)
    limits = {f.threshold for f in ends if f and f.threshold is not None}
    if not any(f and f.value is not None for f in ends):
        return None, None
    told = [_value(f, limit=len(limits) > 1) if f else None for f in ends]
    return told[0], told[1]


def _value(finding: Finding, *, limit: bool) -> str:
    if finding.value is None:
        return "no value"
    told = _number(finding.value)
    if bounds := _bounds(finding):
        told, low, high = numbers.rounded(finding.value, *bounds, finding.threshold)
        told += f" [{low}, {high}]"
    told += f", n = {finding.n}" if finding.n is not None else ""
    return told + (f", limit {numbers.limit(finding.threshold)}" if limit and finding.threshold is not None else "")


def _number(value: float) -> str:
    """A number without an interval.

    Four significant digits, so that a small change is seen; whole numbers and large ones without a fraction.
    """
    return f"{value:.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"


def _counted(given: Input) -> int | None:
    """The rows that count: those up to the day of the record."""
    return None if given.rows is None else given.rows - (given.rows_after_as_of or 0)


def plain(value: object) -> str | None:
    """A parameter, a fact or an input in words, None where there is none."""
    if isinstance(value, Input):
        rows = _counted(value)
        return f"{'' if rows is None else f'{rows} rows, '}sha256 {value.sha256[:12]}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return None if value is None else str(value)


def sentence(before: Record, found: Comparison) -> str:
    """One line for a first page: how many findings changed and how, and the recommendation before and now."""
    kinds = Counter(c.kind for c in found.findings)
    new_not_met = sum(c.newly_not_met for c in found.findings if c.kind == "appeared")
    beyond = sum(c.movement == "beyond" for c in found.findings if c.kind == "moved")
    parts = [
        f"{kinds['worse']} worse",
        f"{kinds['appeared']} new" + (f" ({new_not_met} not met)" if new_not_met else ""),
        f"{kinds['better']} better",
        f"{kinds['gone']} gone",
        f"{kinds['moved']} moved" + (f" ({beyond} beyond its interval)" if beyond else ""),
    ]
    told = ", ".join(part for part in parts if not part.startswith("0 ")) or "none changed"
    verdict = found.facts[0]
    was = f"was {verdict.before} and is {verdict.after}" if verdict.changed else f"is {verdict.after}, as before"
    return f"Findings since the record of {before.as_of}: {told}. The recommendation {was}."


# --- over several records --------------------------------------------------------------------------------------


def came_back(earlier: Sequence[Mapping[str, Status]], now: Mapping[str, Status]) -> dict[str, tuple[int, int]]:
    """The findings that are *not met* now, had been so before, and in between were *met* or gone.

    Parameters
    ----------
    earlier
        For each earlier record, oldest first, the status of its findings by id.
    now
        The status of the findings as they are.

    Returns
    -------
    dict
        By id, the places in `earlier` of the last record in which it was met or gone after having been not met, and of
        the last one before that in which it was not met: (not met, away).
    """
    found = {}
    for name in (name for name, status in now.items() if status == "not_met"):
        statuses = [record.get(name, "gone") for record in earlier]
        away = [i for i, status in enumerate(statuses) if status in ("met", "gone") and "not_met" in statuses[:i]]
        if away:
            last = away[-1]
            found[name] = (max(i for i in range(last) if statuses[i] == "not_met"), last)
    return found
