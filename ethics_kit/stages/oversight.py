"""P4.4: what people's reviews change, by team, and whether they are more than a form; stages 2 and 4 ask it alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ethics_kit import schema
from ethics_kit.measures import oversight
from ethics_kit.measures.oversight import Reviews
from ethics_kit.measures.proportions import UNDEFINED, Estimate, rate
from ethics_kit.record import WEAKEST, Finding, Interval, Status, Table
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed, share_finding
from ethics_kit.stages.teams import COLUMNS, TABLE, Teams, by_team, cells, name_of

METHOD = "reviews up to the as-of date, by team; Wilson score interval; the team that stands worst decides"
NEEDED = ("decision", "time", "overridden")


@dataclass(frozen=True)
class Sign:
    """A share by team that may not be above a limit. `of` gives its count and number; `column` is what it needs."""

    name: str
    told: str
    of: Callable[[Reviews], tuple[int, int]]
    limit: str
    column: str
    action: str


SIGNS = (
    Sign(
        "accepted_when_wrong",
        "errors of the system were accepted",
        lambda r: (r.wrong_kept, r.wrong),
        "accepted_when_wrong_max",
        "ai_was_right",
        "Have the team practise with cases in which the system is wrong, and give it time and reasons to disagree.",
    ),
    Sign(
        "overridden_when_right",
        "right results of the system were overridden",
        lambda r: (r.right_overridden, r.right),
        "overridden_when_right_max",
        "ai_was_right",
        "Find out why right results are overridden, and show the team what speaks for them.",
    ),
    Sign(
        "reviews_too_fast",
        "reviews took less than the policy's shortest time",
        lambda r: (r.fast, r.timed),
        "too_fast_max",
        "seconds",
        "Give the team fewer cases or more hours, and end batch approval.",
    ),
    Sign(
        "reviews_in_runs",
        "reviews stood in long runs that took one decision at one speed",
        lambda r: (r.in_runs, r.timed),
        "in_runs_max",
        "seconds",
        "Look at how these runs came about; end batch approval, and sample the team's reviews again.",
    ),
)


def human_oversight(case: Case) -> Outcome:
    """P4.4: reviews planned and made, and what they change, by team."""
    if not case.has(TABLE, *NEEDED):
        return Outcome((not_assessed("P4.4", "review_rate", case.lacking(TABLE, *NEEDED)),))
    teams = by_team(case)
    findings = [_review_rate(case)]
    if not teams.now:
        return Outcome((*findings, not_assessed("P4.4", "accepted_when_wrong", "reviews before the as-of date")))
    if unnamed := _unnamed(case, teams):
        findings.append(unnamed)
    findings += [_signed(case, sign, teams.now) for sign in SIGNS]
    findings.append(_uniform(case, teams.now))
    return Outcome(tuple(findings), (_table(case, teams.now),))


def _review_rate(case: Case) -> Finding:
    events, name = case.dossier.system.events, "review_rate"
    if not case.has(events, "id", "time"):
        return not_assessed("P4.4", name, case.lacking(events, "id", "time"))
    seen, stray = oversight.review_rate(case.table(events), case.table(TABLE))
    if 2 * stray.count > stray.n:
        return not_assessed("P4.4", name, f"reviews with the events' ids: {stray.count} of {stray.n} match none")
    plan = case.dossier.stage(schema.DesignReview).review_plan
    if plan is None or plan.on > case.as_of:
        told = f"the share that the protocol plans (review_plan in design_review.yaml); {seen.count} of {seen.n} were"
        return not_assessed("P4.4", name, told)
    return share_finding(
        case,
        "P4.4",
        name,
        seen.count,
        seen.n,
        statement=f"{seen.count} of {seen.n} events were reviewed by a person; the protocol plans {plan.share:.2%} "
        f"({plan.by}, {plan.on}).",
        at_least=plan.share,
        unit="share of events",
        action="Review as many as the protocol plans, or change the plan and say why.",
        source="design_review.yaml: review_plan",
    )


def _unnamed(case: Case, teams: Teams) -> Finding | None:
    """Reviews without a team hide one that only signs among those that look."""
    if teams.awaits:
        return not_assessed("P4.4", "by_team", teams.awaits)
    nameless, total = sum(t.n for t in teams.now if t.group is None), sum(t.n for t in teams.now)
    if nameless <= case.dossier.policy.fairness.max_unknown.value * total:
        return None
    awaits = f"the team (reviewer_group) of more reviews: {nameless} of {total} have none"
    return not_assessed("P4.4", "by_team", awaits)


def _signed(case: Case, sign: Sign, teams: Sequence[Reviews]) -> Finding:
    """One sign, by the team that stands worst."""
    if not case.has(TABLE, sign.column):
        return not_assessed("P4.4", sign.name, case.lacking(TABLE, sign.column))
    limit = getattr(case.dossier.policy.oversight, sign.limit)
    counted = [(team, *sign.of(team)) for team in teams if sign.of(team)[1]]
    if not counted:
        return not_assessed("P4.4", sign.name, f"reviews of which {sign.column} is known")
    judged = [(*_judged(case, count, n, limit.value), team, count, n) for team, count, n in counted]
    status, found, team, count, n = min(judged, key=lambda j: (WEAKEST.index(j[0]), -(j[1].value or 0.0)))
    total, whole = sum(c for _, c, _ in counted), sum(m for _, _, m in counted)
    small = case.dossier.policy.records.small_cell.value
    if n < small:
        withheld = f"In the team {name_of(team)} fewer than {small} reviews tell how many {sign.told}: withheld"
        action = None if status == "met" else sign.action
        return _finding(case, sign.name, status, withheld, UNDEFINED, None, limit, action)
    told = f"In the team {name_of(team)} {count} of {n} {sign.told}"
    if len(counted) > 1 and min(m for _, _, m in counted) >= small:
        told += f"; in all {len(counted)} teams together {total} of {whole}"
    if status == "inconclusive":
        told += f". {_settles(case, n)}"
    return _finding(case, sign.name, status, told, found, n, limit, None if status == "met" else sign.action)


def _judged(case: Case, count: int, n: int, limit: float) -> tuple[Status, Estimate]:
    """Above the limit: not met. Under it with the whole interval: met. Else, or with few rows, inconclusive."""
    found = rate(count, n, confidence=case.dossier.policy.fairness.confidence.value)
    enough = n >= case.dossier.policy.fairness.minimum_group.value
    if ((found.value if enough else found.low) or 0.0) > limit:
        return "not_met", found
    return ("met" if enough and (found.high or 0.0) <= limit else "inconclusive"), found


def _settles(case: Case, n: int) -> str:
    least = case.dossier.policy.fairness.minimum_group.value
    return f"{n} are too few to tell: at least {least} are needed, with an interval on one side of the limit"


def _uniform(case: Case, teams: Sequence[Reviews]) -> Finding:
    """Teams that hardly ever decide otherwise, though the system errs, or nobody knows whether it does."""
    limit = case.dossier.policy.oversight.override_min
    erred = [t for t in teams if t.wrong or t.unsettled]
    if not erred:
        return not_assessed("P4.4", "reviews_too_uniform", "reviews of cases in which the system was wrong")
    enough = case.dossier.policy.fairness.minimum_group.value
    least = min(erred, key=lambda t: (t.n < enough, t.overridden / t.n, -t.n))
    found = rate(least.overridden, least.n, confidence=case.dossier.policy.fairness.confidence.value)
    told = f"The team {name_of(least)} decided otherwise in {least.overridden} of {least.n} reviews"
    status: Status = "met"
    if least.n >= enough and (found.value or 0.0) < limit.value:
        status = "not_met"
        told += f", in {least.wrong} of which the system was wrong: reviews that change nothing are a form"
    elif min(t.n for t in erred) < enough:
        status = "inconclusive"
        told += f"; a team with fewer than {enough} reviews tells nothing"
    action = None if status == "met" else "Look at what the team sees and how it is judged; sample its reviews again."
    return _finding(case, "reviews_too_uniform", status, told, found, least.n, limit, action)


def _finding(
    case: Case,
    name: str,
    status: Status,
    told: str,
    found: Estimate,
    n: int | None,
    limit: Threshold[float],
    action: str | None,
) -> Finding:
    level = case.dossier.policy.fairness.confidence.value
    return Finding(
        id=f"P4.4.{name}",
        requirement="P4.4",
        status=status,
        evidence="measured",
        statement=f"{told}.",
        value=found.value,
        null_reason=None if found.defined else "small cell, withheld",
        unit="share of a team's reviews",
        interval=Interval(low=found.low, high=found.high, level=level) if found.defined else None,
        n=n,
        threshold=limit.value,
        method=METHOD,
        source=limit.source,
        action=action,
    )


def _table(case: Case, teams: Sequence[Reviews]) -> Table:
    small, policy = case.dossier.policy.records.small_cell.value, case.dossier.policy.oversight
    columns = ["team", *COLUMNS]
    body = [[name_of(t), *cells(case, t)] for t in teams]
    shown, hidden = hide_small(body, n_column=1, counts=range(2, len(columns)), small=small)
    return Table(
        id="P4.4.reviews",
        title="Reviews by team",
        requirement="P4.4",
        columns=columns,
        rows=shown,
        hidden=hidden,
        note=f"Too fast: less than {policy.seconds_min.value:g} seconds. A long run: {policy.run_length.value} reviews "
        "or more of one team in a row with one decision in the same whole seconds. Whether the system was right is "
        "known of those reviews only that later showed it.",
    )
