"""S3.4: whether the people who use the system can: tasks done, usability, explanations understood, open defects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from ethics_kit.measures import acceptance, amounts
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import UNDEFINED, Estimate, rate
from ethics_kit.measures.sums import Moments
from ethics_kit.record import WEAKEST, Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import sessions
from ethics_kit.stages.bias_testing.parity import Line
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed

ALL = "all testers"
WORDS = {"success": "completed the task", "understood": "understood the explanation"}
RATE = "share of the sessions that say; met where the whole Wilson interval is at the limit or above"
SCALE = "System Usability Scale (Brooke 1996): mean with its t interval, met where all of it is at the limit or above"


def user_acceptance(case: Case) -> Outcome:
    """S3.4: whether testers did their task, found it usable, understood the explanation, and met no open defect."""
    if awaits := sessions.awaits(case):
        found = not_assessed("S3.4", "sessions", awaits)
        return Outcome((found, *_open_defects(case)))
    policy, held = case.dossier.policy.acceptance, sessions.counted(case)
    findings = [
        *_rates(case, "success", policy.success_min),
        *_rates(case, "understood", policy.understood_min),
        _usability(case),
        *_open_defects(case),
    ]
    apart = tested(case).of("S3.4").get("group.understood_difference", [])
    compared = told.finding(case, "S3.4", "group.understood_difference", apart)
    findings.append(compared.model_copy(update={"source": policy.understood_margin.source}))
    tables = _by_group(case)
    if not apart:
        return Outcome(tuple(findings), tuple(tables))
    note = f"{held.left_out} sessions with another version, or too old, are left out."
    title = "Who understood the explanation, by group of testers"
    tables.append(told.table(case, "S3.4", "understood", [apart], [note], title=title))
    small = case.dossier.policy.records.small_cell.value
    drawing = figures.forest(apart, {"understood": told.scale("understood").label}, small=small)
    return Outcome(tuple(findings), tuple(tables), drawing)


def _rates(case: Case, name: str, limit: Threshold[float]) -> list[Finding]:
    """A rate of all testers, and of the group that does worst by it."""
    cells = sessions.counted(case).flags.get(name)
    if cells is None:
        return [not_assessed("S3.4", name, case.lacking(sessions.TABLE, name))]
    count, n = (sum(part) for part in zip(*cells.values(), strict=True))
    whole = _rate(case, name, ALL, count, n, limit)
    groups = {group: cell for group, cell in cells.items() if group != UNKNOWN and cell[1]}
    weakest = f"{name}_weakest_group"
    if not groups:
        return [whole, not_assessed("S3.4", weakest, "the group of each tester")]
    each = [_rate(case, weakest, group, *cell, limit) for group, cell in groups.items()]
    return [whole, min(each, key=lambda f: (WEAKEST.index(f.status), 1.0 if f.value is None else f.value))]


def _rate(case: Case, name: str, group: str, count: int, n: int, limit: Threshold[float]) -> Finding:
    confidence, small = case.dossier.policy.fairness.confidence.value, case.dossier.policy.records.small_cell.value
    did = WORDS[name.removesuffix("_weakest_group")]
    found = rate(count, n, confidence=confidence)
    if found.value is None:
        return not_assessed("S3.4", name, f"sessions that say who {did}")
    needed = acceptance.rows_for_rate(found.value, limit.value, confidence=confidence)
    words = f"{count} of {n} sessions of {group} ({found.value:.0%}) {did}; at least {limit.value:.0%} are wanted"
    if n < small:
        found, needed = UNDEFINED, small
        words = f"How many {did} is withheld of a group with fewer than {small} sessions"
    return _against(case, name, found, n, limit, words, needed)


def _usability(case: Case) -> Finding:
    held, limit = sessions.counted(case), case.dossier.policy.acceptance.sus_min
    if held.usability is None:
        roles = "sus_1 to sus_10, or sus"
        return not_assessed("S3.4", "usability", f"in the table {sessions.TABLE} the columns for {roles}")
    if held.impossible:
        awaits = f"answers from 1 to 5, or scores from 0 to 100, in {held.impossible} sessions with other numbers"
        return not_assessed("S3.4", "usability", awaits, method=SCALE)
    whole = reduce(add, held.usability.values(), Moments())
    found = amounts.mean(whole, confidence=case.dossier.policy.fairness.confidence.value)
    if found.low is None or found.value is None:
        return not_assessed("S3.4", "usability", "sessions that rate it, differently from one another", method=SCALE)
    words = (
        f"{whole.n} sessions rate the system's usability {found.value:.1f} of 100; at least {limit.value:g} is wanted"
    )
    needed = acceptance.rows_for_mean(found, limit.value, whole.n)
    usable = _against(case, "usability", found, whole.n, limit, words, needed)
    return usable.model_copy(update={"unit": "points of 100", "method": SCALE})


def _against(
    case: Case, name: str, found: Estimate, n: int, limit: Threshold[float], words: str, needed: int | None
) -> Finding:
    """An estimate from a sample against its limit: settled only where its whole interval lies on one side."""
    status: Status = "inconclusive"
    if found.low is not None and found.high is not None and found.low >= limit.value:
        status = "met"
    elif found.high is not None and found.high < limit.value:
        status = "not_met"
    enough = (
        f"about {needed} sessions like these would be enough" if needed else "no number of sessions like these would"
    )
    tail = f", which settles nothing yet: {enough}" if status == "inconclusive" else ""
    action = {
        "not_met": "Find out what testers could not do, change it, and test again.",
        "inconclusive": f"Hold more sessions: {enough}.",
    }
    interval = None
    if found.defined:
        confidence = case.dossier.policy.fairness.confidence.value
        interval = Interval(low=found.low, high=found.high, level=confidence)
    return Finding(
        id=f"S3.4.{name}",
        requirement="S3.4",
        status=status,
        evidence="measured",
        statement=f"{words}{tail}.",
        value=found.value,
        null_reason="small cell, withheld" if found.value is None else None,
        unit="share of sessions",
        interval=interval,
        n=n if found.defined else None,
        threshold=limit.value,
        method=RATE,
        source=limit.source,
        action=action.get(status),
    )


def _open_defects(case: Case) -> list[Finding]:
    """An open defect counts whatever version and day its session was of; none is met only on enough sessions."""
    name, table = "blocking_defects", sessions.TABLE
    if not case.has(table, "blocking_defect", "model_version"):
        return [not_assessed("S3.4", name, case.lacking(table, "blocking_defect", "model_version"))]
    held, enough = sessions.counted(case), case.dossier.policy.fairness.minimum_group.value
    if not held.defects and held.not_told:
        awaits = f"whether a blocking defect is open in {held.not_told} sessions that do not say"
        return [not_assessed("S3.4", name, awaits)]
    status: Status = "not_met" if held.defects else "met" if held.rows >= enough else "inconclusive"
    few = f" Fewer than {enough} sessions with the version in use: {enough} would be enough."
    action = {"not_met": "Repair it, and hold the session again.", "inconclusive": "Hold more sessions."}
    return [
        Finding(
            id=f"S3.4.{name}",
            requirement="S3.4",
            status=status,
            evidence="measured",
            statement=f"{held.defects} of {held.rows + held.left_out} sessions name a blocking defect that is open."
            + (few if status == "inconclusive" else ""),
            value=held.defects,
            unit="sessions with an open blocking defect",
            n=held.rows + held.left_out,
            threshold=0,
            method="count of all sessions up to the as-of date, also those with earlier versions",
            source="a blocking defect keeps people from their task, and an open one reaches customers on the first day",
            action=action.get(status),
        )
    ]


def _by_group(case: Case) -> list[Table]:
    held, confidence = sessions.counted(case), case.dossier.policy.fairness.confidence.value
    body: list[Line] = []
    hidden = 0
    for name in (flag for flag in WORDS if flag in held.flags):
        cells = held.flags[name].items()
        hidden += _add(
            case,
            body,
            name.replace("understood", "understanding"),
            {group: (n, rate(count, n, confidence=confidence)) for group, (count, n) in cells},
        )
    usable = {group: (m.n, amounts.mean(m, confidence=confidence)) for group, m in (held.usability or {}).items()}
    hidden += _add(case, body, "System Usability Scale", usable)
    return [
        Table(
            id="S3.4.groups",
            title="What testers could do, by group",
            requirement="S3.4",
            columns=["measure", "group", "n", "value", "low", "high"],
            rows=body,
            hidden=hidden,
            note="n counts the sessions that say. Shares have Wilson intervals, the scale (0 to 100) t intervals.",
        )
    ]


def _add(case: Case, body: list[Line], measure: str, cells: Mapping[str, tuple[int, Estimate]]) -> int:
    """Add the lines of one measure, small groups withheld; returns how many were."""
    lines = [[group, n, *told.parts(found)] for group, (n, found) in cells.items()]
    small = case.dossier.policy.records.small_cell.value
    shown, hidden = hide_small(lines, n_column=1, counts=(2, 3, 4), small=small)
    body += [[measure, *line] for line in shown]
    return hidden
