"""Run folders: what training leaves on disk, written so that a kill at any moment loses nothing.

    settings.json      task, architecture, data and every setting with where its value came from
    vocabulary.json    ... and whatever else the task learned before training
    model.safetensors  the chosen weights
    metrics.json       scores by split
    log.jsonl          losses and validation scores by step
    README.md          the model card
    state.safetensors  everything that resuming needs
    run.json           format and checksums, written last

Every file is written under a temporary name and renamed. JSON and safetensors only: nothing runs code from a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from attentionflow.errors import UserError

FORMAT = 1
SETTINGS, MODEL, METRICS, LOG, CARD = "settings.json", "model.safetensors", "metrics.json", "log.jsonl", "README.md"
STATE, SEAL = "state.safetensors", "run.json"


def write(path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a temporary file beside `path`, then rename it, so that readers see the old file or the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        writer(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=1)
    write(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path.parent} is not a run folder: {path.name} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged ({error}); train again, or take the folder from a backup") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Any = None) -> None:
    """Tensors by name, with anything JSON can hold beside them in the file's header."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"about": json.dumps(about)}
    # As bytes: safetensors' own writer makes files that only their owner may read.
    write(path, lambda temporary: temporary.write_bytes(save(whole, metadata=header)))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "null"))
        return load_file(path), about
    except FileNotFoundError:
        raise UserError(f"{path.parent} has no {path.name}") from None
    except SafetensorError as error:
        raise UserError(f"{path} is damaged or cut short ({error}); train again, or take it from a backup") from None


def new_folder(folder: Path) -> None:
    """Make a folder for a run; one that holds anything is left alone."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder} exists already and was left as it is; give another --out, or --resume to go on with that run"
        )
    folder.mkdir(parents=True, exist_ok=True)


def seal(folder: Path, files: list[str]) -> None:
    """Write down the format and the checksums of the files; what `open_run` verifies."""
    sums = {name: _checksum(folder / name) for name in files}
    write_json(folder / SEAL, {"format": FORMAT, "files": sums})


def open_run(folder: Path) -> dict[str, Any]:
    """The settings page of a finished run, after every sealed file was found unaltered."""
    if not folder.is_dir():
        raise UserError(f"there is no run folder {folder}; train one with: attentionflow train TASK --out {folder}")
    if not (folder / SEAL).exists():
        if (folder / STATE).exists():
            raise UserError(
                f"the run in {folder} was stopped before it wrote its model; go on with: "
                f"attentionflow train {read_json(folder / SETTINGS)['task']} --out {folder} --resume"
            )
        raise UserError(f"{folder} is not a run folder: {SEAL} is missing")
    page = read_json(folder / SEAL)
    if page["format"] > FORMAT:
        raise UserError(
            f"{folder} was written by a newer version (format {page['format']}, this one reads {FORMAT}); "
            "upgrade with: pip install -U attentionflow"
        )
    for name, checksum in page["files"].items():
        if not (folder / name).exists():
            raise UserError(f"{folder} is incomplete: {name} is missing; copy the whole folder again")
        if _checksum(folder / name) != checksum:
            raise UserError(f"{folder / name} was altered or cut short since it was written; copy the folder again")
    return read_json(folder / SETTINGS)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
