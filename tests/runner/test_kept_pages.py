"""The pages over all systems after a run: not written again where they show all there is, else the same bytes."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import cli_portfolio, cli_run
from ethics_kit.project import Project
from ethics_kit.report.portfolio import write
from ethics_kit.runner import batch, pages
from tests.runner.test_unchanged import AS_OF, _act, _aged, _rewrite, short

PAGES = ("index.html", "committee.html", "actions.csv", "demo/index.html")


def written(root: Path, *, day: date = AS_OF, systems: tuple[str, ...] = ("demo",), not_run: Any = ()) -> bool:
    """Whether a run that ends now writes the pages."""
    before = [(root / "reports" / name).stat().st_ino for name in PAGES if (root / "reports" / name).exists()]
    cli_portfolio.after_run(root / "reports", [Project(root)], day=day, systems=systems, not_run=not_run)
    return before != [(root / "reports" / name).stat().st_ino for name in PAGES]


@pytest.fixture(scope="module")
def made(projects: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run once by the command, whose kernels are done without."""
    from tests.runner.test_unchanged import run

    root: Path = projects(tmp_path_factory.mktemp("pages") / "project")()
    _aged(root)
    run(root)
    assert written(root)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "copy"
    shutil.copytree(made, copied)
    return copied


def test_pages_that_show_all_there_is_are_not_written_again(root: Path) -> None:
    assert not written(root)


def test_pages_that_are_written_anew_hold_the_same_bytes(root: Path) -> None:
    before = {name: (root / "reports" / name).read_bytes() for name in PAGES}
    shutil.rmtree(root / "reports/.cache")
    assert written(root)
    assert {name: (root / "reports" / name).read_bytes() for name in PAGES} == before


def test_pages_are_written_again_where_another_run_published_while_they_were_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write.write

    def overtaken(*given: Any, **named: Any) -> Path:
        index = whole(*given, **named)
        _act(root, "impact_analysis")
        return index

    _act(root, "bias_testing")
    with monkeypatch.context() as patch:
        patch.setattr(write, "write", overtaken)
        assert written(root)
    assert written(root)
    assert not written(root)


CHANGES: dict[str, Callable[[Path], object]] = {
    **{f"the page {name}": lambda root, name=name: _rewrite(root / "reports" / name) for name in PAGES},
    "a page that is gone": lambda root: (root / "reports/committee.html").unlink(),
    "a review": lambda root: _act(root, "impact_analysis"),
    "an altered record": lambda root: _rewrite(next(root.glob("reports/demo/bias_testing/*/record.json"))),
    "latest.json": lambda root: (root / "reports/demo/bias_testing/latest.json").unlink(),
    "the policy": lambda root: _rewrite(root / "parameters/policy.yaml"),
    "the organisation": lambda root: _rewrite(root / "parameters/organisation.yaml"),
    "a system more": lambda root: shutil.copytree(root / "parameters/demo", root / "parameters/other"),
    "another system's records": lambda root: shutil.copytree(root / "reports/demo", root / "reports/other"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_pages_are_written_again_after_a_change_of(root: Path, what: str) -> None:
    CHANGES[what](root)
    assert written(root)
    assert not written(root)


def test_pages_are_written_again_on_another_day_and_where_a_system_could_not_be_run(root: Path) -> None:
    assert written(root, day=date(2026, 11, 2))
    assert written(root, not_run=("demo",))
    assert written(root, systems=())


def test_pages_are_written_again_by_another_version_of_the_kit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "kit", lambda: "another")
    assert written(root)


# --- the command -----------------------------------------------------------------------------------------------


def test_the_command_tells_since_when_nothing_has_changed_and_validates_nothing(
    root: Path, kit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "run", lambda *_, **__: pytest.fail("something ran"))
    monkeypatch.setattr("ethics_kit.dossier.load", lambda *_, **__: pytest.fail("something was validated"))
    done = kit("run", "--as-of", "2026-11-01", cwd=root)
    assert done.code == cli_run.OK
    assert done.out.count("unchanged since 2026-11-03") == 4
    assert "Unchanged: 4 of 4" in done.out
    assert "Portfolio: reports/index.html" in done.out


def test_the_gate_holds_for_what_has_not_changed(root: Path, kit: Callable[..., Any]) -> None:
    done = kit("run", "--as-of", "2026-11-01", "--gate", cwd=root)
    assert done.code == cli_run.REFUSED
    assert done.out.count("unchanged since 2026-11-03") == 4
    assert "Gate: refused" in done.out


def test_force_runs_again_by_the_command(root: Path, kit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "run_job", short)
    monkeypatch.setattr(batch, "_server", lambda _: None)
    done = kit("run", "--as-of", "2026-11-01", "--stage", "impact_analysis", "--force", cwd=root)
    assert done.code == cli_run.OK
    assert "unchanged since" not in done.out


def test_a_dossier_that_is_no_longer_in_order_is_told_though_no_stage_reads_what_is_wrong(
    root: Path, kit: Callable[..., Any]
) -> None:
    path = root / "parameters/demo/data/opt_outs.csv"
    path.write_text(path.read_text().replace("customer_id", "client"))
    done = kit("run", "--as-of", "2026-11-01", cwd=root)
    assert done.code == cli_run.BAD_INPUT
    assert "customer_id" in done.err
