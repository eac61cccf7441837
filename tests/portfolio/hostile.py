"""An example's project with hostile text wherever its files take text, and in the categories of its tables."""

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from IPython.core.formatters import DisplayFormatter
from ruamel.yaml import YAML

from ethics_kit import dossier, workbook
from ethics_kit.errors import InputError
from ethics_kit.project import STAGES, Project
from ethics_kit.runner import assessment
from ethics_kit.runner import job as jobs

SYSTEM, AS_OF = "health_score", date(2026, 11, 1)
CUSTOMERS = 600

PAYLOADS = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "[go](javascript:window.ran=1) ![p](http://e.example/p.png)",
    "<svg onload='window.ran = 1'><script>window.ran = 1</script></svg>",
    "]]></style></title></textarea><iframe src='https://e.example'></iframe>",
    "\"' onmouseover='window.ran = 1' x='",
    "{{ 7 * 7 }} {% raw %} %s %(name)s %d {0} ${1}",
    "\u202egnp.exe\u202c \u2067\u200fabc\u2069",
    "\u0634\u0631\u0643\u0629 (1) \u05e9\u05dc\u05d5\u05dd",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\u0327 \U0001f3f4\U000e0067\U000e0062\U000e007f",
    "\x1b[2J\x07 a\u2028b\u2029c\x85",
    '=HYPERLINK("http://e.example","x") <a href=\'data:text/html,x\'>d</a>',
    "<base href='//e.example'><meta http-equiv=refresh content=0><form action='//e.example'><input>",
    "W" * 200,
)

FILE = "evidence/mkfile <img src=x onerror='window.ran = 1'> \u0634\u0631\u0643\u0629.md"
COLUMN = "mkcolumn <script>window.ran = 1</script> \u05e9\u05dc\u05d5\u05dd"

NAMES = re.compile(r"tables\.\w+\.(source|columns\..*)|.*\.evidence")
"""Keys whose values name a file or a column; one of each is hostile, and there."""

Key = tuple[str | int, ...]


def payload(number: int) -> str:
    """The text that goes into the place of this number; it tells where it begins and ends."""
    return f"mk{number}a {PAYLOADS[number % len(PAYLOADS)]} mk{number}z"


def _leaves(node: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for part, value in below:
        if isinstance(value, str):
            yield (*key, part), value
        else:
            yield from _leaves(value, (*key, part))


def _name(key: Key) -> str:
    return ".".join(map(str, key))


def _put(node: Any, key: Key, value: str) -> None:
    for part in key[:-1]:
        node = node[part]
    node[key[-1]] = value


class Hostile:
    """The project at `root`. `texts` holds what was put where: by file and key, and by table and column."""

    def __init__(self, parameters: Path, root: Path) -> None:
        self.root, self.texts = root, {}
        self.parameters = root / "parameters"
        keep_out = shutil.ignore_patterns("data", *(s for s in _systems(parameters) if s != SYSTEM))
        shutil.copytree(parameters, self.parameters, ignore=keep_out)
        shutil.copytree(parameters / "data", self.parameters / "data")
        self.folder = self.parameters / SYSTEM
        shutil.copytree(parameters / SYSTEM / "data", self.folder / "data")
        self._tables()
        self._files()

    def _files(self) -> None:
        """Every text of every file, but those that the checks refuse: these name something, or are of a kind."""
        files = [self.parameters / "policy.yaml", self.parameters / "organisation.yaml"]
        files += [self.folder / f"{name}.yaml" for name in ("system", *STAGES)]
        yaml = YAML(typ="safe", pure=True)
        yaml.width = 100_000  # where it folds a line before an escape, ruamel adds a space to the text
        before = {path: yaml.load(path) for path in files}
        before[self.folder / "system.yaml"]["tables"]["notices"]["columns"]["channel"] = COLUMN
        answers = before[self.folder / "impact_analysis.yaml"]["answers"].values()
        answer = next(a for a in answers if str(a.get("evidence")).startswith("evidence/"))
        (self.folder / FILE).write_bytes((self.folder / answer["evidence"]).read_bytes())
        answer["evidence"] = FILE
        self.texts |= {"system: a column's name": COLUMN, "impact_analysis: a file's name": FILE}
        places = [
            (path, key, old) for path in files for key, old in _leaves(before[path]) if not NAMES.fullmatch(_name(key))
        ]
        put = {(path, key): (old, payload(number)) for number, (path, key, old) in enumerate(places)}
        for _ in range(12):
            for path in files:
                for (file, key), (_old, new) in put.items():
                    if file == path:
                        _put(before[path], key, new)
                yaml.dump(before[path], path)
            try:
                dossier.load(Project(self.root), self.folder)
                break
            except InputError as refused:
                names = {(p.file.resolve(), p.key) for p in refused.problems}
                back = {
                    place
                    for place in put
                    for file, key in names
                    if place[0].resolve() == file and f"{_name(place[1])}.".startswith(f"{key}.")
                }
                if not back:
                    raise
                for path, key in back:
                    _put(before[path], key, put.pop((path, key))[0])
        else:
            raise AssertionError("no project that the checks accept")
        self.texts |= {f"{path.stem}: {_name(key)}": new for (path, key), (_, new) in put.items()}

    def _tables(self) -> None:
        """The first customers' rows; in each column of a few categories the most frequent one is hostile."""
        named = "".join(path.read_text() for path in [*self.folder.glob("*.yaml"), *self.parameters.glob("*.yaml")])
        customers: set[str] = set()
        number = 100_000
        for name in ("customers", "decisions", *(p.stem for p in sorted((self.folder / "data").glob("*.csv")))):
            path = self.folder / "data" / f"{name}.csv"
            how = {"sep": ";", "encoding": "cp1252"} if name == "feedback" else {}
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, **how)
            customers = customers or set(frame["Contact no"][:CUSTOMERS])
            if "Contact no" in frame and len(frame) > 2 * CUSTOMERS:
                frame = frame[frame["Contact no"].isin(customers)]
            for column in frame if name not in ("feedback",) else ():
                values = frame[column][frame[column] != ""].value_counts()
                texts = [v for v in values.index if re.fullmatch(r"[A-Za-z][A-Za-z _+-]*", v)]
                free = [v for v in texts if not re.search(rf"\b{re.escape(v)}\b", named)]
                if 2 <= len(values) <= 40 and len(texts) == len(values) and free:
                    new = payload(number) if number > 100_000 else f"mk{number}a {'W' * 10_000} mk{number}z"
                    frame[column] = frame[column].replace(free[0], new)
                    self.texts[f"{name}: {column}"] = new
                    number += 1
            if name == "notices":
                frame = frame.rename(columns={"Channel": COLUMN})
            frame.to_csv(path, index=False, **how)

    def run(self, stage: str, staging: Path, patch: Any) -> Path:
        """Assess one stage in this process, as the runner does; the published folder."""
        notebook = nbformat.read(Project(self.root).template(stage), as_version=4)
        shown: list[Any] = []
        patch.setattr(workbook, "display", shown.append)
        patch.setenv(workbook.STAGING, str(staging))
        patch.chdir(self.root)
        staging.mkdir(parents=True)
        names: dict[str, Any] = {}
        job = assessment.Job(Project(self.root), self.folder, stage, AS_OF, self.root / "reports")
        spec = assessment._spec(job, staging)
        for number, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
            exec(cell.source, names)  # noqa: S102 - the kit's own notebook
            if number == 0:
                names |= jobs._parameters(spec)
            cell.execution_count = number + 1
            cell.outputs = [_output(value) for value in shown]
            shown.clear()
        jobs._prepare(spec, staging, notebook, jobs._checked(notebook, staging, spec), 0.0)
        return assessment._publish(job, staging)[1]


def _systems(parameters: Path) -> list[str]:
    return [path.parent.name for path in parameters.glob("*/system.yaml")]


def _output(value: Any) -> Any:
    data, metadata = DisplayFormatter().format(value)
    return nbformat.v4.new_output("display_data", data=data, metadata=metadata)
