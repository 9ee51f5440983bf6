"""Documents that can go stale: generated tables, links, versions, and the tree in the README."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import attentionflow
from attentionflow.cli import _parser
from attentionflow.tasks import TASKS

pytest.importorskip("babel", reason="the tables are made with the embedded data: pip install attentionflow[text]")
pytest.importorskip("sacrebleu", reason="the tables are made with the metrics: pip install attentionflow[text]")

ROOT = Path(attentionflow.__file__).parents[1]
FOLDERS = (".", "docs", "docs/tasks", "benchmarks")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HIDDEN = re.compile(r"```.*?```|<!--.*?-->", re.DOTALL)


def load_generate() -> ModuleType:
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generate()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", TASKS)
def test_the_generated_tables_are_fresh(task: str, language: str) -> None:
    path = generate.page_path(task, language)
    found, wanted = path.read_text(encoding="utf-8"), generate.render(task, language)
    assert found == wanted, f"{path.name} is stale; run: python docs/generate.py"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", TASKS)
def test_a_page_has_every_table(task: str, language: str) -> None:
    names = [found["name"] for found in generate.BLOCK.finditer(generate.page_path(task, language).read_text("utf-8"))]
    assert sorted(names) == sorted(generate.BLOCKS)


def test_no_translation_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    chinese = generate.chinese

    def listen(text: str) -> str:
        said.add(text)
        return chinese(text)

    monkeypatch.setattr(generate, "chinese", listen)
    for task in TASKS:
        generate.render(task, "zh")
    assert generate.CHINESE.keys() - said == set()


def test_a_text_without_chinese_is_named() -> None:
    with pytest.raises(generate.UntranslatedError, match="never said"):
        generate.chinese("never said")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_resolve(page: Path) -> None:
    text = HIDDEN.sub("", page.read_text(encoding="utf-8"))
    local = [target.split("#")[0] for target in LINK.findall(text) if "://" not in target and target[0] != "#"]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_tree_in_the_readme_is_that_on_disk(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    tree = re.search(r"```\nattentionflow/\n(.*?)```", text, re.DOTALL)
    assert tree is not None
    # A line is indented by two blanks, names one or several entries, and after more blanks says what they are for.
    lines = re.findall(r"^  (\S+(?: \S+)*)  ", tree[1], re.MULTILINE)
    listed = {entry.rstrip("/") for line in lines for entry in line.split()}
    entries = (ROOT / "attentionflow").iterdir()
    there = {path.name for path in entries if path.name[0] != "." and path.name not in ("__pycache__", "py.typed")}
    assert listed == there


def test_the_changelog_names_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[({re.escape(attentionflow.__version__)}|Unreleased)\]", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_are_understood(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verbs, options and their order, as the parser knows them; nothing is run."""
    for line in re.findall(r"^(?:\.venv/bin/)?attentionflow (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        try:
            _parser().parse_args(shlex.split(line, comments=True))
        except SystemExit:
            pytest.fail(f"attentionflow {line}\n{capsys.readouterr().err}")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets is not None
    assert [target for target in targets[1].split() if f"make {target} " not in listed] == []
