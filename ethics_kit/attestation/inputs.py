"""The inputs that records name, as they are now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ethics_kit import disk, schema, storage, yamlfile
from ethics_kit.disk import Odd
from ethics_kit.errors import InputError
from ethics_kit.project import Project, bundle
from ethics_kit.record import EARLIER, Input, Record


@dataclass
class Inputs:
    """Where inputs lie, earlier records in a reports folder and others in a project, and their digests so far.

    `storage` lists the buckets and folders of storage that may be read; None: storage is not looked into.
    """

    project: Project | None
    reports: Path | None = None
    roots: Sequence[Path] = ()
    storage: Sequence[str] | None = None
    seen: dict[Path, str | Odd] = field(default_factory=dict)

    def differences(self, record: Record) -> list[tuple[str, str]]:
        """Address and what is different, for each file among the inputs of `record` that is not there as it was."""
        placed = [(one, self._base(one)) for one in record.inputs if not one.in_database]
        found = {(one.address, self._differs(base, one)) for one, base in placed if base}
        if any(base is None for _, base in placed):
            which = "outside the reports folder" if self.reports else "of any kind"
            found.add((which, "no project is here to look in"))
        return sorted((address, why) for address, why in found if why)

    def elsewhere(self, record: Record) -> list[tuple[str, str]]:
        """Address of each input of `record` that no file holds, and why it is not looked at."""
        why = "lies in a database, which is not asked here; its digest is that of the columns that were read"
        return [(one.address, why) for one in record.inputs if one.in_database]

    def _base(self, one: Input) -> Path | None:
        if one.role == EARLIER:
            return self.reports
        return self.project.root if self.project else None

    def _differs(self, base: Path, one: Input) -> str:
        if storage.is_address(one.address):
            now = self._stored(one.address)
        else:
            path = self._path(base, one)
            if isinstance(path, Odd):
                return path.why
            if path not in self.seen:
                self.seen[path] = disk.digest(path) if path.exists() else Odd("is gone")
            now = self.seen[path]
        if isinstance(now, Odd):
            return f"{now.why}; it had sha256 {one.sha256}"
        return "" if now == one.sha256 else f"has changed since: it had sha256 {one.sha256}, it has {now}"

    def _stored(self, address: str) -> str | Odd:
        if self.storage is None:
            return Odd("lies in storage, which verify --inputs looks into")
        if not storage.listed(address, self.storage):
            return Odd("lies in storage that the policy's data_roots do not list")
        try:
            return storage.fetched(address).sha256
        except storage.StorageError as error:
            return Odd(f"cannot be read from storage: {error.found}")

    def _path(self, base: Path, one: Input) -> Path | Odd:
        if one.address.startswith("outside:"):
            return Odd("lay outside the project and the policy's data_roots")
        address = one.address
        if below := re.match(r"root(\d{1,3}):", address):
            number = int(below[1])
            if not 0 < number <= len(self.roots):
                return Odd("lay in a folder that the policy's data_roots no longer list")
            base, address = self.roots[number - 1].resolve(), address[below.end() :]
        path = base / address
        if one.role == "template" and not path.exists():
            path, base = bundle() / address, bundle()
        try:
            inside = path.resolve().is_relative_to(base.resolve())
        except (OSError, ValueError, RuntimeError):
            inside = False
        return path if inside else Odd("has an address that leads out of the project")


def of_project(project: Project | None, reports: Path | None = None, *, remote: bool = False) -> Inputs:
    """The inputs of `project`, whose policy says where tables may lie besides, and earlier records in `reports`.

    With `remote`, what lies in storage is read, too.
    """
    if project is None:
        return Inputs(None, reports)
    try:
        policy, _ = yamlfile.validate(schema.Policy, yamlfile.read(project.policy))
    except InputError:
        policy = None
    listed = policy.data_roots if policy else []
    return Inputs(project, reports, project.data_roots(listed), listed if remote else None)
