"""Does one act over and over in processes of its own, each stopped at another point. Run by test_stopped.py.

Arguments: the project's root, a copy of its reports, the act (run, anew, sign, review), how it is stopped (killed at
the k-th change of the disk, or refused room for files over some size), and the key's file. Prints, as JSON, for each
point how the process ended and how long the chain was after it and after the next act.
"""

import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

from conftest import PASSPHRASE, a_record, comment, run, whole

from ethics_kit.attestation import keys
from ethics_kit.project import Project
from ethics_kit.runner import acts

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}
root, saved, what, how, key = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:6]
reports = root / "reports"
signer = keys.load_private(Path(key), PASSPHRASE)


def act() -> None:
    record = next((reports / "demo/impact_analysis").glob("2026-*"))
    if what == "run":
        run(reports, a_record("Another."))
    elif what == "anew":
        run(reports, a_record())
    elif what == "sign":
        acts.act(Project(root), record, act="sign", signer=signer)
    else:
        acts.act(Project(root), record, act="review", review=comment("Ona Officer"))


def kill_at(number: int) -> None:
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wx"
        if (event in CHANGES or writes) and str(reports) in str(arguments[0]):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def no_room_over(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def ended(point: int) -> str:
    child = os.fork()
    if child == 0:
        try:
            (kill_at if how == "killed" else no_room_over)(point)
            act()
        except OSError:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return {0: "done", 1: "refused"}.get(os.waitstatus_to_exitcode(status), "killed")


def next_act() -> None:
    if what == "anew":  # until then the folder is the forged one, or set aside
        run(reports, a_record())
    run(reports, a_record("The next."))


POINTS = range(1, 200) if how == "killed" else (0, 200, 1000, 2500, 10_000, 1_000_000)
found = []
for point in POINTS:
    shutil.rmtree(reports)
    shutil.copytree(saved, reports)
    end = ended(point)
    length = len(json.loads((reports / "demo/chain.json").read_text())["entries"])
    next_act()
    found.append((point, end, length, whole(reports / "demo")))
    if how == "killed" and end == "done":
        break
print(json.dumps(found))
