"""Every path, command and option that the documents name is there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from ruamel.yaml import YAML

from ethics_kit import review
from ethics_kit.framework import catalogue
from ethics_kit.schema.review import Act

CHECKOUT = Path(__file__).parents[1]
PAGES = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")]
MADE_LATER = ("reports/", "workbooks/", "failed_")
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_pictures_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_paths_in_code_marks_exist(page):
    for path in re.findall(r"`([\w./-]+(?:/|\.(?:py|md|yaml|toml|txt|json|ipynb)))`", page.read_text(encoding="utf-8")):
        if "my_" in path or path.startswith(MADE_LATER) or "/" not in path:
            continue
        assert (CHECKOUT / path).exists(), path


def help_of(*command):
    done = subprocess.run(
        [sys.executable, "-c", "from ethics_kit.cli import main; main()", *command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    )
    return done.stdout


def test_the_readme_names_every_command_and_every_option_it_names_exists():
    commands = set(re.findall(r"(?m)^  (\w+)  ", help_of()))
    assert commands == set(re.findall(r"`ethics-kit (\w+)", README))
    for command in commands:
        row = next(line for line in README.splitlines() if line.startswith(f"| `ethics-kit {command}"))
        for option in re.findall(r"--[a-z-]+", row):
            assert option in help_of(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_line_of_a_document_has_a_command_and_options_that_exist(page):
    shells = re.findall(r"(?ms)^```sh\n(.*?)^```", page.read_text(encoding="utf-8"))
    for line in "\n".join(shells).replace("\\\n", " ").splitlines():
        if line.startswith("ethics-kit "):
            command, words = line.split()[1], line.partition("#")[0]
            told = help_of(command)
            for option in re.findall(r"(?<= )--[a-z-]+", words):
                assert option in told, line


def test_the_make_targets_of_the_readme_are_its_first_commands():
    first = re.findall(r"(?m)^(\S.*?)(?:  #.*)?$", README.split("```sh\n")[1].split("```")[0])
    assert [line.split("#")[0].strip() for line in first if line.strip()] == ["make demo", "make test"]
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    assert {"demo", "test", "lint", "lab", "clean"} <= set(re.findall(r"(?m)^(\w+):", makefile))


def tables_as_markdown():
    lines = []
    for name, table in catalogue.tables().items():
        lines += [f"### {name}", "", table.about, "", "| role | type | holds |", "|---|---|---|"]
        for role, about in table.roles.items():
            lines.append(f"| `{role}`{' (required)' if about.required else ''} | {about.type} | {about.about} |")
        lines.append("")
    return "\n".join(lines)


def test_the_dossiers_page_lists_every_table_and_role():
    assert tables_as_markdown() in (CHECKOUT / "docs/dossier.md").read_text(encoding="utf-8") + "\n"


def test_the_gate_in_a_pipeline_and_the_acts_of_a_review_are_commands_that_exist():
    text = (CHECKOUT / "docs/review.md").read_text(encoding="utf-8")
    workflow = YAML(typ="safe", pure=True).load(text.split("```yaml\n")[1].split("```")[0])
    steps = [step["run"] for step in workflow["jobs"]["gate"]["steps"] if "run" in step]
    acts = re.findall(r"(?m)^ethics-kit .*(?:\\\n.*)?", text)
    commands = [line for line in [*steps, *acts] if line.startswith("ethics-kit ")]
    assert any(line.startswith("ethics-kit run") and "--gate" in line for line in steps)
    assert len(commands) == 8
    for line in commands:
        name = line.split()[1]
        for option in re.findall(r"--[a-z-]+", line):
            assert option in help_of(name), line
    named = {line.split()[3] for line in acts if len(line.split()) > 3 and not line.split()[3].startswith("#")}
    assert named == set(get_args(Act)) - {"withdraw", "supersede"}


def test_the_states_of_a_review_are_those_of_the_documents():
    text = (CHECKOUT / "docs/review.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| .* \| (.+) \|$", text))
    told = {state: tuple(re.sub(r"\(.*\)", "", words).replace(" ", "").split(",")) for state, words in rows.items()}
    assert told == {state: acts or ("nothing",) for state, acts in review.POSSIBLE.items()}
