"""Pictures to recognise, each among pictures of things with known names: from folders, metadata tables and IDX files.

Training pictures have a label each. Those of val and test show things that training has not seen: of each thing, some
pictures make up the gallery, and the others are the questions that are answered from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.boxes import FEW
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import check_labelled_pictures
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.readers.splits import ORDER, fill_missing

FEWEST = 2  # things of a split: with one alone, there is nothing to tell apart


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures of things with known names, one or several of each, among which a thing is looked for."""

    name: str
    pictures: tuple[LabelledPicture, ...]


@dataclass(frozen=True)
class Question(LabelledPicture):
    """A picture of something; gallery: where it is looked for, None: among what a trained model knows."""

    gallery: Gallery | None = field(default=None, repr=False, compare=False)


Splits = dict[str, Sequence[LabelledPicture]]


def question(picture: LabelledPicture, gallery: Gallery | None = None) -> Question:
    given = {one.name: getattr(picture, one.name) for one in fields(LabelledPicture)}
    return Question(**given, gallery=gallery)


def thing_of(picture: LabelledPicture) -> str:
    """The name of what is on it, "" where that is not known."""
    return picture.labels[0] if picture.labels else ""


def ask(
    splits: Mapping[str, Sequence[LabelledPicture]], shots: int, share: float, seed: int
) -> tuple[Splits, list[str], list[Finding]]:
    """The splits with "val" and "test" turned into questions, held out of "train" thing by thing where they are
    missing; notes, and what was found wrong.

    shots: pictures of each thing that go to the gallery, drawn by `seed`. share: of the things, that are held out.
    """

    def take(
        pictures: Sequence[LabelledPicture], name: str
    ) -> tuple[Sequence[LabelledPicture], Sequence[LabelledPicture]]:
        things = _by_thing(pictures)
        large = [thing for thing, own in things.items() if len(own) > shots]
        count = max(FEWEST, round(share * len(things)))
        if len(large) < count or len(things) < count + FEWEST:
            raise UserError(
                f"{len(things)} things, {len(large)} of them with more than {shots} pictures, are too few to hold "
                f"{count} of them out for {name}; add some, or give a split of its own"
            )
        drawn = np.random.default_rng((seed, ORDER.index(name))).permutation(sorted(large))[:count]
        held = set(drawn.tolist())
        rest = [one for one in pictures if thing_of(one) not in held]
        return rest, [one for thing in drawn for one in things[thing]]

    filled, notes = fill_missing(splits, take, "pictures of things that are held out whole", seed)
    asked: Splits = {"train": filled["train"]}
    faults: list[Finding] = []
    for name in ("val", "test"):
        asked[name], found = _questions(filled[name], shots, name, seed)
        faults += found
    return asked, notes, faults


def _questions(
    pictures: Sequence[LabelledPicture], shots: int, name: str, seed: int
) -> tuple[list[Question], list[Finding]]:
    """One gallery for all of a split."""
    things = _by_thing(pictures)
    draw = np.random.default_rng(seed)
    known: list[LabelledPicture] = []
    asked: list[LabelledPicture] = []
    silent = []
    for thing, own in sorted(things.items()):
        order = draw.permutation(len(own))
        known += [own[at] for at in sorted(order[:shots])]
        asked += [own[at] for at in sorted(order[shots:])]
        if len(own) <= shots:
            silent.append(thing)
    if not asked or len(things) < FEWEST:
        raise UserError(
            f"{name}: {len(things)} things, none with more than {shots} pictures, leave no picture to ask about: each "
            f"needs {shots} for the gallery (--set shots=...) and others beside them"
            if not asked
            else f"{name}: {len(things)} thing, but there must be {FEWEST} to tell apart"
        )
    gallery = Gallery(name, tuple(known))
    nameless = [one.where for one in pictures if not one.labels]
    faults = [
        *_fault(silent, f"{name}: {len(silent)} things have no more than {shots} pictures: all are in the gallery, and "
                "none is asked about", "Add pictures of them, or lower shots"),
        *_fault(nameless, f"{name}: {len(nameless)} pictures have no label: left out", "Add it, or remove them"),
    ]  # fmt: skip
    return [question(one, gallery) for one in asked], faults


def _by_thing(pictures: Sequence[LabelledPicture]) -> dict[str, list[LabelledPicture]]:
    found: dict[str, list[LabelledPicture]] = {}
    for one in pictures:
        if thing := thing_of(one):
            found.setdefault(thing, []).append(one)
    return found


def _fault(places: Sequence[str], what: str, remedy: str) -> list[Finding]:
    return [Finding("warning", what, len(places), tuple(places[:FEW]), remedy)] if places else []


def gallery_of(picture: LabelledPicture) -> Gallery | None:
    return picture.gallery if isinstance(picture, Question) else None


def gallery_name(picture: LabelledPicture) -> str:
    gallery = gallery_of(picture)
    return gallery.name if gallery else ""


def galleries_of(pictures: Sequence[LabelledPicture]) -> list[Gallery | None]:
    """Those that questions are answered from, each once, in the order in which they are first met."""
    return list(dict.fromkeys(map(gallery_of, pictures)))


def check_questions(splits: Mapping[str, Sequence[LabelledPicture]], faults: Sequence[Finding]) -> list[Finding]:
    """What is wrong or remarkable with training pictures, questions and their galleries. Every picture is decoded."""
    shown = {}
    for split, pictures in splits.items():
        known = [one for gallery in galleries_of(pictures) if gallery for one in gallery.pictures]
        shown[split] = list({one.where: one for one in [*known, *pictures]}.values())
    return check_labelled_pictures(shown, faults, apart=True)
