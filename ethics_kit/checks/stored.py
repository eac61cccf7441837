"""Tables, extracts and models that lie in storage: which the policy lets be read, and what storage gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ethics_kit import storage
from ethics_kit.errors import Problem, quoted
from ethics_kit.storage import Fetched, StorageError

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.yamlfile import Key, YamlFile

T = TypeVar("T")

AT_ONCE = 8
"""Requests under way at the same time."""


def held(dossier: Dossier) -> Mapping[str, Fetched | StorageError]:
    """What storage gives for each address that the dossier names and the policy lists; nothing else is asked for."""
    system = dossier.system
    named = [t.source or "" for t in (*dossier.organisation.tables.values(), *system.tables.values())]
    named += [e.source for e in system.extracts.values()] + [system.model.file or ""]
    return _of_each(named, dossier.policy.data_roots, _given)


def known(addresses: Iterable[str], listed: Iterable[str]) -> Mapping[str, str | None]:
    """As `storage.known`, for those of `addresses` in storage that the policy has `listed`; no other is asked for."""
    return _of_each(addresses, listed, storage.known)


def _of_each(addresses: Iterable[str], listed: Iterable[str], ask: Callable[[str], T]) -> dict[str, T]:
    roots = [*listed]
    wanted = sorted({address for address in addresses if storage.listed(address, roots)})
    if not wanted:
        return {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(ask, wanted), strict=True))


def _given(address: str) -> Fetched | StorageError:
    try:
        return storage.fetched(address)
    except StorageError as error:
        return error


def policy_problems(dossier: Dossier) -> Iterator[Problem]:
    """Addresses among the policy's data_roots that name no bucket and no folder in one."""
    for index, root in enumerate(dossier.policy.data_roots):
        if storage.is_address(root) and (why := storage.flaw(root, folder=True)):
            yield dossier.files["policy"].problem(
                ("data_roots", index),
                found=f"{quoted(root)}, {why}",
                allowed=f"a folder, or {storage.ALLOWED}",
                todo="correct the address; credentials stand in the environment",
            )


def problems(dossier: Dossier, file: YamlFile, key: Key, address: str) -> Iterator[Problem]:
    """An address that may not be read, and one of which storage does not give the content."""
    if why := storage.flaw(address):
        yield file.problem(
            key,
            found=f"{quoted(address)}, {why}",
            allowed=f"a file's path from the folder of this YAML file, or {storage.ALLOWED}",
            todo="export the table to a file, or correct the address",
        )
    elif not storage.listed(address, dossier.policy.data_roots):
        yield file.problem(
            key,
            found=f"{quoted(address)}, which lies in no storage that the policy lists",
            allowed="addresses in a bucket or folder that the policy lists in data_roots",
            todo="correct the address, or have the policy list its bucket or folder",
        )
    elif isinstance(error := dossier.stored[address], StorageError):
        yield file.problem(key, found=f"{quoted(address)}: {error.found}", allowed=error.allowed, todo=error.todo)
