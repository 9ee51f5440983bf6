"""Which module may import which, what an import costs, and that every list names what is there.

    tasks -> models, datasets -> nn, readers -> attend, recorder -> records

`flows`, `human` and `view` take records, never a model. What stands at the top may import anything but a named task.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import attentionflow
from attentionflow.datasets import DATASETS
from attentionflow.flows import FLOWS, load_flow
from attentionflow.flows import PARTS as FLOW_PARTS
from attentionflow.nn import MECHANISMS, PARTS
from attentionflow.tasks import TASKS

PACKAGE = Path(attentionflow.__file__).parent
PYPROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))

LAYERS = (("tasks",), ("models", "datasets"), ("nn", "readers"), ("attend", "recorder"), ("records",))
APART = ("flows", "human", "view")
FREE = ("_cores", "errors", "settings")
# Beside the layers: unit -> what it may import.
ALSO = {
    "tasks": {"task"},
    "recorder": {"attend"},
    "attend": {"_cells"},
    "models": {"_cells"},
    "task": {"records", "readers.finding"},
    "settings": {"errors"},
}
# What works on a saved record works without these.
TRAINING_STACK = {"torch", "accelerate", "tokenizers", "transformers"}

PUBLIC = {
    "AttentionRecord",
    "Axis",
    "DataError",
    "Relevance",
    "Run",
    "Site",
    "UserError",
    "compare",
    "enroll",
    "evaluate",
    "faithful",
    "flow",
    "load",
    "look",
    "page",
    "record",
    "recording",
    "train",
}

MOST_PACKAGES = 30
# Copyleft of single files, which asks nothing of those who use them unaltered.
FILE_COPYLEFT = {"certifi": "MPL-2.0", "tqdm": "MPL-2.0 AND MIT"}


# ---- direction -------------------------------------------------------------------------------------------------------


def modules() -> dict[str, Path]:
    """Module name within the package ("nn.blocks", "" for the package itself) -> file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: a relative import; write attentionflow. in full"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole.removeprefix("attentionflow.") in MODULES else str(node.module)


def fault(module: str, imported: str) -> str:
    """What is wrong with an import, or ""."""
    top, _, inner = imported.partition(".")
    unit, target = module.split(".")[0], inner.split(".")[0]
    if top != "attentionflow":
        if unit in (*APART, "records") and top in TRAINING_STACK:
            return f"{unit} must work without {top}"
        is_top = unit.startswith("_") or unit in ("cli", "hf")
        return "only what runs a model may import accelerate" if top == "accelerate" and not is_top else ""
    layer = next((i for i, units in enumerate(LAYERS) if unit in units), None)
    if layer is not None:
        allowed = {unit, *FREE, *(name for units in LAYERS[layer + 1 :] for name in units), *ALSO.get(unit, ())}
        allowed = {unit} if unit == "records" else allowed
    elif unit in APART:
        allowed = {unit, "records", "errors"}
    elif unit in ("task", *FREE):
        allowed = ALSO.get(unit, set()) | (set(FREE) if unit == "task" else set())
    elif target == "tasks" and inner != "tasks":
        return "what sees the contract must not know a task by name"
    else:
        return ""
    return (
        "" if target in allowed or inner in allowed else f"{unit} may import {', '.join(sorted(allowed)) or 'nothing'}"
    )


def test_imports_point_one_way() -> None:
    faults = [
        f"{module} imports {imported}: {wrong}"
        for module, path in MODULES.items()
        for imported in imports(path)
        if (wrong := fault(module, imported))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("records", "attentionflow.errors"),
        ("attend", "attentionflow.recorder"),
        ("nn.additive", "attentionflow.readers.text"),
        ("nn.additive", "attentionflow.models"),
        ("readers.pairs", "attentionflow.tasks"),
        ("readers.pairs", "attentionflow"),
        ("models.transformer", "attentionflow.task"),
        ("models.transformer", "attentionflow.datasets"),
        ("task", "attentionflow.readers.pairs"),
        ("view.page", "attentionflow.attend"),
        ("view.page", "attentionflow.settings"),
        ("flows.rollout", "attentionflow.view"),
        ("view.page", "torch"),
        ("records", "torch.nn"),
        ("nn.blocks", "accelerate"),
        ("_train", "attentionflow.tasks.translation"),
        ("cli", "attentionflow.tasks.translation"),
    ],
)
def test_a_wrong_import_is_found(module: str, imported: str) -> None:
    assert fault(module, imported)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("tasks.translation", "attentionflow.models.decoding"),
        ("tasks.translation", "attentionflow.task"),
        ("task", "attentionflow.readers.finding"),
        ("recorder", "attentionflow.attend"),
        ("view.page", "attentionflow.records"),
        ("_train", "attentionflow.tasks"),
        ("nn.blocks", "torch"),
    ],
)
def test_a_right_import_is_let_through(module: str, imported: str) -> None:
    assert not fault(module, imported)


def test_every_folder_has_its_place_in_the_order() -> None:
    folders = {name.split(".")[0] for name, path in MODULES.items() if path.parent != PACKAGE}
    assert folders <= {*APART, *(unit for units in LAYERS for unit in units)}


# ---- cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("attentionflow, attentionflow.cli", {"torch", "pydantic", "rich", "numpy", "polars"}),
        ("attentionflow.tasks, attentionflow.datasets", {"torch", "pydantic", "numpy"}),
        ("attentionflow.records, attentionflow.view", {"pydantic", *TRAINING_STACK}),
    ],
)
def test_an_import_brings_nothing_heavy(imported: str, absent: set[str]) -> None:
    code = f"import sys, {imported}; print(*sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# ---- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*TASKS.values(), *MECHANISMS.values()])
def test_a_listed_class_is_there(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize(("name", "path"), FLOWS.items())
def test_a_listed_flow_is_there(name: str, path: str) -> None:
    assert path == f"attentionflow.flows.{name}.{name}"
    assert load_flow(name).__name__ == name


@pytest.mark.parametrize(("name", "path"), DATASETS.items())
def test_a_listed_data_set_is_there(name: str, path: str) -> None:
    module = import_module(path)
    assert module.DATASET.name == name
    assert callable(module.read)


@pytest.mark.parametrize(("name", "path"), TASKS.items())
def test_a_task_is_listed_under_its_own_name(name: str, path: str) -> None:
    module, _, attribute = path.rpartition(".")
    assert getattr(import_module(module), attribute).name == name
    assert module == f"attentionflow.tasks.{re.sub('[-/]', '_', name)}"


@pytest.mark.parametrize(
    ("folder", "listed"),
    [
        ("tasks", {path.rsplit(".", 2)[1] for path in TASKS.values()}),
        ("datasets", {path.rsplit(".", 1)[1] for path in DATASETS.values()}),
        ("nn", {path.rsplit(".", 2)[1] for path in MECHANISMS.values()} | set(PARTS)),
        ("flows", {path.rsplit(".", 2)[1] for path in FLOWS.values()} | set(FLOW_PARTS)),
    ],
)
def test_a_file_has_its_line_in_the_folders_list(folder: str, listed: set[str]) -> None:
    files = {path.stem for path in (PACKAGE / folder).glob("*.py") if not path.stem.startswith("_")}
    assert files == listed


def test_public_names_are_these() -> None:
    assert set(attentionflow.__all__) == PUBLIC
    assert list(attentionflow.__all__) == sorted(attentionflow.__all__)
    assert attentionflow.__version__ == PYPROJECT["project"]["version"]


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_resolves_and_stays_what_it_is(name: str) -> None:
    # Importing a module sets it as an attribute of the package, which would hide a function of the same name.
    first = getattr(attentionflow, name)
    for module in MODULES:
        import_module(f"attentionflow.{module}".rstrip("."))
    assert getattr(attentionflow, name) is first
    assert not isinstance(first, ModuleType)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        attentionflow.trian  # noqa: B018


# ---- dependencies ----------------------------------------------------------------------------------------------------


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Everything installed that these need here, by canonical name; what is not installed is left out."""
    found: dict[str, Distribution] = {}
    waiting, done = [(Requirement(text), "") for text in requirements], set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in done:
                continue
            done.add((name, wanted))
            try:
                found[name] = distribution(name)
            except PackageNotFoundError:
                continue
            waiting += [(Requirement(text), wanted) for text in found[name].requires or []]
    return found


def core_closure() -> set[str]:
    return set(closure(PYPROJECT["project"]["dependencies"])) - set(closure(["torch"]))


def licence(package: Distribution) -> str:
    """What the metadata tells, on one line; "" where they tell nothing."""
    about = package.metadata
    named = [line.split(" :: ", 1)[1] for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    first_line = (about.get("License") or "").strip().split("\n")[0]
    return about.get("License-Expression") or "; ".join([*named, first_line])


def copyleft(text: str) -> bool:
    """Whether every alternative of a licence is copyleft."""
    pattern = r"\b[AL]?GPL|General Public License|\bMPL\b|Mozilla|\bEUPL|\bSSPL"
    return all(re.search(pattern, part) for part in re.split(r"\bOR\b", text)) if text else False


def test_the_core_is_small() -> None:
    beyond_torch = core_closure()
    assert len(beyond_torch) <= MOST_PACKAGES, f"{len(beyond_torch)}: {', '.join(sorted(beyond_torch))}"


def test_no_dependency_is_copyleft() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = [*PYPROJECT["project"]["dependencies"]]
    wanted += [text for name, texts in extras.items() if name not in ("all", "dev") for text in texts]
    found = {name: licence(package) for name, package in closure(wanted).items()}
    assert {name: text for name, text in found.items() if copyleft(text) and name not in FILE_COPYLEFT} == {}


@pytest.mark.parametrize(
    ("text", "is_copyleft"),
    [
        ("GPL-3.0-or-later", True),
        ("LGPL-2.1-only", True),
        ("OSI Approved :: GNU Affero General Public License v3; ", True),
        ("MIT OR GPL-2.0-only", False),
        ("BSD-3-Clause AND GPL-2.0-only", True),
        ("Apache-2.0", False),
        ("", False),
    ],
)
def test_copyleft_is_told(text: str, is_copyleft: bool) -> None:
    assert copyleft(text) == is_copyleft


def test_constraints_name_every_dependency_once() -> None:
    lines = (PACKAGE.parent / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [canonicalize_name(line.split("==")[0]) for line in lines if line and not line.startswith("#")]
    assert len(pinned) == len(set(pinned))
    direct = [*PYPROJECT["project"]["dependencies"]]
    direct += [text for texts in PYPROJECT["project"]["optional-dependencies"].values() for text in texts]
    named = {canonicalize_name(Requirement(text).name) for text in direct} - {"attentionflow"}
    assert named | core_closure() <= set(pinned)
