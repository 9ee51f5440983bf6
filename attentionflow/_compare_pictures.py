"""A model's relevance of a picture beside where people looked, or said that it matters.

Letters: N pictures, H height, W width, M maps, n fixations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from rich.console import Console
from rich.progress import track

from attentionflow._compare_report import Comparison
from attentionflow._compare_rows import SAMPLES, by_depth, scored_rows
from attentionflow._faithful import Subject
from attentionflow.errors import UserError
from attentionflow.human.alignment import onto_pixels
from attentionflow.human.maps import (
    MAP_MEASURES,
    Looked,
    blurred,
    centre_prior,
    local_contrast,
    nss,
    partial_correlation,
)
from attentionflow.readers.fixations import Looking
from attentionflow.readers.image import luminance, preview, resize

LONGEST = 400  # pixels of the longer side of a map on which measures are taken
SPREAD = 0.03  # of the longer side: deviation of the Gaussian by which fixations and maps are spread
OTHERS = 10  # other pictures whose fixations the shuffled area is taken against
PICTURE = 320  # pixels of the longer side of a picture on the page
BASELINE, CONTRAST, ELSEWHERE = "the middle", "local contrast", "other pictures' fixations"
ALONE = "one person against the rest"
TINTS = {"people": (213, 94, 0), "model": (0, 114, 178)}  # after Okabe and Ito 2008


@dataclass(frozen=True)
class PictureComparison(Comparison):
    """A model beside people who looked at the same pictures. subject: asked again for the pictures of the page."""

    cases: Sequence[Looking]
    subject: Subject = field(repr=False)

    items = "pictures"
    beside = BASELINE
    deciding_name: ClassVar[Mapping[str, str]] = {"nss": "normalised scanpath saliency", "cc": "correlation"}
    formulas: ClassVar[Mapping[str, str]] = {
        **{name: measure.formula for name, measure in MAP_MEASURES.items()},
        "partial": "correlation given the middle and local contrast",
    }
    outside = "what is no place of the picture"
    how = (
        "was spread over the pixels of its patches and smoothed as people's fixations were; people are taken all "
        "together"
    )
    controls = "the middle and local contrast"

    def counted(self) -> dict[str, int]:
        fixations = sum(len(one.points) for one in self.cases)
        return {"pictures": len(self.cases), **({"fixations": fixations} if fixations else {})}

    def _among_people(self) -> list[str]:
        if ALONE not in self.ceiling:
            return []
        return [f"The fixations of all others foresee one person's with {self.ceiling[ALONE]:.2f}."]

    def telling(self) -> np.ndarray:
        return np.ones(len(self.cases), bool)

    def drawn(self, index: int) -> dict[str, Any]:
        one = self.cases[index]
        pixels, shape = _pixels(one), _shape(one)
        relevance = _maps(self.subject, pixels, self.settings["methods"], shape)[0][self.best.name]
        scale = PICTURE / max(pixels.shape[:2])
        height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
        small = resize(pixels, width, height)
        return {
            "where": f"{one.image} ({one.where})",
            "label": "",
            "picture": preview(small),
            "people": preview(_tinted(small, _density(one), TINTS["people"])),
            "model": preview(_tinted(small, relevance, TINTS["model"])),
        }


def _tinted(pixels: np.ndarray, values: np.ndarray, tint: tuple[int, int, int]) -> np.ndarray:
    """The picture in grey, coloured where a map is high."""
    height, width = pixels.shape[:2]
    above = values - values.min()
    share = resize((above / max(above.max(), 1e-12)).astype(np.float32)[:, :, None], width, height)
    grey = luminance(pixels).astype(np.float32) * 0.6 + 80
    return ((1 - 0.8 * share) * grey + 0.8 * share * np.array(tint)).clip(0, 255).astype(np.uint8)


def compare_pictures(
    subject: Subject,
    lookings: Sequence[Looking],
    methods: Sequence[str],
    *,
    names: tuple[str, str],
    notes: Sequence[str],
    most: int | None,
    seed: int,
    quiet: bool,
) -> PictureComparison:
    """names: of the model and of the people's data. See `compare`."""
    chosen, more = _usable(lookings, most)
    fixated = bool(len(chosen[0].points))
    whole = _everywhere(chosen)
    console = Console(stderr=True, quiet=quiet)
    outside: dict[str, list[float]] = {}
    cut: dict[str, None] = {}
    table, labels = [], list[str]()
    for i, one in enumerate(track(chosen, "pictures", console=console, disable=quiet)):
        pixels, shape, density = _pixels(one), _shape(one), _density(one)
        columns = _baselines(pixels, shape, whole, density, np.random.default_rng((seed, i)))
        controls = np.stack([columns[BASELINE], columns[CONTRAST]])
        found, beside, said = _maps(subject, pixels, methods, shape)
        columns |= found
        cut |= dict.fromkeys(said)
        for name, share in beside.items():
            outside.setdefault(name, []).append(share)
        labels = labels or list(columns)
        if list(columns) != labels:
            raise UserError(f"{one.where}: the model has other layers here than in the first picture")
        looked = Looked(_scaled(one.points, one), density, _elsewhere(chosen, i, seed), controls[0])
        table.append(
            [
                [*_measured(map_, looked), partial_correlation(map_, density, controls) if name in found else np.nan]
                for name, map_ in columns.items()
            ]
        )
    deciding = "nss" if fixated else "cc"
    return PictureComparison(
        model=names[0],
        human=names[1],
        meaning=subject.meaning,
        rows=scored_rows(
            np.array(table),
            labels,
            [*MAP_MEASURES, "partial"],
            deciding=deciding,
            beside=BASELINE,
            outside={name: float(np.mean(shares)) for name, shares in outside.items()},
            seed=seed,
        ),
        ceiling=_ceiling(chosen) if fixated else {},
        cases=tuple(chosen),
        notes=(*notes, *more, *cut),
        settings={"methods": list(methods), "seed": seed, "samples": SAMPLES, "spread": SPREAD, "longest": LONGEST},
        deciding=deciding,
        subject=subject,
    )


def _usable(lookings: Sequence[Looking], most: int | None) -> tuple[list[Looking], list[str]]:
    """Those whose picture is at hand; all of them with fixations, or all with maps."""
    kept = [one for one in lookings if one.pixels is not None and (len(one.points) or one.maps)]
    if not kept:
        raise UserError("of no picture both pixels and what people did with it are at hand, so nothing can be compared")
    if len({bool(len(one.points)) for one in kept}) > 1:
        raise UserError("some pictures come with fixations and some with maps; compare them apart")
    left = len(lookings) - len(kept)
    notes = [f"{left} pictures without pixels, or that nobody looked at, are left out"] if left else []
    if most is not None and len(kept) > most:
        notes.append(f"{most} of {len(kept)} pictures, evenly spread, are compared")
        kept = [kept[i] for i in np.linspace(0, len(kept) - 1, most).round().astype(int)]
    return kept, notes


def _pixels(one: Looking) -> np.ndarray:
    assert one.pixels is not None
    return one.pixels()


def _shape(one: Looking) -> tuple[int, int]:
    """(H, W) of the maps of a picture: its own, or smaller."""
    scale = min(1.0, LONGEST / max(one.size))
    width, height = (max(1, round(side * scale)) for side in one.size)
    return height, width


def _scaled(points: np.ndarray, one: Looking) -> np.ndarray:
    """Fixations (n, 2) on a picture in the pixels of its map."""
    return (points + 0.5) * (np.array(_shape(one)[::-1]) / np.array(one.size)) - 0.5


def _density(one: Looking) -> np.ndarray:
    """(H, W): all people's fixations, spread; or the mean of their maps, each over its sum."""
    shape = _shape(one)
    if len(one.points):
        return blurred(_scaled(one.points, one), shape, SPREAD * max(shape))
    maps = [resize(map_[:, :, None].astype(np.float32), shape[1], shape[0])[:, :, 0] for map_ in one.maps.values()]
    return np.mean([map_ / map_.sum() for map_ in maps], axis=0).astype(float)


def _everywhere(chosen: Sequence[Looking]) -> np.ndarray:
    """The sum of all pictures' densities, each over its sum, at the size of the first."""
    total = np.zeros(_shape(chosen[0]))
    for one in chosen:
        total += _fitted(_density(one), total.shape)
    return total


def _fitted(density: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A density over its sum, at another size."""
    if density.shape != shape:
        density = resize(density.astype(np.float32)[:, :, None], shape[1], shape[0])[:, :, 0].astype(float)
    return density / density.sum()


def _baselines(
    pixels: np.ndarray,
    shape: tuple[int, int],
    whole: np.ndarray,
    own: np.ndarray,
    draw: np.random.Generator,
) -> dict[str, np.ndarray]:
    sigma = SPREAD * max(shape)
    grey = luminance(resize(pixels, shape[1], shape[0]))[:, :, 0].astype(float)
    spots = np.stack([draw.integers(0, shape[1], 100), draw.integers(0, shape[0], 100)], axis=1)
    found = {
        "chance": blurred(spots.astype(float), shape, sigma),
        BASELINE: centre_prior(shape),
        CONTRAST: local_contrast(grey, sigma),
    }
    rest = (whole - _fitted(own, whole.shape)).clip(min=0)
    if rest.max() > 1e-9:  # there are others
        found[ELSEWHERE] = _fitted(rest, shape)
    return found


def _maps(
    subject: Subject, pixels: np.ndarray, methods: Sequence[str], shape: tuple[int, ...]
) -> tuple[dict[str, np.ndarray], dict[str, float], Sequence[str]]:
    """Of a picture: method and depth -> its map (H, W); the share of it that lies beside the picture; and notes."""
    (case,), notes = subject.cases([pixels])
    found = by_depth(case.record(subject.model), methods)
    axis = next(iter(found.values())).axis
    values = np.stack([one.values.mean(0) for one in found.values()]).clip(min=0)
    size = (shape[0], shape[1])
    maps, outside = onto_pixels(values, axis, size, SPREAD * max(size))
    return dict(zip(found, maps, strict=True)), dict(zip(found, outside, strict=True)), notes


def _elsewhere(chosen: Sequence[Looking], at: int, seed: int) -> np.ndarray:
    """Fixations (m, 2) of other pictures, in the pixels of this one's map."""
    rest = [i for i in range(len(chosen)) if i != at]
    drawn = np.random.default_rng((seed, at, 1)).permutation(rest)[:OTHERS].astype(int)
    here = np.array(_shape(chosen[at])[::-1])
    moved = [(_scaled(chosen[i].points, chosen[i]) + 0.5) * here / _shape(chosen[i])[::-1] - 0.5 for i in drawn]
    return np.concatenate([np.zeros((0, 2)), *moved])


def _measured(map_: np.ndarray, looked: Looked) -> list[float]:
    """Of every measure; NaN for a map that is the same everywhere, and where there are no fixations that it needs."""
    if np.ptp(map_) <= 1e-9 * map_.max():
        return [float("nan")] * len(MAP_MEASURES)
    fixated = len(looked.points) > 0
    return [one.of(map_, looked) if fixated or one.of_density else float("nan") for one in MAP_MEASURES.values()]


def _ceiling(chosen: Sequence[Looking]) -> dict[str, float]:
    """How well the spread fixations of all others foresee one person's, by NSS; empty for one person alone."""
    found = []
    for one in chosen:
        if len(one.fixations) < 2:
            continue
        shape = _shape(one)
        points = {person: _scaled(at, one) for person, at in one.fixations.items()}
        spread = {person: blurred(at, shape, SPREAD * max(shape)) for person, at in points.items()}
        whole = np.sum(list(spread.values()), axis=0)
        found += [nss(whole - spread[person], points[person]) for person in points]
    return {ALONE: float(np.nanmean(found))} if found else {}
