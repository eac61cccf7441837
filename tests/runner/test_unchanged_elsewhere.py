"""What runs again where tables lie in storage: one request for each tells whether it is as it was."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import storage
from ethics_kit.project import STAGES, Project
from ethics_kit.runner import batch
from ethics_kit.runner.unchanged import Wanted
from tests.runner.test_unchanged import AS_OF, BIAS, DESIGN, IMPACT, SIGNOFF, _aged, again, run, whole

NOTICES = "s3://warehouse/crm/notices.csv"


@pytest.fixture
def root(projects: Any, tmp_path: Path, bucket: Any) -> Path:
    """A project of which two tables lie in a bucket, run once. Only the design review reads one of them, `notices`."""
    tables = {name: {"source": f"s3://warehouse/crm/{name}.csv"} for name in ("notices", "opt_outs")}
    root: Path = projects(tmp_path / "project")(
        policy={"data_roots": ["s3://warehouse/crm"]}, system={"tables": tables}
    )
    for name in tables:
        path = root / f"parameters/demo/data/{name}.csv"
        bucket.put(f"crm/{name}.csv", path.read_bytes())
        path.unlink()
    _aged(root)
    run(root)
    return root


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The requests that go to S3, by kind."""
    from s3fs import S3FileSystem

    made, before = Counter[str](), S3FileSystem._call_s3

    async def counted(self: Any, method: str, *arguments: Any, **named: Any) -> Any:
        made[method] += 1
        return await before(self, method, *arguments, **named)

    monkeypatch.setattr(S3FileSystem, "_call_s3", counted)
    return made


def content(name: str = "notices") -> bytes:
    return storage.fetched(f"s3://warehouse/crm/{name}.csv").path.read_bytes()


def test_objects_that_are_as_they_were_cost_one_request_each_and_run_nothing(
    root: Path, tmp_path: Path, requests: Counter[str]
) -> None:
    assert whole(root)
    assert dict(requests) == {"head_object": 2}
    for path in (tmp_path / "cache").rglob("*.csv"):
        path.unlink()
    assert whole(root), "what was fetched need not be here any more"
    assert dict(requests) == {"head_object": 4}


def test_an_object_that_changed_runs_the_stages_again_that_read_it(root: Path, bucket: Any) -> None:
    bucket.put("crm/notices.csv", content() + b"c001,2026-01-07,email,en\r\n")
    assert again(root) == {DESIGN}
    assert not whole(root)
    assert {stage for stage, result in run(root).items() if result.since is None} == {DESIGN, BIAS, SIGNOFF}
    assert whole(root)


def test_an_object_that_no_stage_reads_has_the_dossier_validated_again(root: Path, bucket: Any) -> None:
    bucket.put("crm/opt_outs.csv", content("opt_outs") + b"c007,2026-09-02,retention\r\n")
    assert again(root) == set()
    assert not whole(root, stages=(IMPACT,))


def test_an_object_put_there_again_with_the_same_content_runs_nothing_once_it_was_read(root: Path, bucket: Any) -> None:
    bucket.put("crm/notices.csv", content() + b"\n")
    bucket.put("crm/notices.csv", content().rstrip(b"\n") + b"\n")
    assert {result.since is None for result in run(root).values()} == {False}
    assert whole(root)


@pytest.mark.parametrize("how", ["denied", "away"])
def test_what_storage_does_not_give_is_not_as_it_was(
    root: Path, bucket: Any, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "denied":
        bucket.deny("crm/notices.csv")
    else:
        monkeypatch.setattr(storage, "_about", _away)
    assert again(root) >= {DESIGN}
    assert not whole(root)
    assert not whole(root), "nor at a second look"


def _away(*_: object) -> Any:
    raise storage.StorageError("storage that cannot be read (Timeout)", "storage that answers", "check the network")


def test_a_run_of_which_storage_did_not_say_what_it_read_is_not_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, asked = Project(root), Wanted(STAGES, AS_OF)
    folder = project.parameters / "demo"
    memory, job = asked.memory(project, folder), asked.job(project, folder, DESIGN)
    result = memory.kept(job)
    assert result
    about = storage._about
    monkeypatch.setattr(storage, "_about", _away)
    memory.ran(result, memory.all_of(job))
    monkeypatch.setattr(storage, "_about", about)
    memory.forget()
    assert memory.kept(job) is None


def test_storage_that_the_policy_no_longer_lists_is_asked_for_nothing(root: Path, requests: Counter[str]) -> None:
    path = root / "parameters/policy.yaml"
    path.write_text(path.read_text().replace("s3://warehouse/crm", "s3://warehouse/other"))
    assert not whole(root)
    assert again(root) == {*STAGES}
    assert not requests


def test_an_address_that_only_the_cache_names_is_asked_for_nothing(root: Path, requests: Counter[str]) -> None:
    path = root / "reports/.cache/demo.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "named": [*told["named"], "s3://elsewhere/x.csv", "../../s3://warehouse/x"]}))
    assert not whole(root)
    assert dict(requests) == {"head_object": 2}


def test_what_came_after_the_dossier_was_read_does_not_count_as_found_in_order(root: Path, bucket: Any) -> None:
    def meddled(*arguments: Any) -> None:
        bucket.put("crm/opt_outs.csv", b"nobody looked at this\n")
        storage.fetched("s3://warehouse/crm/opt_outs.csv")
        before(*arguments)

    before = batch.Wanted.found_sound
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch.Wanted, "found_sound", meddled)
        run(root)
    assert not whole(root)
