"""The command that reviews a record: submits it, comments on it, decides on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from ethics_kit.cli_record import RecordName, locate_record, passphrase
from ethics_kit.errors import InputError, Problem, display_path, printable

if TYPE_CHECKING:
    from ethics_kit.attestation.identities import Reviewed

Act = Literal["submit", "comment", "return", "decide", "withdraw", "supersede"]
Decision = Literal["approve", "approve_with_conditions", "reject"]


def review(
    record: RecordName,
    act: Annotated[Act | None, typer.Argument(help="What is done; without it, the review is shown.")] = None,
    by: Annotated[str, typer.Option(help="Who does it; for a committee, who speaks for it.")] = "",
    role: Annotated[str, typer.Option(help="In which role: owner, ethics_officer, committee, executive decide.")] = "",
    on: Annotated[str, typer.Option(help="ISO date. Default: today.")] = "",
    finding: Annotated[list[str] | None, typer.Option(help="A finding's id that a comment is about.")] = None,
    text: Annotated[str, typer.Option(help="The comment.")] = "",
    decision: Annotated[Decision | None, typer.Option(help="The decision.")] = None,
    reason: Annotated[str, typer.Option(help="Why: for a decision that departs, and for every other end.")] = "",
    minute: Annotated[str, typer.Option(help="A committee's minute: https://… or a file in the dossier.")] = "",
    recorded_by: Annotated[str, typer.Option(help="The officer who records the committee's minute.")] = "",
    member: Annotated[list[str] | None, typer.Option(help="A member who was present; once for each.")] = None,
    key: Annotated[Path | None, typer.Option(help="Sign the act with this key; name and role are the key's.")] = None,
) -> None:
    """Show a record's review, or add to it: submit, comment, return, decide, withdraw, supersede."""
    from ethics_kit.attestation import keys
    from ethics_kit.runner import acts, reviewing

    project, folder = locate_record(record)
    given = {
        "by": by,
        "role": role,
        "on": on,
        "findings": finding,
        "text": text,
        "decision": decision,
        "reason": reason,
        "minute": minute,
        "recorded_by": recorded_by,
        "members": member,
    }
    if act is None:
        _refuse_without_an_act(folder, [name for name, value in {**given, "key": key}.items() if value])
        _show(reviewing.standing(project, folder))
        return
    signer = keys.load_private(key, passphrase(key)) if key else None
    _show(reviewing.enter(project, folder, {"act": act, **given}, signer=signer))
    typer.echo(f"Report: {display_path(folder / 'report.html')}")
    typer.echo(acts.tell_pages(project, folder))


def _refuse_without_an_act(folder: Path, given: list[str]) -> None:
    if given:
        found, todo = f"{', '.join(given)}, and no act", "say what is done, such as: review RECORD comment"
        raise InputError([Problem(file=folder, key="act", found=found, allowed=", ".join(get_args(Act)), todo=todo)])


def _show(reviewed: Reviewed) -> None:
    """State, entries and what is missing."""
    found = reviewed.review
    about = f"{found.record.system['id']} {found.record.stage} as of {found.record.as_of}"
    typer.echo(f"{about}: {found.state}; recommendation {found.record.recommendation.verdict}")
    for entry, identity in reviewed.entries:
        said = [entry.decision or "", ", ".join(entry.findings), entry.text or "", entry.reason or ""]
        words = "; ".join(printable(part, 300) for part in said if part)
        who = printable(f"{entry.by} ({entry.role})", 300)
        typer.echo(f"  {entry.on}  {entry.act}  {who}, {identity}{'  ' * bool(words)}{words}")
    decided = f"decision {found.decision}" if found.state == "decided" else "no decision taken"
    typer.echo(f"Sign-off, level {found.record.obligations.level}: {found.signoff.words}; {decided}")
