"""Writes the tables of docs/tasks/*.md, in both languages, from the settings, architectures and data sets themselves.

    python docs/generate.py

A table stands between `<!-- generated: NAME -->` and `<!-- end -->`; everything else in a page is written by hand.
The Chinese of every text that comes from the code is in CHINESE below: a changed text needs a new translation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from attentionflow._plan import TrainingSettings
from attentionflow.datasets import DATASETS, dataset_module
from attentionflow.settings import Settings
from attentionflow.task import Task
from attentionflow.tasks import TASKS, load_task

PAGES = Path(__file__).parent / "tasks"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Say = Callable[[str], str]


class UntranslatedError(LookupError):
    """A text of the code that has no Chinese yet."""


def english(text: str) -> str:
    return text


def chinese(text: str) -> str:
    if text and text not in CHINESE:
        raise UntranslatedError(f"docs/generate.py has no Chinese for {text!r}; add it to CHINESE")
    return CHINESE.get(text, "")


def page_path(task: str, language: str) -> Path:
    name = task.replace("/", "-")
    return PAGES / (f"{name}.md" if language == "en" else f"{name}.zh-CN.md")


def render(task: str, language: str) -> str:
    """The text of a page with every table as it should be."""
    kind, say = load_task(task), english if language == "en" else chinese
    text = page_path(task, language).read_text(encoding="utf-8")
    return BLOCK.sub(lambda found: found[1] + "\n" + BLOCKS[found["name"]](kind, say) + "\n" + found[3], text)


# ---- blocks ----------------------------------------------------------------------------------------------------------


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[*columns], *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def settings_table(model: type[Settings], say: Say) -> str:
    rows = [
        (f"`{name}`", default(field.default), values(field, say), say(field.description or ""))
        for name, field in model.model_fields.items()
    ]
    return table(map(say, ("name", "default", "values", "meaning")), rows)


def default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{value}`".lower()
    return "" if value in (None, "") else f"`{value}`"


def values(field: FieldInfo, say: Say) -> str:
    """What a setting may be: "whole number ≥ 1", "`rotary`, `learned`"."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if annotation is bool:
        return "`true`, `false`"
    kind = {int: "whole number", float: "number", str: "text"}[annotation]
    signs = {
        annotated_types.Ge: ("≥", "ge"),
        annotated_types.Gt: (">", "gt"),
        annotated_types.Le: ("≤", "le"),
        annotated_types.Lt: ("<", "lt"),
    }
    limits = [f"{signs[type(one)][0]} {getattr(one, signs[type(one)][1])}" for one in field.metadata]
    return f"{say(kind)} {', '.join(limits)}".strip()


def architectures(kind: type[Task[Any, Any]], say: Say) -> str:
    parts = []
    for index, (name, one) in enumerate(kind.architectures.items()):
        parts.append(f"**`{name}`**{say(' (default)') if index == 0 else ''}: {say(one.summary)}\n")
        parts.append(settings_table(one.settings, say))
    return "\n".join(parts)


def training(kind: type[Task[Any, Any]], say: Say) -> str:
    """The settings of training, and beside the common default what suits each architecture."""
    rows = []
    for name, field in TrainingSettings.model_fields.items():
        own = {key: one.training[name] for key, one in kind.architectures.items() if name in one.training}
        cell = default(field.default) + "".join(f"; `{key}`: `{value}`" for key, value in own.items())
        rows.append((f"`{name}`", cell, values(field, say), say(field.description or "")))
    return table(map(say, ("name", "default", "values", "meaning")), rows)


def data_sets(kind: type[Task[Any, Any]], say: Say) -> str:
    rows = []
    for name in DATASETS:
        module = dataset_module(name)
        about = module.DATASET
        if about.task != kind.name:
            continue
        size = f"{about.size / 1e6:.1f} MB" if about.size else say("unknown" if about.address else "nothing")
        embedded = say(" (embedded default)") if name == kind.embedded else ""
        advice = [
            f"`{architecture}`: " + ", ".join(f"`{key}={value}`" for key, value in advised.items())
            for architecture, advised in module.ADVICE.items()
            if advised
        ]
        row = (f"`{name}`{embedded}", say(about.summary), size, say(about.licence), say(about.reference))
        rows.append((*row, "<br>".join(advice)))
    names = ("data set", "holds", "download", "licence", "published result", "settings that suit it")
    return table(map(say, names), rows)


def metrics(kind: type[Task[Any, Any]], say: Say) -> str:
    """The metrics as the code computes them, for a few examples of the embedded data."""
    task = kind(kind.settings_type())
    splits, _ = task.read(kind.embedded, 0)
    found = task.baselines(splits["train"][:64], splits["test"][:32])
    rows = []
    for name, score in next(iter(found.values())).items():
        signature = re.sub(r"\|version:[^|]*", "", score.signature)
        decides = say("decides which checkpoint is kept") if name == kind.deciding else ""
        rows.append((f"`{name}`", f"`{signature}`" if signature else "", decides))
    baselines = "".join(f"- {say(name)}\n" for name in found)
    return f"{table(map(say, ('metric', 'signature', '')), rows)}\n{say('Baselines beside them:')}\n\n{baselines}"


BLOCKS: dict[str, Callable[[type[Task[Any, Any]], Say], str]] = {
    "data sets": data_sets,
    "settings": lambda kind, say: settings_table(kind.settings_type, say),
    "architectures": architectures,
    "training": training,
    "prediction": lambda kind, say: settings_table(kind.options_type, say),
    "metrics": metrics,
}

CHINESE = {
    # video processing
    "labels of the events that matter, comma-separated; all unless given": "重要事件的标签，逗号分隔；默认全部",
    "frames a second that the network sees; of a folder it sees all": "网络每秒所见的帧数；文件夹则见全部帧",
    "frames between which there is attention; longer films are cut": "注意力所及的帧数；更长的影片会被切开",
    "pixels of the longer side that the network sees": "网络所见画面长边的像素数",
    "pixels of a side, to which convolutions halve it down to one": "边长的像素数；卷积逐层减半，直到它成为一个位置",
    "films of a batch, a window of each": "一个批次的影片数，每部取一个窗口",
    "whether training films are mirrored": "训练影片是否随机镜像",
    "score from which a moment belongs to an event; chosen on validation unless given": (
        "分数达到多少的时刻属于事件；默认在验证集上选定"
    ),
    "share of the film that the cut-down film keeps": "精简影片保留的比例",
    "length of the cut-down film, in place of share": "精简影片的长度（秒），取代 share",
    "seconds of a shot of the cut-down film, at least": "精简影片中每个镜头至少的秒数",
    "key frames at most, one of each shot": "关键帧最多的数目，每个镜头一个",
    "convolutions a frame, and a transformer over frames with local and global heads": (
        "逐帧卷积，以及带局部头与全局头的帧间 Transformer"
    ),
    "convolutions a frame, one soft self-attention over frames, and a regressor (VASNet)": (
        "逐帧卷积、一层帧间软自注意力，以及回归器（VASNet）"
    ),
    "channels of the first convolution; doubled by each after it": "第一个卷积的通道数；其后每个卷积加倍",
    "features of a frame": "帧的特征数",
    "layers of attention between frames": "帧间注意力的层数",
    "heads that see the frames nearby alone; the others see all": "只看附近各帧的头数；其余的头看全部",
    "frames before and after its own that a local head sees": "局部头在自己前后各看多少帧",
    "before both normalisations": "作用于两次归一化之前的 dropout",
    "Discs, rings, crosses and triangles that pass over moving ground in changing light, all but one or two of "
    "a film of one kind; those are its events. 30 seconds of 4 frames of 24 x 24 pixels, made here: 1000 train, "
    "60 val, 200 test.": (
        "圆盘、圆环、十字和三角在移动的背景与变化的光线中经过，一部影片中除一两个外都是同一种，那一两个就是事件。"
        "每部 30 秒，每秒 4 帧 24 x 24 像素，由本项目生成：1000 训练、60 验证、200 测试。"
    ),
    "11 to 28 key frames of each of 20 films from the web, scored from 1 to 5 by 20 people (Song et al. 2015): "
    "each fold leaves one film out as test, the other 19 are train. The frames were picked at peaks of the scores.": (
        "20 部网络影片各 11 至 28 个关键帧，由 20 人打 1 至 5 分（Song 等，2015）：每一折留出一部影片作测试，"
        "其余 19 部用于训练。这些帧取自评分的峰值处。"
    ),
    "CC BY 3.0 (the films); none stated for the scores and for the repository that holds the frames.": (
        "CC BY 3.0（影片）；评分和存放帧的仓库未注明许可证。"
    ),
    "People among themselves, on whole films: Kendall's tau 0.177, Spearman's rho 0.204 (Otani et al. 2019).": (
        "人们彼此之间，在整部影片上：Kendall tau 0.177，Spearman rho 0.204（Otani 等，2019）。"
    ),
    "at random": "随机",
    "how much changes from frame to frame": "帧与帧之间变化的多少",
    "ridge regression on small frames and their changes": "对缩小的帧及其变化作岭回归",
    # video recognition
    "which of the official splits of a named data set that has several": "具名数据集有多个官方划分时取哪一个",
    "frames of a clip that the network sees, evenly spread over its time": "网络所见的帧数，在片段的时间上均匀分布",
    "frames that one position of attention stands for; divides frames": "注意力的一个位置代表的帧数；须整除 frames",
    "clips of a batch": "一个批次的片段数",
    "least share of its time of which a training clip shows a stretch; 1: always all": (
        "训练时片段所显示的一段至少占其时间的比例；1：总是全部"
    ),
    "whether training clips are mirrored at random; motions need opposite for it": (
        "训练片段是否随机镜像；运动还需要 opposite"
    ),
    "degrees by which training clips are turned, at most": "训练片段最多转动的度数",
    "share by which the sides of training clips change, at most": "训练片段的边长最多变化的比例",
    "of films, pixels of the longer side that the network sees": "影片：网络所见画面长边的像素数",
    "of films, pixels of a side of a position of attention": "影片：注意力的一个位置的边长（像素）",
    "of films, share of a side by which they are moved, at most": "影片：训练时最多平移的边长比例",
    "of films, share of which a part is erased in training": "影片：训练时被擦除一块的比例",
    "of motions, deviation of the noise on training joints, in sizes of the body": (
        "运动：训练时关节上噪声的标准差，以身体大小为单位"
    ),
    "of motions, joints that change places in a mirror, by name, as left knee-right knee, ...": (
        "运动：镜像时互换的关节，按名称，如 left knee-right knee, ..."
    ),
    "of motions, joints that are joined by a line when drawn, as neck-hip, ...": (
        "运动：绘制时用线相连的关节，如 neck-hip, ..."
    ),
    "divided attention over time and space between tubes, and attention pooling": (
        "管状块之间先时间后空间的分离注意力，以及注意力池化"
    ),
    "convolutions a frame, a recurrent network over time, and attention over its moments": (
        "逐帧卷积、时间上的循环网络，以及对各时刻的注意力"
    ),
    "channels of the first convolution": "第一个卷积的通道数",
    "features of a tube": "管状块的特征数",
    "layers of attention over time and then over space": "先时间后空间的注意力层数",
    "on every residual branch and before the output": "作用于每个残差分支和输出之前的 dropout",
    "features of a moment": "时刻的特征数",
    "on the moments and before the output": "作用于各时刻和输出之前的 dropout",
    "support vector machine on the mean picture and what changes in it": "平均画面及其变化上的支持向量机",
    "People doing one of 14 things, 15 to 40 frames of 15 marked joints in two dimensions: 433 train, 176 test "
    "(434 and 175 in the third of three official splits). 609 of the 928 clips of J-HMDB: the public files lack the "
    "seven actions whose names have two words.": (
        "人做 14 种动作之一，15 至 40 帧，二维标注的 15 个关节：训练 433，测试 176"
        "（三个官方划分中的第三个为 434 和 175）。"
        "J-HMDB 的 928 个片段中的 609 个：公开文件缺少名称为两个词的七种动作。"
    ),
    "CC BY 4.0 (J-HMDB's annotations, as far as is known), MIT (the repository that holds these files).": (
        "CC BY 4.0（J-HMDB 的标注，据目前所知），MIT（存放这些文件的仓库）。"
    ),
    "Accuracy 0.787 on these 609 clips by DD-Net, the mean of the three splits: 0.81, 0.77, 0.78 "
    "(JHMDB/jhmdb_1D.ipynb of its repository), the epoch chosen on test.": (
        "DD-Net 在这 609 个片段上的准确率 0.787，三个划分 0.81、0.77、0.78 的平均（其仓库的 JHMDB/jhmdb_1D.ipynb），"
        "轮次按测试集选取。"
    ),
    "The clips of jhmdb_pose as films of 64 x 64 pixels in grey, in which stick figures move: 433 train, 176 "
    "test, three official splits.": (
        "jhmdb_pose 的片段画成 64 x 64 像素的灰度火柴人影片：训练 433，测试 176，三个官方划分。"
    ),
    "None published: the films are drawn here. From the joints 0.787, see jhmdb_pose.": (
        "无已发表结果：影片在此绘制。从关节为 0.787，见 jhmdb_pose。"
    ),
    "Handwritten digits that go left, right, up or down, grow or shrink, 12 frames of 24 x 24 pixels: 480 train, "
    "120 val, 200 test. The motions are made.": (
        "手写数字向左、右、上、下移动，或变大、变小，12 帧，24 x 24 像素：训练 480，验证 120，测试 200。运动是生成的。"
    ),
    "CC BY 4.0 (the digits: UCI, Alpaydin and Kaynak 1998), Apache-2.0 (the motions; made by this package).": (
        "CC BY 4.0（数字：UCI，Alpaydin 和 Kaynak，1998），Apache-2.0（运动，由本软件包生成）。"
    ),
    "None published: the films are made here.": "无已发表结果：影片在此生成。",
    # audio processing
    "of a sound; several are separated by | in the table, and may be none": (
        "一个声音的标签；若干标签在表格中用 | 分隔，也可以没有"
    ),
    "samples a second that every sound is brought to; the commonest in training, at most 32000": (
        "所有声音转换到的采样率；默认为训练中最常见的，最高 32000"
    ),
    "mel bands of the spectrogram": "频谱图的梅尔频带数",
    "frames of the spectrogram a second": "频谱图每秒的帧数",
    "frames of a moment, to which attention is paid; a multiple of 4": "注意力所及的一个时刻的帧数；4 的倍数",
    "of a window; longer sounds are heard in several": "一个窗口的秒数；更长的声音分成若干窗口来听",
    "sounds of a batch": "一个批次的声音数",
    "parameter of the beta distribution by which training sounds are mixed in pairs; 0: no": (
        "训练声音两两混合所用的贝塔分布参数；0：不混合"
    ),
    "training sounds begin anywhere, and what is before follows their end": (
        "训练声音从任意处开始，之前的部分接在末尾之后"
    ),
    "bands by which training sounds become higher or lower, at most": "训练声音升高或降低的最大频带数",
    "share of bands, and of frames, that each of two masks covers at most in training": (
        "训练时两个遮挡各自最多覆盖的频带和帧的比例"
    ),
    "channels of the first level of convolutions; the second has twice as many": "第一级卷积的通道数；第二级加倍",
    "frames of a patch; those beyond step are shared with its neighbours": (
        "一个图块的帧数；超出 step 的部分与相邻图块共有"
    ),
    "on every residual branch, and on patches": "作用于每个残差分支和图块的 dropout",
    "features of each direction of the recurrent network": "循环网络每个方向的特征数",
    "before and after the recurrent network": "循环网络前后的 dropout",
    "convolutions, self-attention between overlapping patches of the spectrogram, and attention of each label": (
        "卷积，频谱图重叠图块之间的自注意力，以及每个标签的注意力"
    ),
    "convolutions, a bidirectional GRU, and attention of each label": "卷积，双向 GRU，以及每个标签的注意力",
    "which official split, of a named data set that has several": "具名数据集有若干官方划分时，用哪一个",
    "support vector machine on mean and deviation of each band": "基于各频带均值和标准差的支持向量机",
    "One to three of five signals (beeps, chords, chirps, clicks, hisses) over hum, at known times, 2.56 seconds "
    "at 8 kHz, made here: 480 train, 80 val, 200 test.": (
        "五种信号（蜂鸣、和弦、啁啾、咔嗒、嘶声）中的一到三种，叠加在交流声上，时间已知，8 kHz，2.56 秒，由本项目生"
        "成：训练 480，验证 80，测试 200。"
    ),
    "None published: the data is made here. What is heard is known, so no error at all is possible.": (
        "无：数据由本项目生成。听到什么是已知的，因此可以没有任何错误。"
    ),
    "Dog, rain, sea waves, baby, clock, sneeze, helicopter, chainsaw, rooster and fire, 40 recordings of 5 "
    "seconds each in 5 official folds: one is test, of the other four a recording of each kind is val; no source "
    "is in two folds.": (
        "狗、雨、海浪、婴儿、时钟、喷嚏、直升机、链锯、公鸡和火，各 40 段 5 秒的录音，分为 5 个官方折：一折为测试，"
        "其余四折中每类一段为验证；没有声源出现在两折中。"
    ),
    "CC BY 3.0; of its recordings 233 CC0, 165 CC BY, 2 CC Sampling+.": (
        "CC BY 3.0；其中录音 233 段 CC0，165 段 CC BY，2 段 CC Sampling+。"
    ),
    "Accuracy over the folds: people 95.7 %, random forest on cepstra 72.7 % (Piczak 2015).": (
        "各折的准确率：人 95.7 %，基于倒谱的随机森林 72.7 %（Piczak 2015）。"
    ),
    "milliseconds of a frame of the spectrogram; half are shared": "频谱图一帧的毫秒数；其中一半与相邻帧共有",
    "of a window; longer sounds are cleaned window by window": "一个窗口的秒数；更长的声音逐窗口降噪",
    "seconds in which a window is faded into the next": "一个窗口淡入下一个窗口的秒数",
    "windows of a batch, one of a sound": "一个批次的窗口数，每个声音一个",
    "training sounds get the noise of others, at other ratios, anew each epoch": (
        "训练声音每一轮重新得到别的声音的噪声，比例也不同"
    ),
    "decibels between sounds and the noise they are mixed with, at least": "声音与所混噪声之间的分贝数，最小值",
    "and at most; for folders of clean sounds and noises": "以及最大值；用于干净声音和噪声的文件夹",
    "share of what the network would take out that is taken out": "网络要去掉的部分中实际去掉的比例",
    "channels of the first convolution; the others have 2 and 3 times as many": (
        "第一个卷积的通道数；其余的为 2 倍和 3 倍"
    ),
    "features of a frame where attention runs": "注意力所在处一帧的特征数",
    "attention heads; divides width into even parts": "注意力头数；须把 width 分成偶数份",
    "layers of self-attention between the frames": "帧之间的自注意力层数",
    "after the recurrent network": "循环网络之后的 dropout",
    "convolutions over frequencies with self-attention between frames in their midst, and complex factors": (
        "沿频率的卷积，其间有帧之间的自注意力，输出复数因子"
    ),
    "a bidirectional GRU, attention between frames, and complex factors": "双向 GRU，帧之间的注意力，输出复数因子",
    "the sound as it is": "声音原样",
    "Wiener filter, its noise that of the quietest frames": "维纳滤波，噪声取自最安静的帧",
    "Beeps, chords and chirps one after the other in hiss of different colour, hum and clicks, 0 to 10 dB below "
    "them, 1.28 seconds at 8 kHz, made here: 320 train, 40 val, 200 test.": (
        "依次出现的蜂鸣、和弦与啁啾，处在低 0 到 10 dB 的不同音色的嘶声、交流声和咔嗒声中，8 kHz，1.28 秒，由本项目"
        "生成：训练 320，验证 40，测试 200。"
    ),
    "Strings of spoken digits joined from fsdd in noise from esc10, 0 to 10 dB below them, 8 kHz: 1,200 train "
    "(noise of folds 1 to 3), 100 val (fold 4), 300 test (fold 5); each of recordings of its own split, all "
    "speakers in all.": (
        "由 fsdd 连成的数字串，处在来自 esc10、低 0 到 10 dB 的噪声中，8 kHz：训练 1,200（噪声取自第 1 到 3 折），"
        "验证 100（第 4 折），测试 300（第 5 折）；各用自己划分的录音，所有说话人在所有划分中。"
    ),
    "CC BY-SA 4.0; the noise CC BY 3.0.": "CC BY-SA 4.0；噪声为 CC BY 3.0。",
    "None published: the mixtures are made here.": "无：混合由本项目完成。",
    "features of a patch": "一个图块的特征数",
    # image recognition
    "column of the things' names in a metadata table": "元数据表中物体名称所在的列",
    "each training thing turned by quarters, or also mirrored, counts as another thing; pictures are then brought to a "
    "square": "训练中的物体转过直角（或再镜像）后算作另一个物体；图片于是放成正方形",
    "how far training pictures are turned, stretched, leaned, moved and bent; 0: not": (
        "训练图片转动、伸缩、倾斜、移动和弯曲的程度；0：不变"
    ),
    "pictures of each thing that val and test are answered from": "回答 val 和 test 时每个物体所用的图片数",
    "pictures of each training thing that the model keeps and names it by": (
        "模型为训练中的每个物体保留、并据以命名的图片数"
    ),
    "of the things, held out for val, and for test, where a split is missing": (
        "缺少 val 或 test 时，从训练的物体中各留出的比例"
    ),
    "similarity below which a thing is unknown; by default the one that served best on val": (
        "低于此相似度即为未知；默认取在 val 上最好的一个"
    ),
    "which of the things that the model knows may be the answer": "模型所知的哪些物体可以作为答案",
    "names whose probability is told, the likeliest first": "给出多少个最可能名称的概率",
    "features of a patch by which it is found and compared": "用来寻找和比较一个图块的特征数",
    "features of a picture as a whole by which it is compared": "用来比较整张图片的特征数",
    "residual convolutions and self-attention, compared with known pictures patch by patch": (
        "残差卷积和自注意力，与已知图片逐块比较"
    ),
    "residual convolutions with channel and spatial attention, compared with the mean of each known thing": (
        "带通道注意力和空间注意力的残差卷积，与每个已知物体的平均比较"
    ),
    "always the first of what is known": "总是已知物体中的第一个",
    "modified Hausdorff distance between points of ink": "墨点之间的修正豪斯多夫距离",
    "correlation of blurred pixels": "模糊后像素的相关系数",
    "Handwritten characters, 105 x 105 pixels, black on white, each drawn once by 20 people. Both small "
    "background sets, alphabets that are in both once: 3,920 pictures of 196 characters of six alphabets "
    "train; two alphabets (Balinese, Early Aramaic) in 40 galleries of 20 characters with 800 questions "
    "val; the 20 one-shot runs, each 20 characters of a new alphabet and 20 questions, test.": (
        "手写字符，105 x 105 像素，白底黑字，每个字符由 20 人各写一次。两个小背景集，两者都有的"
        "字母表只取一次：训练为六种字母表的 196 个字符、3,920 张图片；验证为另外两种字母表（巴厘文"
        "、早期阿拉姆文），40 个各有 20 个字符的图库，800 个问题；测试为 20 次单样本运行，每次"
        "是一种新字母表的 20 个字符和 20 个问题。"
    ),
    "Error on the 20 runs, trained on these sets: prototypical network 0.301, Bayesian program learning "
    "0.042 (Lake et al. 2019); modified Hausdorff distance 0.388 (the publisher's demo); people 0.045 "
    "(Lake et al. 2015).": (
        "20 次运行上的错误率，用这些集合训练：原型网络 0.301，贝叶斯程序学习 0.042（Lake "
        "等，2019）；修正豪斯多夫距离 0.388（发布者的演示）；人 0.045（Lake 等，2015"
        "）。"
    ),
    "Signs of two or three bent strokes, 32 x 32 pixels, made here: 800 drawings of 80 signs train; 3 "
    "galleries of 20 other signs, each drawn once, with 2 questions about each val, 5 test.": (
        "由两三笔弯曲笔画组成的符号，32 x 32 像素，在此生成：训练为 80 个符号的 800 张图；验"
        "证为 3 个图库，各有 20 个其他符号，每个画一次，并各有 2 个问题；测试为 5 个。"
    ),
    # text generation
    "what text is written in: characters, bytes, bpe (byte pairs), words": (
        "文本的单位：characters（字符）、bytes（字节）、bpe（字节对）、words（词）"
    ),
    "most different units; bytes are always 256": "不同单位的上限；字节总是 256 个",
    "positions that are looked at, at most": "最多看多少个位置",
    "of a table, the column that holds the texts": "表格中文本所在的列",
    "units of a batch, about": "一个批次大约有多少个单位",
    "length up to which n-gram counts are mixed in; 0: none": "混入长度至多为此值的 n 元计数；0：不混入",
    "share of the units that are hidden in training, so that unknown ones are met": (
        "训练中隐去的单位的比例，使模型见过未知单位"
    ),
    "share of the text cut off its end for test, and for val, where they are missing": (
        "缺少 test 或 val 时，从文本末尾各留出的比例"
    ),
    "most units that are written": "最多写多少个单位",
    "below 1 the likely is preferred; 0 writes the likeliest alone": "小于 1 时偏向更可能的；0 只写最可能的",
    "draw among so many of the likeliest units": "只在最可能的这么多个单位中抽取",
    "draw among the fewest units that are together as likely as this": "只在合计概率达到此值的最少几个单位中抽取",
    r"texts that end the writing and are left out, with | between; \n ends a line": (
        r"遇到就停止、且不输出的文本，用 | 分隔；\n 表示行尾"
    ),
    "decoder-only transformer with rotary positions, beside n-gram counts": (
        "仅解码器的 Transformer，旋转位置，与 n 元计数混合"
    ),
    "40,000 lines of Shakespeare's plays, 1,115,394 characters, 65 distinct, by position: the last 10 % are test (what "
    "nanoGPT calls val), the 5 % before them val.": (
        "莎士比亚戏剧 40,000 行，1,115,394 个字符，65 种，按位置划分：最后 10 % 为 test（nanoGPT 称之为 val），"
        "其前 5 % 为 val。"
    ),
    "MIT (the repository); Shakespeare's text is in the public domain.": "MIT（仓库）；莎士比亚的文本属于公有领域。",
    "Cross-entropy of the last 10 %: 1.4697 nats a character by a transformer of 10.6 M parameters in three minutes of "
    "an A100, 1.88 by one of 0.8 M on a CPU (README of nanoGPT).": (
        "最后 10 % 的交叉熵：1060 万参数的 Transformer 在 A100 上三分钟达到每字符 1.4697 nat，"
        "80 万参数的在 CPU 上为 1.88（nanoGPT 的 README）。"
    ),
    "Wikipedia articles in words between blanks, rare ones already <unk>: 2,088,628 train, 217,646 val and 245,569 "
    "test words, with the end of each line as one; 33,278 distinct.": (
        "以空白分词的维基百科文章，少见的词已写作 <unk>：训练 2,088,628、验证 217,646、测试 245,569 个词，"
        "每行的结束算一个；共 33,278 种。"
    ),
    "CC BY-SA 3.0 (Wikipedia's text).": "CC BY-SA 3.0（维基百科文本）。",
    "Perplexity of a test word, the end of each line included: 65.8 by AWD-LSTM, 52.0 with a cache pointer (Merity et "
    "al. 2018, as listed by NLP-progress).": (
        "测试词的困惑度（含每行的结束）：AWD-LSTM 为 65.8，加缓存指针为 52.0（Merity 等 2018，据 NLP-progress 所列）。"
    ),
    "About 80 topics of Python's language reference, 465,000 characters in Python 3.11, one after the other by name: "
    "the last 33,000 are test, the 17,000 before them val. Other versions of Python differ a little.": (
        "Python 语言参考的约 80 个主题，在 Python 3.11 中为 465,000 个字符，按名称依次相接：最后 33,000 个为 test，"
        "其前 17,000 个为 val。其他 Python 版本略有不同。"
    ),
    "Python Software Foundation License version 2.": "Python 软件基金会许可证第 2 版。",
    "None published; the text differs from one version of Python to the next.": (
        "无已发表结果；文本随 Python 版本而不同。"
    ),
    "every unit alike": "所有单位等概率",
    "frequency of the units": "单位的频率",
    "n-grams up to 7 (Kneser-Ney)": "长至 7 的 n 元模型（Kneser-Ney）",
    "LSTM with causal attention over its own past": "对自身历史做因果注意力的 LSTM",
    "layers of attention and feed-forward": "注意力加前馈的层数",
    "the output shares the embedding of the units; for few units, better not": (
        "输出与单位嵌入共用；单位很少时最好不共用"
    ),
    "where clusters of rare units begin, foreseen in two steps, such as 2000,10000; for many words": (
        "罕见单位各簇从何处开始（分两步预测），如 2000,10000；用于词数很多时"
    ),
    "runs of up to so many units get embeddings of their own; 0: none": ("至多这么多个连续单位合有自己的嵌入；0：没有"),
    "embeddings for the runs of each length, found by a hash": "每种长度的嵌入个数，由哈希查得",
    "features of the embedding of a run": "连续单位嵌入的特征数",
    "share of the positions where long runs are left out in training": "训练中略去较长连续单位的位置的比例",
    "features of a unit, and of what foresees the next": "单位的特征数，也是预测下一个单位的特征数",
    "features of each layer of the LSTM": "LSTM 每层的特征数",
    "layers of the LSTM": "LSTM 的层数",
    "on embeddings and on what the LSTM gives out": "作用于嵌入和 LSTM 输出的 dropout",
    # heads of tables and words in them
    "name": "名称",
    "default": "默认值",
    "values": "取值",
    "meaning": "含义",
    "whole number": "整数",
    "number": "数值",
    "text": "文本",
    " (default)": "（默认）",
    "data set": "数据集",
    "holds": "内容",
    "download": "下载量",
    "licence": "许可",
    "published result": "已发表的结果",
    "settings that suit it": "适合它的设置",
    "nothing": "无需下载",
    " (embedded default)": "（内置默认）",
    "metric": "指标",
    "signature": "签名",
    "decides which checkpoint is kept": "决定保留哪个检查点",
    "Baselines beside them:": "一并给出的基线：",
    # training
    "passes over the training examples; steps goes before it": "训练样例的遍数；若给出 steps，则以 steps 为准",
    "optimiser steps; --max-minutes sets it from a measurement": "优化器步数；--max-minutes 会根据实测速度设定它",
    "at its peak": "峰值学习率",
    "share of the steps over which the rate rises from 0": "学习率从 0 上升所占步数的比例",
    "of matrices, decoupled (AdamW)": "矩阵参数的权重衰减，解耦式（AdamW）",
    "largest norm of the gradient": "梯度范数的上限",
    "decay of the moving average of the weights that is kept; 0: none": (
        "所保存的权重滑动平均的衰减率；0 表示不做平均"
    ),
    "validations over the run, evenly spread": "整个训练中的验证次数，均匀分布",
    "stop after this many validations without a better one; 0: never": "连续这么多次验证没有更好就停止；0 表示从不",
    "mixed precision; bf16 also speeds up CPUs that compute it": "混合精度；bf16 也能加快支持它的 CPU",
    "steps between two lines of the log": "日志两行之间的步数",
    "comma-separated experiment trackers of Accelerate, such as tensorboard": "Accelerate 支持的实验跟踪器，逗号分隔，"
    "例如 tensorboard",
    # translation
    "source language (train.en: en), or the table's source column": "源语言（train.en 即 en），或表格中源文本的列名",
    "target language, or the table's target column": "目标语言，或表格中目标文本的列名",
    "most sub-words, shared by both sides": "子词数上限，两侧共用一个词表",
    "sentences of a batch times its longest side, at most": "一个批次的句子数乘以其中最长一侧的长度，不超过此值",
    "most tokens of a side; longer pairs are not trained on, and said": (
        "单侧的词元数上限；更长的句对不参与训练，并会说明"
    ),
    "held out for val, and for test, where a split is missing": "缺少 val 或 test 时，从训练集中各留出的比例",
    "hypotheses kept open by beam search; 1 is greedy": "束搜索保留的未完成候选数；1 即贪心解码",
    "hypotheses compare by log-probability / length to this power": "候选按“对数概率 / 长度的此次幂”比较",
    "hypotheses so many nats behind the best are given up; inf: none": (
        "落后最好的候选这么多奈特的被放弃；inf：不放弃"
    ),
    "draw each token instead, at this temperature": "改为逐词元抽样，用此温度",
    "of the draws": "抽样的随机种子",
    "a hypothesis has at most this times the source's tokens, + 16": "候选的词元数不超过源文词元数乘以此值再加 16",
    "a hypothesis has at least so many tokens": "候选至少有这么多词元",
    "no so many tokens in a row come twice in a hypothesis; 0: they may": (
        "同一候选中不会出现两次相同的、这么多个连续词元；0：可以"
    ),
    # summarisation
    "the table's column of texts, or the extension of their files": "表格中原文的列名，或原文文件的扩展名",
    "the table's column of summaries, or the extension of their files": "表格中摘要的列名，或摘要文件的扩展名",
    "texts of a batch times the longest of them, at most": "一个批次的文本数乘以其中最长文本的长度，不超过此值",
    "most tokens of a text; what comes after them is cut off, and said": (
        "原文的词元数上限；其后的部分会被截去，并会说明"
    ),
    "most tokens of a summary; longer ones are not trained on, and said": (
        "摘要的词元数上限；更长的不参与训练，并会说明"
    ),
    "read and write in lower case; the summary gets its case back at the end": "以小写读写；最后恢复摘要的大小写",
    "norm-first transformer encoder-decoder with a pointer that copies": (
        "先归一化的 Transformer 编码器-解码器，带可复制的指针"
    ),
    "pointer-generator: LSTM with additive attention, copying and coverage": (
        "指针生成网络：LSTM，带加性注意力、复制和覆盖机制"
    ),
    "share of the source's tokens whose identity is hidden in training": "训练中被隐去身份的原文词元的比例",
    "weight of the loss for attending again to what has been attended to; 0: none": (
        "重复关注已关注之处的损失的权重；0：无"
    ),
    "Chats in which two people arrange to meet, half in English and half in Chinese, with a summary by a known rule: "
    "8,000 train, 300 val, 500 test. Names are made up, and must be copied.": "两人约定见面的聊天，一半英文、一半中文，"
    "摘要由已知规则写成：训练 8,000，验证 300，测试 500。名字是编造的，必须复制。",
    "None published: the data is made here. Who knows the rule scores 100.": (
        "无：数据由本项目生成。知道规则者得 100 分。"
    ),
    "Chats in English with a summary in the third person: 14,731 train, 818 val, 819 test; on average 94 words and 11 "
    "turns a chat, 20 words a summary.": "英文聊天及第三人称的摘要：训练 14,731，验证 818，测试 819；"
    "平均每段聊天 94 词、11 轮，每个摘要 20 词。",
    "CC BY-NC-ND 4.0.": "CC BY-NC-ND 4.0。",
    "ROUGE-1/2/L on test, stemmed, L at summary level, from nothing: transformer 36.6 / 11.2 / 33.1, pointer-generator "
    "38.6 / 14.1 / 34.9, with a separator between turns 40.9 / 15.3 / 36.6; LONGEST-3 32.5 / 10.3 / 29.9 (Gliwa et al. "
    "2019).": "测试集 ROUGE-1/2/L，做词干提取，L 为摘要级，从零训练："
    "Transformer 36.6 / 11.2 / 33.1，指针生成网络 38.6 / 14.1 / 34.9，在各轮之间加分隔符 40.9 / 15.3 / 36.6；"
    "LONGEST-3 32.5 / 10.3 / 29.9（Gliwa 等 2019）。",
    "the first 3 sentences or turns (LEAD-3)": "前 3 句或轮（LEAD-3）",
    "the 3 longest (LONGEST-3)": "最长的 3 句或轮（LONGEST-3）",
    "summary of the most similar training text": "最相似的训练原文的摘要",
    "norm-first transformer encoder-decoder": "先归一化的 Transformer 编码器-解码器",
    "features of a position": "每个位置的特征数",
    "attention heads; divides width": "注意力头数；须能整除 width",
    "heads that share keys and values come in this many groups": "共享键和值的头分成这么多组",
    "inner features of the feed-forward part": "前馈部分的内部特征数",
    "features that all patches of a series are squeezed into before the head; 0: not": (
        "一个序列的全部片段在输出头之前压缩到的特征数；0 表示不压缩"
    ),
    "on embeddings and on every residual branch": "作用于嵌入和每个残差分支的 dropout",
    "how a position is told": "位置的表示方式",
    "share of the target that is spread evenly": "目标分布中均匀分给所有词元的份额",
    "layers that read the source": "读源文的层数",
    "layers that write the target": "写译文的层数",
    "longest sequence, where positions are learned": "使用可学习位置时的最长序列",
    "LSTM encoder and decoder with additive attention": "LSTM 编码器和解码器，加性注意力",
    "features of a token": "每个词元的特征数",
    "features of the decoder, and of each direction of the encoder": "解码器以及编码器每个方向的特征数",
    "features inside the additive score": "加性打分内部的特征数",
    "on embeddings, the encoder's output and attentional vectors": "作用于嵌入、编码器输出和注意力向量的 dropout",
    "copy of the source": "照抄源文",
    "target of the most similar training source": "最相似的训练源文的译文",
    # dialogue
    "whose turns are learned and judged as replies; by default all turns": "学习并评判谁的话；默认所有人的",
    "most sub-words": "子词数上限",
    "dialogues of a batch times the longest of them, at most": "一个批次的对话数乘以其中最长的长度，不超过此值",
    "most tokens of a history; its oldest turns are dropped then, and said": (
        "历史的词元数上限；超出时去掉最旧的句子，并会说明"
    ),
    "most tokens of a turn of the history; longer turns are cut, and said": (
        "历史中每一句的词元数上限；更长的被截断，并会说明"
    ),
    "of the candidates among which the right reply is to be found": "抽取候选回复的随机种子，正确回复要从中找出",
    "most tokens of a reply; 0: none is written, known ones are judged": (
        "回复的词元数上限；0 表示不写，只评判已知的回复"
    ),
    "of the draw of each token; 0 takes the likeliest": "逐词元抽样的温度；0 表示取最可能的",
    "draw from so many of the likeliest tokens alone": "只从最可能的这么多个词元中抽样",
    "draw from the fewest tokens that are so likely together": "只从合计概率达到此值的最少词元中抽样",
    "causal transformer over the whole history": "看全部历史的因果 Transformer",
    "hierarchical GRU encoder and a GRU decoder with attention over turns and words": (
        "层次 GRU 编码器，以及对话轮和词都有注意力的 GRU 解码器"
    ),
    "features of a history and of a reply that are matched": "相互匹配的历史与回复的特征数",
    "features of a token, and of what foresees the next": "每个词元以及预测下一词元的向量的特征数",
    "features of a turn, of the dialogue so far, and of the decoder": "每一句、对话至今的状态以及解码器的特征数",
    "features inside the additive scores": "加性打分内部的特征数",
    "on embeddings, encoded words and what foresees the next token": (
        "作用于嵌入、编码后的词和预测下一词元的向量的 dropout"
    ),
    "guessing": "猜测",
    "similar turn, n-grams, words in common": "相似的句子、n 元模型、共有的词",
    "A guest books a table and asks back, English and Chinese, made by a rule: 3,000 train, 60 val, 120 test "
    "dialogues of 10 to 20 turns. What is replied follows from what was said some turns before.": (
        "客人订座并反问，英语和汉语，按规则生成：训练 3,000、验证 60、测试 120 段对话，每段 10 到 20 句。"
        "回复由几句之前说过的内容决定。"
    ),
    "None published: the data is made here. Who knows the rule replies right every time.": (
        "无：数据由本项目生成。知道规则者每次都能答对。"
    ),
    "Everyday conversations of two people in English, 8 turns each on average: 10,808 train (without 310 that are "
    "in val or test too), 1,000 val with 7,069 replies, 1,000 test with 6,740 replies.": (
        "两个人的英语日常对话，平均每段 8 句：训练 10,808（不含也在验证集或测试集中的 310 段），"
        "验证 1,000 段、7,069 个回复，测试 1,000 段、6,740 个回复。"
    ),
    "CC BY-NC-SA 4.0.": "CC BY-NC-SA 4.0。",
    "Test, BLEU-1 / BLEU-2 / distinct-1 / distinct-2, BLEU by sentence with smoothing, as shares: Seq2Seq "
    "0.336 / 0.268 / 0.030 / 0.128; PLATO, pre-trained, 0.397 / 0.311 / 0.053 / 0.291 (README of PLATO).": (
        "测试集 BLEU-1 / BLEU-2 / distinct-1 / distinct-2（带平滑的逐句 BLEU，以比例表示）：Seq2Seq "
        "0.336 / 0.268 / 0.030 / 0.128；预训练的 PLATO 0.397 / 0.311 / 0.053 / 0.291（PLATO 的 README）。"
    ),
    # recommendation
    "the table's column of users; by default user or user_id": "表格的用户列；默认 user 或 user_id",
    "the table's column of items; by default item or item_id": "表格的物品列；默认 item 或 item_id",
    "the table's column of times; by default timestamp or time": "表格的时间列；默认 timestamp 或 time",
    "rows with a lower rating are left out, and counted": "去掉评分更低的行，并计数",
    "table with the columns item and name; in a folder, items.*": "有 item 和 name 两列的表格；文件夹中为 items.*",
    "histories of a batch times the longest of them, at most": "一个批次的历史条数乘以其中最长的长度，不超过此值",
    "most actions that are looked at; longer histories lose the oldest": "最多看这么多次行为；更长的历史去掉最旧的",
    "whether what a user took before may be recommended again": "用户以前选过的物品是否可以再次推荐",
    "of the 100 unseen items in the metrics named sampled": "名字带 sampled 的指标中 100 个未选物品的随机种子",
    "items recommended": "推荐的物品数",
    "causal transformer over the history": "在历史上做因果自注意力的 Transformer",
    "features of an item and of a position": "每个物品和每个位置的特征数",
    "layers that read the history": "读历史的层数",
    "items drawn a batch to be told from the answer in training; 0: the whole catalogue": (
        "训练时每批抽取、要与答案区分的物品数；0 表示整个目录"
    ),
    "embeddings with target attention over the history": "物品嵌入，对历史做目标注意力",
    "features of an item": "每个物品的特征数",
    "features inside the gate's score": "门控打分内部的特征数",
    "on the embeddings of the history": "作用于历史嵌入的 dropout",
    "items drawn for each answer, to be told from it": "为每个答案抽取、要与之区分的物品数",
    "popularity": "流行度",
    "items taken near those of the history": "常在历史物品附近被选的物品",
    # image classification
    "Handwritten digits, 8 x 8 pixels in 17 shades, 10 labels: 1,257 train, 180 val, 360 test, drawn at random from "
    "1,797. The writers are not known, so some may be in two splits.": (
        "手写数字，8 x 8 像素，17 级灰度，10 个标签：从 1,797 张中随机抽取训练 1,257 张，验证 180，测试 360。"
        "书写者不详，因此可能有人同时在两个划分中。"
    ),
    "CC BY 4.0 (UCI, Alpaydin and Kaynak 1998), BSD-3-Clause (scikit-learn).": (
        "CC BY 4.0（UCI，Alpaydin 和 Kaynak，1998），BSD-3-Clause（scikit-learn）。"
    ),
    "None on these splits.": "在这些划分上没有。",
    "Clothes, shoes and bags, 28 x 28 pixels in grey, 10 labels: 55,000 train, 5,000 val (the last of the public "
    "training pictures), 10,000 test.": (
        "衣服、鞋和包，28 x 28 像素灰度图，10 个标签：训练 55,000 张，验证 5,000（公开训练图片的最后一部分），"
        "测试 10,000。"
    ),
    "Accuracy 0.949 by a ResNet18 with augmentation, 0.950 by MobileNet with flips, 0.897 by a support vector machine; "
    "people 0.835 (README of the set; submitted, not checked there).": (
        "准确率：带数据增强的 ResNet18 0.949，带翻转的 MobileNet 0.950，支持向量机 0.897；人 0.835（数据集的 README；"
        "由他人提交，未经核实）。"
    ),
    "Handwritten digits, 28 x 28 pixels in grey, 10 labels: 55,000 train, 5,000 val (the last of the public training "
    "pictures), 10,000 test.": (
        "手写数字，28 x 28 像素灰度图，10 个标签：训练 55,000 张，验证 5,000（公开训练图片的最后一部分），测试 10,000。"
    ),
    "CC BY-SA 3.0, as it is passed on; the publisher's page states none.": (
        "流传时标为 CC BY-SA 3.0；发布者的页面没有说明。"
    ),
    "Accuracy 0.992 by two convolutions with fewer than 100,000 parameters (README of Fashion-MNIST).": (
        "准确率：少于 100,000 个参数的两层卷积 0.992（Fashion-MNIST 的 README）。"
    ),
    "column of the labels in a metadata table": "元数据表中标签所在的列",
    "pixels of a side of the patches that attention runs over; a multiple of 4": (
        "注意力所用图块的边长像素数；4 的倍数"
    ),
    "share of a side by which training pictures are moved, at most": "训练图片至多移动边长的多少",
    "share of training pictures of which a part is erased": "被擦除一部分的训练图片的比例",
    "parameter of the beta distribution by which training pictures are mixed in pairs; 0: no": (
        "训练图片两两混合所用贝塔分布的参数；0：不混合"
    ),
    "residual convolutions, self-attention between patches, and attention pooling": (
        "残差卷积，图块之间的自注意力，注意力池化"
    ),
    "residual convolutions with channel and spatial attention": "带通道注意力和空间注意力的残差卷积",
    # image segmentation
    "unknown": "未知",
    "comma-separated classes that are neither learned nor scored": "既不学习也不计分的类别，逗号分隔",
    "least factor by which training pictures are scaled": "训练图片缩放的最小倍数",
    "largest factor by which training pictures are scaled": "训练图片缩放的最大倍数",
    "pixels count by the share of their class to the power of -balance; 0: all alike": (
        "像素按其类别所占比例的 -balance 次方计权；0 表示一视同仁"
    ),
    "weight of the loss of overlap (soft Jaccard) beside cross entropy; 0: without": (
        "交叉熵之外的重叠损失（软 Jaccard）的权重；0 表示不用"
    ),
    "whether the picture is also asked turned round, and the mean is taken": "是否也对左右翻转的图片作答，并取平均",
    "attention heads; divides eight times channels": "注意力头数；须能整除 channels 的八倍",
    "features of a place and of a class when they meet; a multiple of heads": (
        "位置与类别相遇时各自的特征数；heads 的倍数"
    ),
    "channels of the finest level; each of the three others doubles": "最细一级的通道数；其余三级逐级加倍",
    "convolutions and self-attention between patches; each class attends to the patches": (
        "卷积，图块之间的自注意力；每个类别对图块做注意力"
    ),
    "U-Net with attention gates": "带注意力门的 U-Net",
    "Street scenes from a car, masks of 480 x 360 pixels, pictures of half that in the converted copy, 11 classes: 367 "
    "pictures train, 101 val, 233 test, from few drives, so that neighbours are much alike.": (
        "车上拍摄的街景，掩码为 480 x 360 像素，转换副本中的图片为其一半，11 类：训练 367 张，验证 101，测试 233；"
        "取自少数几次行车，因此相邻画面十分相似。"
    ),
    "CC BY-NC 4.0 (of the repository; for the pictures themselves nothing is stated).": (
        "CC BY-NC 4.0（仓库的许可；图片本身未声明）。"
    ),
    "Mean IoU on test, pictures of 480 x 360 pixels: 0.669 by FC-DenseNet103 (Jégou et al. 2017), 0.513 by ENet "
    "(Paszke et al. 2016), both from nothing; 0.464 by SegNet (Badrinarayanan et al. 2017), pre-trained.": (
        "测试集平均交并比，图片为 480 x 360 像素：从零训练的 FC-DenseNet103 为 0.669（Jégou 等，2017），ENet 为 0.513"
        "（Paszke 等，2016）；预训练的 SegNet 为 0.464（Badrinarayanan 等，2017）。"
    ),
    "Handwritten digits on cloudy ground, 96 x 64 pixels, two to five a scene, 11 classes: 600 scenes train, 100 val, "
    "200 test, of different digits. The digits are scikit-learn's, the scenes are made here.": (
        "云状背景上的手写数字，96 x 64 像素，每幅二到五个，11 类：训练 600 幅，验证 100，测试 200，各用不同的数字。"
        "数字取自 scikit-learn，场景由本项目合成。"
    ),
    "None published: the scenes are made here.": "无：场景由本项目合成。",
    "the most frequent class everywhere": "处处都答最常见的类别",
    "the most frequent class at each place": "每个位置最常见的类别",
    "trees on the colours around each place": "根据每个位置周围颜色的随机树",
    # several answers about a picture
    "columns to learn, comma-separated; all unless given": "要学习的列，逗号分隔；不给则全部",
    "what columns hold, as name=class, name=labels or name=number, comma-separated; told by their cells unless given": (
        "各列的种类，写作 name=class、name=labels 或 name=number，逗号分隔；不给则由单元格判断"
    ),
    "how losses are weighed: fixed, or learned from the uncertainty of each": (
        "损失如何加权：fixed（固定），或 uncertainty（由各自的不确定性学得）"
    ),
    "fixed weights of losses, as name=number, comma-separated; 1 unless given": (
        "损失的固定权重，写作 name=数值，逗号分隔；不给则为 1"
    ),
    "ways in which a picture is turned round at random in training; no answer may change by it": (
        "训练时随机翻转图片的方向；答案不得因此改变"
    ),
    "labels of a column whose probability is told, the likeliest first": "每列给出概率的标签数，最可能的在前",
    "residual convolutions and self-attention between patches for all, to which a token a task attends": (
        "共享的残差卷积和图块之间的自注意力，每个任务用一个标记去注意"
    ),
    "residual convolutions with channel and spatial attention for all, and spatial attention a task": (
        "共享的带通道注意力和空间注意力的残差卷积，每个任务再有自己的空间注意力"
    ),
    "the most frequent label, or the mean": "最常见的标签，或平均值",
    "kernel ridge regression on the pixels of at most 5,000 training pictures": (
        "至多 5,000 张训练图片的像素上的核岭回归"
    ),
    "Two handwritten digits side by side, 16 x 12 pixels: the left and the right one (classes), which digits occur "
    "(labels) and their mean (a number): 2,400 train, of which a tenth to a third lack an answer, 240 val, 400 test, "
    "each from digits of its own split.": (
        "两个并排的手写数字，16 x 12 像素：左边的和右边的（类别）、出现了哪些数字（若干标签）、"
        "两者的平均（数值）：训练 2,400 张，每列有一到三成缺少答案，验证 240，测试 400，各用自己划分的数字。"
    ),
    "None: the pairs are made here.": "没有：配对在此生成。",
    "Two digits of MNIST in 36 x 36 pixels, one at the upper left and one at the lower right, the brighter pixel "
    "counting, each to be named: 110,000 train, 10,000 val, 20,000 test, paired at random, once and for all, within "
    "the splits of mnist. The recipe of Sabour et al. 2017 as Lin et al. 2019 use it.": (
        "36 x 36 像素中的两个 MNIST 数字，一个在左上，一个在右下，取较亮的像素，要分别认出："
        "训练 110,000 张，验证 10,000，测试 20,000，"
        "在 mnist 的划分之内一次性随机配对。做法出自 Sabour 等（2017），按 Lin 等（2019）的用法。"
    ),
    "Accuracy left 0.973 and right 0.959 by MGDA-UB, 0.972 and 0.959 by single networks (Sener and Koltun 2018), on "
    "pairs of their own.": (
        "准确率：MGDA-UB 左 0.973、右 0.959，单任务网络 0.972 和 0.959（Sener 和 Koltun，2018），用的是他们自己的配对。"
    ),
    "A digit of MNIST at the upper left and a picture of Fashion-MNIST at the lower right of 36 x 36 pixels, the "
    "brighter pixel counting, each to be named: 110,000 train, 10,000 val, 20,000 test, paired at random, once and for "
    "all, within the splits of both sets. The recipe of Lin et al. 2019. It needs the files of mnist as well.": (
        "36 x 36 像素，左上是 MNIST 数字，右下是 Fashion-MNIST 图片，取较亮的像素，要分别认出："
        "训练 110,000 张，验证 10,000，测试 20,000，"
        "在两个数据集的划分之内一次性随机配对。做法出自 Lin 等（2019）。还需要 mnist 的文件。"
    ),
    "MIT (Fashion-MNIST); CC BY-SA 3.0, as it is passed on (MNIST).": (
        "MIT（Fashion-MNIST）；流传时标为 CC BY-SA 3.0（MNIST）。"
    ),
    "None on these pairs.": "在这些配对上没有。",
    "channels of the first level; each of the two others doubles": "第一级的通道数；后两级逐级加倍",
    "residual blocks of the second and of the third level; the first: half": "第二级和第三级的残差块数；第一级为一半",
    "attention heads; divides four times channels": "注意力头数；须能整除 channels 的四倍",
    "residual blocks a level": "每级的残差块数",
    "support vector machine on the pixels of at most 10,000 training pictures": (
        "至多 10,000 张训练图片的像素上的支持向量机"
    ),
    # object detection
    "pixels of the longer side of the picture that the network sees": "网络所见图片长边的像素数",
    "pictures of a batch": "一个批次的图片数",
    "ways in which a picture is turned round at random in training": "训练时随机翻转图片的方向",
    "in training, pictures are scaled by a factor from 1/zoom to zoom; 1: not": (
        "训练时图片按 1/zoom 到 zoom 之间的倍数缩放；1 表示不缩放"
    ),
    "share of training pictures that are put together from four": "由四张拼成的训练图片所占的比例",
    "strength of random changes of brightness, contrast and tint; 0: none": (
        "亮度、对比度和色调随机变化的强度；0 表示不变"
    ),
    "objects that are less sure are not shown, but scored": "把握更小的物体不显示，但参与计分",
    "of two boxes of a class that overlap more, the surer one stays": (
        "同类的两个框重叠超过此值时，只留更有把握的一个"
    ),
    "convolutions and self-attention between patches; each proposal attends to the picture": (
        "卷积，图块之间的自注意力；每个候选框再对图片做注意力"
    ),
    "convolutions with channel and spatial attention, and a dense head": "带通道注意力和空间注意力的卷积，稠密检测头",
    "channels of the first convolution; each level of the pyramid doubles": "第一个卷积的通道数；金字塔每级加倍",
    "residual blocks a level of the pyramid": "金字塔每级的残差块数",
    "features of a patch and of a box; a multiple of 8": "每个图块和每个框的特征数；8 的倍数",
    "layers of self-attention between the patches": "图块之间自注意力的层数",
    "layers in which every proposal looks at the patches": "每个候选框对图块做注意力的层数",
    "on every residual branch of the layers with attention": "作用于注意力层每个残差分支的 dropout",
    "boxes of a training picture drawn at random": "随机抽取的一张训练图片的框",
    "boxes of the most similar training picture": "最相似的训练图片的框",
    "windows weighed by their colours": "按颜色打分的窗口",
    "Shaded discs, squares and triangles on cloudy ground, 160 x 128 pixels, two to seven a picture, made here: "
    "600 pictures train, 100 val, 200 test.": (
        "云状背景上带明暗的圆、方块和三角形，160 x 128 像素，每张二到七个，由本项目生成："
        "训练 600 张，验证 100，测试 200。"
    ),
    "None published: the data is made here.": "无：数据由本项目生成。",
    "Blood cells through a microscope, 640 x 480 pixels, three classes (RBC, WBC, Platelets): 205 pictures train, 87 "
    "val, 72 test, with 4,888 boxes.": (
        "显微镜下的血细胞，640 x 480 像素，三类（红细胞 RBC、白细胞 WBC、血小板 Platelets）："
        "训练 205 张，验证 87，测试 72，共 4,888 个框。"
    ),
    "MIT.": "MIT。",
    "mAP@0.5 0.8535 by a CNN (Joshi et al. 2022) and 0.9043 by YOLOv8n, pre-trained on other pictures (Yang et al.); "
    "splits and augmentation differ from paper to paper, and none is known to use these 72 pictures.": (
        "mAP@0.5：卷积网络 0.8535（Joshi 等，2022）；在其他图片上预训练的 YOLOv8n 0.9043（Yang 等）；"
        "各论文的划分和增强不同，没有一篇确知使用这 72 张图片。"
    ),
    # time-series forecasting
    "steps of the past that a forecast sees": "预测时看到的过去步数",
    "steps that are forecast": "预测的步数",
    "date column; found by its usual names unless given": "日期列；不给出时按常用列名查找",
    "how dates are written, such as %d/%m/%Y; ISO 8601 needs none": "日期的写法，例如 %d/%m/%Y；ISO 8601 无需给出",
    "series of a wide table, comma-separated; all but the date by default": (
        "宽表中的序列，逗号分隔；默认为日期以外的所有列"
    ),
    "of a long table: the column with the names of the series": "长表：序列名所在的列",
    "of a long table: the column with the values": "长表：数值所在的列",
    "leave out windows that touch a missing value, or interpolate it": "去掉涉及缺失值的窗口，或对缺失值插值",
    "share of one table held out at its end for test, and for val": "单个表格末尾留作测试的比例，验证同样",
    "windows of a batch, each with all series of its table": "一个批次的窗口数，每个窗口含其表格的所有序列",
    "of the point forecast, on scaled values": "点预测的损失，按缩放后的值计算",
    "levels of the quantile forecasts, rising, comma-separated": "分位数预测的水平，递增，逗号分隔",
    "forecast these series alone, comma-separated": "只预测这些序列，逗号分隔",
    "transformer over patches of each series": "对每个序列的片段做注意力的 Transformer",
    "LSTM over the past, LSTM over the future with additive attention": "读过去的 LSTM，写未来的 LSTM，加性注意力",
    "steps of a patch": "一个片段的步数",
    "steps from one patch to the next": "相邻片段起点相隔的步数",
    "encoder layers": "编码器层数",
    "on patches, residual branches, inside the feed-forward part, before the head": (
        "作用于片段、残差分支、前馈部分内部和输出层之前的 dropout"
    ),
    "steps that the LSTM reads, and writes, at a time": "LSTM 每次读入和写出的步数",
    "features of each LSTM": "每个 LSTM 的特征数",
    "on the memory and on attentional vectors": "作用于记忆和注意力向量的 dropout",
    "last value": "最后一个值",
    "value of one season before": "一个季节之前的值",
    "linear map of the look-back": "回看部分的线性映射",
    "Four hourly series of daily and weekly seasons, a trend and autocorrelated noise, made here: 2,400 steps train, "
    "800 val, 800 test. The least possible error is known, and said.": (
        "四个每小时的序列，由日、周季节、趋势和自相关噪声生成：训练 2,400 步，验证 800，测试 800。"
        "可能的最小误差已知，并会说明。"
    ),
    "None needed: the data are made.": "无需许可：数据是生成的。",
    "None published: the data is made here. The notes of a run give the error of the best possible forecast.": (
        "无：数据由本项目生成。运行时的说明会给出可能的最小误差。"
    ),
    "Hourly readings of an electricity transformer, July 2016 to June 2018: six loads and the oil temperature OT; "
    "8,640 steps train, 2,880 val, 2,880 test, the 3,020 after them unused, as in the literature.": (
        "一台电力变压器 2016 年 7 月至 2018 年 6 月的每小时读数：六个负荷和油温 OT；"
        "训练 8,640 步，验证 2,880，测试 2,880，其后 3,020 步不用，与文献一致。"
    ),
    "CC BY-ND 4.0.": "CC BY-ND 4.0。",
    "MSE at horizon 96, 192, 336, 720: 0.370, 0.413, 0.422, 0.447 by PatchTST/64 with a look-back of 512, and 0.375, "
    "0.405, 0.439, 0.472 by DLinear with 336 (Nie et al., ICLR 2023).": (
        "预测 96、192、336、720 步的 MSE：PatchTST/64（回看 512 步）0.370、0.413、0.422、0.447，"
        "DLinear（回看 336 步）0.375、0.405、0.439、0.472（Nie 等，ICLR 2023）。"
    ),
    # speech recognition
    "column of the table with what is said": "表格中所说文本的列名",
    "write in lower case, without punctuation marks but apostrophes": "用小写书写，除撇号外不带标点",
    "what the text is written in": "书写文本的单元",
    "most sub-words, where units are that": "单元为 sub-words 时的子词数上限",
    "samples a second that every sound is brought to; the commonest in training, at most 16000": (
        "所有声音转换到的采样率；默认为训练中最常见的，最高 16000"
    ),
    "mel bands of the spectrogram; arrays of features have their own": "频谱图的梅尔频带数；特征数组有自己的频带数",
    "frames of the spectrogram, or of arrays, a second": "频谱图或特征数组每秒的帧数",
    "mean and deviation of each band: of the utterance itself, or of the training data": (
        "每个频带的均值和标准差：取自话语本身，或取自训练数据"
    ),
    "times the network halves the frames before it attends to them": "网络在注意力之前把帧数减半的次数",
    "utterances of a batch times its longest, in frames, at most": "一个批次的话语数乘以其中最长的帧数，不超过此值",
    "longer utterances are not trained on, else cut, and said": "更长的话语不参与训练，其他情况下被截断，并会说明",
    "of the CTC loss; the rest is the decoder's": "CTC 损失的份额；其余归解码器",
    "share of the decoder's target that is spread evenly": "解码器目标分布中均匀分给所有单元的份额",
    "in training, sound is up to this share faster or slower": "训练时声音加快或放慢的最大比例",
    "and its bands up to this share higher or lower": "训练时频带升高或降低的最大比例",
    "most bands that each of two masks covers": "两个频带遮挡各自最多覆盖的频带数",
    "stretches of time that are masked": "被遮挡的时间段数",
    "most of an utterance that one of them covers": "每段最多覆盖一条话语的比例",
    "texts of CTC that are kept, and judged by the decoder at the end": "保留的 CTC 文本数，最后由解码器评判",
    "of CTC in the score of a text; the rest is the decoder's": "文本得分中 CTC 的份额；其余归解码器",
    "write any words, or those of the training texts alone": "可写任意词，或只写训练文本中的词",
    "conformer encoder with CTC, transformer decoder": "带 CTC 的 Conformer 编码器，Transformer 解码器",
    "conformer layers that read the spectrogram": "读频谱图的 Conformer 层数",
    "transformer layers that write the text": "写文本的 Transformer 层数",
    "inner features of each feed-forward part": "每个前馈部分的内部特征数",
    "positions that a convolution sees; odd": "一个卷积看到的位置数；奇数",
    "channels of the convolutions that shorten the spectrogram": "缩短频谱图的卷积的通道数",
    # speech synthesis
    "column with who says it; without one, all is one voice": "说话人所在的列名；没有该列时，全部视为一个声音",
    "read capital letters as small ones": "把大写字母读作小写",
    "samples a second of the voice; the commonest in training, at most 24000": (
        "合成声音的采样率；默认为训练中最常见的，最高 24000"
    ),
    "frames of the spectrogram a second; each sees four": "频谱图每秒的帧数；每帧看到四个帧移",
    "longer utterances are not trained on, and said": "更长的话语不参与训练，并会说明",
    "who says what names no speaker; by default the commonest of training": (
        "没有指明说话人时由谁来说；默认为训练中最常见的说话人"
    ),
    "times as fast as learned, where the network plans durations": "语速是所学的多少倍；用于预先规划时长的网络",
    "of Griffin-Lim, which finds the phases of the sound": "Griffin-Lim 的轮数，它求出声音的相位",
    "conformer that says all frames at once, with durations from an alignment it learns itself": (
        "一次说出所有帧的 Conformer，时长来自自己学到的对齐"
    ),
    "LSTM that says frame after frame, with location-sensitive attention and a stop unit": (
        "逐帧说出的 LSTM，带位置敏感注意力和停止单元"
    ),
    "features of a letter and of a frame": "一个字母和一帧的特征数",
    "conformer layers that read the text": "读文本的 Conformer 层数",
    "conformer layers that make the frames": "生成帧的 Conformer 层数",
    "positions that a convolution of these layers sees; odd": "这些层的一个卷积看到的位置数；奇数",
    "frames that are made at one position": "一个位置生成的帧数",
    "features by which frames and letters are compared, to align them": "为对齐而比较帧与字母所用的特征数",
    "features of each direction of the encoder, half of the decoder's": "编码器每个方向的特征数，是解码器的一半",
    "features of a letter": "一个字母的特征数",
    "features in which the frame before is fed back": "反馈前一帧所用的特征数",
    "frames that a step of the decoder makes": "解码器一步生成的帧数",
    "frames a letter at most, to stop one that goes on": "每个字母的帧数上限，用来停住停不下来的网络",
    "weight of the loss that holds attention near the diagonal at first": "使注意力一开始靠近对角线的损失的权重",
    "in the encoder, and on the frame before": "用于编码器，以及前一帧",
    "Strings of spoken digits joined from the recordings of fsdd, each by one of six speakers: 3,600 train, of "
    "which 2,400 are the single recordings and 1,200 strings of 2 to 7; 200 val and 600 test of 3 to 7; each from "
    "recordings of its own split, and no string in two splits.": (
        "由 fsdd 的录音拼成的口语数字串，每串由六个说话人之一说出：训练 3,600 条，其中 2,400 条是单个录音、"
        "1,200 条是 2 至 7 个数字的串；验证 200 条、测试 600 条，各 3 至 7 个数字；"
        "各用自己划分的录音，没有任何串在两个划分中。"
    ),
    "German sentences read by one woman, 40 minutes, the first 525 of the published 1,374: 450 train, 25 val "
    "and 50 test.": "一位女士朗读的德语句子，40 分钟，为已发表的 1,374 句中的前 525 句：训练 450、验证 25、测试 50。",
    "CC0 1.0.": "CC0 1.0。",
    "None published; its makers expect that so little alone serves best to adapt another voice.": (
        "无；制作者认为这么少的数据更适合用来改造另一个声音。"
    ),
    "Two or three words of made syllables, said by two made voices, 8 kHz, made here: 600 train, 40 val and "
    "200 test sounds of about a second.": (
        "由两个人造声音说出的两三个音节词，8 kHz，在此生成：训练 600、验证 40、测试 200 个约一秒的声音。"
    ),
    "mean spectrum": "平均频谱",
    "mean sound of each letter": "每个字母的平均声音",
    "recording of the most similar text by the same speaker": "同一说话人最相似文本的录音",
    "on every residual branch, and inside feed-forward parts": "作用于每个残差分支和前馈部分内部的 dropout",
    "pyramidal bidirectional LSTM with CTC, LSTM decoder with location-aware attention": (
        "带 CTC 的金字塔双向 LSTM，位置感知注意力的 LSTM 解码器"
    ),
    "features of each direction of each LSTM that reads, and of the decoder": (
        "每个编码 LSTM 每个方向以及解码器的特征数"
    ),
    "features of a unit of text": "每个文本单元的特征数",
    "features inside the score of attention": "注意力打分内部的特征数",
    "after each LSTM, and on embeddings": "作用于每个 LSTM 之后和嵌入的 dropout",
    "commonest text of training": "训练中最常见的文本",
    "text of the most similar sound (DTW)": "最相似声音的文本（DTW）",
    "Telephone numbers as the tones of their keys, 3 to 10 of 16 keys in groups, on lines of different noise, "
    "made here: 1,200 train, 100 val and 200 test sounds of about 2 seconds.": (
        "电话号码的按键音，16 个键中的 3 到 10 个，分组，线路噪声各异，由本项目生成：训练 1,20"
        "0、验证 100、测试 200 个约 2 秒的声音。"
    ),
    "None published: the data is made here. The text is known, so no error at all is possible.": (
        "无：数据由本项目生成。文本已知，因此可以没有任何错误。"
    ),
    "English spelling, numbers and commands at a close microphone, 48 minutes: 848 train, 100 val, 130 test "
    "utterances (official test), no speaker in two splits; 13 mel cepstra at 100 frames a second, no sound.": (
        "近讲话筒的英语拼读、数字和命令，48 分钟：训练 848、验证 100、测试 130 条话语（官方测"
        "试），任何说话人都不在两个划分中；13 维梅尔倒谱，每秒 100 帧，没有声音。"
    ),
    "CMU AN4 licence: any use; redistribution keeps the notice.": "CMU AN4 许可：任意用途；再分发时保留声明。",
    "WER 7.4 %, CER 3.6 % on test by a transformer with CTC, from the sound, with speed perturbation and a "
    "language model of weight 0.1; 7.6 % without it (ESPnet, egs2/an4/asr1/README.md).": (
        "测试 WER 7.4 %，CER 3.6 %：带 CTC 的 Transformer，由声音训练，有"
        "变速增强和权重 0.1 的语言模型；不用语言模型为 7.6 %（ESPnet，egs2/an4/as"
        "r1/README.md）。"
    ),
    "Single spoken digits, 6 speakers, 8 kHz: 2,400 train, 300 val, 300 test (official). All speakers are in all "
    "splits.": ("单个英语数字，6 位说话人，8 kHz：训练 2,400、验证 300、测试 300（官方）。所有说话人都在所有划分中。"),
    "CC BY-SA 4.0.": "CC BY-SA 4.0。",
    "Accuracy 97 % by a convolutional network on cepstra of the older release with 3 speakers, split at random "
    "(README of adhishthite/sound-mnist); no official results.": (
        "准确率 97 %：在旧版（3 位说话人）的倒谱上随机划分的卷积网络（adhishthite/soun"
        "d-mnist 的 README）；没有官方结果。"
    ),
    "Strings of spoken digits joined from the recordings of fsdd, each by one speaker: 3,600 train, of which "
    "2,400 are the single recordings and 1,200 strings of 2 to 7; 200 val and 600 test of 3 to 7; each from recordings "
    "of its own split.": (
        "由 fsdd 的录音连成的数字串，每串一位说话人：训练 3,600，其中 2,400 为单个录音，1,200 为 2 到 7 个数字的串；"
        "验证 200、测试 600，为 3 到 7 个；各取自本划分的录音。"
    ),
    "None published: the strings are made here.": "无：数字串由本项目生成。",
    # data sets
    "Dates, numbers and amounts of money in the writing of 30 locales, to a normal form; made from CLDR, without end: "
    "60,000 train, 500 val and 1,000 test by default, with no target in two of them.": (
        "30 个区域写法的日期、数字和金额，译成统一格式；由 CLDR 生成，没有穷尽："
        "默认训练 60,000、验证 500、测试 1,000，任何目标文本都不会出现在两个划分中。"
    ),
    "Unicode License v3 (CLDR's data), BSD-3-Clause (Babel).": (
        "Unicode License v3（CLDR 数据），BSD-3-Clause（Babel）。"
    ),
    "None published: the data is made here. The answer is exact, so a perfect score is possible.": (
        "无：数据由本项目生成。答案是精确的，因此可以得到满分。"
    ),
    "Picture captions, English and German: 29,000 train, 1,014 val, 1,000 test (test_2016_flickr), 1,000 "
    "test_2017_flickr, 461 test_2017_mscoco.": (
        "图片说明，英语和德语：训练 29,000，验证 1,014，测试 1,000（test_2016_flickr），"
        "另有 test_2017_flickr 1,000、test_2017_mscoco 461。"
    ),
    "None stated; derived from Flickr30K, whose pictures are for non-commercial research and education.": (
        "未声明；源自 Flickr30K，其图片仅限非商业的研究和教育用途。"
    ),
    "English to German, test_2016_flickr, text only: BLEU 41.02 by Transformer-tiny (README of LividWo/Revisit-MMT, "
    "for Wu et al., ACL 2021).": (
        "英译德，test_2016_flickr，仅文本：Transformer-tiny 的 BLEU 为 41.02"
        "（LividWo/Revisit-MMT 的 README，Wu 等，ACL 2021）。"
    ),
    "Furnishing by a known rule: 3,000 users, 240 items, 6 to 17 actions a user. The next item depends on the last "
    "three.": ("按已知规则布置房间：3,000 个用户，240 个物品，每个用户 6 到 17 次行为。下一个物品取决于最后三个。"),
    "Apache-2.0; made by this package.": "Apache-2.0；由本包生成。",
    "None published: the data is made here. Who knows the rule scores HR@10 0.85, NDCG@10 0.80 on test.": (
        "无：数据由本项目生成。知道规则者在 test 上的 HR@10 为 0.85，NDCG@10 为 0.80。"
    ),
    "Reviews of video games on Amazon, a user and an item each, in time order: 31,013 users, 23,715 items, 287,107 "
    "actions; 30,901 users in val and in test.": (
        "亚马逊电子游戏评论，每条为一个用户和一个物品，按时间排列：31,013 个用户，23,715 个物品，287,107 次行为；"
        "val 和 test 各 30,901 个用户。"
    ),
    "Apache-2.0 (the SASRec repository); none stated for the reviews themselves.": (
        "Apache-2.0（SASRec 仓库）；评论本身未声明。"
    ),
    "HR@10 0.7410, NDCG@10 0.5360 among 100 items drawn uniformly, 10,000 users (SASRec, Kang and McAuley 2018). "
    "Published full-catalogue results are on other preparations of these reviews.": (
        "在均匀抽取的 100 个物品中，10,000 个用户：HR@10 0.7410，NDCG@10 0.5360（SASRec，Kang 和 McAuley 2018）。"
        "已发表的全目录结果使用的是这些评论的其他处理版本。"
    ),
    # text-classification, sentiment
    "Questions to a bank in English, 77 intents: 10,003 train, 3,080 test (40 an intent); no val.": (
        "英文银行客户提问，77 种意图：train 10,003，test 3,080（每种意图 40），没有 val。"
    ),
    "CC BY 4.0": "CC BY 4.0",
    "Accuracy of the universal sentence encoder 92.81, of BERT tuned 93.66 (Casanueva et al. 2020).": (
        "准确率：universal sentence encoder 92.81，微调的 BERT 93.66（Casanueva 等 2020）。"
    ),
    "Names of countries, languages and currencies in 12 languages, to the language: 8,380 train, 655 val,"
    " 1,166 test. What a name stands for is in one split alone; names that two languages share are left "
    "out.": (
        "12 种语言的国家、语言和货币名称，判断是哪种语言：train 8,380，val 655，"
        "test 1,166。同一事物的名称只在一个划分中；两种语言共有的名称不用。"
    ),
    "None published.": "无。",
    "column of the texts": "文本列",
    "column of the labels": "标签列",
    "words of the longest n-gram of words": "词 n 元组最多的词数",
    "characters of the shortest n-gram inside a word": "词内字符 n 元组最少的字符数",
    "characters of the longest n-gram inside a word": "词内字符 n 元组最多的字符数",
    "most n-grams that are known: those that stand in most texts": "最多认识的 n 元组数：出现在最多文本中的",
    "folder or name on the Hub of a Hugging Face encoder to begin with; it reads tokens": (
        "作为起点的 Hugging Face 编码器：文件夹或 Hub 上的名字；它读取词元"
    ),
    "words or tokens of a text that are read; what comes after is cut, and said": (
        "文本中读取的词或词元数；之后的部分截断，并会说明"
    ),
    "texts of a batch times the words or tokens of its longest, at most": (
        "一个批次的文本数乘以最长文本的词数或词元数的上限"
    ),
    "share of the true label that goes to the others": "真实标签分给其他标签的份额",
    "of a text; several are separated by | in a table, or a list in JSONL, and may be none": (
        "每条文本的标签；多个时在表格中用 | 分隔，在 JSONL 中可用列表，也可没有"
    ),
    "transformer over n-gram vectors with attention pooling, which corrects a linear classifier": (
        "n 元组向量上的 Transformer，带注意力池化，修正一个线性分类器"
    ),
    "features of a word": "一个词的特征数",
    "layers that read the words": "读取词的层数",
    "words among which attention runs; longer texts are read part by part": (
        "注意力在多少个词之间进行；更长的文本分段读取"
    ),
    "features with a vector: the most frequent, each in two texts at least": (
        "有向量的 n 元组数：最常见的，每个至少出现在两条文本中"
    ),
    "on words, on every residual branch, and on the pooled vector": "用于词、每个残差分支和池化后的向量",
    "share of a word's features left away in training": "训练时略去的词的 n 元组的份额",
    "share of the words left away in training": "训练时略去的词的份额",
    "share of the texts for which the line keeps silent in training": "训练时线性分类器不发言的文本的份额",
    "begin with a linear classifier of all features, which the network corrects": (
        "从使用全部 n 元组的线性分类器开始，由网络修正"
    ),
    "at the end, fit the line to the validation texts too, once they are scored": (
        "最后，在验证文本评分之后，线性分类器也用它们再拟合一次"
    ),
    "bidirectional LSTM with attention pooling": "带注意力池化的双向 LSTM",
    "features of each direction of the LSTM": "LSTM 每个方向的特征数",
    "on words, on the LSTM's output and on the pooled vector": "用于词、LSTM 的输出和池化后的向量",
    "Hugging Face encoder with attention pooling": "带注意力池化的 Hugging Face 编码器",
    "on the pooled vector; inside, the encoder has its own, but none on attention weights": (
        "用于池化后的向量；编码器内部有自己的，但注意力权重上没有"
    ),
    "labels whose probability is told, the likeliest first": "给出概率的标签数，最可能的在前",
    "the most frequent label": "最常见的标签",
    "linear support vector machine on TF-IDF": "TF-IDF 上的线性支持向量机",
    "Reviews in Chinese, 0 negative and 1 positive: 9,600 train, 1,200 val, 1,200 test.": (
        "中文评论，0 为负面，1 为正面：train 9,600，val 1,200，test 1,200。"
    ),
    "None stated for the data; the repository they are taken from is under Apache-2.0.": (
        "数据未声明；所取自的仓库为 Apache-2.0。"
    ),
    "Test accuracy of BERT 95.0, best of ten runs (README of ymcui/Chinese-BERT-wwm).": (
        "BERT 的测试准确率 95.0，十次运行中最好的（ymcui/Chinese-BERT-wwm 的 README）。"
    ),
    "Opinions of one or two clauses in English and Chinese with negation, emphasis and contrast, 1 to 5 "
    "stars, made here: 6,000 train, 500 val, 1,000 test, all different.": (
        "中英文各一到两个分句的评价，含否定、强调和转折，1 到 5 星，"
        "由本项目生成：train 6,000，val 500，test 1,000，各不相同。"
    ),
    "Sentences of film reviews in English, 0 negative and 1 positive: 6,920 train, 872 val, 1,821 test.": (
        "英文影评句子，0 为负面，1 为正面：train 6,920，val 872，test 1,821。"
    ),
    "None stated for the data; the repository they are taken from is under the MIT licence.": (
        "数据未声明；所取自的仓库为 MIT 许可。"
    ),
    "Trained on phrases too: convolutional network with vectors trained before 87.0, without 83.5 (README"
    " of harvardnlp/sent-conv-torch, for Kim 2014).": (
        "也用短语训练：卷积网络，用预训练词向量 87.0，不用 83.5（harvardnlp/sent-conv-torch 的 README，Kim 2014）。"
    ),
    "Sentences of film reviews in English, 0 very negative to 4 very positive: 8,544 train, 1,101 val, 2,210 test.": (
        "英文影评句子，0 非常负面到 4 非常正面：train 8,544，val 1,101，test 2,210。"
    ),
    "Trained on phrases too: convolutional network with vectors trained before 46.7, without 42.2 (README"
    " of harvardnlp/sent-conv-torch, for Kim 2014).": (
        "也用短语训练：卷积网络，用预训练词向量 46.7，不用 42.2（harvardnlp/sent-conv-torch 的 README，Kim 2014）。"
    ),
    "the labels from worst to best, comma-separated; by default numbers by size, or the alphabet": (
        "从最差到最好的标签，用逗号分隔；默认数字按大小、其他按字母"
    ),
    "learn from the phrases of files of trees too; judged are sentences alone": "也从树文件的短语学习；评判只用句子",
}


def main() -> None:
    for task in TASKS:
        for language in ("en", "zh"):
            path = page_path(task, language)
            text = render(task, language)
            if text != path.read_text(encoding="utf-8"):
                path.write_text(text, encoding="utf-8")
                print(f"{path}: written")


if __name__ == "__main__":
    main()
