"""What ``ethics-kit run --gate`` lets pass: per assessment why not, and how far people's sign-off is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ethics_kit.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ethics_kit.review import Review
    from ethics_kit.runner.results import Result
    from ethics_kit.schema import Policy

TAKEN_BACK = ("returned", "withdrawn", "superseded")
"""The states of a review in which a record lets nothing pass, whatever the policy says."""


TOLD = 40
"""Lines of the gate, at most; the log in JSON names every refusal."""


@dataclass(frozen=True)
class Refusal:
    """An assessment that does not pass: `why`, and how far its `review` is."""

    result: Result
    why: str
    review: str


def refused(results: Iterable[Result], policies: Mapping[Path, Policy]) -> list[Refusal]:
    """The assessments that do not pass under the policy of their own project."""
    found = []
    for result in results:
        review, state = _review(result)
        why = _why(result, review, policies[result.job.project.root])
        if why:
            found.append(Refusal(result, why, state))
    return found


def told(results: Sequence[Result], refusals: Sequence[Refusal], *, problems: int) -> list[str]:
    """What the gate says, in lines: of each refusal why, or of each result that it passed; of many, the first.

    `problems` in dossiers that could not be assessed were told before; with one, nothing passes as a whole.
    """
    if not refusals:
        passed = "Gate: not passed, see the problems above." if problems else "Gate: passed."
        lines = [f"  {r.system}  {r.stage}  {r.verdict}; {_review(r)[1]}" for r in results[:TOLD]]
        return [passed, *lines, *[f"  and {len(results) - TOLD} more"] * (len(results) > TOLD)]
    names = ", ".join(f"{r.result.system} {r.result.stage} {r.result.verdict}" for r in refusals[:TOLD])
    lines = [
        f"  {r.result.system}  {r.result.stage}  refused: {printable(r.why, 500)}; {r.review}" for r in refusals[:TOLD]
    ]
    more = [f"  and {len(refusals) - TOLD} more; --log json names every refusal"] * (len(refusals) > TOLD)
    return [f"Gate: refused {len(refusals)} of {len(results)}: {names}{', …' * bool(more)}", *lines, *more]


def _why(result: Result, review: Review | None, policy: Policy) -> str:
    """Why a result does not pass under the policy of its own project, or nothing."""
    from ethics_kit.runner import reviewing

    if not result.ok:
        return f"the assessment failed: {result.reason}"
    if result.verdict in policy.gate.refuse.value:
        return f"{result.verdict.replace('_', ' ')}. {result.reason}"
    if review is None:
        return "its review cannot be read"
    if review.state in TAKEN_BACK:
        return f"people's review: {review.state}"
    if review.decision == "reject":
        return "people decided reject"
    if review.state != "decided" and reviewing.lost(result.folder):
        return "its reviewed folder was set aside as altered: people have to decide anew"
    if policy.gate.signoff.value == "yes" and review.state != "decided":
        return "the policy asks for a complete sign-off (gate.signoff)"
    return ""


def _review(result: Result) -> tuple[Review | None, str]:
    """The review of a result's record, and its state in words."""
    from ethics_kit.runner import reviewing

    if not result.ok:
        return None, "nothing to sign off"
    try:
        review = reviewing.standing(result.job.project, result.folder).review
    except InputError as error:
        return None, str(error.problems[0])
    return review, f"review {review.state}, {review.signoff.words}"
