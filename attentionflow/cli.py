"""The command line: what can be called, and how mistakes are told."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attentionflow import _verbs
from attentionflow.errors import UserError


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

    one = verb("tasks", _verbs.tasks, "list the tasks, or the settings of one")
    one.add_argument("task", nargs="?", metavar="TASK")

    data = verbs.add_parser("data", help="look over data before training")
    one = verb(
        "check",
        _verbs.data_check,
        "find what is wrong with the data",
        data.add_subparsers(required=True, metavar="check"),
    )
    one.add_argument("task", metavar="TASK")
    one.add_argument("data", metavar="DATA", help="a named data set, a folder or a table")
    one.add_argument("--seed", type=int, default=0, help="of the splits that are held out")
    add_set(one, "a setting of the task")

    one = verb("train", _verbs.train, "train a model")
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

    one = verb("evaluate", _verbs.evaluate, "score a model on a split")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("--split", default="test")
    one.add_argument("--data", help="other data than that of the training")
    one.add_argument("--json", action="store_true")
    one.add_argument("--no-baselines", action="store_true", help="leave the simple baselines out")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("predict", _verbs.predict, "predict for texts, files, or standard input")
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

    one = verb("chat", _verbs.chat, "talk with a model, and see which turns it attends to")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("--turns", type=int, default=8, help="bars of so many turns at most; by default 8")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("enroll", _verbs.enroll, "add a new thing to a model by examples, without training, where a task can")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("name", metavar="NAME", help="of the thing, as answers then give it")
    one.add_argument("inputs", nargs="*", metavar="INPUT", help="an example, a file or a folder of examples")
    one.add_argument("--remove", action="store_true", help="take out what was added under the name")

    one = verb("look", _verbs.look, "draw what the model attends to")
    add_subject(one)
    one.add_argument("input", metavar="INPUT")
    add_method(one, "show relevance by maxflow, rollout, raw, gradient or agf")
    one.add_argument("--target", type=int, help="position of the answer to begin with, and that gradients are of")
    one.add_argument("--judge", action="store_true", help="tell whether each picture is better than chance")
    one.add_argument("--out", type=Path, default=Path("look.html"))
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("faithful", _verbs.faithful, "test whether what flow methods show is what the model goes by")
    add_subject(one)
    one.add_argument("--data", help="other data than that of the training; for a Hugging Face model a file of texts")
    one.add_argument("--split", default="test")
    one.add_argument("--examples", type=int, default=200, help="at most so many; by default 200")
    add_method(one, "judge this one alone")
    one.add_argument("--seed", type=int, default=0, help="of random orders, shuffled weights and the bootstrap")
    one.add_argument("--json", action="store_true")
    add_device(one)
    add_set(one, "a prediction option")

    one = verb("compare", _verbs.compare, "tell whether a model looks where people look")
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
