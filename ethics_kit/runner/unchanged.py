"""Which assessments need not run again, because nothing that they read has changed.

What a record read stands in its attestation: address and sha256 of each input. The cache holds what it looked at
besides, as one digest per stage: the kit and its libraries, the day, where the paths that the dossier names lead to,
and the records, reviews and failed runs that the stage takes into account. It never says what a record says.

Of an object in storage one request tells whether it has changed. Of a table in a database nothing does that costs less
than to read it: a stage that reads one is run each time.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ethics_kit import archive, duties, storage
from ethics_kit.archive import Latest
from ethics_kit.attestation import chain, statement
from ethics_kit.checks import stored
from ethics_kit.dossier import Dossier, policy_of
from ethics_kit.measures.formats import pickle_allowed
from ethics_kit.project import STAGES, Project, Stage, is_file, notebook_name
from ethics_kit.report import pdf
from ethics_kit.runner import cache, standing
from ethics_kit.runner.digests import Digests
from ethics_kit.runner.fingerprints import changed, digest, kit, named
from ethics_kit.runner.limits import TIME_LIMIT
from ethics_kit.runner.results import Job, Result
from ethics_kit.storage import Fetched

SETTLED = 0.1
"""Seconds by which the times of files may lag behind the clock."""
DATED, FAILED = re.compile(r"\d{4}-\d\d-\d\d_"), re.compile(r"failed_\d{4}-\d\d-\d\d\Z")


class Memory:
    """One system's cache, and what its files are now. Files are looked at once until `forget`."""

    def __init__(self, project: Project, folder: Path, reports: Path) -> None:
        self._project, self._system, self._reports = project, folder.name, reports
        self._path = cache.path(reports, folder.name)
        self._cache = cache.read(self._path)
        self._digests = Digests(self._cache.digests)
        self._looked: dict[str, Any] = {}

    def forget(self) -> None:
        """Look anew: something may have changed since."""
        self._looked.clear()

    def save(self) -> None:
        """Keep what is known for the next run, where it can be kept."""
        cache.write(self._path, self._cache, self._digests.used)

    # --- the dossier ---------------------------------------------------------------------------------------------

    def sound(self) -> bool:
        """Whether the dossier and all that it names are as they were when they were found in order."""
        return self._cache.valid is not None and self._cache.valid == self._named_digest(self._cache.named)

    def found_sound(self, dossier: Dossier, began: float) -> None:
        """The dossier was found in order; `began` is when, in seconds of the clock, its files were first read."""
        names = sorted({*named(dossier)})
        untouched = all(changed(self._project.parameters / name) < began - SETTLED for name in names)
        seen = {address: given.sha256 for address, given in dossier.stored.items() if isinstance(given, Fetched)}
        self._looked["stored"] = seen  # what was looked at, whatever has come since
        valid = self._named_digest(names) if untouched and not dossier.database else None
        self._cache = self._cache.model_copy(update={"named": names, "valid": valid})
        self.forget()

    def _named_digest(self, names: Sequence[str]) -> str | None:
        """The digest of all that the dossier names, as it is now; None where storage does not say it of an object."""
        read = [(name, self._named(name)) for name in names]
        if any(sha256 is None and storage.is_address(name) for name, sha256 in read):
            return None
        return digest([kit(), pickle_allowed(), read])

    def _named(self, name: str) -> str | None:
        return self._stored().get(name) if storage.is_address(name) else self._file(self._project.parameters / name)

    # --- the stages ----------------------------------------------------------------------------------------------

    def kept(self, job: Job) -> Result | None:
        """The standing record of a job as its result, where running it would give the same; None where it may not."""
        began = time.monotonic()
        seen = self._cache.stages.get(job.stage)
        if seen is None or seen.state != self.state(job) or not self._stands(job, seen):
            return None
        folder = archive.stage_folder(self._reports, self._system, job.stage) / seen.record
        told = standing.told(folder)
        if told is None:
            return None
        recommendation, day = told
        seconds = time.monotonic() - began
        return Result(job, recommendation.verdict, recommendation.reason, folder, seconds, new=False, since=day)

    def state(self, job: Job) -> str | None:
        """The digest of what a job looks at besides the inputs that its record will name; None if it is not known."""
        if not self._cache.named:
            return None
        leads = [(name, self._leads(name)) for name in self._cache.named]
        records = [(stage, self._records(stage, job)) for stage in STAGES if stage in looked_at(job.stage)]
        return digest([kit(), pickle_allowed(), job.stage, job.as_of.isoformat(), leads, records])

    def all_of(self, job: Job) -> str | None:
        """The digest of all that a job may read, as it is now; None where that is not known."""
        self.forget()
        template, read = self._file(self._project.template(job.stage)), self._named_digest(self._cache.named)
        return digest([self.state(job), read, template]) if read else None

    def ran(self, result: Result, before: str | None) -> None:
        """A job ended; `before` it began, `all_of` was so. What was changed meanwhile it may or may not have seen."""
        job = result.job
        stages = {name: seen for name, seen in self._cache.stages.items() if name != job.stage}
        as_before = result.ok and before and self.all_of(job) == before
        sha256, state = self._file(result.folder / standing.RECORD), self.state(job)
        if as_before and sha256 and state:
            stages[job.stage] = cache.Seen(record=result.folder.name, sha256=sha256, state=state)
        self._cache = self._cache.model_copy(update={"stages": stages})

    def _stands(self, job: Job, seen: cache.Seen) -> bool:
        """Whether the record is the current one, its folder as it was left and attested, and each input as it was."""
        name = seen.record
        parent = archive.stage_folder(self._reports, self._system, job.stage)
        known = self._chain()
        if archive.read_latest(parent) != Latest("ok", name, job.as_of) or known is None:
            return False
        stated = standing.attested(parent / name, known)
        if stated is None or chain.pending(self._reports, self._system):
            return False
        about = stated.predicate
        own = (about.system, about.stage, about.as_of) == (self._system, job.stage, job.as_of)
        if not own or name != f"{about.as_of}_{about.record_id[:12]}" or (job.pdf and pdf.FILE not in stated.files):
            return False
        if self._files(parent / name) != stated.files or stated.files.get(standing.RECORD) != seen.sha256:
            return False
        return all(self._input(address, job.stage) == sha256 for address, sha256 in stated.inputs)

    def _input(self, address: str, stage: str) -> str | None:
        """The sha256 of an input now; None where it is gone, or lay where nobody looks, as in a database."""
        if address == f"notebooks/{notebook_name(stage)}":
            return self._file(self._project.template(stage))
        if re.match(rf"{re.escape(self._system)}/({'|'.join(STAGES)})/[^/]+/record\.json\Z", address):
            return self._file(self._reports / address)  # an earlier record
        if storage.is_address(address):
            return self._stored().get(address)
        if re.match(r"root\d+:", address):
            return self._elsewhere().get(address)
        return None if ":" in address else self._file(self._project.root / address)

    def _elsewhere(self) -> dict[str, str | None]:
        """The files named outside the project, by the address that a record gives them."""
        if "elsewhere" not in self._looked:
            roots = self._project.data_roots(self._listed())
            paths = [self._project.parameters / name for name in self._cache.named if not storage.is_address(name)]
            self._looked["elsewhere"] = {self._project.address(path, roots): self._file(path) for path in paths}
        found: dict[str, str | None] = self._looked["elsewhere"]
        return found

    def _stored(self) -> dict[str, str | None]:
        """The sha256 of each object named that the policy lets be read, where storage says that it is as it was."""
        if "stored" not in self._looked:
            addresses = [name for name in self._cache.named if storage.is_address(name)]
            self._looked["stored"] = stored.known(addresses, self._listed() if addresses else ())
        found: dict[str, str | None] = self._looked["stored"]
        return found

    def _listed(self) -> list[str]:
        """The folders and storage that the policy lets be read."""
        policy = policy_of(self._project)
        return policy.data_roots if policy else []

    def _records(self, stage: Stage, job: Job) -> list[Any]:
        """What there is of a stage up to a job's day: records with all their files and acts, failed runs, the current.

        Of the job's own stage, and of one that comes later, the day itself does not count.
        """
        parent = archive.stage_folder(self._reports, self._system, stage)
        rests = stage in dict(duties.rests_on(job.stage))
        last = job.as_of.isoformat()
        names = sorted(entry.name for entry in _entries(parent) if entry.is_dir())
        told: list[Any] = [
            (name, self._acts(stage, name), self._file(parent / name / statement.FILE), self._files(parent / name))
            for name in names
            if DATED.match(name) and (name[:10] < last or (rests and name[:10] == last))
        ]
        told += [name for name in names if FAILED.match(name) and name.removeprefix("failed_") <= last]
        latest = archive.read_latest(parent)
        if latest and (latest.as_of < job.as_of or (rests and latest.as_of == job.as_of)):
            told.append((latest.status, latest.folder, latest.as_of.isoformat()))
        elif told and stage != job.stage:
            told.append(latest is not None)  # without it the last of them counts as altered
        return told

    def _acts(self, stage: Stage, record: str) -> list[str]:
        known = self._chain()
        return [e.sha256 for e in known.entries if (e.stage, e.record) == (stage, record)] if known else []

    # --- files, looked at once -----------------------------------------------------------------------------------

    def _chain(self) -> chain.Chain | None:
        if "chain" not in self._looked:
            self._looked["chain"] = chain.read_chain(self._reports, self._system)[0]
        known: chain.Chain | None = self._looked["chain"]
        return known

    def _file(self, path: Path) -> str | None:
        key = f"file {path}"
        if key not in self._looked:
            self._looked[key] = self._digests.of(path)
        found: str | None = self._looked[key]
        return found

    def _files(self, folder: Path) -> dict[str, str | None]:
        """The digests of what belongs into a record's folder, but the newest attestation."""
        key = f"folder {folder}"
        if key not in self._looked:
            plain = [e.name for e in _entries(folder) if e.is_file(follow_symlinks=False)]
            self._looked[key] = {name: self._digests.of(folder / name) for name in plain if statement.belongs(name)}
        found: dict[str, str | None] = self._looked[key]
        return found

    def _leads(self, name: str) -> str | None:
        """Where a path that the dossier names leads to, if to a file."""
        key = f"leads {name}"
        if key not in self._looked:
            path = self._project.parameters / name
            there = is_file(path)
            self._looked[key] = os.path.relpath(path.resolve(), self._project.root) if there else None
        found: str | None = self._looked[key]
        return found


@dataclass(frozen=True)
class Wanted:
    """What a run is to do for each of its systems; with `force`, whether or not anything has changed.

    Limits are for each notebook: seconds, and bytes of memory.
    """

    stages: Sequence[Stage]
    as_of: date
    reports: Path | None = None
    pdf: bool = False
    force: bool = False
    time_limit: float = TIME_LIMIT
    memory_limit: int | None = None

    def memory(self, project: Project, folder: Path) -> Memory:
        return Memory(project, folder, self.reports or project.reports)

    def job(self, project: Project, folder: Path, stage: Stage) -> Job:
        where = self.reports or project.reports
        return Job(project, folder, stage, self.as_of, where, self.pdf, self.time_limit, self.memory_limit)

    def kept(self, project: Project, folder: Path) -> list[Result]:
        """The results of a system of which nothing at all has changed, so that it need not be validated; else none."""
        memory, results = self.memory(project, folder), []
        if self.force or not memory.sound():
            return []
        for stage in self.stages:
            result = memory.kept(self.job(project, folder, stage))
            if result is None:
                return []
            results.append(result)
        memory.save()
        return results

    def found_sound(self, dossier: Dossier, began: float) -> None:
        """Keep that a dossier was found in order; `began` as in `Memory.found_sound`."""
        memory = self.memory(dossier.project, dossier.folder)
        memory.found_sound(dossier, began)
        memory.save()


def looked_at(stage: Stage) -> set[str]:
    """The stages whose records one takes into account; a test holds this to what is read."""
    if stage == "deployment_signoff":
        return {*STAGES}
    card = {"bias_testing"} if stage == "design_review" else set()  # its model card tells of the bias testing before
    return {stage, *dict(duties.rests_on(stage)), *card}


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
