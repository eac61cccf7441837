"""Files in storage such as S3, by address: fetched into a private folder of this machine, known by their content.

fsspec does the talking. Credentials, region and endpoint come from the environment or the storage's own configuration,
never from a file of the project.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from ethics_kit.errors import EthicsKitError
from ethics_kit.project import CACHE, write_atomic

SCHEMES = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}
"""The kinds of storage that are read, with the package that reads each."""

ALLOWED = "SCHEME://BUCKET/KEY with a scheme of " + ", ".join(SCHEMES) + ", without user, password or options"

PARTS = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9][a-z0-9._-]{1,62})((?:/[\w.=+,()!'&;$ -]+)*)")
MARKS = ("ETag", "etag", "generation", "md5Hash", "VersionId", "LastModified", "last_modified", "updated", "mtime")
"""What storage says of an object that tells one content of it from the next, whichever kind it is."""

UNUSED_FOR = timedelta(days=7)
"""A fetched file that nobody asked for in so long is deleted when another is fetched: it may hold personal data."""

BLOCK = 8 * 1024 * 1024


class StorageError(EthicsKitError):
    """Storage does not give what was asked for. The words name no credential and quote no message of the storage."""

    def __init__(self, found: str, allowed: str, todo: str) -> None:
        self.found, self.allowed, self.todo = found, allowed, todo
        super().__init__(f"found {found}; allowed: {allowed}; to do: {todo}")


@dataclass(frozen=True)
class Fetched:
    """Where an object's content lies on this machine, its digest, size in bytes, and whether it was read just now."""

    path: Path
    sha256: str
    size: int
    new: bool


@dataclass(frozen=True)
class _Latest:
    """What an object was when it was last read here: its `version`, and the name, digest and size of the file made."""

    version: str
    name: str
    sha256: str
    size: int


def is_address(source: str) -> bool:
    """Whether `source` is an address (of whatever kind) and no path."""
    return "://" in source


def flaw(address: str, *, folder: bool = False) -> str | None:
    """What is wrong with the address of an object (or, with `folder`, of a bucket or a folder in it), in words."""
    if address.partition("://")[0] not in SCHEMES:
        return "an address of a kind that is not read"
    if re.search(r"[@?#:]", address.partition("://")[2]):
        return "an address with a user, a password or options in it"
    parts = PARTS.fullmatch(address.rstrip("/") if folder else address)
    if parts is None or not (parts[3] or folder):
        return f"an address that does not name {'a folder' if folder else 'an object'}"
    if {".", ".."} & {*parts[3].split("/")}:
        return "an address that leads out of its folder"
    return None


def listed(address: str, folders: Iterable[str]) -> bool:
    """Whether the object at `address` lies in one of `folders`, by whole steps of the path; a `flaw` is in none."""
    sound = [folder.rstrip("/").split("/") for folder in folders if flaw(folder, folder=True) is None]
    return flaw(address) is None and any(address.split("/")[: len(steps)] == steps for steps in sound)


def version(address: str) -> str:
    """What tells the present content of an object from an earlier one, by one request: its ETag, times and size.

    Raises
    ------
    StorageError
        The address has a `flaw`, there is no such object, it may not be read, or storage cannot be reached.
    """
    if why := flaw(address):
        raise StorageError(why, ALLOWED, "correct the address")
    about = _about(_system(address), address)
    marks = {name: str(about[name]) for name in MARKS if about.get(name) is not None}
    if about.get("type") == "directory" or not marks:
        raise StorageError("a folder", "an object: one file", "name the file")
    return json.dumps({**marks, "size": about.get("size")}, sort_keys=True)


def fetched(address: str, sha256: str | None = None) -> Fetched:
    """The object's content as a file of this machine, read from storage only where it has changed since the last time.

    Safe where several processes ask at once. The file lies in a folder that only this user may read, under the user's
    cache folder or the one that ``ETHICS_KIT_CACHE`` names, and is deleted once it was not asked for in a week.

    Raises
    ------
    StorageError
        The address has a `flaw`, storage does not give the object, it cannot be kept here, or its content has another
        digest than `sha256`.
    """
    from filelock import FileLock

    now = version(address)
    with _kept_here():
        place = _place(address)
        place.mkdir(mode=0o700, exist_ok=True)
        with FileLock(place / "lock"):
            found = _known(place, now) or _read(place, address, now)
    if sha256 and found.sha256 != sha256.lower():
        raise StorageError(
            f"an object with the sha256 {found.sha256}",
            f"the one that is pinned, {sha256.lower()}",
            "put that content back, or pin the new one",
        )
    return found


def known(address: str) -> str | None:
    """The sha256 of an object that is as it was when it was last read here; None where it is not, or nobody can say.

    Costs one request and reads no content.
    """
    try:
        now = version(address)
        with _kept_here():
            told = _latest(_place(address))
    except StorageError:
        return None
    return told.sha256 if told and told.version == now else None


def _known(place: Path, now: str) -> Fetched | None:
    """What was fetched before, where the object has not changed since."""
    told = _latest(place)
    if told is None or told.version != now:
        return None
    path = place / told.name
    try:
        if path.stat().st_size != told.size:
            return None
        os.utime(path)
    except OSError:
        return None
    return Fetched(path, told.sha256, told.size, new=False)


def _latest(place: Path) -> _Latest | None:
    """What the object was when it was last read, if it was."""
    try:
        return _Latest(**json.loads((place / "latest.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _read(place: Path, address: str, now: str) -> Fetched:
    """Read the object whole, at one and the same version of it: `now`, or the one that came after."""
    for _ in range(2):
        handle, name = tempfile.mkstemp(dir=place)
        beside = Path(name)
        try:
            sha256, size = _written(handle, address)
            before, now = now, version(address)
            if now == before:
                path = place / f"{sha256}{PurePosixPath(address).suffix.lower()}"
                beside.replace(path)
                told = _Latest(version=now, name=path.name, sha256=sha256, size=size)
                write_atomic(place / "latest.json", json.dumps(asdict(told)).encode())
                _delete_unused(place.parent)
                return Fetched(path, sha256, size, new=True)
        finally:
            beside.unlink(missing_ok=True)
    raise StorageError("an object that changes while it is read", "one that stays as it is", "try again later")


def _written(handle: int, address: str) -> tuple[str, int]:
    """Digest and size of an object, once its content is in the file behind `handle`."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(handle, "wb") as file, _given(), _system(address).open(address, "rb") as remote:
        while block := remote.read(BLOCK):
            digest.update(block)
            size += len(block)
            with _kept_here():
                file.write(block)
    return digest.hexdigest(), size


def _delete_unused(folder: Path) -> None:
    """Delete what nobody asked for in a week."""
    limit = time.time() - UNUSED_FOR.total_seconds()
    for path in folder.glob("*/*"):
        with suppress(FileNotFoundError):  # another process may delete or rename one at the same time
            if path.name not in ("lock", "latest.json") and path.stat().st_mtime < limit:
                path.unlink()


def _place(address: str) -> Path:
    """The folder of one object's content."""
    return _folder() / hashlib.sha256(address.encode()).hexdigest()


def _folder() -> Path:
    """The folder of what is fetched; nobody else may read it.

    Raises
    ------
    StorageError
        It is somebody else's, or others may read it.
    """
    import platformdirs

    given = os.environ.get(CACHE)
    folder = (Path(given).absolute() if given else platformdirs.user_cache_path("ethics-kit")) / "storage"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if folder.is_symlink() or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise StorageError(
            "a folder for fetched files that others may read",
            "a folder of this user alone (mode 0700)",
            f"set {CACHE} to another folder, or correct the rights of its folder storage",
        )
    return folder


def _system(address: str) -> Any:
    """The fsspec file system of an address.

    Raises
    ------
    StorageError
        The package that reads this kind of storage is not installed.
    """
    scheme = address.partition(":")[0]
    package = SCHEMES[scheme]
    try:
        import fsspec

        with _given():
            return fsspec.filesystem(scheme)
    except ImportError:
        wanted = "'ethics-kit[s3]'" if scheme == "s3" else package
        raise StorageError(
            f"no package that reads {scheme}:// here", f"{package}, installed", f"pip install {wanted}"
        ) from None


def _about(system: Any, address: str) -> Mapping[str, Any]:
    """What storage says of an object, asked anew."""
    with _given():
        about: Mapping[str, Any] = system.info(address)
    return about


@contextmanager
def _given() -> Iterator[None]:
    """Whatever a storage's package raises, told by its kind: messages may quote keys, addresses and accounts."""
    try:
        yield
    except (StorageError, ImportError):
        raise
    except FileNotFoundError:
        raise StorageError("no such object or bucket", "an object in storage", "correct the address") from None
    except PermissionError:
        raise StorageError(
            "access denied", "an object that the credentials in the environment may read", "check these, and its rights"
        ) from None
    except Exception as error:  # each package has its own kinds
        raise StorageError(
            f"storage that cannot be read ({type(error).__name__})",
            "storage that answers, with credentials in the environment or in its own configuration",
            "check the network, the endpoint and the credentials; docs/storage.md names the variables",
        ) from None


@contextmanager
def _kept_here() -> Iterator[None]:
    """What this machine's own disk refuses, told as such."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"a folder for fetched files that cannot be written ({error.strerror or type(error).__name__})",
            "a folder with room for the files",
            f"make room, or set {CACHE} to another folder",
        ) from None
