"""A system's dossier: parameters/<system>/*.yaml with the policy and the organisation, validated whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ethics_kit import checks, schema, yamlfile
from ethics_kit.errors import InputError, Problem
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project
from ethics_kit.storage import Fetched, StorageError

if TYPE_CHECKING:
    from ethics_kit.measures.tables import Tables

SYSTEM_ID = re.compile(r"^[A-Za-z][A-Za-z0-9_-]{0,63}\Z")

SHARED = ("policy", "organisation")
"""The files that all dossiers of a project share."""

S = TypeVar("S", bound=schema.StageAnswers)


@dataclass(frozen=True)
class Given:
    """An answer as it counts for a system: its own, or the organisation's."""

    answer: schema.Answer
    inherited: bool
    folder: Path

    @property
    def evidence_file(self) -> Path | None:
        """The evidence as a path, where it is a file and not a link."""
        evidence = self.answer.evidence
        return None if evidence is None or checks.answers.LINK.match(evidence) else self.folder / evidence


@dataclass(frozen=True)
class LocatedTable:
    """A table of the dossier: where its file is (None: it is in a database), and who declared it."""

    spec: schema.TableSpec
    inherited: bool
    path: Path | None
    file: yamlfile.YamlFile

    @property
    def address(self) -> str:
        """Where a table of a database lies: the policy's name of the database, and the table; no host and no user."""
        return f"{self.spec.data}:{self.spec.table}"


@dataclass(frozen=True)
class Dossier:
    """One system's validated files."""

    project: Project
    folder: Path
    policy: schema.Policy
    organisation: schema.Organisation
    system: schema.System
    stages: Mapping[str, schema.StageAnswers]
    files: Mapping[str, yamlfile.YamlFile] = field(repr=False)

    @property
    def id(self) -> str:
        return self.folder.name

    def stage(self, model: type[S]) -> S:
        """The answers file whose model is `model`."""
        return next(s for s in self.stages.values() if isinstance(s, model))

    def answers(self, stage: str) -> dict[str, Given]:
        """What counts as answered: the system's own answers over the organisation's, an empty one over none."""
        known = catalogue.questions(stage)
        shared = {q: a for q, a in self.organisation.answers.items() if q in known}
        given = {q: Given(a, True, self.project.parameters) for q, a in shared.items()}
        own = {q: a for q, a in self.stages[stage].answers.items() if a.given or q not in given}
        return given | {q: Given(a, False, self.folder) for q, a in own.items()}

    @cached_property
    def located_tables(self) -> dict[str, LocatedTable]:
        """All tables by name, the system's own over the organisation's."""
        found = {}
        for name, spec in self.organisation.tables.items():
            path = self.place(self.project.parameters, spec.source) if spec.source else None
            found[name] = LocatedTable(spec, True, path, self.files["organisation"])
        for name, spec in self.system.tables.items():
            path = self.place(self.folder, spec.source) if spec.source else None
            found[name] = LocatedTable(spec, False, path, self.files["system"])
        return found

    @property
    def database(self) -> str | None:
        """The database of policy.yaml that the tables lie in, where they lie in one."""
        return next((t.spec.data for t in self.located_tables.values() if t.spec.data), None)

    @cached_property
    def tables(self) -> Tables:
        """The tables' files, opened when first asked for."""
        from ethics_kit.measures.tables import Tables

        return Tables(checks.data.sources(self) | checks.extracts.sources(self), checks.data.database(self))

    @property
    def model_file(self) -> Path | None:
        """The model itself, where the dossier gives it."""
        return self.place(self.folder, self.system.model.file) if self.system.model.file else None

    @cached_property
    def stored(self) -> Mapping[str, Fetched | StorageError]:
        """What storage gave for each address that the policy lets be read, asked for once."""
        return checks.stored.held(self)

    def place(self, folder: Path, source: str) -> Path:
        """Where the file is on this machine that `source` means: from `folder`, or as fetched from storage."""
        given = self.stored.get(source)
        return given.path if isinstance(given, Fetched) else folder / source

    def address(self, path: Path) -> str:
        """The place of a file as a record names it: in storage, else in the project or in a folder of the policy's."""
        for address, given in self.stored.items():
            if isinstance(given, Fetched) and given.path == path:
                return address
        return self.project.address(path, self.project.data_roots(self.policy.data_roots))

    def attribute_table(self, name: str) -> str:
        """The table an attribute's column is in: as declared, else the customers table, else the events."""
        attribute = self.system.attributes[name]
        if attribute.table:
            return attribute.table
        return "customers" if "customers" in self.located_tables else self.system.events

    def held_attributes(self) -> Iterator[tuple[str, schema.Attribute, str]]:
        """Each attribute that has a column, with the table it is in."""
        for name, attribute in self.system.attributes.items():
            if attribute.column:
                yield name, attribute, self.attribute_table(name)


def policy_of(project: Project) -> schema.Policy | None:
    """A project's policy, where it is in order."""
    try:
        return yamlfile.validate(schema.Policy, yamlfile.read_shared(project.policy))[0]
    except InputError:
        return None


def report_language(project: Project) -> object:
    """The language that the policy asks reports to be in, as it stands there; None where the policy cannot be read."""
    try:
        data = yamlfile.read(project.policy).data
    except InputError:
        return None
    return data.get("language") if isinstance(data, Mapping) else None


def load(project: Project, folder: Path, *, tables: bool = True) -> Dossier:
    """Read and check a dossier; with `tables`, its data files too (columns, types, blanks).

    Raises
    ------
    InputError
        Every problem found in any of the files.
    """
    folder = folder.resolve()
    problems: list[Problem] = []
    if not SYSTEM_ID.match(folder.name):
        allowed = "letters, digits, - and _, beginning with a letter"
        problems.append(
            Problem(file=folder, found=f"the name {folder.name!r}", allowed=allowed, todo="rename the folder")
        )
    paths = {"policy": project.policy, "organisation": project.organisation}
    paths |= {name: folder / f"{name}.yaml" for name in ("system", *STAGES)}
    files: dict[str, yamlfile.YamlFile] = {}
    models: dict[str, schema.Model] = {}
    for name, path in paths.items():
        try:
            files[name] = yamlfile.read_shared(path) if name in SHARED else yamlfile.read(path)
        except InputError as error:
            files[name] = yamlfile.YamlFile(path, {})
            problems += error.problems
            continue
        model, found = yamlfile.validate(schema.FILES[name], files[name])
        problems += found
        if model is not None:
            models[name] = model
    doubtful: set[str] = set()
    for name in paths.keys() - models.keys():
        whole = schema.FILES[name]
        part, lost = yamlfile.sound_part(whole, files[name])
        models[name] = part or whole.model_construct()
        doubtful |= lost
    if any(not models[name].model_fields_set for name in SHARED):
        raise InputError(problems)  # without them it cannot be said what is wrong with the others
    dossier = Dossier(
        project=project,
        folder=folder,
        policy=models["policy"],  # type: ignore[arg-type]
        organisation=models["organisation"],  # type: ignore[arg-type]
        system=models["system"],  # type: ignore[arg-type]
        stages={stage: models[stage] for stage in STAGES},  # type: ignore[misc]
        files=files,
    )
    problems += [*checks.answers.problems(dossier), *checks.transfers.problems(dossier)]
    problems += checks.governance.problems(dossier)
    problems += checks.signers.problems(files["organisation"], dossier.organisation.signers)
    if models["system"].model_fields_set:
        wrong = checks.references.problems(dossier, doubtful)
        problems += checks.design.problems(dossier, doubtful)
        problems += checks.rollout.problems(dossier)
        problems += checks.extracts.problems(dossier, doubtful, tables=tables)
        problems += [*wrong, *(checks.data.problems(dossier, wrong, doubtful) if tables else [])]
    if problems:
        raise InputError(problems)
    return dossier
