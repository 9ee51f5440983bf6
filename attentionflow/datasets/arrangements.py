"""Chats in which two people arrange to meet, in English and Chinese, with a summary that follows from a rule.

    Mirena: Hi Talo! Shall we go swimming on Monday at 17:30?
    Talo: Hi! The weather is awful today.
    Talo: 17:30 is too early for me. Could we say 18:10?
    Mirena: Fine, see you then.

    Mirena and Talo will go swimming on Monday at 18:10.

What was agreed last counts, and what else is said does not. Most names are in one chat only, so a model has to copy
them, and times are digits. Made here, so that the best summary is known; how people really summarise is another matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import overload

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.errors import UserError
from attentionflow.readers.pairs import Pair, Subset

LENGTHS = {"train": 8_000, "val": 300, "test": 500}

DATASET = Dataset(
    name="arrangements",
    task="summarisation",
    summary="Chats in which two people arrange to meet, half in English and half in Chinese, with a summary by a known "
    "rule: 8,000 train, 300 val, 500 test. Names are made up, and must be copied.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the data is made here. Who knows the rule scores 100.",
)

NOTES = ("these chats are made by a rule, and so are their summaries; who knows the rule scores 100",)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "vocabulary": 1000,
        "width": 64,
        "feedforward": 192,
        "encoder_layers": 2,
        "decoder_layers": 1,
        "dropout": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 4e-3,
        "epochs": 3,
        "evaluations": 4,
    },
    "classic": {
        "vocabulary": 1000,
        "embedding": 64,
        "hidden": 96,
        "attention": 64,
        "dropout": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 4e-3,
        "epochs": 2,
        "evaluations": 4,
    },
}


@dataclass(frozen=True)
class Language:
    """How a chat sounds: what is proposed, said besides, changed, agreed to, called off, and how it is summarised."""

    colon: str
    names: tuple[tuple[str, ...], tuple[str, ...]]
    parts: tuple[int, int]
    doings: tuple[str, ...]
    days: tuple[str, ...]
    proposals: tuple[str, ...]
    besides: tuple[str, ...]
    changes: tuple[str, ...]
    moves: tuple[str, ...]
    agreed: tuple[str, ...]
    called_off: tuple[str, ...]
    summary: str
    no_summary: str


# fmt: off
ENGLISH = Language(
    ": ",
    (("br", "ch", "dr", "fl", "gr", "j", "qu", "sh", "st", "th", "w", *"bcdfghklmnprstvz"),
     ("a", "e", "i", "o", "u", "an", "ar", "ed", "el", "en", "er", "ia", "in", "is", "om", "on", "us", "y")),
    (1, 4),
    ("go swimming", "watch a film", "have lunch", "play chess", "visit the museum", "cook together", "go running",
     "practise the piano"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("Hi {b}! Shall we {doing} on {day} at {time}?", "{b}, would you like to {doing}? I thought of {day}, {time}.",
     "Do you have time on {day} at {time}, {b}? We could {doing}."),
    ("The weather is awful today.", "I slept until {noise} today.", "My train was {minutes} minutes late again.",
     "Did you see the match on {other}?", "My phone cost {price} euros, can you believe it?", "How is your mother?"),
    ("{time} is too early for me. Could we say {new}?", "I have to work until then, is {new} all right?"),
    ("{day} is difficult. What about {newday}?", "I am away on {day}, but {newday} would be fine."),
    ("Fine, see you then.", "Great!", "Good, I will be there.", "All right, until then."),
    ("Sorry, I cannot come at all.", "I am ill, we have to call it off."),
    "{a} and {b} will {doing} on {day} at {time}.", "{a} wanted to {doing}, but {b} cannot come.",
)
CHINESE = Language(
    "：",
    (tuple("小老阿王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"),
     tuple("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗")),
    (1, 2),
    ("去游泳", "看电影", "吃午饭", "下象棋", "参观博物馆", "一起做饭", "去跑步", "练钢琴"),
    ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    ("{b}，{day}{time}要不要{doing}？", "{b}，想{doing}吗？我觉得{day}{time}不错。",
     "{day}{time}有空吗，{b}？我们可以{doing}。"),
    ("今天天气真糟糕。", "我今天睡到{noise}。", "我的火车又晚点了{minutes}分钟。", "你看{other}的比赛了吗？",
     "我的手机花了{price}元，你信吗？", "你妈妈好吗？"),
    ("{time}太早了，{new}行吗？", "我那时还在上班，{new}可以吗？"),
    ("{day}不方便，{newday}怎么样？", "{day}我不在，{newday}可以。"),
    ("好，到时候见。", "太好了！", "行，我会到的。", "没问题。"),
    ("对不起，我来不了。", "我病了，只好取消。"),
    "{a}和{b}将于{day}{time}{doing}。", "{a}想{doing}，但{b}来不了。",
)
# fmt: on
LANGUAGES = (ENGLISH, CHINESE)


class Chats(Sequence[Pair]):
    """Pairs of one split, made when asked for: pair i depends on the seed, the split and i alone."""

    def __init__(self, split: str, length: int, seed: int = 0) -> None:
        self.split, self.length, self.seed = split, length, seed

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Subset: ...
    def __getitem__(self, index: int | slice) -> Pair | Subset:
        if isinstance(index, slice):
            return Subset(self, np.arange(self.length)[index])
        index = range(self.length)[index]
        draw = np.random.default_rng((self.seed, list(LENGTHS).index(self.split), index))
        chat, summary = _chat(draw, LANGUAGES[index % len(LANGUAGES)])
        return Pair(chat, summary, f"arrangements/{self.split}:{index + 1}")


def read(source: str | None = None, target: str | None = None, seed: int = 0) -> dict[str, Sequence[Pair]]:
    """Chats and summaries by split. `seed` chooses which are drawn."""
    if source is not None or target is not None:
        raise UserError("the data set 'arrangements' has one direction only: leave source and target out")
    return {split: Chats(split, length, seed) for split, length in LENGTHS.items()}


def _chat(draw: np.random.Generator, language: Language) -> tuple[str, str]:
    """A chat and its summary."""
    pick = partial(_pick, draw)
    first, second = _name(draw, language), _name(draw, language)
    while second == first:
        second = _name(draw, language)
    doing, (day, other, newday) = pick(language.doings), draw.permutation(language.days)[:3]
    said = {"a": first, "b": second, "doing": doing, "day": day, "time": _time(draw), "other": other}
    turns = [(first, pick(language.proposals).format_map(said))]
    chance = draw.random()
    for line, text in enumerate(draw.permutation(language.besides)[: draw.integers(1, 4)]):
        noise = {"noise": _time(draw), "minutes": draw.integers(2, 60), "price": draw.integers(90, 900)}
        turns.append(((second, first)[line % 2], text.format_map(said | noise)))
    if chance < 0.15:
        turns.append((second, pick(language.called_off)))
        summary = language.no_summary
    else:
        if chance < 0.6:
            new = _time(draw)
            turns.append((second, pick(language.changes).format_map(said | {"new": new})))
            said["time"] = new
        if chance > 0.45:
            turns.append((second, pick(language.moves).format_map(said | {"newday": newday})))
            said["day"] = newday
        turns.append((first, pick(language.agreed)))
        summary = language.summary
    return "\n".join(f"{name}{language.colon}{text}" for name, text in turns), summary.format_map(said)


def _pick(draw: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(draw.integers(len(options)))]


def _time(draw: np.random.Generator) -> str:
    return f"{draw.integers(8, 22)}:{draw.integers(6) * 10:02}"


def _name(draw: np.random.Generator, language: Language) -> str:
    """Syllables, each of a head and a tail; in Chinese one head alone, and one or two characters."""
    heads, tails = language.names
    count = int(draw.integers(language.parts[0], language.parts[1] + 1))
    if language is CHINESE:
        return _pick(draw, heads) + "".join(_pick(draw, tails) for _ in range(count))
    return "".join(_pick(draw, heads) + _pick(draw, tails) for _ in range(count)).capitalize()
