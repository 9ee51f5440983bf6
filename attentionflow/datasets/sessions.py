"""Furnishing a home by a known rule, so that the best possible recommendation is known too.

An item is a thing in a look, such as an amber lamp. Mostly the next item is the thing that goes with the thing taken
last, in the look of the item before that, or of the one before; else it is any item, popular ones likelier. Nobody
takes an item twice. So p(next | history) is known exactly (`chances`), and a model has to find out what goes with what,
and to look at one position for the thing and at two others for the look.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.interactions import Interactions, arranged

LOOKS = ("amber", "ashen", "azure", "black", "brass", "coral", "ebony", "green", "ivory", "lilac", "ochre", "white")
THINGS = (
    *("basket", "blanket", "bottle", "bowl", "brush", "candle", "chair", "clock", "cup", "jug"),
    *("kettle", "lamp", "mat", "mirror", "pan", "pillow", "plate", "rug", "shelf", "vase"),
)
ITEMS, USERS = len(LOOKS) * len(THINGS), 3_000
LENGTHS = (6, 18)  # least and most actions of a user, the latter excluded
LOOK_OF = {2: 0.6, 3: 0.25}  # how far back the item stands that gives its look -> probability

BEST = "Who knows the rule scores HR@10 0.85, NDCG@10 0.80 on test."
DATASET = Dataset(
    name="sessions",
    task="recommendation",
    summary="Furnishing by a known rule: 3,000 users, 240 items, 6 to 17 actions a user. The next item depends on the "
    "last three.",
    licence="Apache-2.0; made by this package.",
    reference=f"None published: the data is made here. {BEST}",
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {"dropout": 0.1, "batch_actions": 1024, "epochs": 20, "evaluations": 4},
    "classic": {"batch_actions": 1024, "epochs": 20, "evaluations": 4},
}


def read(seed: int = 0) -> Interactions:
    """All actions, and a note that says what they are. `seed`: of the users; the rule is always the same."""
    draw = np.random.default_rng((seed, 1))
    lengths = draw.integers(*LENGTHS, USERS)
    taken = np.empty((USERS, lengths.max()), int)
    for step in range(taken.shape[1]):
        sums = chances(taken[:, :step]).cumsum(1)
        taken[:, step] = (sums < draw.random(USERS)[:, None] * sums[:, -1:]).sum(1)
    there = np.arange(taken.shape[1]) < lengths[:, None]
    users = [f"u{user:04}" for user in np.repeat(np.arange(USERS), lengths)]
    log = arranged("sessions", users, [f"i{code:03}" for code in taken[there]])
    names = {f"i{code:03}": f"{LOOKS[code % len(LOOKS)]} {THINGS[code // len(LOOKS)]}" for code in range(ITEMS)}
    return replace(log, names=names, notes=(f"these sessions are made by a rule. {BEST}",))


def chances(histories: np.ndarray) -> np.ndarray:
    """p(next | history), (U, ITEMS), of histories (U, T) of item codes, oldest first."""
    goes_with, popular = _rule()
    users, length = histories.shape
    likely = np.tile(popular * (1 - sum(LOOK_OF.values())), (users, 1))
    if length:
        thing = goes_with[histories[:, -1] // len(LOOKS)]
        for back, share in LOOK_OF.items():
            look = histories[:, -min(back, length)] % len(LOOKS)
            likely[np.arange(users), thing * len(LOOKS) + look] += share
    np.put_along_axis(likely, histories, 0.0, axis=1)
    return likely / likely.sum(1, keepdims=True)


@cache
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """The thing that goes with each thing, one ring through all of them; and how popular each item is."""
    draw = np.random.default_rng(0)
    ring, goes_with = draw.permutation(len(THINGS)), np.empty(len(THINGS), int)
    goes_with[ring] = np.roll(ring, -1)
    popular = 1 / (draw.permutation(ITEMS) + 10)
    return goes_with, popular / popular.sum()
