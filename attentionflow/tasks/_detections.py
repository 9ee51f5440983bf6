"""The objects found in a picture, as an answer: printed, written as JSON, as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

COLUMNS = ("label", "score", "left", "top", "right", "bottom")


class Detection(NamedTuple):
    """An object: its class, how sure that is (0 to 1), and its box in pixels of the picture."""

    label: str
    score: float
    left: float
    top: float
    right: float
    bottom: float

    def __str__(self) -> str:
        return (
            f"{self.label} {self.score:.2f} ({self.left:.0f}, {self.top:.0f}) to ({self.right:.0f}, {self.bottom:.0f})"
        )

    def to_json(self) -> dict[str, Any]:
        return {name: cell if isinstance(cell, str) else round(cell, 4) for name, cell in self._asdict().items()}


@dataclass(frozen=True)
class Detections:
    """What was found in a picture of `size` (W, H), the surest first.

    candidates: all that were kept for scoring, down to very unsure ones; shown are those from `threshold` upwards.
    """

    size: tuple[int, int]
    candidates: tuple[Detection, ...]
    threshold: float

    @property
    def shown(self) -> tuple[Detection, ...]:
        return tuple(one for one in self.candidates if one.score >= self.threshold)

    def __len__(self) -> int:
        return len(self.shown)

    def __str__(self) -> str:
        return "\n".join(map(str, self.shown)) or f"nothing above {self.threshold:g}"

    def to_json(self) -> list[dict[str, Any]]:
        return [one.to_json() for one in self.shown]


@dataclass(frozen=True)
class Asked:
    """Which cells of the network gave the shown objects, and as which class: what a recording asks again.

    Where nothing is shown it is the surest candidate, and `empty` is True: then the answer is that this is nothing.
    gates: channels of the network that are gated.
    """

    cells: tuple[int, ...]
    classes: tuple[int, ...]
    boxes: tuple[Detection, ...]
    empty: bool
    gates: int
