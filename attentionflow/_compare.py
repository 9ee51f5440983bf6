"""Does a model look where people look? Flow methods by depth beside people, beside baselines, with statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attentionflow._compare_pictures import compare_pictures
from attentionflow._compare_report import Comparison
from attentionflow._compare_texts import compare_texts
from attentionflow._faithful import Case, RunSubject, Subject
from attentionflow._predict import Run, load
from attentionflow.datasets import DATASETS, dataset_module, module_for
from attentionflow.errors import UserError
from attentionflow.flows import load_flow
from attentionflow.readers.fixations import Looking, is_of_pictures, read_lookings
from attentionflow.readers.reading import Reading, read_readings
from attentionflow.readers.table import table_kind

METHODS = ("raw", "rollout", "maxflow", "gradient")
HUMAN, TO_PICTURES = "human attention", "human attention to pictures"  # tasks of such data sets
LANGUAGE = "en"  # of the words of a table

Humans = Sequence[Reading] | Sequence[Looking]


def human_data(name: str) -> tuple[str, str, Humans, list[str]]:
    """Name, language, readings or pictures, and notes of a named set of people's attention, or of a user's table."""
    given = name.replace("-", "_")
    if given in DATASETS:
        kind = TO_PICTURES if dataset_module(given).DATASET.task == TO_PICTURES else HUMAN
        module: Any = module_for(given, kind)
        humans, notes = module.read()
        return given, getattr(module, "LANGUAGE", LANGUAGE), humans, notes
    module_for(name, HUMAN)  # neither file nor set: says so
    pictures = table_kind(name) is not None and is_of_pictures(name)
    humans, notes = read_lookings(name) if pictures else read_readings(name)
    return Path(name).name, LANGUAGE, humans, notes


def compare(
    subject: Run | str | Path | Subject,
    human: str | Path | Humans,
    methods: str | Sequence[str] = METHODS,
    *,
    language: str | None = None,
    most: int | None = None,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = True,
    **options: Any,
) -> Comparison:
    """How alike a model's attention is to people's, text by text or picture by picture.

    subject: a run, its folder, "hf:PATH_OR_NAME", or another `Subject`. human: a named set, a table (of reading times,
    marks or importance of words, of fixations or maps of pictures), or what such a table holds. methods: names in
    FLOWS; each is computed at every depth, from the first layer alone to all. language: of the words, for their
    frequency; most: at most so many texts or pictures, evenly spread. options: the run's own.

    Relevance is that of the answer (the class, or the embedding of a model without classes), its rows averaged, summed
    over the sub-words of each word that people read, or spread over the pixels of its patches.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    for name in methods or ("",):
        load_flow(name)
    if most is not None and most < 1:
        raise UserError(f"at most {most} texts or pictures leave nothing to compare; give 1 or more")
    name, known_language, humans, notes = (
        human_data(str(human)) if isinstance(human, str | Path) else ("readings", LANGUAGE, list(human), [])
    )
    lookings = [one for one in humans if isinstance(one, Looking)]
    readings = [one for one in humans if isinstance(one, Reading)]
    if lookings and language is not None:
        raise UserError(f"language={language} is of the words of texts, and {name} holds pictures")
    subject, model = _subject(subject, options, device, bool(lookings))
    shared: dict[str, Any] = {"names": (model, name), "notes": notes, "most": most, "seed": seed, "quiet": quiet}
    if lookings:
        return compare_pictures(subject, lookings, methods, **shared)
    return compare_texts(subject, readings, methods, language=language or known_language, **shared)


class Reader(RunSubject):
    """A run that reads texts to their end."""

    def cases(self, examples: Sequence[Any]) -> tuple[Sequence[Case], list[str]]:
        return super().cases([self.run.task.reading(text) for text in examples])


class Viewer(RunSubject):
    """A run that is shown pictures, as pixels."""

    def cases(self, examples: Sequence[Any]) -> tuple[Sequence[Case], list[str]]:
        try:
            return super().cases(examples)
        except TypeError as error:
            raise UserError(f"a run of {self.run.task.name} sees no pictures: {error}") from None


def _subject(subject: Any, options: Mapping[str, Any], device: str, pictures: bool) -> tuple[Subject, str]:
    if isinstance(subject, str) and subject.startswith("hf:"):
        from attentionflow import hf
        from attentionflow._compare_hf import PictureEncoder, text_subject

        if options:
            raise UserError(f"a Hugging Face model takes no prediction options here, got {', '.join(options)}")
        model, processor = hf.load(subject)
        asked: Subject = PictureEncoder(model, processor) if pictures else text_subject(model, processor)
        return asked, f"{type(model).__name__} ({Path(subject.removeprefix('hf:')).name})"
    if isinstance(subject, str | Path):
        subject = load(subject, device=device)
    if isinstance(subject, Run):
        asked = (Viewer if pictures else Reader)(subject, options)
        return asked, f"{subject.task.name}: {subject.folder.name}"
    return subject, type(subject.model).__name__
