"""What a job takes to another machine and what it sends back: its files in one ZIP archive, checked as it is opened.

There and back the archive is untrusted: it holds plain files at places below one folder, each once, and no more bytes
than it says. Nothing in it is run or unpickled.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ethics_kit import disk
from ethics_kit.archive import LATEST, stage_folder
from ethics_kit.attestation import chain
from ethics_kit.disk import Odd
from ethics_kit.errors import RunError, printable, quoted
from ethics_kit.project import STAGES, Project, is_file
from ethics_kit.report import card, commands, pdf
from ethics_kit.runner.fingerprints import files_named
from ethics_kit.runner.job import JobResult, JobSpec, Plain
from ethics_kit.storage import Fetched

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.errors import Problem

LARGEST_FILE = 20_000_000
LARGEST = 200_000_000
"""Bytes of one file of the project, and of all that travels together, before they are packed."""

JOB, FILES, STAGING, RESULT = "job.json", "files", "staging", "result.json"
TOLD = {"notebook.ipynb", commands.REPORT}
PREPARED = {"record.json", card.FILE, pdf.FILE, *TOLD}
"""The files that a job leaves in its staging folder: one that failed, and any."""


class Sent(Plain):
    """A job on its way: folders relative to the parcel's, and the versions that its record has to name.

    `stored` gives the sha256 of each file that the dossier has in storage, by its address: whoever runs the job reads
    it from there.
    """

    spec: JobSpec
    versions: dict[str, str]
    stored: dict[str, str]


@dataclass(frozen=True)
class Contents:
    """What a system's jobs take along: files of its project, and the sha256 of what is in storage by address."""

    files: list[Path]
    stored: dict[str, str]


# --- what travels --------------------------------------------------------------------------------------------------


def contents(dossier: Dossier) -> tuple[Contents, list[Problem]]:
    """What a dossier consists of and names, and why some of it cannot travel.

    Whatever text of its YAML files is a file's path from there is taken for that file's name.
    """
    found = {file.path for file in dossier.files.values()}
    problems = []
    places = [root.resolve() for root in dossier.project.data_roots(dossier.policy.data_roots)]
    for file, key, text, path in files_named(dossier):
        why = _stays(dossier.project, places, path) if is_file(path) else None
        if why:
            problems.append(
                file.problem(
                    key,
                    found=f"{quoted(text)}, {why}, which does not travel to other machines",
                    allowed=f"files in the project's folder, each of {LARGEST_FILE // 1_000_000} MB at most",
                    todo="put a copy into the project, or a large file into storage that the policy lists "
                    "(docs/storage.md); or run this system without --scheduler",
                )
            )
        elif why is not None:
            found.add(Path(os.path.normpath(path)))
    stored = {address: given.sha256 for address, given in dossier.stored.items() if isinstance(given, Fetched)}
    return Contents(sorted(path for path in found if is_file(path)), stored), problems


def _stays(project: Project, places: Iterable[Path], path: Path) -> str | None:
    """Why a file cannot travel, empty where it can; None where it is none that a dossier can mean."""
    real = path.resolve()
    if not real.is_relative_to(project.root):
        return "outside the project" if any(real.is_relative_to(place) for place in places) else None
    if Path(os.path.normpath(path)) != real:
        return "a link"
    size = path.stat().st_size
    return f"{size / 1e6:.0f} MB" if size > LARGEST_FILE else ""


def _records(reports: Path, system: str) -> Iterator[Path]:
    """The files of a system's chain, of its stages' records and of their failures."""
    yield reports / system / chain.FILE
    for stage in STAGES:
        parent = stage_folder(reports, system, stage)
        yield parent / LATEST
        for folder in (*parent.glob("????-??-??_*"), *parent.glob("failed_*")):
            yield from disk.entries(folder).values()


def packed(spec: JobSpec, contents: Contents, versions: dict[str, str]) -> bytes:
    """A job with the contents of its dossier, its project's own template and the earlier records of its system.

    Raises
    ------
    RunError
        A file cannot be read, or all together are too large.
    """
    base = Path(os.path.commonpath([Path(spec.root).parent, Path(spec.reports).parent]))
    places = {name: os.path.relpath(getattr(spec, name), base) for name in ("root", "folder", "reports")}
    there = spec.model_copy(update={**places, "staging": STAGING})
    sent = Sent(spec=there, versions=versions, stored=contents.stored)
    template = spec.project.template(spec.stage)
    own = [template] if template.is_relative_to(spec.root) else []
    entries = {JOB: sent.model_dump_json().encode()}
    for path in (*contents.files, *own):
        content = disk.content(path, LARGEST)
        if isinstance(content, Odd):
            raise RunError(f"{os.path.relpath(path, spec.root)} {content.why}")
        entries[_below(path, base)] = content
    for path in _records(Path(spec.reports), spec.system):
        content = disk.content(path, LARGEST)
        if not isinstance(content, Odd):  # what is no plain file there counts as gone, here as well
            entries[_below(path, base)] = content
    return _archive(entries)


def _below(path: Path, base: Path) -> str:
    return f"{FILES}/{path.relative_to(base).as_posix()}"


def answer(result: JobResult, staging: Path) -> bytes:
    """How a job ended, with what it prepared."""
    entries = {RESULT: result.model_dump_json().encode()}
    entries |= {name: (staging / name).read_bytes() for name in sorted(PREPARED) if (staging / name).is_file()}
    return _archive(entries)


def _archive(entries: Mapping[str, bytes]) -> bytes:
    size = sum(map(len, entries.values()))
    if size > LARGEST:
        raise RunError(
            f"the job's files have {size / 1e6:.0f} MB, and at most {LARGEST // 1_000_000} MB travel to another "
            "machine: run this system without --scheduler"
        )
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return whole.getvalue()


# --- what arrives --------------------------------------------------------------------------------------------------


def unpacked(parcel: bytes, into: Path) -> Sent:
    """The job in a parcel, ready to run: its files lie in `into`, which is empty and nobody else's.

    Raises
    ------
    RunError
        It is no parcel of this kit, or one that reaches out of its folder.
    """
    entries = _opened(parcel, lambda name: name == JOB or (_inside(name) and name.startswith(f"{FILES}/")))
    try:
        sent = Sent.model_validate_json(entries.pop(JOB))
    except (KeyError, ValidationError):
        raise RunError(f"not a job's parcel: no {JOB} of this kit in it") from None
    spec, places = sent.spec, {}
    for name in ("root", "folder", "reports"):
        if not _inside(getattr(spec, name)):
            raise RunError(f"not a job's parcel: {name} is {printable(getattr(spec, name))}")
        places[name] = str(into / FILES / getattr(spec, name))
    for name, content in entries.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    Path(places["root"]).mkdir(parents=True, exist_ok=True)
    return sent.model_copy(update={"spec": spec.model_copy(update={**places, "staging": str(into / STAGING)})})


def received(parcel: bytes, staging: Path) -> JobResult:
    """How a job ended elsewhere; what it prepared lies in `staging` afterwards.

    Raises
    ------
    RunError
        It is no answer of this kit, or holds what no job prepares; nothing was written.
    """
    entries = _opened(parcel, lambda name: name in {RESULT, *PREPARED})
    try:
        result = JobResult.model_validate_json(entries.pop(RESULT))
    except (KeyError, ValidationError):
        raise RunError(f"not a job's answer: no {RESULT} of this kit in it") from None
    ok = result.status == "ok"
    if (
        result.status == "stopped"
        or (ok and not entries.keys() >= {"record.json", *TOLD})
        or entries.keys() - (PREPARED if ok else TOLD)
    ):
        raise RunError(f"not a job's answer: {result.status}, with {', '.join(sorted(entries)) or 'no file'}")
    staging.mkdir(parents=True, exist_ok=True)
    for name, content in entries.items():
        (staging / name).write_bytes(content)
    return result


def _inside(name: str) -> bool:
    """Whether a path stays below the folder that it is seen from."""
    return not set(name) & {"\\", "\0"} and not {"", ".", ".."} & {*name.split("/")}


def _opened(parcel: bytes, permitted: Callable[[str], bool]) -> dict[str, bytes]:
    """The files of an archive by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
            entries = archive.infolist()
            names = [entry.orig_filename for entry in entries]
            wrong = next((name for name in names if not permitted(name)), None)
            if wrong is not None:
                raise RunError(f"a file where none may be: {printable(wrong)}")
            if len({*names}) < len(names) or sum(entry.file_size for entry in entries) > LARGEST:
                raise RunError(f"a file twice, or more than {LARGEST // 1_000_000} MB")
            return {entry.orig_filename: archive.read(entry) for entry in entries}
    except RunError:
        raise
    except Exception as error:  # whatever a damaged or hostile archive makes the reader raise
        raise RunError(f"not an archive that can be read: {type(error).__name__}") from None
