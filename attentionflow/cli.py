"""The command line: one function a verb. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attentionflow.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from attentionflow.settings import Settings
    from attentionflow.task import Score

ACROSS = 8  # metrics up to which each has a column


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb; exits with 2 and one message on a user's mistake, with 130 on Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        sys.exit(options.verb(options) or 0)
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        full = "; free some space. What was there before is untouched" if error.errno == errno.ENOSPC else ""
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}{full}")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def tasks(options: argparse.Namespace) -> None:
    """What there is, which files each task reads, and with a task's name every setting."""
    from attentionflow.tasks import TASKS, load_task

    if options.task is None:
        table = _table("task", "from", "files", "architectures")
        for name in TASKS:
            task = load_task(name)
            table.add_row(name, task.summary, task.files, ", ".join(task.architectures))
        _print(table)
        return
    from attentionflow._plan import TrainingSettings

    task = load_task(options.task)
    parts: dict[str, type[Settings]] = {f"settings of {task.name}": task.settings_type, "training": TrainingSettings}
    parts |= {f"architecture {name}": one.settings for name, one in task.architectures.items()}
    for title, model in {**parts, "prediction": task.options_type}.items():
        table = _table(title, "default", "")
        for name, field in model.model_fields.items():
            table.add_row(name, str(field.default), field.description or "")
        _print(table)


def data_check(options: argparse.Namespace) -> int:
    """Rows, lengths, faults, with the places; 1 where something must be mended before training."""
    from attentionflow.settings import parse_assignments, resolve
    from attentionflow.tasks import load_task

    kind = load_task(options.task)
    given = parse_assignments(options.set)
    task = kind(resolve({"task": kind.settings_type}, {"--set": given})["task"])
    splits, notes = task.read(options.data, options.seed)
    table = _table("", "finding", "where", "what to do")
    found = task.check(splits)
    colours = {"error": "red", "warning": "yellow", "info": "dim"}
    for finding in found:
        more = f" and {finding.count - len(finding.where):,} more" if 0 < len(finding.where) < finding.count else ""
        colour = colours[finding.severity]
        table.add_row(
            f"[{colour}]{finding.severity}[/]",
            _plain(finding.what),
            _plain(", ".join(finding.where) + more),
            finding.remedy,
        )
    _print(table)
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
    _print(_scores({"validation": scores}))
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
    _print(_scores({str(options.run): found["metrics"], **found["baselines"]}))
    for name, score in found["metrics"].items():
        if score.parts:
            print(f"{name} in parts: {_parts(score.parts)}")
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
    table = _table("enrolled", "examples")
    for name, count in run.task.enrolled_counts.items():
        table.add_row(_plain(name), f"{count:,}")
    _print(table)


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
    _print(found.table())
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
    _print(found.table(_width()))
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


def _scores(rows: dict[str, dict[str, Score]]) -> Table:
    """A row a system and a column a metric, or the other way round where these are many, and the signatures below."""
    first = next(iter(rows.values()))
    cells = {name: [_score(score) for score in scores.values()] for name, scores in rows.items()}
    if len(first) <= ACROSS:
        table = _table("", *map(_plain, first))
        for name, own in cells.items():
            table.add_row(_plain(name), *own)
    else:
        table = _table("", *map(_plain, rows))
        for at, metric in enumerate(first):
            table.add_row(_plain(metric), *(own[at] for own in cells.values()))
    table.caption = "\n".join(f"{name}: {score.signature}" for name, score in first.items() if score.signature)
    return table


def _parts(parts: Mapping[str, float], most: int = 8) -> str:
    """All of a few, or some of many, evenly spread with the first and the last."""
    names, count = list(parts), min(most, len(parts))
    chosen = [names[round(at * (len(names) - 1) / max(1, count - 1))] for at in range(count)]
    left_out = f" (of {len(names)}; all are in metrics.json)" if len(names) > count else ""
    return ", ".join(f"{name}: {parts[name]:.4g}" for name in chosen) + left_out


def _score(score: Score) -> str:
    low_high = f" ({score.interval[0]:.4g} to {score.interval[1]:.4g})" if score.interval else ""
    return f"{score.value:.4g}{score.unit}{low_high}"


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*columns, box=SIMPLE_HEAD, pad_edge=False, caption_justify="left")


def _print(what: Table) -> None:
    from rich.console import Console

    Console().print(what)


def _width() -> int:
    """Characters of a line of the terminal."""
    from rich.console import Console

    return Console().width


def _plain(text: str) -> str:
    """Text of a user's, safe from the terminal markup of rich."""
    from rich.markup import escape

    return escape(text)


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="attentionflow",
        description="Train attention models from your own files, and look into what they attend to.",
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    def verb(name: str, function: Any, help: str, within: Any = verbs) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = within.add_parser(name, help=help, description=help)
        made.set_defaults(verb=function)
        return made

    def add_set(to: argparse.ArgumentParser, what: str) -> None:
        to.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help=f"{what}; may be repeated")

    def add_subject(to: argparse.ArgumentParser) -> None:
        to.add_argument("run", metavar="RUN", help="folder of a run, or hf:PATH_OR_NAME for a Hugging Face model")

    def add_method(to: argparse.ArgumentParser, what: str) -> None:
        to.add_argument("--method", metavar="METHOD", action="append", default=[], help=f"{what}; may be repeated")

    def add_device(to: argparse.ArgumentParser) -> None:
        to.add_argument("--device", default="auto", help="cpu, cuda, mps; by default the best there is")

    one = verb("tasks", tasks, "list the tasks, or the settings of one")
    one.add_argument("task", nargs="?", metavar="TASK")

    data = verbs.add_parser("data", help="look over data before training")
    one = verb(
        "check", data_check, "find what is wrong with the data", data.add_subparsers(required=True, metavar="check")
    )
    one.add_argument("task", metavar="TASK")
    one.add_argument("data", metavar="DATA", help="a named data set, a folder or a table")
    one.add_argument("--seed", type=int, default=0, help="of the splits that are held out")
    add_set(one, "a setting of the task")

    one = verb("train", train, "train a model")
    one.add_argument("task", metavar="TASK")
    one.add_argument("--data", help="a named data set, a folder or a table; by default the task's embedded data")
    one.add_argument("--out", type=Path, help="folder of the run; by default runs/TASK")
    one.add_argument("--architecture", help="by default the strongest; classic is the textbook's")
    one.add_argument("--pretrained", metavar="PATH_OR_NAME", help="begin with a Hugging Face encoder, where a task can")
    one.add_argument("--seed", type=int, help="of weights, order, dropout and held-out splits; by default 0")
    one.add_argument("--max-minutes", type=float, help="measure, and train for as many steps as fit")
    one.add_argument("--resume", action="store_true", help="go on with the run in --out")
    one.add_argument("--quiet", action="store_true", help="say nothing while training")
    add_device(one)
    add_set(one, "a setting; `attentionflow tasks TASK` lists them")

    one = verb("evaluate", evaluate, "score a model on a split")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("--split", default="test")
    one.add_argument("--data", help="other data than that of the training")
    one.add_argument("--json", action="store_true")
    one.add_argument("--no-baselines", action="store_true", help="leave the simple baselines out")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("predict", predict, "predict for texts, files, or standard input")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("inputs", nargs="*", metavar="INPUT", help="an input, a file of inputs, or - for standard input")
    one.add_argument(
        "--out", type=Path, help="write a table (.csv, .tsv, .jsonl, .parquet), or a folder where answers are files"
    )
    one.add_argument("--json", action="store_true", help="one JSON object a line")
    one.add_argument("--beam", type=int, help="hypotheses kept open in beam search")
    one.add_argument("--k", type=int, help="answers to each input, the best first, where a task ranks them")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("chat", chat, "talk with a model, and see which turns it attends to")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("--turns", type=int, default=8, help="bars of so many turns at most; by default 8")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("enroll", enroll, "add a new thing to a model by examples, without training, where a task can")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("name", metavar="NAME", help="of the thing, as answers then give it")
    one.add_argument("inputs", nargs="*", metavar="INPUT", help="an example, a file or a folder of examples")
    one.add_argument("--remove", action="store_true", help="take out what was added under the name")

    one = verb("look", look, "draw what the model attends to")
    add_subject(one)
    one.add_argument("input", metavar="INPUT")
    add_method(one, "show relevance by maxflow, rollout, raw, gradient or agf")
    one.add_argument("--target", type=int, help="position of the answer to begin with, and that gradients are of")
    one.add_argument("--judge", action="store_true", help="tell whether each picture is better than chance")
    one.add_argument("--out", type=Path, default=Path("look.html"))
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("faithful", faithful, "test whether what flow methods show is what the model goes by")
    add_subject(one)
    one.add_argument("--data", help="other data than that of the training; for a Hugging Face model a file of texts")
    one.add_argument("--split", default="test")
    one.add_argument("--examples", type=int, default=200, help="at most so many; by default 200")
    add_method(one, "judge this one alone")
    one.add_argument("--seed", type=int, default=0, help="of random orders, shuffled weights and the bootstrap")
    one.add_argument("--json", action="store_true")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("compare", compare, "tell whether a model looks where people look")
    add_subject(one)
    one.add_argument(
        "--human", metavar="DATA", required=True, help="a named set, or a table: of reading times, marks or fixations"
    )
    add_method(one, "compare this one alone, or several with commas between")
    one.add_argument("--most", type=int, help="at most so many texts or pictures, evenly spread; by default all")
    one.add_argument("--language", help="of the texts, for how frequent their words are; by default that of the set")
    one.add_argument("--seed", type=int, default=0, help="of chance, split halves, the bootstrap and permutations")
    one.add_argument("--out", type=Path, default=Path("report"), help="folder of the report")
    one.add_argument("--json", action="store_true")
    add_device(one)
    add_set(one, "a prediction option")
    return parser
