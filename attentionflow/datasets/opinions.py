"""Opinions in English and Chinese, made by rules, from one star to five.

A clause says of something that it is good or bad. "very" takes a mild word further and "a bit" takes a strong one back,
"not" turns a word round and leaves it mild; of two clauses the one that "but" leads to decides, or the one that
"although" does not. Words alone do not tell the answer; the order does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.labelled_texts import LabelledText

LENGTHS = {"train": 6_000, "val": 500, "test": 1_000}
DATASET = Dataset(
    name="opinions",
    task="sentiment",
    summary="Opinions of one or two clauses in English and Chinese with negation, emphasis and contrast, 1 to 5 stars, "
    "made here: 6,000 train, 500 val, 1,000 test, all different.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the data is made here. The answer is exact, so a perfect score is possible.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"epochs": 8, "evaluations": 4, "batch_words": 512, "label_smoothing": 0.0, "ema": 0.98}
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        **_SHARED,
        "width": 64,
        "layers": 2,
        "feedforward": 128,
        "dropout": 0.1,
        "feature_dropout": 0.1,
        "word_dropout": 0.0,
        "learning_rate": 3e-3,
    },
    "classic": {**_SHARED, "embedding": 64, "hidden": 64, "attention": 64, "dropout": 0.1, "word_dropout": 0.0},
}

# fmt: off
THINGS = {
    "en": ("the room", "the food", "the film", "the service", "the story", "the price", "the music", "the screen",
           "the battery", "the staff", "the view", "the ending"),
    "zh": ("房间", "饭菜", "电影", "服务", "故事", "价格", "音乐", "屏幕", "电池", "员工", "风景", "结尾"),
}
WORDS = {
    "en": {2: ("wonderful", "superb", "perfect", "brilliant"), 1: ("good", "nice", "pleasant", "fine"),
           0: ("ordinary", "average", "normal"), -1: ("bad", "poor", "dull", "weak"),
           -2: ("awful", "terrible", "horrible", "dreadful")},
    "zh": {2: ("完美", "极好", "出色", "精彩"), 1: ("好", "不错", "舒服", "顺利"), 0: ("一般", "普通", "平常"),
           -1: ("差", "糟", "无聊", "单调"), -2: ("糟糕透顶", "恶劣", "可怕", "极差")},
}
MORE = {"en": ("very", "really"), "zh": ("非常", "特别")}
LESS = {"en": ("a bit", "somewhat"), "zh": ("有点", "稍微")}
NOT = {"en": "not", "zh": "并不"}
# fmt: on


def read(seed: int = 0) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """`seed` chooses which are drawn; no text is in two splits."""
    draw = np.random.default_rng((seed, 77))
    seen: set[str] = set()
    splits: dict[str, Sequence[LabelledText]] = {}
    for split, length in LENGTHS.items():
        found: list[LabelledText] = []
        while len(found) < length:
            text, value = opinion(draw)
            if text not in seen:
                seen.add(text)
                found.append(LabelledText(text, (str(value + 3),), f"opinions/{split}:{len(found) + 1}"))
        splits[split] = found
    return splits, ["the data set 'opinions' is made by rules, not written by people"]


def opinion(draw: np.random.Generator) -> tuple[str, int]:
    """A text, and what it says from -2 to 2."""
    tongue = ("en", "zh")[int(draw.integers(2))]
    (first, one), (second, other) = _clause(draw, tongue), _clause(draw, tongue)
    form = int(draw.integers(4))
    if tongue == "zh":
        text, value = (
            (f"{first}。", one),
            (f"{first}，但是{second}。", other),
            (f"虽然{first}，{second}。", other),
            (f"{first}，尽管{second}。", one),
        )[form]
        return text, value
    text, value = (
        (f"{first}.", one),
        (f"{first}, but {second}.", other),
        (f"although {first}, {second}.", other),
        (f"{first}, although {second}.", one),
    )[form]
    return text[0].upper() + text[1:], value


def _clause(draw: np.random.Generator, tongue: str) -> tuple[str, int]:
    value = int(draw.integers(-2, 3))
    word, thing = (str(draw.choice(words)) for words in (WORDS[tongue][value], THINGS[tongue]))
    before = []
    if draw.random() < 0.3:
        before.append(NOT[tongue])
        value = -np.sign(value)
    elif value and draw.random() < 0.5:
        mild = abs(value) == 1
        before.append(str(draw.choice((MORE if mild else LESS)[tongue])))
        value = 2 * value if mild else value // 2
    said = [*before, word]
    return (f"{thing}{''.join(said)}" if tongue == "zh" else f"{thing} is {' '.join(said)}"), int(value)
