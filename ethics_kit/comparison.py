"""Two records of one stage held side by side: what appeared, went, got worse or better, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ethics_kit.record import WEAKEST, Finding, Record, Status

Kind = Literal["worse", "appeared", "moved", "gone", "better"]
KINDS: tuple[Kind, ...] = ("worse", "appeared", "moved", "gone", "better")


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


@dataclass(frozen=True)
class ValueChange:
    """A named value in two records; None where one of the two has none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Comparison:
    """What changed between two records of one system's stage: findings worst first, parameters and inputs by name."""

    findings: tuple[FindingChange, ...]
    parameters: tuple[ValueChange, ...]
    inputs: tuple[ValueChange, ...]


def compare(before: Record, after: Record) -> Comparison:
    """What changed from `before` to `after`; an input is named by its role and address, and changed by its sha256."""
    return Comparison(
        compare_findings(before.findings, after.findings),
        _values(before.parameters, after.parameters),
        _values(_inputs(before), _inputs(after)),
    )


def compare_findings(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[FindingChange, ...]:
    """The findings that changed, worst first: by status now, then by kind of change, then by id."""
    old, new = ({f.id: f for f in findings} for findings in (before, after))
    changes = [
        FindingChange(kind, old.get(i), new.get(i))
        for i in old.keys() | new.keys()
        if (kind := _kind(old.get(i), new.get(i))) is not None
    ]
    return tuple(sorted(changes, key=lambda c: (_rank(c.after), KINDS.index(c.kind), c.id)))


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


def _inputs(record: Record) -> dict[str, str]:
    return {f"{i.role}: {i.address}": i.sha256 for i in record.inputs}


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
