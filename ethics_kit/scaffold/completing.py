"""From a short dossier to a full one: what is missing is added, what stands there stays as it is."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ethics_kit import yamlfile
from ethics_kit.errors import InputError, Problem
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project, locate_system, write_atomic
from ethics_kit.scaffold.commented import questions_yaml, system_yaml
from ethics_kit.scaffold.workbooks import create_workbooks

KEY = re.compile(r"([A-Za-z_]\w*) *:")
MARK = re.compile(r"(?m)^(preliminary *:|# The short questionnaire asks nothing here;).*\n?")
"""What only a short dossier says."""


def complete(name: str) -> list[str]:
    """Add to a dossier the questions and keys it lacks, and its workbooks; it is preliminary no more.

    Answers, comments and order stay, line by line. Returns a line per file.

    Raises
    ------
    InputError
        A file cannot be read, or not be added to without changing what it says. Nothing was written then.
    """
    project, folder = locate_system(name)
    parts = (*STAGES, "system")  # the mark of a short dossier goes last
    files = {part: yamlfile.read(folder / f"{part}.yaml") for part in parts}
    kind = files["system"].data.get("kind")
    if kind not in catalogue.KINDS:
        raise InputError([_unknown_kind(files["system"])])
    written = {}
    for part, file in files.items():
        old = file.path.read_bytes().decode("utf-8-sig")
        if part == "system":
            full = system_yaml(folder.name, None, None)
        else:
            full = questions_yaml(folder.name, part, kind=kind, but=set(file.data.get("answers") or {}))
        new = _with_missing(MARK.sub("", old), full, file)
        if new != old:
            _refuse_a_change(file, old, new)
            written[part] = new
    for part, content in written.items():
        write_atomic(files[part].path, content.encode())
    lines = [_line(project, files[part], part in written) for part in files]
    return [*lines, *create_workbooks(project, folder.name)]


def _line(project: Project, file: yamlfile.YamlFile, changed: bool) -> str:
    shown = project.address(file.path)
    return f"added to {shown}" if changed else f"whole    {shown}"


def _unknown_kind(file: yamlfile.YamlFile) -> Problem:
    allowed = ", ".join(catalogue.KINDS)
    return file.problem(("kind",), found="no kind of system", allowed=allowed, todo="say what kind of system it is")


def _with_missing(text: str, full: str, file: yamlfile.YamlFile) -> str:
    """`text` with the answers of `full` at the end of its own, and the keys it lacks at its end."""
    blocks = _blocks(full)
    answers = blocks.pop("answers", "")
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if "\n  " in answers:
        lines = _with_answers(lines, answers, file)
    missing = [block for key, block in blocks.items() if key not in file.data]
    return "".join([*lines, *("\n" for block in missing[:1] if not block.startswith("\n")), *missing])


def _blocks(text: str) -> dict[str, str]:
    """The text of each top-level key, with the comments and blank lines above it."""
    found: dict[str, str] = {}
    above: list[str] = []
    key = ""
    for line in text.splitlines(keepends=True):
        if top := KEY.match(line):
            key = top[1]
            found[key] = "".join([*above, line])
            above = []
        elif line.strip() and not line.startswith("#"):
            found[key] += "".join([*above, line])
            above = []
        else:
            above.append(line)
    return found


def _with_answers(lines: list[str], answers: str, file: yamlfile.YamlFile) -> list[str]:
    body = textwrap.dedent(answers.split("answers:\n", 1)[1])
    held = file.data.get("answers")
    indent = held.lc.key(next(iter(held)))[1] if held else 2
    added = textwrap.indent(body, " " * indent).splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if re.match(r"answers *:", line)), None)
    if start is None:
        return [*lines, "\nanswers:\n", *added]
    if not held:
        lines[start] = re.sub(r"^answers *:( *\{ *\})?", "answers:", lines[start])
    end = next((i for i, line in enumerate(lines[start + 1 :], start + 1) if KEY.match(line)), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return [*lines[:end], *added, *lines[end:]]


def _refuse_a_change(file: yamlfile.YamlFile, before: str, after: str) -> None:
    """An `InputError` unless `after` says all that `before` says, and besides only what is empty."""
    try:
        old, new = (YAML(typ="safe", pure=True).load(text) for text in (before, after))
    except YAMLError:
        old, new = {}, None
    if new is None or _told(new) != {k: v for k, v in _told(old).items() if k != "preliminary"}:
        raise InputError(
            [
                file.problem(
                    ("answers",),
                    found="answers written in a way that nothing can be added to",
                    allowed="one question per line, its fields below it",
                    todo="write them as ethics-kit new does, then do this again",
                )
            ]
        )


def _told(node: Any) -> Any:
    """What a file says, without what is empty in it."""
    if not isinstance(node, dict):
        return node
    kept = {key: _told(value) for key, value in node.items()}
    return {key: value for key, value in kept.items() if value not in (None, {}, [])}
