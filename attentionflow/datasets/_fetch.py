"""What a named data set is, and how its files come onto the disk: from a folder of the user's, or by download."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attentionflow.errors import DataError, UserError

VARIABLE = "ATTENTIONFLOW_DATA"


@dataclass(frozen=True)
class Dataset:
    """A named data set.

    task:      the task that it is for, as typed.
    summary:   what it holds, in a sentence, with the number of examples a split.
    licence:   as stated by its publisher, or that nothing is stated.
    address:   where its files lie, without the file name; empty for a set that needs no files.
    files:     name of each public file -> SHA-256 of it.
    local:     the same for files of a converted copy (recompressed, say), where names or sums differ.
    packed:    of files that lie in a ZIP archive of their own elsewhere, name -> address of the archive.
    archive:   where `address` is a ZIP archive, the folder in it that holds the set; without files and trees, a commit
               in the address is all that pins it.
    trees:     of a set of too many files to name, folder -> SHA-256 of its listing, see `tree_digest`; a converted copy
               goes before them.
    reference: a published result with its source, in a sentence.
    size:      bytes of its public files.
    folder:    its name below $ATTENTIONFLOW_DATA, where several sets share one; that of the set unless given.
    folds:     how many official splits it has, each of which cuts it otherwise into train and test.
    """

    name: str
    task: str
    summary: str
    licence: str
    address: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    packed: Mapping[str, str] = field(default_factory=dict)
    archive: str = ""
    trees: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    size: int = 0
    folder: str = ""
    folds: int = 1


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(folder: Path, name: str) -> str:
    """SHA-256 of what `find NAME -type f | LC_ALL=C sort | xargs sha256sum` prints, with ./ before each path."""
    paths = sorted(f"./{path.relative_to(folder).as_posix()}" for path in (folder / name).rglob("*") if path.is_file())
    listing = "".join(f"{_sha256(folder / path)}  {path}\n" for path in paths)
    return hashlib.sha256(listing.encode()).hexdigest()


def _verify(dataset: Dataset, folder: Path) -> Path:
    """The folder, once it is known to hold all the files of the public set, or all those of the converted copy."""
    packed = bool(dataset.local) and all((folder / name).is_file() for name in dataset.local)
    for name, digest in () if packed else dataset.trees.items():
        if tree_digest(folder, name) != digest:
            raise DataError(
                f"the files are not those of the data set {dataset.name!r}: some are missing, altered or added",
                file=folder / name,
                remedy=f"Take them from {dataset.address} again",
            )
    copies = [names for names in (dataset.local, dataset.files) if names]
    there = next((names for names in copies if all((folder / name).is_file() for name in names)), None)
    if there is None and not dataset.files and (dataset.trees or dataset.archive or not dataset.local):
        return folder  # the trees, if any, were all there was to look at
    if there is None:
        missing = [name for name in copies[-1] if not (folder / name).is_file()]
        raise DataError(
            f"{', '.join(missing)} of the data set {dataset.name!r} missing",
            file=folder,
            remedy=f"Put the files of {dataset.address} there, or unset {VARIABLE} to download them",
        )
    for name in there:
        wanted = [names[name] for names in copies if name in names]
        found = _sha256(folder / name)
        if found not in wanted:
            raise DataError(
                f"the file is not that of the data set {dataset.name!r}: its SHA-256 is {found}, not "
                f"{' or '.join(wanted)}",
                file=folder / name,
                remedy=f"Take it from {dataset.address} again",
            )
    return folder


def fetch(dataset: Dataset) -> Path:
    """The folder that holds the files of a data set, their checksums verified.

    That is $ATTENTIONFLOW_DATA/<folder> where it exists; otherwise the files are downloaded once, to the user's cache.
    Raises DataError for a file that is missing or altered, UserError where a download fails.
    """
    if os.environ.get(VARIABLE):
        folder = Path(os.environ[VARIABLE]).expanduser() / (dataset.folder or dataset.name)
        if folder.is_dir():
            return _verify(dataset, folder)
    return _download(dataset)


def _download(dataset: Dataset) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise UserError(
            f'the data set {dataset.name!r} must be downloaded: pip install "attentionflow[data]", or put its files '
            f"into a folder {dataset.folder or dataset.name} and set {VARIABLE} to the folder above"
        ) from error
    folder = Path(pooch.os_cache("attentionflow")) / dataset.name
    if dataset.archive:
        unpack = pooch.Unzip(extract_dir="unpacked")
        try:
            pooch.retrieve(dataset.address, known_hash=None, fname="archive.zip", path=folder, processor=unpack)
        except OSError as error:
            raise _no_download(dataset, dataset.address, error) from error
        return _verify(dataset, folder / "unpacked" / dataset.archive)
    for name, address in dataset.packed.items():
        if not (folder / name).is_file():
            unpack = pooch.Unzip(members=[name], extract_dir=".")
            try:
                pooch.retrieve(address, known_hash=None, fname=f"{name}.zip", path=folder, processor=unpack)
            except OSError as error:
                raise _no_download(dataset, address, error) from error
    plain = {name: digest for name, digest in dataset.files.items() if name not in dataset.packed}
    registry = {name: f"sha256:{digest}" for name, digest in plain.items()}
    store = pooch.create(path=folder, base_url=dataset.address.rstrip("/") + "/", registry=registry)
    for name in plain:
        try:
            store.fetch(name)
        except OSError as error:  # what requests raises too: no network, no such host, 404, a folder not writable
            raise _no_download(dataset, store.get_url(name), error) from error
        except ValueError as error:  # pooch: the checksum of what came
            raise DataError(
                f"what came is not the data set {dataset.name!r} ({error})",
                file=store.get_url(name),
                remedy="Try again; if it stays so, the publisher has changed the file",
            ) from error
    return _verify(dataset, folder) if dataset.packed else folder


def _no_download(dataset: Dataset, url: str, error: OSError) -> UserError:
    reason = error.strerror or type(error).__name__
    return UserError(
        f"could not download {url} ({reason}). Check the connection, or put the files of "
        f"{dataset.address} into a folder {dataset.folder or dataset.name} and set {VARIABLE} to the folder "
        "above"
    )
