"""What follows from a record's findings: a requirement's status, the recommendation, and its reason in one sentence.

The reason is put together from the frames in `FRAMES` alone, so that a page can say it in another language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import reduce

from ethics_kit import numbers
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Evidence
from ethics_kit.record import (
    PRELIMINARY,
    REVIEW_WORDS,
    UPSTREAM_WORDS,
    WEAKEST,
    Duty,
    Finding,
    Obligations,
    Recommendation,
    Status,
    Upstream,
)
from ethics_kit.schema import Verdict

POLICY = "policy.yaml"
"""What a recommendation misses while nobody has approved the policy."""

LISTS: dict[Verdict, str] = {"reject": "blocking", "undetermined": "missing", "approve_with_conditions": "conditions"}
"""The list of a recommendation that leads to its verdict."""

STAGES = {
    "impact_analysis": "the impact analysis",
    "design_review": "the design review",
    "bias_testing": "the bias testing",
    "deployment_signoff": "the deployment sign-off",
}
STATUSES: dict[Status, str] = {
    "not_met": "“%(title)s” is not met: %(told)s%(amount)s",
    "not_assessed": "“%(title)s” is not assessed: %(told)s%(amount)s",
    "inconclusive": "“%(title)s” is inconclusive: %(told)s%(amount)s",
}
FRAMES = {
    "met": "Every requirement that is required here is met.",
    "claimed": "Every requirement that is required here is met; declared as not applicable: %(count)s.",
    "nothing": "Nothing that is required here was assessed.",
    "conditions": "%(told)s; whatever is not met has an action with an owner and a date, or a waiver",
    "policy": "Nobody has approved the policy",
    "preliminary": "Only the short questionnaire was asked, and nothing is approved on that",
    "absent": "There is no finding on “%(title)s”",
    "and": "%(first)s and %(last)s",
    "rests": "It rests on %(stages)s",
    "comma": "%(first)s, %(last)s",
    "semicolon": "%(first)s; %(last)s",
    "sentence": "%(told)s.",
    "one": "%(stages)s (%(why)s)",
    "several": "%(stages)s (each: %(why)s)",
    "amount": " (%(parts)s)",
    "value": "%(unit)s %(value)s",
    "interval": "%(level)s%% interval %(low)s to %(high)s",
    "limit": "the policy's limit %(limit)s",
    "brief": "%(told)s … (words left out: %(num)s)",
}
BRIEF = 280
"""Characters of a finding's statement in a reason, and where it is named on page one."""
NOT_ASSESSED = "Not assessed: "
SENTENCE = re.compile(r"(?:(?<=[a-zà-ÿ\d)”%]{2})|(?<=\d))\.\s+(?=[^\W\d_a-z])")
"""Where a sentence ends. A capital and one letter, as in “Dr.”, are an abbreviation."""

Say = Callable[..., str]


def plain(frame: str, **values: object) -> str:
    """A frame in English, filled."""
    return frame % values


# --- the rules --------------------------------------------------------------------------------------------------------


def requirement_status(findings: Iterable[Finding], needs: Sequence[Evidence]) -> Status:
    """The weakest status of a requirement's findings; evidence it needs and has not is *not assessed*.

    Order, weakest first: not_met, not_assessed, inconclusive, met. Not applicable counts only where nothing else does.
    """
    findings = list(findings)
    statuses: set[Status] = {f.status for f in findings}
    if set(needs) - {f.evidence for f in findings}:
        statuses.add("not_assessed")
    return min(statuses or {"not_assessed"}, key=WEAKEST.index)


def by_status(findings: Iterable[Finding], obligations: Obligations) -> Counter[Status]:
    """How many of the requirements that are required have each status."""
    own = _by_requirement(findings)
    return Counter(requirement_status(own.get(d.requirement, ()), d.needs) for d in obligations.required)


def _by_requirement(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.requirement, []).append(finding)
    return found


def recommend(
    findings: Sequence[Finding], obligations: Obligations, upstream: Sequence[Upstream], as_of: date
) -> Recommendation:
    """The recommendation that follows from a record. Fails closed: nothing missing can make it better."""
    by_requirement = _by_requirement(findings)
    required = obligations.required
    blocking: list[str] = []
    conditions: list[str] = []
    missing: list[str] = []
    inapplicable: list[str] = []
    for duty in required:
        own = by_requirement.get(duty.requirement, [])
        for finding in own:
            if finding.status == "not_met":
                (blocking if _blocks(finding, duty, as_of) else conditions).append(finding.id)
        missing += _open(duty, own)
        if requirement_status(own, duty.needs) == "not_applicable":
            inapplicable.append(duty.requirement)
    gate = [u for u in upstream if u.use == "gate" and u.status == "ok"]
    blocking += [u.stage for u in gate if "reject" in (u.recommendation, u.decision)]
    conditions += [u.stage for u in gate if "approve_with_conditions" in (u.recommendation, u.decision)]
    missing += [u.stage for u in upstream if _unreliable(u)]
    missing += [] if obligations.policy_approved else [POLICY]
    missing += [PRELIMINARY] if obligations.preliminary else []
    if blocking:
        verdict: Verdict = "reject"
    elif missing or len(inapplicable) == len(required):
        verdict = "undetermined"
    else:
        verdict = "approve_with_conditions" if conditions else "approve"
    found = Recommendation(
        verdict=verdict,
        reason="",
        blocking=blocking,
        conditions=conditions,
        missing=missing,
        not_applicable=inapplicable,
    )
    return found.model_copy(update={"reason": reason(found, findings, upstream)})


def _open(duty: Duty, own: Sequence[Finding]) -> list[str]:
    """What of a requirement is not settled: findings, evidence it needs and has not, or the whole of it."""
    absent = sorted(set(duty.needs) - {f.evidence for f in own})
    if not (own or absent):
        return [duty.requirement]
    unsettled = [f.id for f in own if f.status in ("not_assessed", "inconclusive")]
    return unsettled + [f"{duty.requirement} ({e})" for e in absent]


def _unreliable(earlier: Upstream) -> bool:
    """Whether a record that counts here cannot be relied on, or settles nothing."""
    lost = earlier.status != "ok" or earlier.review in REVIEW_WORDS
    unsettled = earlier.recommendation in (None, "undetermined")
    return (earlier.use != "read" and lost) or (earlier.use == "gate" and unsettled)


def _blocks(finding: Finding, duty: Duty, as_of: date) -> bool:
    """A waiver that has begun and not ended lifts a block; a condition needs an action, an owner and a date to come."""
    if finding.waiver and finding.waiver.on <= as_of <= finding.waiver.until:
        return False
    planned = finding.action and finding.owner and finding.due and finding.due >= as_of
    return duty.if_not_met == "block" or not planned


# --- the words --------------------------------------------------------------------------------------------------------


def worst_first(findings: Iterable[Finding], blocking: Sequence[str] = ()) -> list[Finding]:
    """Findings by status, weakest first; then what blocks, what is not waived, what is measured, what has an interval.

    Of these, first what lies furthest from its limit: in the unit of the limit up to 1 (shares, differences of shares,
    ratios), in parts of the limit where it is larger. Everything else stays in its order.
    """

    def order(finding: Finding) -> tuple[float, ...]:
        return (
            WEAKEST.index(finding.status),
            finding.id not in blocking,
            finding.waiver is not None,
            finding.evidence != "measured",
            finding.interval is None,
            -_distance(finding),
        )

    return sorted(findings, key=order)


def _distance(finding: Finding) -> float:
    if finding.interval is None or finding.value is None or finding.threshold is None:
        return 0.0
    limit = abs(finding.threshold)
    return abs(abs(finding.value) - limit) / max(limit, 1)


def statements(findings: Iterable[Finding], upstream: Iterable[Upstream]) -> dict[str, str]:
    """What each item that a recommendation names means, in words."""
    return {
        POLICY: "nobody has approved it",
        PRELIMINARY: "only the short questionnaire was asked, and nothing is approved on that",
        **{u.stage: f"{_told(u)}; see that stage" for u in upstream},
        **{f.id: f.statement for f in findings},
    }


def _told(earlier: Upstream) -> str:
    if earlier.status != "ok":
        return UPSTREAM_WORDS[earlier.status]
    told = [f"recommendation {earlier.recommendation or 'unknown'}".replace("_", " ")]
    if earlier.lapsed:
        told.append("a waiver or the date of an action has run out since")
    if earlier.review in REVIEW_WORDS:
        told.append(REVIEW_WORDS[earlier.review])
    if earlier.decision:
        told.append(f"people decided {earlier.decision}".replace("_", " "))
    return "; ".join(told)


def leads(found: Recommendation) -> list[str]:
    """What of a recommendation leads to its verdict; nothing to an approval without conditions."""
    return getattr(found, LISTS[found.verdict]) if found.verdict in LISTS else []


def reason(found: Recommendation, findings: Sequence[Finding], upstream: Sequence[Upstream], say: Say = plain) -> str:
    """Why a recommendation is what it is, in one sentence: earlier records first, then the finding that weighs most.

    `say` fills a frame of this module; a page passes one that translates and escapes.
    """
    items = leads(found)
    if not items:
        if found.verdict == "undetermined":
            return say(FRAMES["nothing"])
        claimed = len(found.not_applicable)
        return say(FRAMES["claimed"], count=claimed) if claimed else say(FRAMES["met"])
    clauses = list(_causes(items, upstream, say))
    lead = _lead(items, findings, say)
    if lead and not (found.verdict == "undetermined" and any(u.stage in items for u in upstream)):
        clauses.append(say(FRAMES["conditions"], told=lead) if found.verdict == "approve_with_conditions" else lead)
    return say(FRAMES["sentence"], told=_joined("semicolon", clauses, say))


def _causes(items: Sequence[str], upstream: Sequence[Upstream], say: Say) -> Iterator[str]:
    """What leads to the verdict besides findings of the record's own."""
    earlier = {u.stage: u for u in upstream if u.stage in items}
    if earlier:
        yield say(FRAMES["rests"], stages=_reliance(earlier.values(), say))
    if POLICY in items:
        yield say(FRAMES["policy"])
    if PRELIMINARY in items:
        yield say(FRAMES["preliminary"])


def _reliance(earlier: Iterable[Upstream], say: Say) -> str:
    """Earlier stages with what is wrong with their records, those with the same fault together."""
    by_fault: dict[str, list[str]] = {}
    for one in earlier:
        by_fault.setdefault(_told(one), []).append(say(STAGES[one.stage]))
    groups = [
        say(FRAMES["one" if len(stages) == 1 else "several"], stages=_listed(stages, say), why=say(why))
        for why, stages in by_fault.items()
    ]
    return _joined("semicolon", groups, say)


def _lead(items: Sequence[str], findings: Iterable[Finding], say: Say) -> str | None:
    """The finding among `items` that weighs most, or the requirement that has none."""
    for finding in worst_first((f for f in findings if f.id in items), items)[:1]:
        told = SENTENCE.split(finding.statement.removeprefix(NOT_ASSESSED), 1)[0].rstrip().removesuffix(".")
        said = {"title": _title(finding.requirement), "told": brief(told, say), "amount": _amount(finding, say)}
        return say(STATUSES[finding.status], **said)
    absent = [i.partition(" ")[0] for i in items if i not in (*STAGES, POLICY, PRELIMINARY)]
    return say(FRAMES["absent"], title=_title(absent[0])) if absent else None


def brief(text: str, say: Say = plain) -> str:
    """`text`, or as many of its first words as `BRIEF` characters hold and how many are left out."""
    if len(text) <= BRIEF:
        return text
    kept = text[: BRIEF + 1].rpartition(" ")[0] or text[:BRIEF]
    return say(FRAMES["brief"], told=kept, num=len(text[len(kept) :].split()))


def _title(requirement: str) -> str:
    known = catalogue.requirements().get(requirement)
    return known.title if known else requirement


def _amount(finding: Finding, say: Say) -> str:
    """A measured finding's value with its interval and threshold, in brackets; nothing where there is no value."""
    if finding.value is None or finding.evidence != "measured":
        return ""
    bounds = finding.interval
    low, high = (bounds.low, bounds.high) if bounds else (None, None)
    value, *ends = numbers.rounded(finding.value, low, high, finding.threshold)
    parts = [say(FRAMES["value"], unit=finding.unit, value=value) if finding.unit else value]
    if bounds and None not in ends:
        parts.append(say(FRAMES["interval"], level=f"{bounds.level * 100:g}", low=ends[0], high=ends[1]))
    if finding.threshold is not None:
        parts.append(say(FRAMES["limit"], limit=numbers.limit(finding.threshold)))
    return say(FRAMES["amount"], parts=_joined("comma", parts, say))


def _listed(words: Sequence[str], say: Say) -> str:
    return say(FRAMES["and"], first=_joined("comma", words[:-1], say), last=words[-1]) if words[1:] else words[0]


def _joined(frame: str, parts: Sequence[str], say: Say) -> str:
    return reduce(lambda first, last: say(FRAMES[frame], first=first, last=last), parts)
