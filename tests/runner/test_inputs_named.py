"""A record names every file that its stage read: else a change of one might run nothing again."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import examples
from ethics_kit.measures.tables import Source, Tables
from ethics_kit.project import STAGES, Project, bundle
from ethics_kit.record import EARLIER, read_record
from ethics_kit.runner import unchanged
from tests.inprocess import case_of, concluded, leave
from tests.runner.test_unchanged import AS_OF, run, short

WATCHING: list[list[Path]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if WATCHING and event == "open" and isinstance(arguments[0], str | Path):
        WATCHING[-1].append(Path(arguments[0]))


sys.addaudithook(_hook)


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The files that Python opens and those that DuckDB is given."""
    opened: list[Path] = []
    WATCHING.append(opened)
    before = Tables._open

    def told(self: Tables, path: Path, source: Source, name: str) -> Any:
        opened.append(path)
        return before(self, path, source, name)

    monkeypatch.setattr(Tables, "_open", told)
    try:
        yield opened
    finally:
        WATCHING.remove(opened)
        monkeypatch.setattr(Tables, "_open", before)


def small(projects: Any, folder: Path) -> Path:
    """The tests' own system, with two ids of one customer."""
    crosswalk = {"source": "data/ids.csv", "columns": {"id": "id", "customer": "customer"}}
    root: Path = projects(folder)(system={"tables": {"customer_ids": crosswalk}})
    data = root / "parameters/demo/data"
    (data / "ids.csv").write_text("id,customer\nx001,c000\n")
    return root


def example(folder: Path) -> Path:
    """An example with extracts, notices and a model."""
    for name in ("policy.yaml", "organisation.yaml", "evidence", "next_best_offer"):
        place = bundle() / "parameters" / name
        target = folder / "parameters" / name
        if place.is_dir():
            shutil.copytree(place, target, ignore=shutil.ignore_patterns("data"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(place, target)
    examples.write_tables(folder / "parameters")
    return folder


@pytest.mark.parametrize("which", ["small", "example"])
def test_every_file_that_a_stage_opens_is_named_by_its_record_or_looked_at(
    which: str, projects: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = small(projects, tmp_path / "project") if which == "small" else example(tmp_path / "project")
    project = Project(root)
    if which == "small":
        run(root, short, as_of=AS_OF.replace(month=9))
    for stage in STAGES if which == "small" else STAGES[1:2]:
        read: list[Path] = []

        def watching(spec: Any, *, server: object = None, read: list[Path] = read) -> Any:
            case = case_of(spec)
            with watched(monkeypatch) as opened:
                record = concluded(case)
            read += opened
            return leave(spec, record)

        result = run(root, watching, stages=(stage,))[stage]
        record, _ = read_record(result.folder / "record.json")
        assert record, result.reason
        named = {i.address for i in record.inputs if i.role != EARLIER}
        inside = {p.resolve() for p in read if p.resolve().is_relative_to(project.root)}
        below = {p.relative_to(project.reports).parts for p in inside if p.is_relative_to(project.reports)}
        reports = {parts for parts in below if parts[0] != ".staging"}
        assert {parts[1] for parts in reports if len(parts) > 2} <= unchanged.looked_at(stage)
        assert {parts[1] for parts in reports if len(parts) == 2} <= {"chain.json"}
        own = {project.address(p) for p in inside if not p.is_relative_to(project.reports)}
        assert own, "the hook saw nothing"
        assert own <= named
