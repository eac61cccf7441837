"""What docs/scheduling.md shows works as shown: the script by a shell, the others as far as that is possible here."""

import ast
import fcntl
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML

from ethics_kit import cli

PAGE = (Path(__file__).parents[2] / "docs/scheduling.md").read_text(encoding="utf-8")


def block(language, holding):
    """The one block of a language that holds a text."""
    (found,) = [text for text in re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE) if holding in text]
    return found


def assert_known(command):
    """A command line of the kit names a command and options that it has."""
    program, name, *words = shlex.split(command)
    assert program.rpartition("/")[2] == "ethics-kit"
    options = {option for one in typer.main.get_command(cli.app).commands[name].params for option in one.opts}
    assert {word for word in words if word.startswith("--")} <= options, command


# --- cron --------------------------------------------------------------------------------------------------------


@pytest.fixture
def script(short):
    """The project of a script, and what runs it by a shell; the kit is where the script looks for it."""
    root = short()
    kit = root / ".venv/bin/ethics-kit"
    kit.parent.mkdir(parents=True)
    kit.write_text(f"#!{sys.executable}\nfrom ethics_kit.cli import main\nmain()\n")
    kit.chmod(0o755)
    text = block("bash", "flock").replace("/srv/ethics", str(root))

    def run():
        return subprocess.run(["sh", "-c", text], cwd="/", capture_output=True, text=True, timeout=300, check=False)

    return root, run


def test_the_script_of_cron_speaks_only_where_somebody_has_to_look(script):
    root, run = script
    done = run()
    assert (done.returncode, done.stderr) == (3, "")
    assert "Refused by the gate: 4 of 4" in done.stdout
    assert done.stdout == (root / "run.log").read_text()
    (root / ".venv/bin/ethics-kit").write_text("#!/bin/sh\necho all is well with $*\n")
    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (root / "run.log").read_text() == "all is well with run --gate\n"


def test_the_script_of_cron_leaves_a_run_alone_that_has_not_ended(script):
    root, run = script
    (root / "run.log").write_text("of the run before")
    with (root / ".run.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run()
    assert (done.returncode, done.stdout) == (75, "The last run has not ended.\n")
    assert (root / "run.log").read_text() == "of the run before"


def test_the_line_of_cron_names_the_script_and_a_time():
    assert re.search(r"(?m)^(\S+ ){5}/srv/ethics/monthly\.sh$", PAGE)


# --- Airflow -----------------------------------------------------------------------------------------------------


class Operator:
    made: list["Operator"] = []  # noqa: RUF012

    def __init__(self, **arguments):
        self.told = arguments
        self.after = []
        self.made.append(self)

    def __rshift__(self, other):
        other.after.append(self)
        return other


class Dag:
    def __init__(self, **arguments):
        self.told = arguments

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return


def test_the_airflow_file_tries_a_failure_again_and_no_refusal(monkeypatch):
    names = {
        "pendulum": {"datetime": lambda *_, tz: tz},
        "airflow": {},
        "airflow.sdk": {"DAG": Dag},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.bash": {"BashOperator": Operator},
    }
    for name, content in names.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Operator, "made", [])
    text = block("python", "airflow")
    assert ast.get_docstring(ast.parse(text))
    exec(compile(text, "dag.py", "exec"), {})  # noqa: S102
    assess, gate = Operator.made
    assert (assess.after, gate.after) == ([], [assess])
    assert (assess.told["retries"], gate.told["retries"]) == (1, 0)
    for task in (assess, gate):
        command = task.told["bash_command"].replace("{{ dag_run.start_date | ds }}", "2026-11-01")
        assert "{{" not in command
        assert_known(command)
    assert "--gate" in gate.told["bash_command"]
    assert "--gate" not in assess.told["bash_command"]


# --- GitHub Actions ----------------------------------------------------------------------------------------------


def test_the_workflow_has_commands_that_exist_and_actions_of_a_version():
    workflow = YAML(typ="safe", pure=True).load(block("yaml", "workflow_dispatch"))
    assert workflow["on"]["schedule"][0]["cron"].count(" ") == 4
    steps = workflow["jobs"]["assess"]["steps"]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    runs = [step for step in steps if "run" in step]
    kit = [step for step in runs if step["run"].startswith("ethics-kit ")]
    assert [step["run"].split()[1] for step in kit] == ["run", "verify"]
    for step in kit:
        assert_known(step["run"])
    for step in runs:
        subprocess.run(["sh", "-n", "-c", step["run"]], check=True)
    kept = steps.index(next(step for step in runs if "git push" in step["run"]))
    gated = steps.index(next(step for step in kit if "--gate" in step["run"]))
    assert kept > gated
    assert all(step["if"] == "always()" for step in steps[gated + 1 :])  # a refusal is recorded, too
    assert any(step.get("with") == {"ref": "records", "path": "reports"} for step in steps[:gated])
