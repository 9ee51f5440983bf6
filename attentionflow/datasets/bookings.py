"""Booking a table by a known rule, in English and Chinese: what the desk replies follows from what was said.

    guest: Good evening, this is Anna.           guest: 你好，我是王芳。
    desk: Hello Anna. For which day?             desk: 王芳您好，请问哪一天？
    guest: On Friday, please.                    guest: 周五吧。
    desk: Friday, very well. How many people?    desk: 周五，好的。请问几位？
    guest: There are five of us.                 guest: 一共五位。
    desk: For five. At what time?                desk: 五位，请问几点？
    guest: At seven.                             guest: 七点。
    desk: At seven. Anything else?               desk: 七点，还需要什么吗？
    guest: Sorry, not Friday: make it Monday.    guest: 不好意思，不是周五，改成周一。
    desk: I changed it to Monday.                desk: 已经改成周一。
    guest: What day is it again?                 guest: 是哪一天来着？
    desk: Monday.                                desk: 周一。

What is asked for stands some turns before, so who answers must look back over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._made import Made
from attentionflow.readers.dialogues import Dialogue, Turn

LENGTHS = {"train": 3_000, "val": 60, "test": 120}
GUEST, DESK = "guest", "desk"

BEST = "Who knows the rule replies right every time."
DATASET = Dataset(
    name="bookings",
    task="dialogue",
    summary="A guest books a table and asks back, English and Chinese, made by a rule: 3,000 train, 60 val, 120 test "
    "dialogues of 10 to 20 turns. What is replied follows from what was said some turns before.",
    licence="Apache-2.0; made by this package.",
    reference=f"None published: the data is made here. {BEST}",
)

_SHARED: dict[str, object] = {
    "role": DESK,
    "vocabulary": 512,
    "history": 384,
    "batch_tokens": 2048,
    "dropout": 0.0,
    "matching": 64,
    "ema": 0.99,
    "evaluations": 4,
}
# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {**_SHARED, "width": 96, "heads": 4, "layers": 3, "feedforward": 192, "epochs": 3},
    "classic": {**_SHARED, "embedding": 64, "hidden": 96, "attention": 32, "epochs": 3},
}


@dataclass(frozen=True)
class Language:
    """What is said. facts: what there is to be told, by kind; told: how a guest tells it, {} the fact; noted: what the
    desk says to it and asks next, {} the fact; asked: how a guest asks back; corrected: how a guest mends it."""

    facts: Mapping[str, Sequence[str]]
    told: Mapping[str, Sequence[str]]
    noted: Mapping[str, str]
    asked: Mapping[str, Sequence[str]]
    answer: str
    corrected: str
    mended: str
    summed: tuple[str, str]
    bye: tuple[str, str]


# fmt: off
ENGLISH = Language(
    facts={
        "name": ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Iris", "Jack", "Laura", "Max",
                 "Nina", "Oscar", "Paula", "Quentin", "Rosa", "Simon", "Tina", "Victor"),
        "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "people": ("two", "three", "four", "five", "six", "ten", "twelve", "fifteen"),
        "time": ("noon", "half past six", "seven", "half past seven", "eight", "nine"),
    },
    told={
        "name": ("Good evening, this is {}.", "Hello, my name is {}. I need a table.", "{} speaking, hello."),
        "day": ("On {}, please.", "{} would be good.", "We thought of {}."),
        "people": ("There are {} of us.", "A table for {}.", "We will be {}."),
        "time": ("At {}.", "Around {}, if you can.", "{} suits us best."),
    },
    noted={
        "name": "Hello {}. For which day?",
        "day": "{}, very well. How many people?",
        "people": "For {}. At what time?",
        "time": "At {}. Anything else?",
    },
    asked={
        "name": ("Which name did you write down?", "Under what name is it?"),
        "day": ("Which day did I say?", "What day is it again?"),
        "people": ("For how many is it now?", "How many people did you write down?"),
        "time": ("What time was it?", "When shall we be there?"),
    },
    answer="{}.",
    corrected="Sorry, not {}: make it {}.",
    mended="I changed it to {}.",
    summed=("Can you read it back to me?", "A table for {people} on {day} at {time}, for {name}."),
    bye=("That is all, thank you.", "Thank you, {name}. See you on {day}."),
)
CHINESE = Language(
    facts={
        "name": ("王芳", "李伟", "张敏", "刘洋", "陈静", "杨帆", "赵磊", "黄丽", "周强", "吴娜", "徐明", "孙洁",
                 "马超", "朱琳", "胡军", "郭燕", "何平", "高远", "林涛", "罗兰"),
        "day": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
        "people": ("两位", "三位", "四位", "五位", "六位", "十位", "十二位", "十五位"),
        "time": ("中午", "六点半", "七点", "七点半", "八点", "九点"),
    },
    told={
        "name": ("你好，我是{}。", "晚上好，我叫{}，想订一张桌子。", "喂，这里是{}。"),
        "day": ("{}吧。", "想订{}。", "{}可以吗？"),
        "people": ("一共{}。", "{}。", "我们有{}。"),
        "time": ("{}。", "{}左右。", "最好是{}。"),
    },
    noted={
        "name": "{}您好，请问哪一天？",
        "day": "{}，好的。请问几位？",
        "people": "{}，请问几点？",
        "time": "{}，还需要什么吗？",
    },
    asked={
        "name": ("您记的是什么名字？", "用谁的名字订的？"),
        "day": ("我说的是哪一天？", "是哪一天来着？"),
        "people": ("现在是几位？", "您记了几位？"),
        "time": ("是几点来着？", "我们几点到？"),
    },
    answer="{}。",
    corrected="不好意思，不是{}，改成{}。",
    mended="已经改成{}。",
    summed=("能给我念一遍吗？", "{name}，{day}{time}，{people}。"),
    bye=("就这些，谢谢。", "谢谢{name}，{day}见。"),
)
# fmt: on
LANGUAGES = (ENGLISH, CHINESE)


class Booked(Made[Dialogue]):
    name, lengths = DATASET.name, LENGTHS

    def one(self, index: int) -> Dialogue:
        draw = np.random.default_rng(self.key(index))
        said = _dialogue(LANGUAGES[index % len(LANGUAGES)], draw)
        turns = (Turn((GUEST, DESK)[at % 2], text[:1].upper() + text[1:]) for at, text in enumerate(said))
        return Dialogue(tuple(turns), self.where(index))


def read(seed: int = 0) -> tuple[dict[str, Sequence[Dialogue]], list[str]]:
    """Dialogues by split; `seed` chooses which are made."""
    return {split: Booked(split, seed) for split in LENGTHS}, [f"these dialogues are made by a rule. {BEST}"]


def _dialogue(language: Language, draw: np.random.Generator) -> list[str]:
    """The guest tells all facts, then asks back and mends some, then ends; guest and desk in turn."""

    def one_of(texts: Sequence[str]) -> str:
        return texts[int(draw.integers(len(texts)))]

    facts = {kind: one_of(known) for kind, known in language.facts.items()}
    said = []
    for kind, fact in facts.items():
        said += [one_of(language.told[kind]).format(fact), language.noted[kind].format(fact)]
    for kind in draw.permutation([*facts, *facts])[: int(draw.integers(1, 5))]:
        if draw.random() < 0.3:
            old, facts[kind] = facts[kind], one_of([fact for fact in language.facts[kind] if fact != facts[kind]])
            said += [language.corrected.format(old, facts[kind]), language.mended.format(facts[kind])]
        else:
            said += [one_of(language.asked[kind]), language.answer.format(facts[kind])]
    if draw.random() < 0.5:
        said += [language.summed[0], language.summed[1].format(**facts)]
    return [*said, language.bye[0], language.bye[1].format(**facts)]
