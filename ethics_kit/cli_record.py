"""The commands about a record that is published: making a key, signing, verifying."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ethics_kit.errors import InputError, Problem, display_path, printable
from ethics_kit.project import PASSPHRASE, STAGES, Project, find_project, locate_system, require_project

if TYPE_CHECKING:
    from ethics_kit.archive import Latest

RecordName = Annotated[
    str, typer.Argument(metavar="RECORD", help="A record's folder, or SYSTEM/STAGE for the current one.")
]


def sign(
    record: RecordName,
    key: Annotated[Path, typer.Option(help="The private key's file, as keygen wrote it.")],
) -> None:
    """Sign a record. Its page is rendered anew with the signature, and the act added to the system's chain."""
    from ethics_kit.attestation import keys
    from ethics_kit.runner import acts

    project, folder = locate_record(record)
    signer = keys.load_private(key, passphrase(key))
    by = acts.signing(project, keys.of_project(project), signer)
    signed = acts.act(project, folder, act="sign", signer=signer)
    where, name = display_path(folder / "report.html"), printable(by.name)
    if not signed:
        typer.echo(f"Nothing to do: {name} has signed this record and its review as they are: {where}")
        return
    typer.echo(f"Signed by {name}, {printable(by.role)}: {where}")
    typer.echo(acts.tell_pages(project, folder))


def verify(
    reports: Annotated[
        Path | None,
        typer.Argument(help="A folder of reports, of a system or of a record, or a system. Default: the project's."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A YAML file with the signers to trust, in place of organisation.yaml.")
    ] = None,
    inputs: Annotated[
        bool, typer.Option("--inputs", help="An input that is gone or has changed since counts as altered.")
    ] = False,
) -> None:
    """Check that records are as they were written: files, signatures, chain, conclusions. Exit code 1 where not."""
    from ethics_kit.attestation import told
    from ethics_kit.attestation.verify import verify

    found = verify(_located(reports), key_file=keys, inputs=inputs)
    for line in told.lines(found):
        typer.echo(line)
    raise typer.Exit(int(found.altered))


def _located(reports: Path | None) -> Path:
    """The folder named; what is no folder here may lie in the project's reports, as a system does by its name."""
    if reports is None:
        return require_project(Path.cwd()).reports
    project = find_project(Path.cwd())
    below = project.reports / reports if project else reports
    return below if below.is_dir() and not reports.exists() else reports


def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write the private key: a new file, best outside the project.")],
    name: Annotated[str, typer.Option(help="Whose key it is, as organisation.yaml is to show it.")] = "",
    role: Annotated[str, typer.Option(help="In which role, such as ethics_officer or committee.")] = "",
) -> None:
    """Make a key to sign records with (Ed25519), encrypted by a passphrase; print the public half to paste."""
    from ethics_kit.attestation import keys

    if file.exists():
        raise keys.there_already(file)
    public = keys.generate(file, passphrase(file, new=True))
    typer.echo(f"Private key, for its owner alone: {display_path(file)}")
    typer.echo("Have this added to parameters/organisation.yaml; only then do its signatures count. It takes the place")
    typer.echo("of an empty list of signers; below signers that stand there already, leave its first line out.\n")
    block = "\n".join(f"      {line}" for line in public.strip().splitlines())
    typer.echo(
        f"signers:\n  - name: {_quoted(name)}\n    role: {_quoted(role)}\n"
        f"    public_key: |\n{block}\n    from: {datetime.now(UTC).date()}"
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""


def passphrase(file: Path, *, new: bool = False) -> str:
    """From the environment, else asked for; of a new key twice.

    Raises
    ------
    InputError
        There is neither a passphrase in the environment nor anybody to ask.
    """
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    if not sys.stdin.isatty():
        todo = f"run it in a terminal, or set {PASSPHRASE}"
        raise InputError(
            [Problem(file=file, found="no passphrase, and no terminal to ask in", allowed="a passphrase", todo=todo)]
        )
    words = "A passphrase for the new key" if new else "The key's passphrase"
    return str(typer.prompt(words, hide_input=True, confirmation_prompt=new))


def locate_record(named: str) -> tuple[Project, Path]:
    """The project and folder of the record that `named` means: a record's folder, or SYSTEM/STAGE for the current one.

    Raises
    ------
    InputError
        There is no such record.
    """
    given = Path(named)
    if (given / "record.json").is_file():
        folder = given.resolve()
        if folder.parent.name not in STAGES or len(folder.parents) < 4:
            found, allowed = "a record that lies in no reports folder", "reports/SYSTEM/STAGE/RECORD"
            raise InputError([Problem(file=given, found=found, allowed=allowed, todo="use the record in its place")])
        return find_project(folder.parents[3]) or require_project(Path.cwd()), folder
    system, _, stage = named.rpartition("/")
    if not system or stage not in STAGES:
        found = "no record there"
        allowed = f"a folder with a record.json, or SYSTEM/STAGE with a stage of {', '.join(STAGES)}"
        raise InputError([Problem(file=given, found=found, allowed=allowed, todo="check the spelling")])
    from ethics_kit import archive

    project, dossier = locate_system(system)
    parent = archive.stage_folder(project.reports, dossier.name, stage)
    latest = archive.read_latest(parent)
    if latest is None or latest.status != "ok" or not (parent / latest.folder / "record.json").is_file():
        raise InputError([_no_current(parent, latest, dossier.name, stage)])
    return project, parent / latest.folder


def _no_current(parent: Path, latest: Latest | None, system: str, stage: str) -> Problem:
    found = "no record" if latest is None else "a record that is gone" if latest.status == "ok" else "a failed run"
    todo = f"assess it first: ethics-kit run {system} --stage {stage}"
    return Problem(file=parent, found=found, allowed="a record that is current", todo=todo)
