"""A new system's files: a commented dossier from a table or an example, its workbooks, and JSON Schemas for editors."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from ethics_kit import proposal, schema, yamlfile
from ethics_kit.dossier import SYSTEM_ID
from ethics_kit.errors import InputError, Problem, quoted
from ethics_kit.framework.catalogue import Kind
from ethics_kit.project import STAGES, Project, bundle, find_project, write_atomic
from ethics_kit.record import Record
from ethics_kit.scaffold.commented import stage_yaml, system_yaml
from ethics_kit.scaffold.completing import complete
from ethics_kit.scaffold.workbooks import create_workbooks, first_workbook

__all__ = [
    "complete",
    "create",
    "create_workbooks",
    "example_project",
    "first_workbook",
    "stage_yaml",
    "system_yaml",
    "write_schemas",
]

HERE = Path(__file__).parent
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How an address begins as a path, which has one slash where the address has two."""
DOWNLOAD_FIRST = Problem(
    file=Path("--data"),
    found="an address",
    allowed="a file of this machine",
    todo="download the table, or a part of it, and name that; docs/storage.md says how a dossier names the address",
)


def example_project(root: Path) -> Project:
    """Copy the example portfolio's dossiers (without tables) into `root`."""
    target = root / "parameters"
    shutil.copytree(bundle() / "parameters", target, ignore=shutil.ignore_patterns("data"), dirs_exist_ok=True)
    return Project(root)


def create(system: str, *, like: str, data: Path | None, kind: Kind | None = None, quick: bool = False) -> list[str]:
    """Write what a new system needs; returns one line per file written or kept.

    With `quick` a preliminary dossier: the short questionnaire, and the table if there is one.

    Raises
    ------
    InputError
        The name, the example or the table cannot be used, or the system exists already.
    """
    if data and ADDRESS.match(str(data)):
        raise InputError([DOWNLOAD_FIRST])
    project, folder = _place(system)
    if like and (data or quick or kind):
        raise InputError([_choose_one(like, "--data" if data else "--quick" if quick else "--kind")])
    example = _example(like) if like else None
    proposed = proposal.propose(data) if data else None
    source, adopted = _adopt(data, folder, project) if data else (None, [])
    lines = [*adopted, *_start_project(project, classes=example is not None)]
    if example:
        for path in sorted(p for p in example.rglob("*") if p.is_file() and "data" not in p.relative_to(example).parts):
            lines += _write_new(folder / path.relative_to(example), _unsigned(path), project)
        lines.append(f"What stands there is the example {like}'s. Nobody has signed it, so nothing counts yet.")
    else:
        about = system_yaml(system, proposed, source, kind=kind, quick=quick)
        lines += _write_new(folder / "system.yaml", about.encode(), project)
        known = kind or (proposed.kind if proposed else None)
        for stage in STAGES:
            asked = stage_yaml(system, stage, kind=known, quick=quick)
            lines += _write_new(folder / f"{stage}.yaml", asked.encode(), project)
    lines += create_workbooks(Project(project.root), folder.name)  # which by now has a policy
    if proposed:
        lines += ["", *proposed.words()]
    shown = folder.relative_to(project.root).as_posix()
    return [*lines, "", *(_next_quick(shown) if quick else [_next(shown)])]


def _next(shown: str) -> str:
    return f"Next: fill in {shown}/system.yaml, then: ethics-kit check {shown}"


def _next_quick(shown: str) -> list[str]:
    return [
        "Next, within half an hour:",
        f"  1. Confirm what is proposed in {shown}/system.yaml, then: ethics-kit check {shown}",
        f"  2. Answer the short questionnaire: ethics-kit open {shown} (or in {shown}/impact_analysis.yaml)",
        f"  3. Make the preliminary reports: ethics-kit run {shown}",
        f"Later: ethics-kit complete {shown} adds the full questionnaires; what you answered stays.",
    ]


def _choose_one(like: str, option: str) -> Problem:
    return Problem(
        file=Path(like),
        found=f"{option} together with --like {quoted(like)}",
        allowed="one of the two",
        todo=f"leave --like out to start from your own system, or {option} to copy the example",
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
    file = yamlfile.read_to_edit(path)
    for answer in (file.data.get("answers") or {}).values():
        answer.update(dict.fromkeys(answer.keys() & {"by", "role", "on"}))
        answer.pop("override_reason", None)
    for name in file.data.keys() & {
        "actions",
        "audits",
        "waivers",
        "not_applicable",
        "risks_ruled_out",
        "lawful_bases",
    }:
        file.data[name] = []
    signed = {
        "owner",
        "deputy",
        "privacy_assessment",
        "inventory",
        "notices",
        "constraint",
        "review_plan",
        "model_card",
        "rollout",
        "promises",
    }
    for name in file.data.keys() & signed:
        file.data[name] = None
    for table in (file.data.get("tables") or {}).values():
        table.pop("exempt_from_deletion", None)
    for row in (*file.data.get("risks", ()), *file.data.get("stakeholders", ())):
        said = {"owner", "deputy", "why_lower", "done", "accepted_by", "accepted_until", "consulted"}
        row.update(dict.fromkeys(row.keys() & said))
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
