"""What ``ethics-kit run --gate`` lets pass: per assessment why not, and how far people's sign-off is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ethics_kit.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ethics_kit.review import Review
    from ethics_kit.runner.results import Result
    from ethics_kit.schema import Policy

TAKEN_BACK = ("returned", "withdrawn", "superseded")
"""The states of a review in which a record lets nothing pass, whatever the policy says."""


def refused(results: Sequence[Result], policies: Mapping[Path, Policy], *, problems: int) -> list[Result]:
    """Tell each assessment that does not pass, with the reason and the sign-off's state; these are returned.

    `problems` in dossiers that could not be assessed were told before; with one, nothing passes as a whole.
    """
    stopped, told = [], []
    for result in results:
        review, state = _review(result)
        why = _why(result, review, policies[result.job.project.root])
        if why:
            stopped.append(result)
            told.append(f"  {result.system}  {result.stage}  refused: {printable(why, 500)}; {state}")
    names = ", ".join(f"{r.system} {r.stage} {r.verdict}" for r in stopped)
    passed = "Gate: not passed, see the problems above." if problems else "Gate: passed."
    typer.echo(f"Gate: refused {len(stopped)} of {len(results)}: {names}" if stopped else passed)
    for line in told or [f"  {r.system}  {r.stage}  {r.verdict}; {_review(r)[1]}" for r in results]:
        typer.echo(line)
    return stopped


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
