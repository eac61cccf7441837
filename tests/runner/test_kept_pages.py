"""The pages over all systems after a run: not written again where they show all there is, else the same bytes."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import cli_portfolio, cli_run
from ethics_kit.languages import Fixed, Phrase
from ethics_kit.project import Project
from ethics_kit.record import read_record
from ethics_kit.report.portfolio import kept, write
from ethics_kit.report.supply import Supply
from ethics_kit.runner import batch, pages, shown, warm
from tests.attested import put_review
from tests.published import DECIDE, SUBMIT, finding, put, record, review
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
    bare = _from_nothing(root)
    assert {name: (root / "reports" / name).read_bytes() for name in PAGES} == {name: bare[name] for name in PAGES}


def test_pages_are_written_again_on_another_day_and_where_a_system_could_not_be_run(root: Path) -> None:
    assert written(root, day=date(2026, 11, 2))
    assert written(root, not_run=("demo",))
    assert written(root, systems=())


def test_pages_are_written_again_by_another_version_of_the_kit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "kit", lambda: "another")
    assert written(root)


# --- one system has changed ------------------------------------------------------------------------------------

SYSTEMS = ("a", "b", "c")


def _pages(root: Path) -> dict[str, bytes]:
    reports = root / "reports"
    found = [*reports.glob("*.html"), *reports.glob("*.csv"), *reports.glob("*/index.html")]
    return {path.relative_to(reports).as_posix(): path.read_bytes() for path in found}


def _from_nothing(root: Path, systems: tuple[str, ...] = ("demo",), day: date = AS_OF) -> dict[str, bytes]:
    """The pages that the records give where nothing is known of them."""
    copy = root.with_name(f"{root.name}_bare")
    shutil.copytree(root, copy, symlinks=True)
    for path in _pages(copy):
        (copy / "reports" / path).unlink()
    shutil.rmtree(copy / "reports/.cache", ignore_errors=True)
    scope = write.scope(copy / "reports", [Project(copy)])
    write.write(scope, day=write.day_of(copy / "reports", day), only=systems)
    found = _pages(copy)
    shutil.rmtree(copy)
    return found


@pytest.fixture
def several(projects: Any, tmp_path: Path) -> Path:
    """Three systems with records of all kinds, whose pages have been written."""
    root: Path = projects(tmp_path / "several")()
    shutil.move(root / "parameters/demo", root / "parameters/a")
    for name in SYSTEMS[1:]:
        shutil.copytree(root / "parameters/a", root / "parameters" / name)
    for name in SYSTEMS:
        put(root / "reports", *_records(name))
    (latest,) = (root / "reports/c/bias_testing").glob("2026-11-01*")
    _reviewed(latest, SUBMIT, *DECIDE)
    _draw(root)
    return root


def _records(system: str) -> Iterator[Any]:
    """Gaps over time, open findings with actions and without, and what waits for answers."""
    bounds = {"low": -0.3, "high": -0.1, "level": 0.95}
    for month in (9, 10, 11):
        day = date(2026, month, 1)
        gap = finding(
            "P2.2.gender.rate_difference",
            "not_met",
            value=-month / 50,
            unit="difference of rates",
            interval=bounds,
            n=500,
            action="Retrain <b>it</b>.",
            owner="Ann Lyst",
            due=date(2026, month, 20),
        )
        waits = finding("P1.1.b", "not_assessed", null_reason="awaits the table decisions", action="Add it.")
        more = [finding("P2.2.age.late", "not_met", statement="Zu spät.", action="Retrain.")] if month == 11 else []
        yield record(gap, waits, *more, system=system, day=day)


def _draw(root: Path, systems: tuple[str, ...] = SYSTEMS, **options: Any) -> None:
    cli_portfolio.after_run(
        root / "reports", [Project(root)], day=AS_OF, systems=systems, **{"not_run": (), "anew": False, **options}
    )


def _reads(root: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[str]:
    """The systems whose records are read to draw the pages, which are those of all records."""
    whole, names = kept.of_system, []

    def noted(reports: Path, system: str, keys: Any) -> Any:
        names.append(system)
        return whole(reports, system, keys)

    with monkeypatch.context() as patch:
        patch.setattr(kept, "of_system", noted)
        _draw(root, **options)
    assert _pages(root) == _from_nothing(root, SYSTEMS)
    return names


ONE: dict[str, Callable[[Path], object]] = {
    "a newer record": lambda root: put(
        root / "reports", record(finding("P2.2.a", "met"), system="b", day=date(2026, 11, 2))
    ),
    "an altered record": lambda root: _longer(next(root.glob("reports/b/bias_testing/2026-10-01*/record.json"))),
    "a review": lambda root: _reviewed(next(root.glob("reports/b/bias_testing/2026-11-01*")), SUBMIT),
    "its page": lambda root: (root / "reports/b/index.html").write_text("<h1>Approve</h1>"),
    "a folder that is empty": lambda root: (root / "reports/b/bias_testing/failed_2026-11-01").mkdir(),
    "its system.yaml": lambda root: _longer(root / "parameters/b/system.yaml"),
    "a file that is a link": lambda root: _linked(next(root.glob("reports/b/bias_testing/2026-11-01*/record.json"))),
}


def _reviewed(folder: Path, *entries: dict[str, Any]) -> None:
    one, _ = read_record(folder / "record.json")
    assert one
    put_review(folder, review(one, entries))


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _linked(path: Path) -> None:
    aside = path.parents[4] / path.name
    path.rename(aside)
    path.symlink_to(aside)


@pytest.mark.parametrize("what", [name for name in ONE if name != "a newer record"])
def test_after_a_change_of_one_system_it_alone_is_read(
    several: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ONE[what](several)
    assert _reads(several, monkeypatch) == ["b"]


def test_a_record_of_a_later_day_moves_the_day_of_all_pages(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ONE["a newer record"](several)
    assert _reads(several, monkeypatch) == list(SYSTEMS)


def test_a_system_that_is_reached_through_a_link_is_read_each_time(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ONE["a file that is a link"](several)
    assert _reads(several, monkeypatch) == ["b"]
    assert _reads(several, monkeypatch) == ["b"]


@pytest.mark.parametrize("change", ["policy.yaml", "organisation.yaml"])
def test_after_a_change_of_what_all_pages_show_everything_is_read(
    several: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _longer(several / "parameters" / change)
    assert _reads(several, monkeypatch) == list(SYSTEMS)


def test_with_force_every_record_is_read(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _reads(several, monkeypatch, anew=True) == list(SYSTEMS)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "of another form": lambda path: path.write_text(json.dumps({"a": {"read": "0" * 64, "shown": {"system": "a"}}})),
    "deep": lambda path: path.write_text("[" * 100_000),
    "a link": lambda path: _linked_to(path),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


def _linked_to(path: Path) -> None:
    aside = path.with_name("elsewhere.json")
    path.rename(aside)
    path.symlink_to(aside)


@pytest.mark.parametrize("how", DAMAGE)
def test_where_what_is_kept_cannot_be_relied_on_everything_is_read(
    several: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DAMAGE[how](several / "reports/.cache/_shown.json")
    ONE["a review"](several)
    assert _reads(several, monkeypatch) == list(SYSTEMS)


def test_a_page_that_was_left_as_it_is_is_drawn_once_it_is_asked_for(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ONE["a review"](several)
    before = (several / "reports/b/index.html").read_bytes()
    _draw(several, systems=("a",))
    assert (several / "reports/b/index.html").read_bytes() == before
    assert _reads(several, monkeypatch) == ["b"]


def test_an_act_that_comes_while_the_pages_wait_to_be_written_is_shown(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = write.scope

    def overtaken(*given: Any, **named: Any) -> Any:
        ONE["a review"](several)
        return scope(*given, **named)

    _longer(several / "parameters/a/system.yaml")
    with monkeypatch.context() as patch:
        patch.setattr(write, "scope", overtaken)
        _draw(several)
    assert _pages(several) == _from_nothing(several, SYSTEMS)


def test_what_changes_while_the_pages_are_written_is_not_kept(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render = write.index.write_index

    def overtaken(*given: Any, **named: Any) -> Path:
        ONE["a review"](several)
        return render(*given, **named)

    _longer(several / "parameters/a/system.yaml")
    with monkeypatch.context() as patch:
        patch.setattr(write.index, "write_index", overtaken)
        _draw(several)
    assert _reads(several, monkeypatch) == ["b"]


def test_what_a_phrase_is_made_of_is_kept_with_its_kind() -> None:
    what = Phrase(
        "%(count)s of %(name)s", {"count": Phrase("%(num)s answer", {"num": 2}, "%(num)s answers"), "name": Fixed("x")}
    )
    form = shown.TypeAdapter(Supply)
    read = form.validate_json(form.dump_json(Supply(what, "answer", 1)))
    assert read == Supply(what, "answer", 1)
    assert [type(value) for value in read.what.values.values()] == [Phrase, Fixed]


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
    monkeypatch.setattr(warm.Reserve, "start", lambda _: None)
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
