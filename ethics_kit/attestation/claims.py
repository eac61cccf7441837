"""What a record says of itself, computed again: its level, duties and the records it rests on.

`record.read_record` has computed its id and its recommendation again before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import version

from ethics_kit import duties
from ethics_kit.framework import catalogue
from ethics_kit.record import Record, Upstream

KIT = version("ethics-kit")


def of_this_kit(record: Record) -> bool:
    """Whether this kit's framework is the one the record was made with."""
    return record.versions.get("ethics_kit") == KIT


def contradictions(record: Record) -> Iterator[str]:
    """What in a record of this kit does not follow from its own level, kind and conditions."""
    own, level = record.obligations, record.level
    if own.kind != record.system.get("kind") or own.kind not in catalogue.KINDS:
        yield f"its duties are those of a {own.kind} system, and it is of a {record.system.get('kind')} system"
        return
    if not own.level == level.holds == level.worst:
        yield f"its duties are those of level {own.level}; the level that holds is {level.worst}"
    if set(own.conditions) != set(catalogue.conditions()):
        yield "its conditions are not those of the framework"
    expected = duties.duties(record.stage, kind=own.kind, level=own.level, conditions=own.conditions)
    found = {d.requirement: d for d in own.duties}
    for duty in expected:
        if found.get(duty.requirement) != duty:
            yield f"its duty {duty.requirement} is not what level {own.level} and the framework make of it"
    if [d.requirement for d in own.duties] != [d.requirement for d in expected]:
        yield "its duties are not those of its stage, each once"
    if own.policy_approved != _approved(record):
        yield "it says otherwise of the policy's approval than the policy's own name and date do"
    yield from _level(record)


def _approved(record: Record) -> bool:
    by, on = record.policy.get("approved_by"), record.policy.get("approved_on")
    try:
        return bool(by) and date.fromisoformat(str(on)) <= record.as_of
    except ValueError:
        return False


def _level(record: Record) -> Iterator[str]:
    level = record.level
    if record.stage == "impact_analysis":
        try:
            _, worst = duties.level_of(level.points, "worst", level.floor)
        except KeyError:
            yield "its points, which give the level, are not all there"
            return
        if worst != level.worst:
            yield f"its points give level {worst}, and it says {level.worst}"
        return
    expected = duties.rests_on(record.stage)
    if [(u.stage, u.use) for u in record.upstream] != expected:
        yield "the earlier records it rests on are not those its stage rests on"
        return
    if record.upstream[0].status == "ok":
        return
    if record.level != duties.UNKNOWN or set(record.obligations.conditions.values()) != {"unanswered"}:
        yield "it takes a level although it had no impact analysis to rest on"


def against(record: Record, earlier: Upstream, there: Mapping[str, Record]) -> Iterator[tuple[bool, str]]:
    """What `record` says of an earlier record against that record: whether that is a contradiction, and what it is."""
    if earlier.record_id is None:
        return
    found = there.get(earlier.record_id)
    if found is None:
        yield False, f"it rests on the {earlier.stage} record {earlier.record_id[:12]}, which is not here intact"
        return
    if (found.stage, found.as_of) != (earlier.stage, earlier.as_of):
        yield True, f"it takes the record {earlier.record_id[:12]} for another stage's or day's"
    if found.recommendation.verdict != earlier.recommendation:
        said, is_ = earlier.recommendation, found.recommendation.verdict
        yield True, f"it says that {earlier.stage} recommends {said}; that record recommends {is_}"
    if earlier.stage == "impact_analysis" and earlier.status == "ok":
        if record.level != found.level:
            yield True, f"it takes level {record.level.holds}; the impact analysis it rests on says {found.level.holds}"
        if record.obligations.conditions != found.obligations.conditions:
            yield True, "its conditions are not those of the impact analysis it rests on"
