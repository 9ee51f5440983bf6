"""Our patch transformer in training beside Hugging Face's PatchTST of the same dimensions, on the same windows.

    python benchmarks/forecasting_speed.py

Both train on ETTh1 with one look-back, horizon, patch, stride, width, number of layers and heads, feed-forward width,
LayerNorm, ReLU, dropout in the same places, batch, clipping and fused AdamW, and both take PyTorch's fused attention.
PatchTST makes a point forecast of 41 patches, we quantiles beside it of 42. Each has a process of its own, only one of
them works at a time, in turns; the ratio is that of the median turns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import torch
from _results import claim
from _sides import asked_side, race, work
from torch import Tensor

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan

SAME = {"look_back": 336, "horizon": 96, "batch_windows": 32, "patch": 16, "stride": 8, "width": 16, "heads": 4}
SAME |= {"layers": 3, "feedforward": 128, "dropout": 0.3}
TURN_SECONDS, TURNS = 8.0, 5


def clip_and_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


class Side:
    """Windows as both sides take them, and a model with its optimiser."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.plan = make_plan("time-series-forecasting", "etth1", "patch-transformer", SAME, 0)
        self.task = self.plan.task
        splits, _ = self.task.read("etth1", 0)
        self.task.learn(splits["train"])
        self.train, _ = self.task.prepare(splits["train"], training=True)
        self.model = self.build()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=True)

    def build(self) -> torch.nn.Module:
        raise NotImplementedError

    def loss(self, batch: Any) -> Tensor:
        raise NotImplementedError

    def steps(self) -> Iterator[int]:
        """Train forever; the windows of each step."""
        epoch = 0
        while True:
            for indices in self.task.batches(self.train, 0, epoch):
                self.model.train()
                self.loss(self.task.collate(self.train, indices, 0, epoch)).backward()
                clip_and_step(self.model, self.optimizer)
                yield len(indices)
            epoch += 1


class Ours(Side):
    def build(self) -> torch.nn.Module:
        keep_freed_memory()
        return self.task.build("patch-transformer", self.plan.model)

    def loss(self, batch: Any) -> Tensor:
        return torch.stack([loss.total / loss.count for loss in self.task.losses(self.model, batch).values()]).sum()


class HuggingFace(Side):
    def build(self) -> torch.nn.Module:
        from transformers import PatchTSTConfig, PatchTSTForPrediction

        config = PatchTSTConfig(
            num_input_channels=7,
            context_length=SAME["look_back"],
            prediction_length=SAME["horizon"],
            patch_length=SAME["patch"],
            patch_stride=SAME["stride"],
            d_model=SAME["width"],
            num_hidden_layers=SAME["layers"],
            num_attention_heads=SAME["heads"],
            ffn_dim=SAME["feedforward"],
            attention_dropout=0.0,
            positional_dropout=SAME["dropout"],
            path_dropout=SAME["dropout"],
            ff_dropout=SAME["dropout"],
            norm_type="layernorm",
            activation_function="relu",
            head_dropout=SAME["dropout"],
            scaling="std",
            loss="mse",
            pooling_type=None,
            share_embedding=True,
            channel_attention=False,
        )
        return PatchTSTForPrediction(config)

    def loss(self, batch: Any) -> Tensor:
        return self.model(past_values=batch["past"], future_values=batch["future"]).loss


def main() -> None:
    rates = race(__file__, TURNS)
    ours, theirs = rates.medians(rates.wall)
    claim(
        "time-series-forecasting/etth1/default/train_windows_per_second_vs_hf",
        ours / theirs,
        "x",
        ">= 1.2",
        baseline={"ours, windows a second": ours},
        peer={"Hugging Face PatchTST, windows a second": theirs},
        turns={side: [round(rate, 1) for rate in found] for side, found in rates.wall.items()},
        threads=torch.get_num_threads(),
        dimensions=SAME,
        omp=os.environ.get("OMP_NUM_THREADS", ""),
    )


if __name__ == "__main__":
    if side := asked_side():
        made = {"ours": Ours, "hf": HuggingFace}[side]()
        work(made.steps(), sum(p.numel() for p in made.model.parameters()), TURN_SECONDS, warmup=5)
    else:
        main()
