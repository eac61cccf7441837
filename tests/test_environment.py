"""pyproject.toml, environment.yml and constraints.txt say the same."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [f"3.{minor}" for minor in range(30) if SpecifierSet(PROJECT["requires-python"]).contains(f"3.{minor}")]


def ranges(requirements: Iterable[str]) -> dict[str, SpecifierSet]:
    """The range of each requirement, by canonical name with extras."""
    found: dict[str, SpecifierSet] = {}
    for text in requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name) + "".join(f"[{extra}]" for extra in sorted(requirement.extras))
        assert name not in found, f"{name} is required twice"
        found[name] = requirement.specifier
    return found


@pytest.fixture
def conda() -> list[Any]:
    entries: list[Any] = YAML(typ="safe").load(ROOT / "environment.yml")["dependencies"]
    return entries


@pytest.fixture
def constraint_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_conda_and_pip_environments_ask_for_the_same_runtime_ranges(conda: list[Any]) -> None:
    plain = [entry for entry in conda if isinstance(entry, str) and not re.match(r"(python|pip)\b(?!-)", entry)]
    by_pip = [line for entry in conda if isinstance(entry, dict) for line in entry["pip"] if line != "-e ."]

    assert ranges(plain + by_pip) == ranges(PROJECT["dependencies"])


def test_conda_environment_installs_the_project_itself(conda: list[Any]) -> None:
    assert "-e ." in next(entry["pip"] for entry in conda if isinstance(entry, dict))


def test_conda_python_is_one_the_project_supports(conda: list[Any]) -> None:
    python = next(entry for entry in conda if isinstance(entry, str) and entry.startswith("python="))

    assert python.removeprefix("python=") in PYTHONS


def test_classifiers_name_the_supported_pythons() -> None:
    prefix = "Programming Language :: Python :: "
    named = [text.removeprefix(prefix) for text in PROJECT["classifiers"] if re.match(prefix + r"\d\.\d+$", text)]

    assert named == PYTHONS


@pytest.mark.parametrize("python", PYTHONS)
def test_every_direct_dependency_has_one_pin_inside_its_range(python: str, constraint_lines: list[str]) -> None:
    pins: dict[str, list[str]] = {}
    for line in constraint_lines:
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate({"python_version": python, "python_full_version": f"{python}.0"}):
            pins.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    direct = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]]

    found = {requirement.name: pins.get(canonicalize_name(requirement.name), []) for requirement in direct}

    assert {name: versions for name, versions in found.items() if len(versions) != 1} == {}
    outside = [f"{req} but {found[req.name][0]}" for req in direct if Version(found[req.name][0]) not in req.specifier]
    assert outside == []


def test_constraints_hold_exact_pins_only(constraint_lines: list[str]) -> None:
    pin = re.compile(r'[A-Za-z0-9][\w.-]*==[\w.+!-]+( ; python_version [<>=!]+ "3\.\d+")?')

    assert constraint_lines != []
    assert [line for line in constraint_lines if not pin.fullmatch(line)] == []


def test_constraints_name_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")

    assert re.findall(r"\w+://|www\.|^\s*-|@|--\w+|\.(?:org|com|io|net)\b", text, flags=re.MULTILINE) == []
