"""A new system's files: a commented dossier from a table or an example, its workbooks, and JSON Schemas for editors."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import jinja2
import nbformat
from pydantic import BaseModel

from ethics_kit import proposal, schema
from ethics_kit.dossier import SYSTEM_ID
from ethics_kit.errors import InputError, Problem, quoted
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, TITLES, Project, bundle, find_project, notebook_name, write_atomic
from ethics_kit.record import Record

HERE = Path(__file__).parent


def example_project(root: Path) -> Project:
    """Copy the example portfolio's dossiers (without tables) into `root`."""
    target = root / "parameters"
    shutil.copytree(bundle() / "parameters", target, ignore=shutil.ignore_patterns("data"), dirs_exist_ok=True)
    return Project(root)


def create(system: str, *, like: str, data: Path | None) -> list[str]:
    """Write what a new system needs; returns one line per file written or kept.

    Raises
    ------
    InputError
        The name, the example or the table cannot be used, or the system exists already.
    """
    project, folder = _place(system)
    lines = list(_start_project(project))
    if like:
        lines += _copy_example(like, folder)
    else:
        proposed = proposal.propose(data) if data else None
        source = _adopt(data, folder, project) if data else None
        lines += _write_new(folder / "system.yaml", system_yaml(system, proposed, source))
        for stage in STAGES:
            lines += _write_new(folder / f"{stage}.yaml", stage_yaml(system, stage))
        if proposed:
            lines += ["", *proposed.words()]
    lines += create_workbooks(project, folder.name)
    shown = folder.relative_to(project.root).as_posix()
    return [*lines, "", f"Next: fill in {shown}/system.yaml, then: ethics-kit check {shown}"]


def _place(system: str) -> tuple[Project, Path]:
    problem = None
    project = find_project(Path.cwd()) or Project(Path.cwd())
    parameters = project.parameters if project.policy.is_file() else project.root / "parameters"
    folder = parameters / system
    if not SYSTEM_ID.match(system):
        allowed = "letters, digits, _ and -, beginning with a letter; at most 64"
        problem = Problem(file=Path(system), found=quoted(system), allowed=allowed, todo="choose another name")
    elif (folder / "system.yaml").exists():
        problem = Problem(
            file=folder,
            found="a dossier of that name",
            allowed="a new name",
            todo="choose another name, or edit the dossier that is there",
        )
    if problem:
        raise InputError([problem])
    return project, folder


def _start_project(project: Project) -> Iterator[str]:
    """The shared files that are missing: policy, organisation, schemas."""
    parameters = project.parameters if project.policy.is_file() else project.root / "parameters"
    shared = {"policy.yaml": bundle() / "parameters", "organisation.yaml": HERE}
    for name, origin in shared.items():
        if not (parameters / name).exists():
            yield from _write_new(parameters / name, (origin / name).read_text(encoding="utf-8"))
    fresh = Project(project.root)
    for path in write_schemas(fresh):
        yield f"wrote  {path.relative_to(project.root).as_posix()}"
    ignored = project.root / ".gitignore"
    if not ignored.exists():
        yield from _write_new(ignored, "/reports/\n/workbooks/\nparameters/*/data/\nparameters/data/\n")


def _write_new(path: Path, text: str) -> list[str]:
    if path.exists():
        return [f"kept   {path.name} (it was there)"]
    write_atomic(path, text.encode())
    return [f"wrote  {path.parent.name}/{path.name}"]


def _copy_example(like: str, folder: Path) -> list[str]:
    example = bundle() / "parameters" / like
    known = sorted(p.parent.name for p in (bundle() / "parameters").glob("*/system.yaml"))
    if like not in known:
        raise InputError(
            [
                Problem(
                    file=Path(like),
                    found="no such example",
                    allowed=", ".join(known),
                    todo="choose one of these for --like",
                )
            ]
        )
    lines = []
    for path in sorted(p for p in example.rglob("*") if p.is_file() and "data" not in p.relative_to(example).parts):
        target = folder / path.relative_to(example)
        if not target.exists():
            write_atomic(target, path.read_bytes())
            lines.append(f"wrote  {folder.name}/{path.relative_to(example).as_posix()}")
    return [*lines, f"The answers are those of the example {like}: replace every one of them."]


def _adopt(data: Path, folder: Path, project: Project) -> str:
    """The table's address from the dossier; a table outside the project is copied into the dossier's data folder."""
    real = data.resolve()
    if real.is_relative_to(project.root):
        return Path(*[".."] * len(folder.relative_to(project.root).parts), real.relative_to(project.root)).as_posix()
    target = folder / "data" / data.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.part")
        shutil.copyfile(real, beside)
        beside.replace(target)
    return f"data/{data.name}"


def create_workbooks(project: Project, system: str) -> list[str]:
    """An analyst's own copies of the four notebooks, showing forms; never over existing ones."""
    lines = []
    for stage in STAGES:
        path = project.workbooks(system) / notebook_name(stage)
        if path.exists():
            continue
        notebook = nbformat.read(project.template(stage), as_version=4)
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", ()):
                cell.source = _workbook_parameters(cell.source, system)
        write_atomic(path, (nbformat.writes(notebook) + "\n").encode())
        lines.append(f"wrote  workbooks/{system}/{path.name}")
    return lines


def _workbook_parameters(source: str, system: str) -> str:
    values = {"system": f"parameters/{system}", "as_of": "", "mode": "workbook"}
    for name, value in values.items():
        source = re.sub(rf"(?m)^{name} = .*$", f"{name} = {json.dumps(value)}", source)
    return source


def write_schemas(project: Project) -> list[Path]:
    """Write the JSON Schemas that are missing or out of date; returns those written."""
    written = []
    models: dict[str, type[BaseModel]] = {**schema.FILES, "record": Record}
    for name, model in models.items():
        content = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **model.model_json_schema(by_alias=True),
        }
        text = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
        path = project.schemas / f"{name}.json"
        if not path.is_file() or path.read_bytes() != text:
            write_atomic(path, text)
            written.append(path)
    return written


# --- commented YAML --------------------------------------------------------------------------------------------


@cache
def _templates() -> jinja2.Environment:
    """YAML, not HTML: every value goes through `tojson`, which YAML reads as it stands."""
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"comment": _comment, "tojson": partial(json.dumps, ensure_ascii=False)}
    return environment


def _comment(text: str) -> str:
    """Text as indented comment lines."""
    return textwrap.fill(" ".join(text.split()), 110, initial_indent="  # ", subsequent_indent="  #   ")


def stage_yaml(system: str, stage: str) -> str:
    """A stage's file with every question as a comment above its empty answer."""
    template = _templates().get_template("stage.yaml.j2")
    return template.render(system=system, stage=stage, title=TITLES[stage], sections=catalogue.sections(stage)) + "\n"


def system_yaml(system: str, found: proposal.Proposal | None, source: str | None) -> str:
    """system.yaml with a comment on each key; what a table suggests is marked *proposed*."""
    template = _templates().get_template("system.yaml.j2")
    name = system.replace("_", " ").capitalize()
    roles = catalogue.tables()["decisions"].roles
    return template.render(name=name, found=found or proposal.Proposal(), source=source, roles=roles) + "\n"
