"""Where things are. Every path of the kit is resolved here, from any working directory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from ethics_kit.errors import InputError, Problem

Stage = Literal["impact_analysis", "design_review", "bias_testing", "deployment_signoff"]
STAGES: tuple[Stage, ...] = ("impact_analysis", "design_review", "bias_testing", "deployment_signoff")
TITLES = {
    "impact_analysis": "Impact analysis",
    "design_review": "Design review",
    "bias_testing": "Bias testing",
    "deployment_signoff": "Deployment sign-off",
}

PASSPHRASE = "ETHICS_KIT_PASSPHRASE"
"""The variable of the environment that a key's passphrase may stand in; no notebook gets to see it."""

CACHE = "ETHICS_KIT_CACHE"
"""The variable of the environment that names the folder for files fetched from storage."""

UMASK = os.umask(0o022)
os.umask(UMASK)


def notebook_name(stage: str) -> str:
    """File name of a stage's notebook, such as ``3_bias_testing.ipynb``."""
    return f"{STAGES.index(stage) + 1}_{stage}.ipynb"


def bundle() -> Path:
    """Folder with the kit's own ``notebooks/`` and ``parameters/``: in the wheel, else the checkout."""
    inside = Path(__file__).parent / "bundle"
    return inside if inside.is_dir() else Path(__file__).parent.parent


class Project:
    """A folder tree that holds a policy and the dossiers assessed under it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        nested = self.root / "parameters"
        self.parameters = nested if (nested / "policy.yaml").is_file() else self.root

    @property
    def policy(self) -> Path:
        return self.parameters / "policy.yaml"

    @property
    def organisation(self) -> Path:
        return self.parameters / "organisation.yaml"

    @property
    def schemas(self) -> Path:
        return self.parameters / ".schema"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def workbooks(self, system: str) -> Path:
        return self.root / "workbooks" / system

    def template(self, stage: str) -> Path:
        own = self.root / "notebooks" / notebook_name(stage)
        return own if own.is_file() else bundle() / "notebooks" / notebook_name(stage)

    def systems(self) -> list[Path]:
        """The dossier folders of the project, by name; those that lack some of their files as well."""
        names = ("system", *STAGES)
        return sorted({p.parent for name in names for p in self.parameters.glob(f"[!.]*/{name}.yaml")})

    def data_roots(self, listed: Iterable[str]) -> list[Path]:
        """Folders that tables may lie in: as the policy lists them, absolute or from the project's root; no storage."""
        return [self.root / folder for folder in listed if "://" not in folder]

    def address(self, path: Path, roots: Iterable[Path] = ()) -> str:
        """`path` relative to the project, or to one of `roots` (written ``root1:``); never absolute."""
        real = path.resolve()
        if real.is_relative_to(self.root):
            return real.relative_to(self.root).as_posix()
        for number, root in enumerate(roots, start=1):
            if real.is_relative_to(root.resolve()):
                return f"root{number}:{real.relative_to(root.resolve()).as_posix()}"
        return f"outside:{real.name}"


def find_project(start: Path) -> Project | None:
    """The nearest ancestor of `start` (itself included) that holds a policy, or None."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if is_file(folder / "parameters" / "policy.yaml"):
            return Project(folder)
        if is_file(folder / "policy.yaml"):
            return Project(folder.parent if folder.name == "parameters" else folder)
    return None


def require_project(start: Path) -> Project:
    """As `find_project`, but an `InputError` where there is none."""
    project = find_project(start)
    if project is None:
        raise InputError(
            [
                Problem(
                    file=start,
                    found="no policy.yaml here or in a folder above",
                    allowed="a project: a folder with parameters/policy.yaml",
                    todo="change to your project, or start one with: ethics-kit new my_system",
                )
            ]
        )
    return project


def locate_system(name: str) -> tuple[Project, Path]:
    """The project and dossier folder that `name` means: a folder, or a system's name in this project.

    Raises
    ------
    InputError
        No such dossier, or it lies in no project.
    """
    given, here = Path(name), Path.cwd()
    if given.suffix == ".yaml":
        given = given.parent
    project = find_project(here)
    below = [folder for folder in here.parents if project and folder.is_relative_to(project.root)]
    own = [project.parameters] if project and given.name == name else []
    for base in (here, *own, *below):
        if is_file(base / given / "system.yaml"):
            folder = (base / given).resolve()
            return require_project(folder), folder
    known = ", ".join(p.name for p in project.systems()) if project else ""
    raise InputError(
        [
            Problem(
                file=given,
                found="no system.yaml there",
                allowed=f"a dossier folder, or one of: {known}" if known else "a dossier folder",
                todo="check the spelling, or create the dossier with: ethics-kit new " + (given.name or "NAME"),
            )
        ]
    )


def locate_systems(name: str) -> list[tuple[Project, Path]]:
    """The one system that `name` means; all of a project where it is the project's folder, or empty and we are in one.

    Raises
    ------
    InputError
        No such dossier, it lies in no project, or the project has none.
    """
    project = find_project(Path(name)) if name else require_project(Path.cwd())
    if project is None or (name and Path(name).resolve() not in (project.root, project.parameters)):
        return [locate_system(name)]
    systems = project.systems()
    if not systems:
        raise InputError(
            [
                Problem(
                    file=project.parameters,
                    found="no dossier",
                    allowed="folders with a system.yaml",
                    todo="create one with: ethics-kit new NAME",
                )
            ]
        )
    return [(project, s) for s in systems]


def is_file(path: Path) -> bool:
    """Whether there is a file; a name that none can have is that of none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def write_atomic(path: Path, content: bytes) -> None:
    """Write beside, flush to disk, rename: a reader sees the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~UMASK
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
