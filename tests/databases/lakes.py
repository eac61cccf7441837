"""The same small system twice, for tests of databases: its tables in files, and in a database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from ethics_kit import dossier as dossiers
from ethics_kit.dossier import Dossier
from ethics_kit.framework.catalogue import Stage
from ethics_kit.project import STAGES, Project
from ethics_kit.stages import refused
from ethics_kit.stages.case import Case, Outcome

AS_OF = date(2026, 11, 1)
POLICY = {"fairness": {"attributes": {"value": ["gender"]}}}
"""One attribute to compare is enough: each asks the same questions."""


@dataclass(frozen=True)
class Twice:
    """A dossier whose tables are files, and what makes projects whose tables are in a database."""

    files: Dossier
    elsewhere: Callable[..., Path]

    def named(self, policy: dict[str, Any], **said: Any) -> Path:
        """The root of the project whose tables are in the schema crm of a database; `said` of each table besides."""
        changes = {
            owner: {"tables": {n: {"source": ..., "data": "lake", "table": f"crm.{n}", **said} for n in names}}
            for owner, names in (
                ("organisation", self.files.organisation.tables),
                ("system", self.files.system.tables),
            )
        }
        return self.elsewhere(policy={"databases": {"lake": policy}, **POLICY}, **changes)


def twice(folder: Path, projects: Callable[[Path], Callable[..., Path]]) -> Twice:
    return Twice(loaded(projects(folder / "files")(policy=POLICY)), projects(folder / "lake"))


def loaded(root: Path) -> Dossier:
    return dossiers.load(Project(root), root / "parameters/demo")


def steps(dossier: Dossier, stages: Sequence[Stage] = STAGES) -> dict[str, Outcome]:
    """What each step of these stages finds, by its name."""
    found = {}
    for stage in stages:
        case = Case(dossier, stage, AS_OF, Path("nowhere"))
        for step in import_module(f"ethics_kit.stages.{stage}").STEPS:
            found[f"{stage}.{step.__name__}"] = case.taken[step.__name__] = refused.outcome(step, case)
    return found


def unanswered(outcomes: Mapping[str, Outcome], words: str) -> set[str]:
    """The steps that a database leaves unanswered, in these words."""
    return {step for step, o in outcomes.items() for f in o.findings if words in (f.null_reason or "")}
