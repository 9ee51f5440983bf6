"""Our transformer beside Hugging Face's Marian of the same dimensions, on the same pairs of Multi30k, in turns.

    python benchmarks/speed_vs_marian.py                 both, writes the claims
    python benchmarks/speed_vs_marian.py memory ours     peak memory of one side, in a process of its own

Both use one vocabulary, the same dropout, label smoothing, gradient clipping and fused AdamW, and about as many target
tokens a step. Marian takes its batches from its own collator and length grouping, loss by `cross_entropy` on its
logits, and decodes by `generate` in batches sorted by length. Each side trains for the same minutes, in turns, and then
decodes the whole test set with the model that came out, so hypotheses have natural lengths; those are reported.
"""

from __future__ import annotations

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
from transformers import DataCollatorForSeq2Seq, MarianConfig, MarianMTModel
from transformers.trainer_pt_utils import LengthGroupedSampler

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan
from attentionflow._predict import predict_batches
from attentionflow.readers.vocabulary import END, PAD, START

TURN_SECONDS, TURNS = 40.0, 4
TOKENS = 2048
BEAMS = 5


def clip_and_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def adam(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.0, fused=True)


class Ours:
    def __init__(self) -> None:
        keep_freed_memory()
        torch.manual_seed(0)
        self.plan = make_plan("translation", "multi30k", None, {"batch_tokens": TOKENS}, 0)
        self.task = self.plan.task
        self.splits, _ = self.task.read("multi30k", 0)
        self.task.learn(self.splits["train"])
        self.train, _ = self.task.prepare(self.splits["train"], True)
        self.model = self.task.build("transformer", self.plan.model)
        self.optimizer = adam(self.model)

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

    def decode(self) -> list[int]:
        """Tokens of each hypothesis of the test set."""
        self.model.eval()
        examples = list(self.splits["test"])
        prepared, _ = self.task.prepare(examples, False)
        options = self.task.options_type(beams=BEAMS)
        found = predict_batches(self.task, self.model, prepared, examples, options)
        return [len(prediction.raw) for _, prediction in found]


class Marian:
    def __init__(self, ours: Ours) -> None:
        torch.manual_seed(0)
        same, vocabulary = ours.plan.model, len(ours.task.vocabulary)
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
        self.optimizer = adam(self.model)
        self.smoothing = ours.plan.task.settings.label_smoothing
        pairs = zip(ours.train.sources, ours.train.targets, strict=True)
        self.pairs = [{"input_ids": s, "labels": [*t, END], "attention_mask": [1] * len(s)} for s, t in pairs]
        mean = np.mean([max(len(p["input_ids"]), len(p["labels"])) for p in self.pairs])
        self.batch = round(TOKENS / float(mean))
        self.collate = DataCollatorForSeq2Seq(_Padder(), model=self.model, label_pad_token_id=-100)
        test, _ = ours.task.prepare(list(ours.splits["test"]), False)
        self.test = sorted(test.sources, key=len)

    def steps(self) -> Iterator[int]:
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
    def decode(self) -> list[int]:
        self.model.eval()
        lengths: list[int] = []
        for start in range(0, len(self.test), 64):
            chosen = [{"input_ids": s, "attention_mask": [1] * len(s)} for s in self.test[start : start + 64]]
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


def decoded(decode: Callable[[], list[int]]) -> tuple[float, float]:
    """Sentences a second, and mean tokens of a hypothesis."""
    started = time.perf_counter()
    lengths = decode()
    return len(lengths) / (time.perf_counter() - started), float(np.mean(lengths))


def memory(side: str) -> None:
    """Train for a while and decode; print the peak resident memory in MiB."""
    ours = Ours()
    one = ours if side == "ours" else Marian(ours)
    timed(one.steps(), 20)
    one.decode()
    # Not getrusage: its peak is inherited from the parent process.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(peak[1]) / 1024)


def main() -> None:
    ours = Ours()
    sides: dict[str, Any] = {"ours": ours, "marian": Marian(ours)}
    steps = {name: side.steps() for name, side in sides.items()}
    totals = {name: [0, 0.0] for name in sides}
    for name in sides:
        timed(steps[name], 5)  # allocations and kernel choices
    for _ in range(TURNS):
        for name in sides:
            tokens, seconds = timed(steps[name], TURN_SECONDS)
            totals[name][0] += tokens
            totals[name][1] += seconds
    rates = {name: tokens / seconds for name, (tokens, seconds) in totals.items()}
    about = {"parameters": {name: sum(p.numel() for p in side.model.parameters()) for name, side in sides.items()}}
    claim(
        "translation/multi30k/default/train_tokens_per_second_vs_marian",
        rates["ours"] / rates["marian"],
        "x",
        ">= 1.5",
        peer={"Marian target tokens/s": rates["marian"], "ours": rates["ours"]},
        **about,
    )
    speeds = {name: [decoded(side.decode) for _ in range(2)] for name, side in sides.items()}
    best = {name: max(found) for name, found in speeds.items()}
    claim(
        "translation/multi30k/default/beam5_sentences_per_second_vs_marian",
        best["ours"][0] / best["marian"][0],
        "x",
        ">= 3",
        peer={"Marian sentences/s": best["marian"][0], "ours": best["ours"][0]},
        tokens_per_hypothesis={name: round(length, 2) for name, (_, length) in best.items()},
    )
    peaks = {}
    for name in sides:
        command = [sys.executable, __file__, "memory", name]
        peaks[name] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    claim(
        "translation/multi30k/default/peak_memory_vs_marian",
        peaks["ours"] / peaks["marian"],
        "x",
        "<= 1",
        peer={"Marian MiB": peaks["marian"], "ours MiB": peaks["ours"]},
    )


if __name__ == "__main__":
    memory(sys.argv[2]) if sys.argv[1:2] == ["memory"] else main()
