"""One function a verb of the command line. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attentionflow._terminal import new_table, parts_told, plain, scores_table, show, width
from attentionflow.errors import UserError

if TYPE_CHECKING:
    from attentionflow.settings import Settings


def tasks(options: argparse.Namespace) -> None:
    """What there is, which files each task reads, and with a task's name every setting."""
    from attentionflow.tasks import TASKS, load_task

    if options.task is None:
        table = new_table("task", "from", "files", "architectures")
        for name in TASKS:
            task = load_task(name)
            table.add_row(name, task.summary, task.files, ", ".join(task.architectures))
        show(table)
        return
    from attentionflow._plan import TrainingSettings

    task = load_task(options.task)
    parts: dict[str, type[Settings]] = {f"settings of {task.name}": task.settings_type, "training": TrainingSettings}
    parts |= {f"architecture {name}": one.settings for name, one in task.architectures.items()}
    for title, model in {**parts, "prediction": task.options_type}.items():
        table = new_table(title, "default", "")
        for name, field in model.model_fields.items():
            table.add_row(name, str(field.default), field.description or "")
        show(table)


def data_check(options: argparse.Namespace) -> int:
    """Rows, lengths, faults, with the places; 1 where something must be mended before training."""
    from attentionflow.settings import parse_assignments, resolve
    from attentionflow.tasks import load_task

    kind = load_task(options.task)
    given = parse_assignments(options.set)
    task = kind(resolve({"task": kind.settings_type}, {"--set": given})["task"])
    splits, notes = task.read(options.data, options.seed)
    table = new_table("", "finding", "where", "what to do")
    found = task.check(splits)
    colours = {"error": "red", "warning": "yellow", "info": "dim"}
    for finding in found:
        more = f" and {finding.count - len(finding.where):,} more" if 0 < len(finding.where) < finding.count else ""
        colour = colours[finding.severity]
        table.add_row(
            f"[{colour}]{finding.severity}[/]",
            plain(finding.what),
            plain(", ".join(finding.where) + more),
            finding.remedy,
        )
    show(table)
    for note in notes:
        print(f"note: {note}")
    return int(any(finding.severity == "error" for finding in found))


def train(options: argparse.Namespace) -> None:
    from attentionflow._train import train
    from attentionflow.settings import parse_assignments

    given = parse_assignments(options.set)
    if options.pretrained is not None:
        given["pretrained"] = options.pretrained
    run = train(
        options.task,
        options.data,
        out=options.out or Path("runs") / options.task,
        architecture=options.architecture,
        settings=given,
        seed=options.seed,
        device=options.device,
        max_minutes=options.max_minutes,
        resume=options.resume,
        quiet=options.quiet,
    )
    if os.environ.get("RANK", "0") != "0":  # of several processes, the first one reports
        return
    page = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))["val"]
    from attentionflow.task import Score

    scores = {name: Score(**score) for name, score in page["metrics"].items()}
    show(scores_table({"validation": scores}))
    print(f"{run.folder}: evaluate it with: attentionflow evaluate {run.folder} --split test")


def evaluate(options: argparse.Namespace) -> None:
    from attentionflow._evaluate import evaluate
    from attentionflow._predict import load
    from attentionflow.settings import parse_assignments

    run = load(options.run, device=options.device)
    chosen = parse_assignments(options.set)
    found = evaluate(run, options.split, data=options.data, baselines=not options.no_baselines, **chosen)
    if options.json:
        from attentionflow._evaluate import score_page

        print(json.dumps(score_page(found["metrics"]), ensure_ascii=False))
        return
    for note in found["notes"]:
        print(f"note: {note}")
    show(scores_table({str(options.run): found["metrics"], **found["baselines"]}))
    for name, score in found["metrics"].items():
        if score.parts:
            print(f"{name} in parts: {parts_told(score.parts)}")
    for path in found["pictures"]:
        print(f"{path}: a picture")
    print(f"{found['examples']:,} examples, each scored once, in {found['seconds']:.1f} s")


def predict(options: argparse.Namespace) -> None:
    from attentionflow._predict import load
    from attentionflow.settings import parse_assignments

    run = load(options.run, device=options.device)
    chosen: dict[str, Any] = parse_assignments(options.set)
    for short, name in (("beam", "beams"), ("k", "k")):
        if (value := getattr(options, short)) is not None:
            chosen[name] = value
    examples = _inputs(run.task, options.inputs)
    if sys.stdout.isatty() and len(examples) == 1 and options.out is None and not options.json:
        pieces, notes = run.stream(examples[0], run.options(chosen))
        if pieces is not None:
            for note in notes:
                print(f"note: {note}", file=sys.stderr)
            for piece in pieces:
                print(piece, end="", flush=True)
            print()
            return
    predictions, notes = run.predict_examples(examples, run.options(chosen))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if options.out is not None:
        _write(run.task, predictions, options.out)
        print(f"{len(predictions):,} predictions are in {options.out}", file=sys.stderr)
        return
    for prediction in predictions:
        print(json.dumps(prediction.to_json(), ensure_ascii=False) if options.json else prediction.output)


def _write(task: Any, predictions: Sequence[Any], out: Path) -> None:
    """A table; or, where the name has no ending, a folder of the answers that are files, with the table in it; or the
    one answer that is such a file, by its ending."""
    from attentionflow.readers.table import write_table

    files = task.answer_files(predictions) if len(predictions) == 1 else iter(())
    for name, content in files:
        if out.suffix and out.suffix.lower() == Path(name).suffix:
            _write_pieces(out, content)
            return
    if not out.suffix and next(task.answer_files(predictions), None) is not None:
        written: set[Path] = set()
        for name, content in task.answer_files(predictions):
            path = first = out / name
            while path in written:  # inputs of one name, from several folders
                path = first.with_stem(f"{first.stem}-{len(written)}")
            written.add(path)
            _write_pieces(path, content)
        out /= "predictions.csv"
    write_table(out, task.table(predictions))


def _write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(pieces)


def chat(options: argparse.Namespace) -> None:
    """Read a turn a line and answer it, until /quit, Ctrl-D or Ctrl-C."""
    from attentionflow._chat import Conversation
    from attentionflow._predict import load
    from attentionflow.settings import parse_assignments

    talk = Conversation(load(options.run, device=options.device), parse_assignments(options.set))
    if typed := sys.stdin.isatty():
        print("/new forgets the conversation, /quit ends it; the bars tell which turns an answer attended to")
    try:
        while True:
            text = (input("> ") if typed else next(sys.stdin, "/quit")).strip()
            if text == "/quit":
                return
            if text == "/new":
                talk.forget()
            elif text:
                for piece in talk.answer(text):
                    print(piece, end="", flush=True)
                print()
                for note in talk.notes:
                    print(f"note: {note}", file=sys.stderr)
                for label, share in _most(talk.attended(), options.turns):
                    print(f"  {'█' * round(20 * share):20} {share:4.0%}  {_shortened(label)}")
    except (EOFError, KeyboardInterrupt):
        print()


def _most(shares: Sequence[tuple[str, float]], count: int) -> list[tuple[str, float]]:
    """The largest, in their order."""
    kept = sorted(range(len(shares)), key=lambda at: -shares[at][1])[:count]
    return [shares[at] for at in sorted(kept)]


def _shortened(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def enroll(options: argparse.Namespace) -> None:
    from attentionflow._enroll import check_able, enroll_examples, forget
    from attentionflow._predict import load

    run = load(options.run, device="cpu")
    check_able(run)
    if options.remove:
        if options.inputs:
            raise UserError("--remove takes everything out that has the name; leave the inputs out")
        forget(run, options.name)
    else:
        for note in enroll_examples(run, options.name, _inputs(run.task, options.inputs)):
            print(note)
    table = new_table("enrolled", "examples")
    for name, count in run.task.enrolled_counts.items():
        table.add_row(plain(name), f"{count:,}")
    show(table)


def look(options: argparse.Namespace) -> None:
    from attentionflow._look import look
    from attentionflow.settings import parse_assignments

    made = look(
        options.run,
        options.input,
        methods=options.method,
        target=options.target,
        judge=options.judge,
        device=options.device,
        **parse_assignments(options.set),
    )
    made.save(options.out)
    print(f"{options.out}: open it in a browser")


def faithful(options: argparse.Namespace) -> None:
    from attentionflow._faithful import faithful
    from attentionflow._predict import load
    from attentionflow.settings import parse_assignments

    chosen: dict[str, Any] = {"methods": options.method} if options.method else {}
    chosen |= {"seed": options.seed, "quiet": options.json}
    if options.run.startswith("hf:"):
        from attentionflow import hf
        from attentionflow._faithful_hf import TextEncoder
        from attentionflow.readers.text import Lines

        if options.data is None:
            raise UserError("--data is missing: a file with one text a line to judge the methods on")
        texts = [text for text in Lines(Path(options.data)) if text.strip()]
        found = faithful(TextEncoder(*hf.load(options.run)), texts[: options.examples], **chosen)
    else:
        run = load(options.run, device=options.device)
        splits, _ = run.task.read(options.data or run.page["data"], run.page["seed"])
        if options.split not in splits:
            raise UserError(f"the data have no split {options.split!r}; there are {', '.join(splits)}")
        examples = list(splits[options.split])[: options.examples]
        found = faithful(run, examples, **chosen | parse_assignments(options.set))
    if options.json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
        return
    show(found.table())
    for note in found.notes:
        print(f"note: {note}")


def compare(options: argparse.Namespace) -> None:
    from attentionflow._compare import METHODS, compare
    from attentionflow.settings import parse_assignments

    found = compare(
        options.run,
        options.human,
        [name.strip() for given in options.method for name in given.split(",")] or METHODS,
        language=options.language,
        most=options.most,
        seed=options.seed,
        device=options.device,
        quiet=options.json,
        **parse_assignments(options.set),
    )
    found.save(options.out)
    if options.json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
        return
    show(found.table(width()))
    for note in found.notes:
        print(f"note: {note}")
    print(found.paragraph())
    print(f"{options.out / 'report.html'}: open it in a browser")


def _inputs(task: Any, given: Sequence[str]) -> list[Any]:
    """Inputs as typed, or the lines or rows of a file, or of standard input where nothing or "-" is given."""
    examples: list[Any] = []
    for one in given or ["-"]:
        if one == "-":
            if sys.stdin.isatty():
                print("reading standard input; end it with Ctrl-D", file=sys.stderr)
            lines = [line.rstrip("\r\n") for line in sys.stdin] if task.one_a_line else [sys.stdin.read()]
            examples += [task.example(line) for line in lines]
        elif (path := _path(one)) is not None:
            examples += task.read_inputs(path)
        else:
            examples.append(task.example(one))
    return examples


def _path(given: str) -> Path | None:
    """The file or folder that an input names; None where it is the input. What only looks like a file is an error."""
    if not given.strip():
        return None
    looks = " " not in given and Path(given).suffix.lower() in {".txt", ".csv", ".tsv", ".jsonl", ".parquet", ".gz"}
    try:
        path = Path(given)
        if path.exists():  # a task that reads no folders says so itself
            return path
    except OSError:  # too long to be a path
        return None
    if looks:
        raise UserError(f"there is no file {given}; to predict for this very text, pass it through standard input")
    return None
