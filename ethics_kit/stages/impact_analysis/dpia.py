"""S3.2: the threshold test for a data protection impact assessment (DPIA), before processing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import DpiaCriterion
from ethics_kit.record import Finding, Status, Table
from ethics_kit.stages.answers import given_label, holds
from ethics_kit.stages.case import Case, Outcome

METHOD = "WP248 rev.01 (4 Oct 2017): nine criteria; how many make an assessment due is the organisation's policy"


@dataclass(frozen=True)
class Verdict:
    """What follows from the criteria and the dates, in words, and what to do where it is not met."""

    status: Status
    words: str
    action: str | None = None


def dpia_threshold(case: Case) -> Outcome:
    """S3.2: how many of the nine criteria hold, and whether an assessment that is due came before the first use."""
    criteria = catalogue.dpia_criteria()
    states = [criterion_holds(case, criterion) for criterion in criteria]
    fewest, most = states.count(True), len(states) - states.count(False)
    limit = case.dossier.policy.risk.dpia_criteria
    verdict = _verdict(case, fewest, most, limit.value)
    counted = (
        f"{fewest} of {len(states)} criteria hold"
        if fewest == most
        else (f"Between {fewest} and {most} of {len(states)} criteria hold, {most - fewest} being open")
    )
    finding = Finding(
        id="S3.2.dpia_threshold",
        requirement="S3.2",
        status=verdict.status,
        evidence="measured",
        statement=f"{counted}; {verdict.words}.",
        value=most,
        unit="criteria",
        n=len(states),
        threshold=limit.value,
        method=METHOD,
        source=limit.source,
        action=verdict.action,
    )
    table = Table(
        id="S3.2.dpia_criteria",
        title="Is a data protection impact assessment due? The nine criteria",
        requirement="S3.2",
        columns=["criterion", "holds", "answered", "a real case", "source of the case"],
        rows=[
            [c.text, {True: "yes", False: "no", None: "open"}[state], _answered(case, c), c.example, c.source]
            for c, state in zip(criteria, states, strict=True)
        ],
        note="No answer may hold, so an open criterion counts among the most that may hold.",
    )
    return Outcome((finding,), (table,))


def criterion_holds(case: Case, criterion: DpiaCriterion) -> bool | None:
    """Whether a criterion holds by any of its answers; None while that hangs on an open one."""
    found = [holds(case, condition) for condition in criterion.any_of]
    return True if True in found else None if None in found else False


def _answered(case: Case, criterion: DpiaCriterion) -> str:
    return "; ".join(given_label(case, condition.question) for condition in criterion.any_of)


def _verdict(case: Case, fewest: int, most: int, limit: int) -> Verdict:
    """Missed as soon as that is certain; met only when all nine are answered."""
    due = f"by the policy {limit} make an assessment due"
    if most < limit:
        verdict = Verdict("met", f"{due}, so none is")
    elif fewest < limit:
        return Verdict("not_assessed", f"{due}, and whether one is hangs on the open criteria", "Answer them.")
    else:
        verdict = _on_file(case)
    if verdict.status == "met" and fewest < most:
        return Verdict("not_assessed", f"{verdict.words}; yet the test is not complete", "Answer the open criteria.")
    return verdict


def _on_file(case: Case) -> Verdict:
    """An assessment is due: is it on file, and older than the first decision?"""
    questions = catalogue.questions("impact_analysis")
    tested = case.answer(questions["dpia_threshold_tested"])
    if tested is None:
        return Verdict("not_assessed", "an assessment is due, and nobody says whether one was made", "Say so.")
    if tested != "due_and_made":
        todo = "Make the assessment, and stop processing until what it asks for is in place."
        return Verdict("not_met", "an assessment is due, and none was made before processing", todo)
    made, began = (case.answer(questions[name]) for name in ("dpia_made_on", "processing_from"))
    if made is None or began is None:
        what = "the day on which the assessment was finished" if made is None else "the day on which processing began"
        return Verdict("not_assessed", f"an assessment is due and on file, but {what} is open", f"Supply {what}.")
    return _in_time(case, date.fromisoformat(made), date.fromisoformat(began))


def _in_time(case: Case, made: date, began: date) -> Verdict:
    events = case.dossier.system.events
    first = _first_event(case)
    start = min(began, first) if first else began
    if made >= start:
        todo = "Have the data protection officer say what follows for what was processed before."
        return Verdict("not_met", f"the assessment of {made} did not come before the first use on {start}", todo)
    if first and first < began:
        todo = "Correct the day, or the table."
        return Verdict("not_assessed", f"{events} begin on {first}, although the first use is said to be {began}", todo)
    if first is None and began <= case.as_of:
        todo = f"Supply the table {events}."
        return Verdict("not_assessed", f"the assessment of {made} waits for {events} to show the first use", todo)
    return Verdict("met", f"an assessment is due, and that of {made} came before the first use on {start}")


def _first_event(case: Case) -> date | None:
    """The day of the first row of the system's events up to `as_of`, old exports included."""
    events = case.dossier.system.events
    if events not in case.dossier.located_tables:
        return None
    return case.use(events).first_day
