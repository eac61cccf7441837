"""A new system's files: a commented dossier from a table or an example, its workbooks, and JSON Schemas for editors."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jinja2
import nbformat
from pydantic import BaseModel

from ethics_kit import proposal, schema, yamlfile
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
    if like and data:
        raise InputError([_choose_one(like, data)])
    example = _example(like) if like else None
    proposed = proposal.propose(data) if data else None
    source, adopted = _adopt(data, folder, project) if data else (None, [])
    lines = [*adopted, *_start_project(project, classes=example is not None)]
    if example:
        for path in sorted(p for p in example.rglob("*") if p.is_file() and "data" not in p.relative_to(example).parts):
            lines += _write_new(folder / path.relative_to(example), _unsigned(path), project)
        lines.append(f"What stands there is the example {like}'s. Nobody has signed it, so nothing counts yet.")
    else:
        lines += _write_new(folder / "system.yaml", system_yaml(system, proposed, source).encode(), project)
        for stage in STAGES:
            lines += _write_new(folder / f"{stage}.yaml", stage_yaml(system, stage).encode(), project)
    lines += create_workbooks(project, folder.name)
    if proposed:
        lines += ["", *proposed.words()]
    shown = folder.relative_to(project.root).as_posix()
    return [*lines, "", f"Next: fill in {shown}/system.yaml, then: ethics-kit check {shown}"]


def _choose_one(like: str, data: Path) -> Problem:
    return Problem(
        file=data,
        found=f"--data together with --like {quoted(like)}",
        allowed="one of the two",
        todo="leave --like out to have columns proposed, or --data to copy the example",
    )


def _place(system: str) -> tuple[Project, Path]:
    problem = None
    project = find_project(Path.cwd()) or Project(Path.cwd())
    folder = _parameters(project) / system
    if not SYSTEM_ID.match(system) or system == "data":
        allowed = "letters, digits, _ and -, beginning with a letter; at most 64; not data"
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


def _parameters(project: Project) -> Path:
    """Where dossiers go: beside the policy, or where a new project will have it."""
    return project.parameters if project.policy.is_file() else project.root / "parameters"


def _start_project(project: Project, *, classes: bool) -> Iterator[str]:
    """The shared files that are missing; `classes` adds the examples' retention classes, which their dossiers name."""
    parameters = _parameters(project)
    for name in ("policy.yaml", "organisation.yaml"):
        if not (parameters / name).exists():
            content = (HERE / name).read_bytes()
            if classes:
                content = content.replace(b"retention_classes: {}\n", _example_classes())
            yield from _write_new(parameters / name, content, project)
    fresh = Project(project.root)
    for path in write_schemas(fresh):
        yield f"wrote  {path.relative_to(project.root).as_posix()}"
    ignored = project.root / ".gitignore"
    if not ignored.exists():
        yield from _write_new(ignored, b"/reports/\n/workbooks/\nparameters/*/data/\nparameters/data/\n", project)


def _write_new(path: Path, content: bytes, project: Project) -> list[str]:
    shown = path.relative_to(project.root).as_posix()
    if path.exists():
        return [f"kept   {shown} (it was there)"]
    write_atomic(path, content)
    return [f"wrote  {shown}"]


def _unsigned(path: Path) -> bytes:
    """An example's file without its fictional people's signatures, decisions and consultations."""
    if path.suffix != ".yaml":
        return path.read_bytes()
    file = yamlfile.read(path)
    for answer in (file.data.get("answers") or {}).values():
        answer.update(dict.fromkeys(answer.keys() & {"by", "role", "on"}))
        answer.pop("override_reason", None)
    for name in file.data.keys() & {"actions", "waivers", "not_applicable", "risks_ruled_out", "lawful_bases"}:
        file.data[name] = []
    for name in file.data.keys() & {"owner", "deputy"}:
        file.data[name] = None
    for row in (*file.data.get("risks", ()), *file.data.get("stakeholders", ())):
        row.update(dict.fromkeys(row.keys() & {"owner", "deputy", "accepted_by", "consulted"}))
    return file.dumps()


def _example_classes() -> bytes:
    """The lines of the example organisation that declare how long rows are kept: its dossiers name these classes."""
    text = (bundle() / "parameters" / "organisation.yaml").read_text(encoding="utf-8")
    block = re.search(r"(?m)^retention_classes:\n(?:^[ #].*\n)+", text)
    return block.group().encode() if block else b"retention_classes: {}\n"


def _example(like: str) -> Path:
    known = {p.parent.name: p.parent for p in sorted((bundle() / "parameters").glob("*/system.yaml"))}
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
    return known[like]


def _adopt(data: Path, folder: Path, project: Project) -> tuple[str, list[str]]:
    """The table's address from the dossier; a table outside the project is copied into its data folder, and said so."""
    real = data.resolve()
    if real.is_relative_to(project.root):
        up = [".."] * len(folder.relative_to(project.root).parts)
        return Path(*up, real.relative_to(project.root)).as_posix(), []
    target = folder / "data" / data.name
    if target.exists() and not filecmp.cmp(real, target, shallow=False):
        raise InputError(
            [
                Problem(
                    file=target,
                    found="another file of that name",
                    allowed="a new name, since no file is replaced",
                    todo="rename the table, or remove the file that is there",
                )
            ]
        )
    shown = target.relative_to(project.root).as_posix()
    if target.exists():
        return f"data/{data.name}", [f"kept   {shown} (it was there)"]
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    shutil.copyfile(real, beside)
    beside.replace(target)
    return f"data/{data.name}", [f"copied {shown}"]


HOW_TO = """\
**How to fill in this workbook.** Choose *Run > Run All Cells*: the forms appear. (Asked for a kernel, choose *Select*.)
Give your name and role once, in any form. Every answer is saved as you give it, in `{folder}/{stage}.yaml`; under each
question you see whether it was. To see what your answers change, choose *Run > Run All Cells* again. The last cell
saves a draft; `ethics-kit run {folder}` makes the record."""


def create_workbooks(project: Project, system: str) -> list[str]:
    """An analyst's own copies of the four notebooks, showing forms; never over existing ones."""
    lines = []
    folder = project.address(project.parameters / system)
    for stage in STAGES:
        path = project.workbooks(system) / notebook_name(stage)
        if path.exists():
            continue
        notebook = nbformat.read(project.template(stage), as_version=4)
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", ()):
                cell.source = _workbook_parameters(cell.source, folder)
        how_to = HOW_TO.format(folder=folder, stage=stage)
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(how_to, id="how-to"))
        write_atomic(path, (nbformat.writes(notebook) + "\n").encode())
        lines.append(f"wrote  workbooks/{system}/{path.name}")
    return lines


def _workbook_parameters(source: str, folder: str) -> str:
    values = {"system": folder, "as_of": "", "mode": "workbook"}
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
    environment.filters |= {"comment": _comment, "tojson": _quoted_yaml}
    return environment


def _quoted_yaml(value: object) -> str:
    """JSON, with what YAML does not take as it stands escaped the way YAML does it."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)


def _comment(text: str) -> str:
    """Text as indented comment lines."""
    return textwrap.fill(" ".join(text.split()), 110, initial_indent="  # ", subsequent_indent="  #   ")


def stage_yaml(system: str, stage: str) -> str:
    """A stage's file with every question as a comment above its empty answer."""
    template = _templates().get_template("stage.yaml.j2")
    sections, risks = catalogue.sections(stage), catalogue.risks().values()
    return template.render(system=system, stage=stage, title=TITLES[stage], sections=sections, risks=risks) + "\n"


def system_yaml(system: str, found: proposal.Proposal | None, source: str | None) -> str:
    """system.yaml with a comment on each key; what a table suggests is marked *proposed*."""
    template = _templates().get_template("system.yaml.j2")
    name = (system[0].upper() + system[1:]).replace("_", " ")
    roles = catalogue.tables()["decisions"].roles
    return template.render(name=name, found=found or proposal.Proposal(), source=source, roles=roles) + "\n"
