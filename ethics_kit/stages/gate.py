"""The gate's two tables: what stands in the way, over all stages, and every waiver with whether it counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ethics_kit import schema
from ethics_kit.project import STAGES, TITLES
from ethics_kit.recommendation import recommend, statements
from ethics_kit.record import IN_THE_WAY, ITS_RECORD, WAIVERS, Finding, Recommendation, Record, Table
from ethics_kit.stages.case import Case
from ethics_kit.stages.waivers import not_allowed, out_of_time

LISTS = {"blocking": "blocks", "missing": "is missing", "conditions": "conditions an approval"}


def tables(case: Case, findings: Sequence[Finding], recommendation: Recommendation) -> list[Table]:
    """Both tables, for the stage that rests on all others; none for another stage."""
    if not any(u.use == "gate" for u in case.upstream):
        return []
    records = {stage: record for stage in STAGES if (record := case.earlier(stage))}
    own = statements(findings, case.upstream)
    found = [row for stage, record in records.items() for row in _rows(stage, *_on(record, case))]
    found = list(dict.fromkeys([*found, *_rows(case.stage, recommendation, own)]))
    order = list(LISTS.values())
    known = {stage: record.findings for stage, record in records.items()} | {case.stage: findings}
    return [
        Table(
            id=IN_THE_WAY,
            title="What stands in the way",
            requirement="G3",
            columns=["effect", "stage", "finding", "in words"],
            rows=[list(row) for row in sorted(found, key=lambda row: order.index(row[0]))],
        ),
        Table(
            id=WAIVERS,
            title="Waivers of all stages",
            requirement="G3",
            columns=["counts", "stage", "finding", "by", "role", "reason", "from", "until"],
            rows=[row for stage in STAGES for row in _waivers(case, stage, known.get(stage))],
            note="A waiver accepts a finding for a time. It lifts a block; the approval is then conditional.",
        ),
    ]


def _on(record: Record, case: Case) -> tuple[Recommendation, dict[str, str]]:
    """An earlier record's recommendation as of this stage's day, and its items in words."""
    recommendation = recommend(record.findings, record.obligations, record.upstream, case.as_of)
    return recommendation, statements(record.findings, record.upstream)


def _rows(stage: str, recommendation: Recommendation, told: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for name, words in LISTS.items():
        for item in getattr(recommendation, name):
            where, finding = (item, ITS_RECORD) if item in STAGES else (stage, item)
            yield words, TITLES[where], finding, told.get(item, "no finding")


def _waivers(case: Case, stage: str, findings: Sequence[Finding] | None) -> Iterator[list[str]]:
    for waiver in case.dossier.stages[stage].waivers:
        why = _why_not(case, waiver, findings, own=stage == case.stage)
        yield [
            f"no: {why}" if why else "yes",
            TITLES[stage],
            waiver.finding,
            waiver.by,
            waiver.role,
            waiver.reason,
            waiver.on.isoformat(),
            waiver.until.isoformat(),
        ]


def _why_not(case: Case, waiver: schema.Waiver, findings: Sequence[Finding] | None, *, own: bool) -> str | None:
    if why := out_of_time(waiver, case.as_of) or not_allowed(case.dossier, waiver):
        return why
    if findings is None:
        return "the stage has no record that is in order"
    finding = next((f for f in findings if f.id == waiver.finding), None)
    if finding is None:
        return "no finding has this id"
    if finding.status != "not_met":
        return f"the finding is {finding.status.replace('_', ' ')}, which no waiver changes"
    return None if own or finding.waiver else "it was entered after the stage was assessed; assess that stage again"
