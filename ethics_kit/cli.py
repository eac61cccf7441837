"""The commands. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ethics_kit import cli_check, cli_compare, cli_portfolio, cli_record, cli_review, cli_run
from ethics_kit.cli_run import BAD_INPUT, FAILED, Located, Log
from ethics_kit.errors import EthicsKitError, InputError, Problem, display_path, printable, told
from ethics_kit.measures.formats import ALLOW_PICKLE
from ethics_kit.project import (
    PASSPHRASE,
    STAGES,
    Project,
    find_project,
    locate_system,
    require_project,
)
from ethics_kit.runner.limits import TIME_LIMIT

if TYPE_CHECKING:
    from ethics_kit.runner.cluster import Cluster

TRACE = "ETHICS_KIT_TRACE"
"""Set by a person who wants to read an unexpected error whole, on a terminal of their own."""

EXAMPLE_DAY = "2026-11-01"

Stage = StrEnum("Stage", {name: name for name in STAGES})  # type: ignore[misc]
Kind = Literal["scored", "ranked", "generative", "rules"]
Systems = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SYSTEM]...", help="Dossier folders or names of systems; all of the project if none."),
]

AllowPickle = Annotated[
    bool,
    typer.Option(
        "--allow-pickle", help="Open model files that can run code (pickle, joblib), where model.sha256 names the file."
    ),
]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Assess the AI systems used in customer success, and keep records that anyone can check.",
)


def main() -> None:
    """Entry point: the kit's own errors are told in words, with exit code 2 for input and 1 for runs."""
    try:
        app()
    except InputError as error:
        cli_check.tell(error)
        sys.exit(BAD_INPUT)
    except EthicsKitError as error:
        typer.echo(str(error), err=True)
        sys.exit(FAILED)
    except OSError as error:
        typer.echo(f"{printable(error.filename or 'system', 4096)}: {error.strerror or told(error)}", err=True)
        sys.exit(FAILED)
    except Exception as error:
        if TRACE in os.environ:
            raise
        typer.echo(f"{told(error)} at {_place(error)}: a fault of the kit, or of a library that it uses.", err=True)
        typer.echo(
            f"What the error says may quote data; to read it on this terminal, set {TRACE}=1 and try again.", err=True
        )
        sys.exit(FAILED)


def _place(error: Exception) -> str:
    """The last line of the kit's own code that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    here = Path(__file__).parent
    own = [f"{Path(f.filename).relative_to(here)}:{f.lineno}" for f in frames if Path(f.filename).is_relative_to(here)]
    return own[-1] if own else "an unknown place"


@app.command()
def check(systems: Systems = None, allow_pickle: AllowPickle = False) -> None:
    """Validate dossiers, policy and tables; print every problem at once; run nothing."""
    _allow_pickle(allow_pickle)
    with cli_run.reserve() as kernels:
        found = cli_check.valid(systems, reserve=kernels)
    for _, folder in found.sound:
        typer.echo(f"{folder.name}: in order")
    if found.problems:
        typer.echo(f"{found.problems} problem{'s' * (found.problems > 1)} to put right.", err=True)
        raise typer.Exit(BAD_INPUT)


@app.command()
def run(
    systems: Systems = None,
    stage: Annotated[Stage | None, typer.Option(help="Only this stage.")] = None,
    as_of: Annotated[str, typer.Option(help="ISO date; facts after it are left out. Default: today.")] = "",
    reports: Annotated[Path | None, typer.Option(help="Where records go. Default: reports/ of the project.")] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Systems assessed at the same time. Default: as many as this machine has processors; "
            "with --scheduler, two for each thread of the cluster.",
        ),
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="Run the notebooks on the workers of a Dask cluster: the address of its scheduler.")
    ] = "",
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 3 where a recommendation is one the policy refuses.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Each report as a PDF too; needs the extra ethics-kit[pdf] and Pango.")
    ] = False,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that one notebook may take.")] = TIME_LIMIT,
    memory_limit: Annotated[
        float | None,
        typer.Option(min=0.1, help="GB of memory that one notebook may take. Default: the machine's, shared by jobs."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Assess again what has not changed, too.")] = False,
    log: Annotated[
        Log, typer.Option(help="What standard output holds: text, or one JSON object a line (docs/scheduling.md).")
    ] = "text",
    allow_pickle: AllowPickle = False,
) -> None:
    """Assess systems stage by stage and write their records, reports and the portfolio's pages."""
    from ethics_kit.dates import parse_as_of
    from ethics_kit.report.pdf import require as require_pdf
    from ethics_kit.runner.unchanged import Wanted

    _allow_pickle(allow_pickle)
    if pdf:
        require_pdf()
    day = parse_as_of(as_of)
    if day > date.today():
        typer.echo(f"--as-of {day} lies ahead of today.", err=True)
    stages = [s for s in STAGES if stage in (None, s)]
    where, memory = reports.resolve() if reports else None, int(memory_limit * 1e9) if memory_limit else None
    wanted = Wanted(stages, day, where, pdf, force, time_limit, memory)
    with cli_run.stoppable(), _cluster(scheduler, allow_pickle=allow_pickle) as cluster, cli_run.reserve() as kernels:
        found = cli_check.valid(systems, wanted, cluster, jobs=jobs, reserve=kernels)
        if not (found.sound or found.bad):
            raise typer.Exit(BAD_INPUT)
        if wanted.reports:
            _refuse_shared_names(found.sound, wanted.reports)
        jobs = jobs or _jobs(cluster)
        code = cli_run.assessed(found, wanted, jobs=jobs, server=kernels.server, cluster=cluster, gate=gate, log=log)
    raise typer.Exit(code)


def _jobs(cluster: Cluster | None) -> int:
    return cluster.window if cluster else os.cpu_count() or 1


def _cluster(scheduler: str, *, allow_pickle: bool) -> AbstractContextManager[Cluster | None]:
    if not scheduler:
        return nullcontext()
    if allow_pickle:
        found, todo = "--allow-pickle with --scheduler", "run the systems with such models without --scheduler"
        allowed = "models that cannot run code, on the machines of a cluster"
        raise InputError([Problem(file=Path("--scheduler"), found=found, allowed=allowed, todo=todo)])
    try:
        from ethics_kit.runner.cluster import connected
    except ImportError as error:
        if error.name not in ("dask", "distributed"):
            raise
        found, todo = "no Dask distributed", "pip install 'ethics-kit[cluster]'"
        allowed = "Dask distributed, here and on the workers"
        raise InputError([Problem(file=Path("--scheduler"), found=found, allowed=allowed, todo=todo)]) from None
    return connected(scheduler)


def _allow_pickle(allowed: bool) -> None:
    """For this process and the kernels it starts; what the shell says does not count."""
    os.environ[ALLOW_PICKLE] = "1" if allowed else "0"


def _refuse_shared_names(sound: list[Located], reports: Path) -> None:
    """Two systems of one name, of different projects, would write into one folder."""
    counts = Counter(folder.name for _, folder in sound)
    shared = [name for name, count in counts.items() if count > 1]
    if shared:
        found = f"several systems called {', '.join(shared)}"
        todo = "run them one by one, each with reports of its own"
        raise InputError([Problem(file=reports, found=found, allowed="each name once per --reports", todo=todo)])


@app.command()
def new(
    system: Annotated[str, typer.Argument(help="Name of the new system: letters, digits, _ and -.")],
    like: Annotated[str, typer.Option(help="Start from an example's dossier, such as churn_risk.")] = "",
    data: Annotated[
        Path | None, typer.Option(help="A table (CSV, Parquet, DuckDB) to propose column roles from.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Begin with the short questionnaire: 12 questions, half an hour.")
    ] = False,
    kind: Annotated[
        Kind | None, typer.Option(help="The kind of system, so that only its questions are written.")
    ] = None,
) -> None:
    """Write a commented dossier and its workbooks; existing files are never touched."""
    from ethics_kit import scaffold

    for line in scaffold.create(system, like=like, data=data, kind=kind, quick=quick):
        typer.echo(line)


@app.command()
def complete(system: Annotated[str, typer.Argument(help="A dossier folder or a system's name.")]) -> None:
    """Add the questions and keys that a dossier lacks, as after new --quick; what stands there stays."""
    from ethics_kit import scaffold

    for line in scaffold.complete(system):
        typer.echo(line)


@app.command("open")
def open_(
    system: Annotated[str, typer.Argument(help="A dossier folder or a system's name.")],
    jupyter: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTION...]", help="Options for JupyterLab: -- --port 9000")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address instead, as on a server without a screen.")
    ] = False,
) -> None:
    """Start JupyterLab on a system's workbooks; existing workbooks are never touched. Ctrl-C stops it."""
    from ethics_kit import scaffold

    project, folder = locate_system(system)
    options = list(jupyter or ())
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in options:
        typer.echo(
            "JupyterLab does not start as root: whoever reached it could change everything on this machine.\n"
            "To do: log in as another user; or, in a container that is yours alone: "
            f"ethics-kit open {system} -- --allow-root",
            err=True,
        )
        raise typer.Exit(FAILED)
    for line in scaffold.create_workbooks(project, folder.name):
        typer.echo(line)
    if no_browser or not _has_screen():
        options.append("--no-browser")
        typer.echo("Open the address that JupyterLab prints in a browser on this machine.")
        typer.echo("From another machine, first there: ssh -L PORT:localhost:PORT USER@HOST (PORT as in the address)")
    sys.stdout.flush()
    os.environ.pop(PASSPHRASE, None)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *_lab_options(project, folder.name), *options])


def _has_screen() -> bool:
    """Whether a browser can be shown; without a screen Python would start a text browser in the terminal."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _lab_options(project: Project, system: str) -> list[str]:
    """The project as root, so that evidence and YAML can be reached; the first workbook open; no calls to outside."""
    from ethics_kit import scaffold

    first = scaffold.first_workbook(project, system).relative_to(project.root).as_posix()
    return [
        f"--ServerApp.root_dir={project.root}",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--Application.log_level=WARN",
    ]


app.command()(cli_review.review)
app.command()(cli_record.sign)
app.command()(cli_record.verify)
app.command()(cli_record.keygen)
app.command()(cli_compare.compare)
app.command()(cli_portfolio.portfolio)


@app.command()
def demo(
    jobs: Annotated[int, typer.Option(min=1, help="Systems assessed at the same time.")] = os.cpu_count() or 1,
) -> None:
    """Make the example portfolio's tables where they are missing, and assess all five systems."""
    from ethics_kit import examples, scaffold
    from ethics_kit.dates import parse_as_of
    from ethics_kit.runner.unchanged import Wanted

    project = find_project(Path.cwd()) or scaffold.example_project(Path.cwd())
    written = examples.write_tables(project.parameters)
    if written:
        typer.echo(f"Made {len(written)} example tables under {display_path(project.parameters)}/")
    wanted = Wanted(STAGES, parse_as_of(EXAMPLE_DAY))
    with cli_run.stoppable(), cli_run.reserve() as kernels:
        named = [str(project.parameters / name) for name in examples.planted()["systems"]]
        found = cli_check.valid(named, wanted, reserve=kernels)
        if found.problems:
            raise typer.Exit(BAD_INPUT)
        code = cli_run.assessed(found, wanted, jobs=jobs, server=kernels.server)
    raise typer.Exit(code)


@app.command()
def schema() -> None:
    """Write the JSON Schemas of the YAML files and of record.json, so that editors complete and check them."""
    from ethics_kit import scaffold

    for path in scaffold.write_schemas(require_project(Path.cwd())):
        typer.echo(display_path(path))
