"""Our transformer beside Hugging Face's Marian of the same dimensions, on the same pairs of Multi30k, in turns.

    python benchmarks/speed_vs_marian.py

Each side has a process of its own, and only one of them works at a time. Both use one vocabulary, the same dropout,
label smoothing, gradient clipping and fused AdamW, and about as many target tokens a step. Marian takes its batches
from its own collator and length grouping, its loss by `cross_entropy` on its logits, and decodes by `generate` in
batches sorted by length. Each side trains for the same minutes, in turns, and then decodes the whole test set with the
model that came out, so hypotheses have natural lengths; those are reported. Of several sizes of batch, Marian's best
counts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "true"

import numpy as np
import torch
import torch.nn.functional as F
from _results import claim

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan
from attentionflow._predict import predict_batches
from attentionflow.readers.vocabulary import END, PAD, START

TURN_SECONDS, TURNS = 40.0, 3
TOKENS = 2048
BEAMS = 5
MARIAN_BATCHES = (64, 128, 256)  # sentences that it decodes at a time


def clip_and_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def adam(model: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)


class Data:
    """The pairs as token ids: the same for both sides."""

    def __init__(self) -> None:
        self.plan = make_plan("translation", "multi30k", None, {"batch_tokens": TOKENS}, 0)
        self.task = self.plan.task
        self.splits, _ = self.task.read("multi30k", 0)
        self.task.learn(self.splits["train"])
        self.train, _ = self.task.prepare(self.splits["train"], True)


class Ours:
    def __init__(self, data: Data) -> None:
        keep_freed_memory()
        torch.manual_seed(0)
        self.task, self.splits, self.train = data.task, data.splits, data.train
        self.model = self.task.build("transformer", data.plan.model)
        self.optimizer = adam(self.model, 2e-3)

    def steps(self) -> Iterator[int]:
        """Train forever; the target tokens of each step, padding not counted."""
        epoch = 0
        while True:
            for indices in self.task.batches(self.train, 0, epoch):
                self.model.train()
                batch = self.task.collate(self.train, indices, 0, epoch)
                loss = self.task.losses(self.model, batch)["nats"]
                (loss.total / loss.count).backward()
                clip_and_step(self.model, self.optimizer)
                yield batch.size
            epoch += 1

    def decode(self, size: int) -> list[int]:
        """Tokens of each hypothesis of the test set; batches are the package's own, whatever the size."""
        self.model.eval()
        examples = list(self.splits["test"])
        prepared, _ = self.task.prepare(examples, False)
        options = self.task.options_type(beams=BEAMS)
        found = predict_batches(self.task, self.model, prepared, examples, options)
        return [len(prediction.raw) for _, prediction in found]


class Marian:
    def __init__(self, data: Data) -> None:
        from transformers import DataCollatorForSeq2Seq, MarianConfig, MarianMTModel

        torch.manual_seed(0)
        same, vocabulary = data.plan.model, len(data.task.vocabulary)
        config = MarianConfig(
            vocab_size=vocabulary,
            d_model=same.width,
            encoder_layers=same.encoder_layers,
            decoder_layers=same.decoder_layers,
            encoder_attention_heads=same.heads,
            decoder_attention_heads=same.heads,
            encoder_ffn_dim=same.feedforward,
            decoder_ffn_dim=same.feedforward,
            dropout=same.dropout,
            attention_dropout=0.0,
            activation_dropout=0.0,
            activation_function="relu",
            scale_embedding=True,
            share_encoder_decoder_embeddings=True,
            tie_word_embeddings=True,
            max_position_embeddings=512,
            pad_token_id=PAD,
            eos_token_id=END,
            bos_token_id=START,
            decoder_start_token_id=START,
            forced_eos_token_id=None,
        )
        self.model = MarianMTModel(config)
        # With its norms behind the residuals, it collapses at our rate without a warm-up.
        self.optimizer = adam(self.model, 4e-4)
        self.smoothing = data.plan.task.settings.label_smoothing
        pairs = zip(data.train.sources, data.train.targets, strict=True)
        self.pairs = [{"input_ids": s, "labels": [*t, END], "attention_mask": [1] * len(s)} for s, t in pairs]
        mean = np.mean([max(len(p["input_ids"]), len(p["labels"])) for p in self.pairs])
        self.batch = round(TOKENS / float(mean))
        self.collate = DataCollatorForSeq2Seq(_Padder(), model=self.model, label_pad_token_id=-100)
        test, _ = data.task.prepare(list(data.splits["test"]), False)
        self.test = sorted(test.sources, key=len)

    def steps(self) -> Iterator[int]:
        from transformers.trainer_pt_utils import LengthGroupedSampler

        lengths = [len(pair["labels"]) for pair in self.pairs]
        generator = torch.Generator().manual_seed(0)
        while True:
            rows = list(LengthGroupedSampler(self.batch, lengths=lengths, generator=generator))
            for start in range(0, len(rows), self.batch):
                self.model.train()
                batch = self.collate([self.pairs[row] for row in rows[start : start + self.batch]])
                labels = batch.pop("labels")
                logits = self.model(**batch, use_cache=False).logits
                loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=self.smoothing)
                loss.backward()
                clip_and_step(self.model, self.optimizer)
                yield int((labels != -100).sum())

    @torch.inference_mode()
    def decode(self, size: int) -> list[int]:
        self.model.eval()
        lengths: list[int] = []
        for start in range(0, len(self.test), size):
            chosen = [{"input_ids": s, "attention_mask": [1] * len(s)} for s in self.test[start : start + size]]
            batch = _Padder().pad(chosen, return_tensors="pt")
            longest = batch["input_ids"].shape[1]
            found = self.model.generate(
                **batch, num_beams=BEAMS, max_new_tokens=2 * longest + 17, early_stopping=True, do_sample=False
            )
            lengths += ((found != PAD) & (found != END) & (found != START)).sum(1).tolist()
        return lengths


class _Padder:
    """What the collator wants of a tokenizer: padding."""

    padding_side = "right"

    def pad(self, features: list[dict[str, Any]], return_tensors: str = "pt", **_: Any) -> dict[str, torch.Tensor]:
        fill = {"input_ids": PAD, "attention_mask": 0, "labels": -100}
        longest = {key: max(len(f[key]) for f in features) for key in features[0]}
        return {
            key: torch.tensor([[*f[key], *[fill[key]] * (longest[key] - len(f[key]))] for f in features])
            for key in features[0]
        }


def timed(steps: Iterator[int], seconds: float) -> tuple[int, float]:
    """Target tokens and seconds of at least this long."""
    tokens, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        tokens += next(steps)
    return tokens, time.perf_counter() - started


def decoded(decode: Callable[[int], list[int]], size: int) -> tuple[float, float]:
    """Sentences a second, and mean tokens of a hypothesis."""
    started = time.perf_counter()
    lengths = decode(size)
    return len(lengths) / (time.perf_counter() - started), float(np.mean(lengths))


def work(side: str) -> None:
    """Do what standard input asks for, and answer each line with one of JSON."""
    one: Ours | Marian = {"ours": Ours, "marian": Marian}[side](Data())
    steps = one.steps()
    for line in sys.stdin:
        match line.split():
            case ["train", seconds]:
                answer: Any = timed(steps, float(seconds))
            case ["decode", size]:
                answer = decoded(one.decode, int(size))
            case ["parameters"]:
                answer = sum(p.numel() for p in one.model.parameters())
            case ["peak"]:  # MiB; not getrusage, whose peak is inherited from the parent process
                answer = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
        print(json.dumps(answer), flush=True)


class Worker:
    """A side in a process of its own."""

    def __init__(self, side: str) -> None:
        command = [sys.executable, __file__, side]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, request: str) -> Any:
        print(request, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def main() -> None:
    sides = {name: Worker(name) for name in ("ours", "marian")}
    totals = {name: [0, 0.0] for name in sides}
    for worker in sides.values():
        worker("train 5")  # allocations and kernel choices
    for _ in range(TURNS):
        for name, worker in sides.items():
            tokens, seconds = worker(f"train {TURN_SECONDS}")
            totals[name][0] += tokens
            totals[name][1] += seconds
    rates = {name: tokens / seconds for name, (tokens, seconds) in totals.items()}
    claim(
        "translation/multi30k/default/train_tokens_per_second_vs_marian",
        rates["ours"] / rates["marian"],
        "x",
        ">= 1.5",
        peer={"Marian target tokens/s": rates["marian"], "ours": rates["ours"]},
        parameters={name: worker("parameters") for name, worker in sides.items()},
    )
    speeds: dict[tuple[str, int], list[tuple[float, float]]] = {("ours", 0): []}
    speeds |= {("marian", size): [] for size in MARIAN_BATCHES}
    for _ in range(3):
        for (name, size), found in speeds.items():
            found.append(sides[name](f"decode {size}"))
    middle = {name: max(sorted(found)[1] for (side, _), found in speeds.items() if side == name) for name in sides}
    claim(
        "translation/multi30k/default/beam5_sentences_per_second_vs_marian",
        middle["ours"][0] / middle["marian"][0],
        "x",
        ">= 3",
        peer={"Marian sentences/s": middle["marian"][0], "ours": middle["ours"][0]},
        tokens_per_hypothesis={name: round(length, 2) for name, (_, length) in middle.items()},
    )
    peaks = {name: worker("peak") for name, worker in sides.items()}
    claim(
        "translation/multi30k/default/peak_memory_vs_marian",
        peaks["ours"] / peaks["marian"],
        "x",
        "<= 1",
        peer={"Marian MiB": peaks["marian"], "ours MiB": peaks["ours"]},
    )


if __name__ == "__main__":
    work(sys.argv[1]) if len(sys.argv) > 1 else main()
