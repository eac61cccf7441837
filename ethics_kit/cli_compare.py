"""``ethics-kit compare``: which two records are meant, whether they can be trusted, and what changed between them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ethics_kit.errors import InputError, Problem, display_path, printable
from ethics_kit.project import STAGES, is_file, require_project, write_atomic

if TYPE_CHECKING:
    from ethics_kit.report.compared import Side

FORMS = "a record's folder or record.json, SYSTEM/STAGE, SYSTEM/STAGE/DAY, or six or more digits of a record's id"
ID = re.compile(r"[0-9a-f]{6,64}")
SHOWN_OF_ID = 12


def compare(
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD",
            help="Its folder or record.json, SYSTEM/STAGE (the current one), SYSTEM/STAGE/DAY, or its id's beginning.",
        ),
    ],
    later: Annotated[
        str, typer.Argument(metavar="[LATER]", help="The record to hold it against. Alone, RECORD is the later one.")
    ] = "",
    page: Annotated[Path | None, typer.Option(help="Also write a page: a new or existing .html file.")] = None,
    reports: Annotated[Path | None, typer.Option(help="Where records lie. Default: reports/ of the project.")] = None,
) -> None:
    """Tell what changed between two records of a stage; RECORD alone: since the last record of an earlier day."""
    from ethics_kit.report import compared

    if page:
        _refuse_page(page)
    before, after = _sides(record, later, reports)
    if page:
        write_atomic(page, compared.page(before, after).encode())
    for line in compared.lines(before, after):
        typer.echo(printable(line, 4000))
    if page:
        typer.echo(f"\nPage: {printable(display_path(page), 4096)}")


def _refuse_page(page: Path) -> None:
    """A page is a new file or an earlier page, never among a record's own files."""
    found = ""
    if page.suffix != ".html" or page.is_dir():
        found = "no name of a page"
    elif not page.parent.is_dir():
        found = "a folder that is not there"
    elif is_file(page.parent / "record.json"):
        found = "the folder of a record, which nothing is added to"
    if found:
        allowed, todo = "FILE.html in a folder that exists", "name another file"
        raise InputError([Problem(file=page, key="--page", found=found, allowed=allowed, todo=todo)])


def _sides(first: str, second: str, reports: Path | None) -> tuple[Side, Side]:
    """The records meant, the earlier and the later one.

    Raises
    ------
    InputError
        A record is not there, cannot be trusted, or is of another stage.
    """
    places: list[Path] = []
    sides: list[Side] = []
    problems: list[Problem] = []
    for name in filter(None, (first, second)):
        try:
            places.append(_place(name, reports))
            sides.append(_side(places[-1]))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    if len(sides) == 1:
        sides.insert(0, _earlier(places[0], sides[0]))
    before, after = sides
    if before.record.stage != after.record.stage:
        found = f"a record of {before.record.stage} and one of {after.record.stage}"
        raise InputError([_problem(places[-1], found, "two records of one stage", "name records of one stage")])
    return before, after


def _problem(file: Path, found: str, allowed: str, todo: str) -> Problem:
    return Problem(file=file, found=found, allowed=allowed, todo=todo)


def _place(named: str, reports: Path | None) -> Path:
    """The record.json that `named` means."""
    given = Path(named)
    if is_file(given):
        return given.resolve()
    if is_file(given / "record.json"):
        return (given / "record.json").resolve()
    root = reports or require_project(Path.cwd()).reports
    found = _by_id(root, named) if ID.fullmatch(named) else _by_stage(root, *named.strip("/").split("/"))
    if len(found) == 1:
        return (found[0] / "record.json").resolve()
    if found:
        names = ", ".join(sorted(folder.name for folder in found)[:5])
        raise InputError([_problem(given, f"{len(found)} records: {names}", "one record", "write more of its name")])
    raise InputError([_problem(given, f"no record in {display_path(root)}", FORMS, "check the spelling")])


def _by_id(root: Path, digits: str) -> list[Path]:
    from ethics_kit.record import read_record

    found = [p.parent for p in root.glob(f"*/*/????-??-??_{digits[:SHOWN_OF_ID]}*/record.json")]
    if len(digits) <= SHOWN_OF_ID:
        return found
    records = {folder: read_record(folder / "record.json")[0] for folder in found}
    return [folder for folder, record in records.items() if record and record.record_id.startswith(digits)]


def _by_stage(root: Path, *parts: str) -> list[Path]:
    """The current record of SYSTEM/STAGE, or those of which the folder's name begins with a third part."""
    from ethics_kit import archive

    if len(parts) not in (2, 3) or parts[0] in ("", ".", "..") or parts[1] not in STAGES:
        return []
    if len(parts) == 2:
        current = archive.current_folder(archive.stage_folder(root, parts[0], parts[1]))
        return [current] if current else []
    return [p for p in archive.folders(root, parts[0], parts[1]) if p.name.startswith(parts[2])]


def _side(place: Path) -> Side:
    """The record in `place`, which has to be as it was published; outside a reports folder, as it was written."""
    from ethics_kit import past
    from ethics_kit.attestation import folder as folders
    from ethics_kit.attestation.chain import FILE, read_chain
    from ethics_kit.record import read_record
    from ethics_kit.report.compared import Side

    folder = place.parent
    record, why = read_record(place)
    system = folder.parents[1] if len(folder.parents) > 2 else folder
    published = folder.parent.name in STAGES and is_file(system / FILE)
    if record and published and (told := folders.altered(folder, read_chain(system.parent, system.name)[0])):
        record, why = None, "; ".join(told)
    if record is None:
        allowed = "a record as it was published"
        todo = "see what was changed with: ethics-kit verify" if published else "use the file that the kit wrote"
        raise InputError([_problem(place, why, allowed, todo)])
    if not published:
        return Side(record, None, None)
    return Side(record, *past.review_state(folder, record))


def _earlier(place: Path, side: Side) -> Side:
    """The last record of an earlier day in the same reports folder."""
    from ethics_kit import past

    record, folder = side.record, place.parent
    if side.state is None:
        todo = "name both records"
        raise InputError([_problem(place, "a record outside a reports folder", "a record in its place", todo)])
    reports = folder.parents[2]
    last = past.last(reports, folder.parents[1].name, record.stage, before=record.as_of)
    if not last.records:
        found = f"no record of a day before {record.as_of} that is as it was published"
        todo = "name both records; those of one day by the beginning of their id"
        raise InputError([_problem(folder.parent, found, "an earlier record to compare with", todo)])
    (address,) = last.files
    return _side(reports / address)
