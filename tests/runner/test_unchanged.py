"""What runs again after a change, and what does not: exactly the stages that read what was changed."""

import base64
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import archive, dossier
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project, bundle, notebook_name
from ethics_kit.record import read_record
from ethics_kit.runner import acts, batch, cache, fingerprints, unchanged
from ethics_kit.runner.digests import Digests
from ethics_kit.runner.job import JobResult, JobSpec
from ethics_kit.runner.results import Result
from ethics_kit.runner.unchanged import Wanted
from ethics_kit.stages.conclude import conclude
from tests.inprocess import case_of, leave

AS_OF = date(2026, 11, 1)
IMPACT, DESIGN, BIAS, SIGNOFF = STAGES
READS = {IMPACT: (), DESIGN: ("decisions", "notices", "training"), BIAS: ("decisions",), SIGNOFF: ("decisions",)}
"""The tables that the short stages of these tests read."""
QUESTION = next(q for q in catalogue.questions(IMPACT).values() if q.options)
EVIDENCE = {
    "value": QUESTION.options[0].value,
    "by": "Ann Lyst",
    "role": "analyst",
    "on": date(2026, 10, 1),
    "evidence": "minutes.txt",
}


def short(spec: JobSpec, *, server: object = None) -> JobResult:
    """A stage that reads its tables and the records it rests on, and leaves every step out."""
    case = case_of(spec)
    for table in READS[spec.stage]:
        case.table(table)
    return leave(spec, conclude(case, {}))


def run(root: Path, job: Any = short, **wanted: Any) -> dict[str, Result]:
    """A batch of the project's systems without kernels: its results by stage, or by system and stage."""
    asked = Wanted(wanted.pop("stages", STAGES), wanted.pop("as_of", AS_OF), **wanted)
    project = Project(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "run_job", job)
        for folder in project.systems():
            asked.found_sound(dossier.load(project, folder), time.time())
        results = batch.run(
            [(project, folder) for folder in project.systems()],
            asked,
            jobs=1,
            begun=lambda _: None,
            report=lambda _: None,
        )
    several = len(project.systems()) > 1
    return {f"{r.system} {r.stage}" if several else r.stage: r for r in results}


def again(root: Path, name: str = "demo", **wanted: Any) -> set[str]:
    """The stages of a system that would run again."""
    asked = Wanted(STAGES, wanted.pop("as_of", AS_OF), **wanted)
    project = Project(root)
    memory = asked.memory(project, project.parameters / name)
    return {stage for stage in STAGES if memory.kept(asked.job(project, project.parameters / name, stage)) is None}


def whole(root: Path, **wanted: Any) -> bool:
    """Whether nothing at all has changed, so that the system would not even be validated."""
    project, stages = Project(root), wanted.pop("stages", STAGES)
    return bool(Wanted(stages, AS_OF, **wanted).kept(project, project.parameters / "demo"))


@pytest.fixture(scope="module")
def base(projects: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run once."""
    root: Path = projects(tmp_path_factory.mktemp("unchanged") / "project")(
        impact_analysis={"answers": {QUESTION.id: EVIDENCE}}
    )
    (root / "parameters/demo/minutes.txt").write_text("Minutes of a meeting.")
    _aged(root)
    assert {r.since for r in run(root).values()} == {None}
    return root


@pytest.fixture
def root(base: Path, tmp_path: Path) -> Path:
    """A copy of it, in which nothing has changed."""
    copied = tmp_path / "copy"
    shutil.copytree(base, copied, symlinks=True)
    return copied


def _aged(root: Path) -> None:
    """Let so much time pass that the files count as settled when they are read."""
    newest = max(path.stat().st_ctime for path in root.rglob("*"))
    while time.time() - newest < 2 * unchanged.SETTLED:
        time.sleep(0.05)


# --- nothing has changed ---------------------------------------------------------------------------------------


def test_nothing_runs_again_where_nothing_has_changed(root: Path) -> None:
    assert again(root) == set()
    assert whole(root)


def test_a_result_that_is_kept_tells_the_records_own_recommendation_and_the_day_it_was_finished(root: Path) -> None:
    for stage, result in run(root, pytest.fail).items():
        record, _ = read_record(result.folder / "record.json")
        assert record
        assert result.folder == archive.current_folder(root / "reports/demo" / stage)
        assert (result.verdict, result.reason) == (record.recommendation.verdict, record.recommendation.reason)
        assert (result.since, result.new) == ("2026-11-03", False)


def test_a_file_that_was_only_touched_runs_nothing_again(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_file():
            path.touch()
    assert again(root) == set()
    assert whole(root)


def test_force_runs_everything_again(root: Path) -> None:
    assert {r.since for r in run(root, force=True).values()} == {None}
    assert not whole(root, force=True)


def test_what_was_kept_is_the_record_that_a_forced_run_leaves(root: Path) -> None:
    kept = {stage: result.folder for stage, result in run(root).items()}
    assert {stage: result.folder for stage, result in run(root, force=True).items()} == kept


# --- one thing has changed -------------------------------------------------------------------------------------

ALL = {*STAGES}
DOSSIER = ("policy", "organisation", "demo/system", *(f"demo/{stage}" for stage in STAGES))


@pytest.mark.parametrize("name", DOSSIER)
def test_each_yaml_file_of_a_dossier_is_read_by_every_stage(root: Path, name: str) -> None:
    path = root / f"parameters/{name}.yaml"
    path.write_text(path.read_text() + "# A remark.\n")
    assert again(root) == ALL


@pytest.mark.parametrize(
    ("table", "readers"),
    [
        ("demo/data/decisions.csv", {DESIGN, BIAS, SIGNOFF}),
        ("demo/data/notices.csv", {DESIGN}),
        ("data/training.csv", {DESIGN}),
        ("demo/minutes.txt", {IMPACT}),
    ],
)
def test_a_table_or_document_that_changed_runs_those_again_that_read_it(
    root: Path, table: str, readers: set[str]
) -> None:
    _rewrite(root / "parameters" / table)
    assert again(root) == readers
    assert not whole(root)


def test_a_table_that_no_stage_reads_runs_none_again_yet_the_dossier_is_validated(root: Path) -> None:
    _rewrite(root / "parameters/demo/data/opt_outs.csv")
    assert again(root) == set()
    assert not whole(root)


def test_other_bytes_of_the_same_length_and_time_are_seen(root: Path) -> None:
    assert again(root) == set()
    path = root / "parameters/demo/data/notices.csv"
    before = path.stat()
    _rewrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert again(root) == {DESIGN}


def test_a_link_that_leads_elsewhere_is_seen_though_both_files_stay(root: Path) -> None:
    data = root / "parameters/demo/data"
    (data / "notices.csv").rename(data / "old.csv")
    shutil.copy(data / "old.csv", data / "new.csv")
    (data / "notices.csv").symlink_to("old.csv")
    run(root)
    assert again(root) == set()
    (data / "notices.csv").unlink()
    (data / "notices.csv").symlink_to("new.csv")
    assert again(root) == ALL


def test_a_notebook_of_the_projects_own_runs_its_stage_again(root: Path) -> None:
    own = root / "notebooks"
    own.mkdir()
    shutil.copy(bundle() / "notebooks" / notebook_name(BIAS), own / notebook_name(BIAS))
    assert again(root) == set()
    _rewrite(own / notebook_name(BIAS))
    assert again(root) == {BIAS}


def test_another_version_of_the_kit_runs_everything_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "kit", lambda: "another")
    assert again(root) == ALL
    assert not whole(root)


def test_the_kit_is_another_where_a_file_of_it_or_a_library_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprints.kit()
    monkeypatch.setattr(fingerprints, "version", lambda _: "99")
    assert fingerprints.kit.__wrapped__() != before
    monkeypatch.undo()
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda p: whole(p) + b" " * (p.name == "requirements.yaml"))
    assert fingerprints.kit.__wrapped__() != before


def test_another_day_runs_everything_again(root: Path) -> None:
    assert again(root, as_of=AS_OF + timedelta(days=1)) == ALL
    assert again(root, as_of=AS_OF - timedelta(days=1)) == ALL


def test_pickles_that_may_be_opened_run_everything_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "pickle_allowed", lambda: True)
    assert again(root) == ALL


def test_a_pdf_that_is_not_there_yet_runs_its_stage_again(root: Path) -> None:
    assert again(root, pdf=True) == ALL


# --- records ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["record.json", "notebook.ipynb", "report.html", "attestation.json"])
@pytest.mark.parametrize("how", ["altered", "gone"])
def test_a_record_that_is_not_as_attested_runs_again_with_those_that_rest_on_it(
    root: Path, file: str, how: str
) -> None:
    folder = archive.current_folder(root / "reports/demo" / BIAS)
    assert folder
    if how == "gone":
        (folder / file).unlink()
    else:
        _rewrite(folder / file)
    assert again(root) == {BIAS, SIGNOFF}


def test_a_record_with_a_review_that_nobody_attested_runs_again(root: Path) -> None:
    folder = archive.current_folder(root / "reports/demo" / SIGNOFF)
    assert folder
    (folder / "review.yaml").write_text("entries: []\n")
    assert again(root) == {SIGNOFF}


def test_without_latest_json_a_stage_runs_again_with_those_that_rest_on_it(root: Path) -> None:
    (root / "reports/demo" / DESIGN / archive.LATEST).unlink()
    assert again(root) == {DESIGN, BIAS, SIGNOFF}


def test_a_failed_run_is_never_unchanged(root: Path) -> None:
    failed = run(root, lambda *_, **__: JobResult(status="failed", reason="no", seconds=1.0), force=True)
    assert {r.ok for r in failed.values()} == {False}
    assert again(root) == ALL


def test_without_its_chain_a_system_runs_again(root: Path) -> None:
    (root / "reports/demo/chain.json").unlink()
    assert again(root) == ALL


def test_an_act_that_was_interrupted_has_to_be_finished_first(root: Path) -> None:
    pending = root / "reports/demo/.pending"
    pending.mkdir()
    shutil.copy(root / "reports/demo/chain.json", pending)
    assert again(root) == ALL


def test_a_review_of_an_earlier_stage_runs_those_again_that_rest_on_it(root: Path) -> None:
    _act(root, DESIGN)
    assert again(root) == {BIAS, SIGNOFF}


def test_a_review_of_the_last_stage_runs_nothing_again(root: Path) -> None:
    _act(root, SIGNOFF)
    assert again(root) == set()


def test_a_record_of_an_earlier_day_that_is_new_runs_those_again_that_look_back_at_it(root: Path) -> None:
    run(root, stages=(BIAS,), as_of=date(2026, 9, 1))
    assert again(root) == {DESIGN, BIAS, SIGNOFF}


def test_a_record_that_is_no_longer_the_current_one_runs_again(root: Path) -> None:
    run(root, stages=(SIGNOFF,), as_of=date(2026, 11, 2))
    assert again(root) == {SIGNOFF}


# --- a run -----------------------------------------------------------------------------------------------------


def test_one_changed_table_runs_its_readers_and_no_other_system(root: Path) -> None:
    shutil.copytree(root / "parameters/demo", root / "parameters/other")
    run(root)
    _rewrite(root / "parameters/other/data/notices.csv", ".000")
    _aged(root)
    ran = {name for name, result in run(root).items() if result.since is None}
    assert ran == {f"other {stage}" for stage in (DESIGN, BIAS, SIGNOFF)}  # the later two rest on the new record


def test_what_was_changed_during_a_run_is_run_again(root: Path) -> None:
    def meddled(spec: JobSpec, *, server: object = None) -> JobResult:
        if spec.stage == BIAS:
            _rewrite(root / "parameters/demo/data/decisions.csv")
        return short(spec)

    run(root, meddled, force=True)
    assert again(root) >= {BIAS}


def test_a_dossier_that_was_changed_while_it_was_validated_is_validated_again(root: Path) -> None:
    project = Project(root)
    began = time.time()
    loaded = dossier.load(project, project.parameters / "demo")
    _rewrite(root / "parameters/demo/data/opt_outs.csv")
    Wanted(STAGES, AS_OF).found_sound(loaded, began)
    assert not whole(root)


def test_a_record_that_was_altered_together_with_its_attestation_and_the_chain_is_not_kept(root: Path) -> None:
    folder = archive.current_folder(root / "reports/demo" / BIAS)
    assert folder
    chained = root / "reports/demo/chain.json"
    _exchanged(folder / "record.json", ('"verdict":"undetermined"', '"verdict":"approve"'), folder, chained)
    assert again(root) == {BIAS, SIGNOFF}


def _exchanged(record: Path, words: tuple[str, str], folder: Path, chained: Path) -> None:
    """Other words in a record, and whatever rests on its digest made to fit."""
    before = hashlib.sha256(record.read_bytes()).hexdigest()
    record.write_text(record.read_text().replace(*words))
    envelope = json.loads((folder / "attestation.json").read_bytes())
    payload = base64.b64decode(envelope["payload"]).decode()
    payload = payload.replace(before, hashlib.sha256(record.read_bytes()).hexdigest())
    envelope["payload"] = base64.b64encode(payload.encode()).decode()
    was = hashlib.sha256((folder / "attestation.json").read_bytes()).hexdigest()
    (folder / "attestation.json").write_text(json.dumps(envelope))
    now = hashlib.sha256((folder / "attestation.json").read_bytes()).hexdigest()
    chained.write_text(chained.read_text().replace(was, now))


# --- the cache -------------------------------------------------------------------------------------------------

HOSTILE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "no JSON": lambda path: path.write_text("{"),
    "nested": lambda path: path.write_text("[" * 100_000),
    "a list": lambda path: path.write_text("[]"),
    "other keys": lambda path: path.write_text('{"schema": "ethics-kit/cache/1", "stages": {"x": 1}}'),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link": lambda path: (path.rename(path.with_name("aside")), path.symlink_to("aside")),
    "a link to nowhere": lambda path: (path.unlink(), path.symlink_to("/nowhere")),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "huge": lambda path: path.write_text(path.read_text() + " " * cache.LARGEST),
    "a linked folder": lambda path: (
        path.parent.rename(path.parent.with_name("aside")),
        path.parent.symlink_to("aside"),
    ),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_cache_that_cannot_be_trusted_skips_nothing_and_is_no_error(root: Path, how: str) -> None:
    HOSTILE[how](root / "reports/.cache/demo.json")
    assert again(root) == ALL
    assert not whole(root)


@pytest.mark.parametrize("name", ["../../../../../../dev/zero", "/dev/zero", "\0", "x" * 5000, "demo"])
def test_a_path_in_the_cache_that_leads_nowhere_or_to_no_file_skips_nothing(root: Path, name: str) -> None:
    path = root / "reports/.cache/demo.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "named": [*content["named"], name]}))
    assert again(root) == ALL
    assert not whole(root)


def test_a_digest_in_the_cache_counts_only_for_a_file_that_the_disk_says_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a")
    about = path.stat()
    mark = [about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns]
    assert Digests({":".join(map(str, mark)): "known"}).of(path) == "known"
    for place in range(5):
        other = [value + (number == place) for number, value in enumerate(mark)]
        assert Digests({":".join(map(str, other)): "known"}).of(path) != "known"


def test_the_digest_of_a_file_that_changed_a_moment_ago_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("a")
    fresh, settled = Digests({}), Digests({})
    fresh.of(path)
    monkeypatch.setattr("ethics_kit.runner.digests.time.time_ns", lambda: path.stat().st_ctime_ns + 3 * 10**9)
    settled.of(path)
    assert (fresh.used, list(settled.used.values())) == ({}, [Digests({}).of(path)])


def test_the_cache_holds_paths_from_the_project_and_digests_and_nothing_else(root: Path) -> None:
    run(root)
    content = json.loads((root / "reports/.cache/demo.json").read_text())
    assert content.keys() == {"schema", "named", "valid", "stages", "digests"}
    assert str(root) not in json.dumps(content)
    assert "data/training.csv" in content["named"]


def test_a_cache_that_cannot_be_written_is_no_error(root: Path) -> None:
    shutil.rmtree(root / "reports/.cache")
    (root / "reports/.cache").write_text("in the way")
    assert {r.since for r in run(root).values()} == {None}
    assert again(root) == ALL


# --- helpers ---------------------------------------------------------------------------------------------------


def _rewrite(path: Path, ending: str = "") -> None:
    """Other bytes of the same length, such as a table can hold; with `ending`, more of them."""
    content = path.read_bytes()
    if ending:
        path.write_bytes(content.replace(b"2026-01-06", b"2026-01-07"))
    else:
        place = max(i for i, byte in enumerate(content) if chr(byte).isalnum())
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def _act(root: Path, stage: str) -> None:
    """People submit the record of a stage for review."""
    folder = archive.current_folder(root / "reports/demo" / stage)
    assert folder
    entry = {"act": "submit", "by": "Ann Lyst", "role": "analyst", "on": datetime.now(UTC).date()}

    def added(record: Any, content: bytes | None) -> bytes:
        from ethics_kit import review

        return review.added(folder / review.FILE, content, record, entry, today=datetime.now(UTC).date())[0]

    acts.act(Project(root), folder, act="review", review=added)
