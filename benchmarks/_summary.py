"""What each task came to, in a table of the README, from the newest claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Row(NamedTuple):
    """better: whether a higher or a lower figure is. field: of the claim's line, where its value is not what is shown.

    measure, published: in English and in Chinese; the figure that was published for the same test data, and whose.
    """

    task: str
    claim: str
    measure: tuple[str, str]
    published: tuple[str, str] = ("", "")
    better: str = "higher"
    field: str = "value"


ROWS = [
    Row(
        "translation",
        "translation/multi30k/default/bleu",
        ("Multi30k English to German, BLEU", "Multi30k 英译德，BLEU"),
        ("41.0, a transformer of this size", "41.0，同等规模的 transformer"),
    ),
    Row(
        "text-generation",
        "text-generation/wikitext2/best/perplexity",
        ("WikiText-2, perplexity a word", "WikiText-2，每词困惑度"),
        ("65.8, AWD-LSTM", "65.8，AWD-LSTM"),
        "lower",
    ),
    Row(
        "summarisation",
        "summarisation/samsum/default/rouge1",
        ("SAMSum, ROUGE-1", "SAMSum，ROUGE-1"),
        ("36.6, a transformer; 40.9, a pointer-generator", "36.6，transformer；40.9，指针生成网络"),
    ),
    Row(
        "text-classification",
        "text-classification/banking77/default/accuracy_minus_svm",
        ("Banking77, accuracy among 77 intents", "Banking77，77 种意图的准确率"),
        field="accuracy",
    ),
    Row(
        "sentiment",
        "sentiment/sst2/default/accuracy_minus_svm",
        ("SST-2, accuracy; begun with MiniLM: 0.89", "SST-2，准确率；以 MiniLM 开始：0.89"),
        field="accuracy",
    ),
    Row(
        "dialogue",
        "dialogue/dailydialog/default/recall_at_1_of_10",
        ("DailyDialog, the true reply first among 10", "DailyDialog，10 句中真实回复居首"),
    ),
    Row(
        "time-series-forecasting",
        "time-series-forecasting/etth1/96/mse",
        ("ETTh1, 96 hours ahead, squared error", "ETTh1，预测 96 小时，平方误差"),
        ("0.370, PatchTST", "0.370，PatchTST"),
        "lower",
    ),
    Row(
        "recommendation",
        "recommendation/sasrec_games/default/hr10",
        ("Amazon games, hit rate at 10 of 101", "Amazon 游戏，101 选 10 命中率"),
        ("0.741, SASRec", "0.741，SASRec"),
    ),
    Row(
        "speech-recognition",
        "speech-recognition/an4/default/wer",
        ("AN4, word error rate", "AN4，词错误率"),
        ("0.074, ESPnet's transformer", "0.074，ESPnet 的 transformer"),
        "lower",
    ),
    Row(
        "speech-synthesis",
        "speech-synthesis/fsdd/default/roundtrip_wer_minus_real",
        (
            "strings of spoken digits, word errors of a recogniser beyond those on recordings",
            "口述数字串，识别器比对录音多出的词错误",
        ),
        better="lower",
    ),
    Row(
        "audio-processing/tagging",
        "audio-processing/esc10/tagging/accuracy",
        ("ESC-10, accuracy over five folds", "ESC-10，五折准确率"),
        ("0.957, people", "0.957，人"),
    ),
    Row(
        "audio-processing/enhancement",
        "audio-processing/fsdd/enhancement/si_sdr_improvement",
        ("spoken digits in noise, gain of SI-SDR in dB", "噪声中的口述数字，SI-SDR 提升（dB）"),
    ),
    Row(
        "image-classification",
        "image-classification/fashion_mnist/default/accuracy",
        ("Fashion-MNIST, accuracy", "Fashion-MNIST，准确率"),
        ("0.949, ResNet18", "0.949，ResNet18"),
    ),
    Row(
        "image-recognition",
        "image-recognition/omniglot/default/error",
        ("Omniglot, error of one among 20 from one picture each", "Omniglot，每类一图、20 选 1 的错误率"),
        ("0.301, a prototypical network; 0.045, people", "0.301，原型网络；0.045，人"),
        "lower",
    ),
    Row(
        "image-segmentation",
        "image-segmentation/camvid/default/miou",
        ("CamVid, mean IoU of 11 classes", "CamVid，11 类平均 IoU"),
        ("0.513, ENet; 0.669, FC-DenseNet103", "0.513，ENet；0.669，FC-DenseNet103"),
    ),
    Row(
        "object-detection",
        "object-detection/bccd/default/map50",
        ("BCCD, mAP at 0.5", "BCCD，mAP@0.5"),
        ("0.904, YOLOv8n, pre-trained, another split", "0.904，YOLOv8n，预训练，另一划分"),
    ),
    Row(
        "multi-task",
        "multi-task/multimnist/default/right_accuracy",
        ("Multi-MNIST, accuracy of the right digit", "Multi-MNIST，右侧数字准确率"),
        ("0.959, MGDA-UB", "0.959，MGDA-UB"),
    ),
    Row(
        "video-recognition",
        "video-recognition/jhmdb_pose/default/accuracy",
        ("J-HMDB from joints, accuracy over three splits", "J-HMDB（关节点），三个划分的准确率"),
        ("0.787, DD-Net", "0.787，DD-Net"),
    ),
    Row(
        "video-processing",
        "video-processing/generated/default/event_f1",
        ("events in generated films, F1", "生成影片中的事件，F1"),
    ),
]
HEADS = (
    ["task", "test data and measure", "here", "simple method", "published"],
    ["任务", "测试数据与指标", "本包", "简单方法", "已发表"],
)


def summary(newest: Mapping[str, Mapping[str, Any]], language: int) -> str:
    """The table in English, 0, or in Chinese, 1. The simple method is the best of those beside the claim."""
    lines = ["| " + " | ".join(HEADS[language]) + " |", "|---" * len(HEADS[language]) + "|"]
    for row in ROWS:
        line = newest.get(row.claim)
        if line is None:
            continue
        beside = line["baseline"] or {}
        best = (max if row.better == "higher" else min)(beside.values(), default=None)
        cells = [f"`{row.task}`", row.measure[language], f"**{_figure(line[row.field])}**"]
        cells += ["" if best is None else _figure(best), row.published[language]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _figure(value: float) -> str:
    """Three digits, or one decimal of what is over ten."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
