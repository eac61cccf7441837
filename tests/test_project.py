"""Where things are: found from any folder, written whole or not at all."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ethics_kit import project as projects
from ethics_kit.errors import InputError
from ethics_kit.project import Project, find_project, locate_system, notebook_name, require_project, write_atomic

Make = Callable[..., Path]


# --- the root --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", [".", "parameters", "parameters/demo", "workbooks/demo"])
def test_the_root_is_found_from_any_folder_below_it(project: Make, below: str) -> None:
    root = project()
    (root / below).mkdir(parents=True, exist_ok=True)
    found = find_project(root / below)
    assert found is not None
    assert (found.root, found.parameters) == (root, root / "parameters")


def test_a_policy_at_the_root_itself_makes_a_project_without_a_parameters_folder(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: x\n")
    found = find_project(tmp_path)
    assert found is not None
    assert (found.root, found.parameters) == (tmp_path, tmp_path)


def test_without_a_policy_anywhere_the_way_to_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no policy.yaml here or in a folder above; .*ethics-kit new my_system"):
        require_project(tmp_path)


def test_a_dossier_without_its_system_file_is_listed_all_the_same(project: Make) -> None:
    root = project()
    project("other")
    (root / "parameters/other/system.yaml").unlink()
    assert [p.name for p in Project(root).systems()] == ["demo", "other"]


def test_folders_that_hold_no_dossier_are_not_systems(project: Make) -> None:
    root = project()
    (root / "parameters/.schema").mkdir()
    (root / "parameters/.schema/system.yaml").touch()
    assert [p.name for p in Project(root).systems()] == ["demo"]


# --- a system --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "name"),
    [
        (".", "demo"),
        (".", "parameters/demo"),
        (".", "parameters/demo/"),
        (".", "parameters/demo/system.yaml"),
        ("parameters", "demo"),
        ("parameters/demo", "."),
        ("workbooks/demo", "demo"),
        ("workbooks/demo", "parameters/demo"),
    ],
)
def test_a_system_is_found_by_name_or_folder_from_any_folder(
    project: Make, monkeypatch: pytest.MonkeyPatch, here: str, name: str
) -> None:
    root = project()
    (root / here).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(root / here)
    found, folder = locate_system(name)
    assert (found.root, folder) == (root, root / "parameters/demo")


def test_a_system_is_found_by_its_full_path_from_outside_the_project(
    project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project()
    monkeypatch.chdir(tmp_path)
    found, folder = locate_system(str(root / "parameters/demo"))
    assert (found.root, folder) == (root, root / "parameters/demo")


def test_a_namesake_above_the_project_is_not_taken_for_its_system(
    project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project()
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/system.yaml").touch()
    monkeypatch.chdir(root)
    assert locate_system("demo")[1] == root / "parameters/demo"
    (root / "parameters/demo/system.yaml").unlink()
    with pytest.raises(InputError, match=r"no system.yaml there"):
        locate_system("demo")


@pytest.mark.parametrize("name", ["nobody", "parameters/nobody", "../demo", "x" * 300, "a\x1bb"])
def test_an_unknown_system_is_answered_with_those_there_are(
    project: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(project())
    with pytest.raises(
        InputError, match=r"found no system.yaml there; allowed: a dossier folder, or one of: demo; to do"
    ):
        locate_system(name)


def test_a_dossier_in_no_project_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/system.yaml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no policy.yaml"):
        locate_system("demo")


# --- names and addresses ---------------------------------------------------------------------------------------


def test_notebooks_are_numbered_in_the_order_of_the_stages() -> None:
    assert [notebook_name(s) for s in projects.STAGES] == [
        "1_impact_analysis.ipynb",
        "2_design_review.ipynb",
        "3_bias_testing.ipynb",
        "4_deployment_signoff.ipynb",
    ]


def test_a_notebook_of_the_project_comes_before_the_kits_own(project: Make) -> None:
    root = project()
    name = notebook_name("design_review")
    assert Project(root).template("design_review") == projects.bundle() / "notebooks" / name
    (root / "notebooks").mkdir()
    (root / "notebooks" / name).touch()
    assert Project(root).template("design_review") == root / "notebooks" / name


def test_an_address_is_never_absolute(tmp_path: Path) -> None:
    here = Project(tmp_path / "project")
    warehouse = tmp_path / "warehouse"
    assert here.address(tmp_path / "project/parameters/a.csv") == "parameters/a.csv"
    assert here.address(warehouse / "t/a.csv", [tmp_path / "lake", warehouse]) == "root2:t/a.csv"
    assert here.address(tmp_path / "elsewhere/a.csv", [warehouse]) == "outside:a.csv"


# --- writing ---------------------------------------------------------------------------------------------------


def test_writing_makes_missing_folders_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a/b/c.yaml"
    write_atomic(path, b"x: 1\n")
    assert path.read_bytes() == b"x: 1\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_mode_an_editor_would_give_it(tmp_path: Path) -> None:
    write_atomic(tmp_path / "new", b"")
    (tmp_path / "ordinary").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(0o640)
    write_atomic(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_failure_on_the_way_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
