"""The commands check, new and schema, as a person meets them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import cli
from ethics_kit.project import STAGES

Make = Callable[..., Path]
Edit = Callable[..., None]
SYSTEM = "parameters/demo/system.yaml"
HEAVY = (
    "cryptography securesystemslib filelock pandas numpy ibis duckdb matplotlib papermill nbconvert pydantic jinja2 "
    "ipywidgets IPython"
)


Kit = Callable[..., Any]


def in_a_process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ethics_kit.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=180, check=False
    )


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


# --- help ------------------------------------------------------------------------------------------------------


def test_help_needs_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys, ethics_kit.cli\n"
        "try:\n    sys.argv = ['ethics-kit', '--help']; ethics_kit.cli.main()\n"
        f"finally:\n    print([m for m in {HEAVY!r}.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Usage: ethics-kit [OPTIONS] COMMAND" in done.stdout


def test_a_run_makes_no_grammar_of_web_addresses_and_keeps_nobody_else_from_it() -> None:
    code = (
        "import sys, ethics_kit.runner.batch\n"
        "assert 'nbformat' in sys.modules and 'rfc3987_syntax' not in sys.modules\n"
        "import rfc3987_syntax"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_names_every_command_with_a_sentence(kit: Kit, tmp_path: Path) -> None:
    done = kit("--help", cwd=tmp_path)
    commands = dict(re.findall(r"^  (\w+)\s+(\S.+)$", done.out.split("Commands:")[1], re.MULTILINE))
    expected = "check run new complete open review sign verify keygen compare portfolio demo schema"
    assert list(commands) == expected.split()
    assert done.code == 0
    assert done.err == ""


@pytest.mark.parametrize("arguments", [["chekc"], ["check", "--colour"], ["new"], ["run", "--stage", "x"]])
def test_a_wrong_command_line_ends_with_2_and_writes_nothing(kit: Kit, tmp_path: Path, arguments: list[str]) -> None:
    done = kit(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert done.err.isascii()
    assert list(tmp_path.iterdir()) == []


# --- check -----------------------------------------------------------------------------------------------------


def test_a_sound_project_is_in_order_and_stays_as_it_is(kit: Kit, project: Make) -> None:
    root = project()
    before = content(root)
    done = kit("check", cwd=root)
    assert (done.code, done.out, done.err) == (0, "demo: in order\n", "")
    assert content(root) == before


@pytest.mark.parametrize(
    "named", [[], ["."], ["parameters"], ["parameters/demo", "parameters/other"], ["other", "demo"]]
)
def test_systems_are_named_one_by_one_or_all_at_once(kit: Kit, project: Make, named: list[str]) -> None:
    root = project()
    project("other")
    done = kit("check", *named, cwd=root)
    assert (done.code, sorted(done.out.splitlines())) == (0, ["demo: in order", "other: in order"])


def test_a_system_named_twice_is_checked_once(kit: Kit, project: Make) -> None:
    done = kit("check", "demo", "parameters/demo", SYSTEM, cwd=project())
    assert done.out == "demo: in order\n"


def test_one_bad_dossier_does_not_hide_the_others(kit: Kit, project: Make, edit: Edit) -> None:
    root = project()
    project("aaa")
    project("zzz")
    edit(root / SYSTEM, ("kind",), "scord")
    (root / "parameters/zzz/design_review.yaml").write_text("")
    done = kit("check", cwd=root)
    assert done.code == 2
    assert done.out == "aaa: in order\n"
    first, second, count = done.err.splitlines()
    assert first.startswith(f'{SYSTEM}:2: kind: found "scord" (text); allowed: scored, ranked, generative or rules;')
    assert second.startswith("parameters/zzz/design_review.yaml: found an empty file;")
    assert count == "2 problems to put right."


def test_a_problem_in_a_shared_file_is_told_once(kit: Kit, project: Make) -> None:
    project("second")
    root = project(policy={"version": 1.0}, organisation={"nmae": "x"})
    done = kit("check", cwd=root)
    assert [line.split(": ")[1] for line in done.err.splitlines()[:-1]] == ["nmae", "version"]
    assert done.err.endswith("\n2 problems to put right.\n")
    assert (done.code, done.out) == (2, "")


def test_one_problem_is_counted_as_one(kit: Kit, project: Make) -> None:
    assert kit("check", cwd=project(system={"name": ...})).err.endswith("\n1 problem to put right.\n")


def test_a_dossier_that_lost_its_system_file_is_not_passed_over(kit: Kit, project: Make) -> None:
    root = project()
    project("other")
    (root / SYSTEM).unlink()
    for named in ([], ["parameters"]):
        done = kit("check", *named, cwd=root)
        assert (done.code, done.out) == (2, "other: in order\n")
        assert done.err.startswith(f"{SYSTEM}: found no such file;")
    done = kit("check", "parameters/demo", cwd=root)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        "parameters/demo: found no system.yaml there; allowed: a dossier folder, or one of: demo, oth"
    )


@pytest.mark.parametrize("named", ["parameters/demo/data", "nobody", "../elsewhere", "x" * 300, "a\x1b[31mb"])
def test_a_name_that_is_no_dossier_is_told_with_those_there_are(kit: Kit, project: Make, named: str) -> None:
    done = kit("check", named, "demo", cwd=project())
    assert (done.code, done.out) == (2, "demo: in order\n")
    assert (
        "found no system.yaml there; allowed: a dossier folder, or one of: demo; to do: check the spelling" in done.err
    )
    assert all(line.isprintable() for line in done.err.splitlines())


def test_a_folder_with_a_bad_name_is_told(kit: Kit, project: Make) -> None:
    root = project()
    (root / "parameters/demo").rename(root / "parameters/my demo")
    done = kit("check", cwd=root)
    assert done.code == 2
    assert "parameters/my demo: found the name 'my demo'; allowed: letters, digits, - and _" in done.err


@pytest.mark.parametrize("named", [[], ["demo"], ["."]])
def test_without_a_project_the_way_to_start_is_told(kit: Kit, tmp_path: Path, named: list[str]) -> None:
    done = kit("check", *named, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "ethics-kit new" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_project_without_dossiers_is_no_success(kit: Kit, project: Make) -> None:
    root = project()
    (root / "parameters/demo").rename(root / "demo_kept_elsewhere")
    done = kit("check", cwd=root)
    assert (done.code, done.out) == (2, "")
    assert "parameters: found no dossier; allowed: folders with a system.yaml; to do: create one with" in done.err


def test_off_a_terminal_a_problem_is_one_line_without_colours_however_narrow_it_is(project: Make) -> None:
    root = project(
        impact_analysis={"answers": {"optimises_for": {"value": "\x1b[31mred\nblue " + "x" * 500}}},
        system={"name": ..., "kind": "scord"},
    )
    done = in_a_process("check", cwd=root, COLUMNS="40", LINES="10", FORCE_COLOR="1", TERM="xterm-256color")
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    pattern = r"parameters/demo/\w+\.yaml:\d+: [\w.]+: found .+; allowed: .+; to do: .+"
    assert all(re.fullmatch(pattern, line) for line in lines[:-1])


def test_a_traceback_is_never_the_answer(kit: Kit, project: Make) -> None:
    root = project()
    os.truncate(root / "parameters/demo/data/decisions.csv", 0)
    (root / "parameters/demo/data/customers.csv").write_bytes(b"\xff\xfe\x00")
    (root / "parameters/demo/data/consents.csv").unlink()
    (root / "parameters/demo/data/consents.csv").mkdir()
    done = kit("check", cwd=root)
    assert done.code == 2
    assert "Traceback" not in done.err
    keys = {line.split(": ")[1] for line in done.err.splitlines()[:-1]}
    assert keys >= {"tables.decisions.source", "tables.customers.source", "tables.consents.source"}


# --- new -------------------------------------------------------------------------------------------------------


def test_a_new_system_is_in_order_as_it_was_written(kit: Kit, tmp_path: Path) -> None:
    done = kit("new", "my_system", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].endswith("then: ethics-kit check parameters/my_system")
    assert kit("check", "parameters/my_system", cwd=tmp_path).out == "my_system: in order\n"


def test_new_refuses_what_it_cannot_do_with_2_and_writes_nothing(kit: Kit, tmp_path: Path) -> None:
    for arguments in (["../x"], ["x", "--like", "nonsense"], ["x", "--data", "none.csv"], ["x", "--data", ""]):
        done = kit("new", *arguments, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert re.fullmatch(r".*: found .*; allowed: .*; to do: .*\n", done.err)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_told_in_words(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "parameters").write_text("a file where a folder has to be")
    done = kit("new", "my_system", cwd=tmp_path)
    assert done.code == 1
    assert done.err.startswith(str(tmp_path / "parameters"))
    assert done.err.count("\n") == 1


def test_a_short_dossier_is_begun_checked_and_completed(kit: Kit, tmp_path: Path) -> None:
    done = kit("new", "my_system", "--quick", "--kind", "generative", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "Next, within half an hour:" in done.out
    assert kit("check", "my_system", cwd=tmp_path).out == "my_system: in order\n"
    done = kit("complete", "my_system", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("added to parameters/my_system/impact_analysis.yaml\n")
    assert kit("check", "my_system", cwd=tmp_path).out == "my_system: in order\n"


def test_complete_without_such_a_dossier_is_refused(kit: Kit, project: Make) -> None:
    done = kit("complete", "nobody", cwd=project())
    assert (done.code, done.out) == (2, "")
    assert "found no system.yaml there" in done.err


def test_jupyterlab_opens_on_the_short_questionnaire_while_there_is_one(kit: Kit, tmp_path: Path) -> None:
    kit("new", "my_system", "--quick", cwd=tmp_path)
    address = "--LabApp.default_url=/lab/tree/workbooks/my_system/{}"
    assert address.format("0_short_questionnaire.ipynb") in cli._lab_options(cli.Project(tmp_path), "my_system")
    kit("complete", "my_system", cwd=tmp_path)
    assert address.format("1_impact_analysis.ipynb") in cli._lab_options(cli.Project(tmp_path), "my_system")


# --- schema ----------------------------------------------------------------------------------------------------


def test_schema_writes_what_is_missing_and_names_it(kit: Kit, project: Make) -> None:
    root = project()
    done = kit("schema", cwd=root)
    names = {f"parameters/.schema/{name}.json" for name in ("policy", "organisation", "system", *STAGES, "record")}
    assert (done.code, set(done.out.splitlines())) == (0, names)
    assert all((root / name).is_file() for name in names)
    assert kit("schema", cwd=root / "parameters/demo").out == ""


def test_schema_outside_a_project_is_refused(kit: Kit, tmp_path: Path) -> None:
    done = kit("schema", cwd=tmp_path)
    assert done.code == 2
    assert "found no policy.yaml here or in a folder above" in done.err


def test_root_is_told_what_to_do(kit: Kit, project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    done = kit("open", "demo", "--no-browser", cwd=project())
    assert done.code == 1
    assert "ethics-kit open demo -- --allow-root" in done.err


def test_check_opens_the_model_and_tells_where_it_stands_why_it_cannot_be_used(project, kit):
    root = project(system={"model": {"version": "1.0", "file": "m.skops"}})
    (root / "parameters/demo/m.skops").write_bytes(b"PK\x03\x04 and no more")
    done = kit("check", cwd=root)
    assert done.code == 2
    assert re.search(r"system\.yaml:\d+: model\.file: found .+; allowed: .+; to do: .+", done.err)
    assert "Traceback" not in done.err
