"""A dossier whose tables lie in S3: `check`, `run`, `verify` on a local server, and what they refuse."""

import hashlib
import json

import nbformat
import pytest

from ethics_kit.project import Project, notebook_name

DAY = "2026-11-01"
TABLES = ("decisions", "customers", "consents", "notices", "opt_outs", "past_assessments")
ROOTS = {"data_roots": ["s3://warehouse/crm/"]}
RUN = ("run", "--stage", "deployment_signoff", "--as-of", DAY)


def moved(root, bucket, name="demo"):
    """Every table of the system and the organisation's into the bucket; none stays in the project."""
    for path in [*(root / "parameters" / name / "data").iterdir(), root / "parameters/data/training.csv"]:
        bucket.put(f"crm/{path.name}", path.read_bytes())
        path.unlink()


@pytest.fixture
def stored(project, bucket):
    """A factory of projects as those of `project`, whose tables lie in the bucket."""

    def make(**changes):
        tables = {name: {"source": f"s3://warehouse/crm/{name}.csv"} for name in TABLES}
        training = {"tables": {"training": {"source": "s3://warehouse/crm/training.csv"}}}
        root = project(policy=ROOTS, system={"tables": tables}, organisation=training, **changes)
        moved(root, bucket)
        return root

    return make


def quick(root):
    """A template of the project's own with three steps, which read two tables."""
    notebook = nbformat.read(Project(root).template("deployment_signoff"), as_version=4)
    first, second, *steps, last = [c for c in notebook.cells if c.cell_type == "code"]
    kept = [c for c in steps if any(name in c.source for name in ("audit_log_sequence", "disclosure", "training"))]
    notebook.cells = [first, second, *kept, last]
    (root / "notebooks").mkdir()
    nbformat.write(notebook, root / "notebooks" / notebook_name("deployment_signoff"))
    return root


def record(root):
    (path,) = (root / "reports/demo/deployment_signoff").glob("2026*/record.json")
    return json.loads(path.read_bytes())


def places(told):
    return {i["role"]: (i["address"], i["sha256"]) for i in told["inputs"] if i["role"].startswith("table ")}


def test_a_record_of_tables_in_storage_has_the_numbers_of_local_ones_and_names_their_addresses(
    stored, bucket, projects, kit, tmp_path
):
    root, local = quick(stored()), quick(projects(tmp_path / "local")())
    content = (local / "parameters/demo/data/decisions.csv").read_bytes()
    checked = kit("check", cwd=root)
    assert (checked.code, checked.out) == (0, "demo: in order\n")
    assert checked.err == "demo: read 7 files from storage, 0.1 MB\n"
    done = [kit(*RUN, cwd=where) for where in (root, local)]
    assert [d.code for d in done] == [0, 0], done
    assert "from storage" not in done[0].err, "what has not changed is not read again"
    ours, theirs = record(root), record(local)
    assert ours["findings"] == theirs["findings"]
    assert len([f for f in ours["findings"] if f["n"]]) >= 2
    assert places(ours)["table decisions"] == (
        "s3://warehouse/crm/decisions.csv",
        hashlib.sha256(content).hexdigest(),
    )
    assert {a for a, _ in places(ours).values()} <= {f"s3://warehouse/crm/{n}.csv" for n in (*TABLES, "training")}
    assert {r: s for r, (_, s) in places(ours).items()} == {r: s for r, (_, s) in places(theirs).items()}
    for path in (root / "reports").rglob("*"):
        assert path.is_dir() or b"cache/storage" not in path.read_bytes(), path

    plain = kit("verify", cwd=root)
    assert "lies in storage, which verify --inputs looks into" in plain.out + plain.err
    assert kit("verify", "--inputs", cwd=root).code == 0
    bucket.put("crm/decisions.csv", content.replace(b"d0001", b"d9001"))
    changed = kit("verify", "--inputs", cwd=root)
    assert changed.code != 0
    assert "input s3://warehouse/crm/decisions.csv" in changed.out + changed.err
    assert "has changed since: it had sha256" in changed.out + changed.err
    assert kit(*RUN, cwd=root).code == 0
    digests = {json.loads(p.read_bytes())["record_id"] for p in root.rglob("deployment_signoff/2026*/record.json")}
    assert len(digests) == 2, "another content is another record"


def test_all_that_is_wrong_with_addresses_is_told_at_once(stored, bucket, edit, kit):
    root = stored()
    system = root / "parameters/demo/system.yaml"
    bucket.put("other/notices.csv", b"a\n1\n")
    bucket.put("crm/denied/consents.csv", b"a\n1\n")
    bucket.deny("crm/denied/*")
    wrong = {
        "decisions": ("s3://warehouse/crm/gone.csv", '"s3://warehouse/crm/gone.csv": no such object or bucket'),
        "customers": ("s3://warehouse/crm/../other/x.csv", "an address that leads out of its folder"),
        "consents": ("s3://warehouse/crm/denied/consents.csv", "access denied; allowed: an object that the credent"),
        "notices": ("s3://warehouse/other/notices.csv", "which lies in no storage that the policy lists"),
        "opt_outs": ("s3://ann:hunter2@warehouse/crm/x.csv", '"s3://…", an address with a user, a password or'),
        "past_assessments": ("https://warehouse.example/x.csv", "an address of a kind that is not read"),
    }
    for name, (source, _) in wrong.items():
        edit(system, ("tables", name, "source"), source)
    edit(root / "parameters/organisation.yaml", ("tables", "training", "sha256"), "0" * 64)
    edit(root / "parameters/policy.yaml", ("data_roots",), [*ROOTS["data_roots"], "s3://ann:hunter2@warehouse"])
    done = kit("check", cwd=root)
    lines = done.err.splitlines()
    assert done.code == 2
    for name, (_, told) in wrong.items():
        ((line),) = [x for x in lines if f" tables.{name}.source: found " in x]
        assert told in line
        assert line.startswith("parameters/demo/system.yaml:")
    assert [x for x in lines if " tables.training.sha256: found the digest of another content" in x]
    assert [
        x for x in lines if x.startswith("parameters/policy.yaml:") and 'data_roots.1: found "s3://…", an addr' in x
    ]
    assert len(lines) == len(wrong) + 3
    assert "hunter2" not in done.out + done.err
    assert "Traceback" not in done.err
    assert kit(*RUN, cwd=root).code == 2
    assert not (root / "reports").exists() or not list((root / "reports").rglob("record.json"))


def test_storage_that_the_policy_does_not_list_is_asked_for_nothing(stored, monkeypatch, kit):
    root = stored()
    (root / "parameters/policy.yaml").write_text(
        (root / "parameters/policy.yaml").read_text(encoding="utf-8").replace("s3://warehouse/crm/", "s3://other"),
        encoding="utf-8",
    )
    from ethics_kit import storage

    monkeypatch.setattr(storage, "fetched", lambda address: pytest.fail(f"asked for {address}"))
    done = kit("check", cwd=root)
    assert (done.code, done.err.count("which lies in no storage that the policy lists")) == (2, 7)


def test_a_pinned_table_is_read_as_long_as_it_is_the_one_that_was_pinned(project, kit, edit):
    root = project()
    table = root / "parameters/demo/data/notices.csv"
    pin = ("tables", "notices", "sha256")
    edit(root / "parameters/demo/system.yaml", pin, hashlib.sha256(table.read_bytes()).hexdigest())
    assert kit("check", cwd=root).code == 0
    with table.open("a", encoding="utf-8") as file:
        file.write("c001,2026-01-07,email,en\n")
    done = kit("check", cwd=root)
    now = hashlib.sha256(table.read_bytes()).hexdigest()
    assert done.code == 2
    assert f'sha256: found the digest of another content; that of "data/notices.csv" is {now}' in done.err


def test_a_file_outside_the_project_is_told_no_digest_of(project, kit, edit, tmp_path):
    root = project()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    system = root / "parameters/demo/system.yaml"
    edit(system, ("tables", "notices", "source"), "../../../secret.csv")
    edit(system, ("tables", "notices", "sha256"), "0" * 64)
    done = kit("check", cwd=root)
    assert done.code == 2
    assert "which lies outside the project" in done.err
    assert "digest" not in done.err


def test_extracts_and_models_may_lie_in_storage(stored, bucket, kit, edit):
    root = stored()
    system = root / "parameters/demo/system.yaml"
    extract = {
        "source": "s3://warehouse/crm/extract.csv",
        "made_on": "2026-10-01",
        "recipient": "A supplier",
        "purpose": "To train agents.",
        "quasi_identifiers": ["region"],
        "none_sensitive": "It holds regions alone.",
        "population": {"size": 1000},
    }
    edit(system, ("extracts",), {"to_supplier": extract})
    edit(system, ("model", "file"), "s3://warehouse/crm/model.txt")
    done = kit("check", cwd=root)
    assert ' extracts.to_supplier.source: found "s3://warehouse/crm/extract.csv": no such object' in done.err
    assert ' model.file: found "s3://warehouse/crm/model.txt": no such object' in done.err
    bucket.put("crm/extract.csv", b"region\nnorth\nsouth\n")
    edit(system, ("model", "file"), ...)
    assert kit("check", cwd=root).code == 0
