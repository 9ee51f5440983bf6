"""Our detector in training beside Hugging Face's DETR of the same dimensions, on the same pictures, in one run.

    OMP_NUM_THREADS=1 python benchmarks/detection_speed.py

Equal are the canvas, the batch, the depths and channels of the convolutions down to patches of 16 pixels (theirs are a
ResNet of basic blocks, all of it trained), the width, heads and feed-forward width of the transformer, its two encoder
and two decoder layers, its 100 queries, losses after each decoder layer, the precision (float32), clipping and fused
AdamW. What differs is what each is: DETR's queries are learned, attend to each other and are matched by the Hungarian
algorithm; ours come from a dense head over a pyramid, for which DETR has no part. Each side has a process of its own,
only one of them works at a time, in turns; the ratio is that of the median turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from _sides import race_pictures
from torch import Tensor, nn

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan

SAME = {"size": 416, "batch_pictures": 8, "width": 64, "heads": 4, "encoder_layers": 2, "refinements": 2}
SAME |= {"feedforward": 192, "channels": 16, "blocks": 2}
QUERIES = 100
TURN_SECONDS, TURNS = 20.0, 5


class Side:
    """Batches as both sides take them, and a model with its optimiser."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        keep_freed_memory()
        self.plan = make_plan("object-detection", "bccd", "proposal-transformer", SAME, 0)
        self.task = self.plan.task
        splits, _ = self.task.read("bccd", 0)
        self.task.learn(splits["train"])
        self.train, _ = self.task.prepare(splits["train"], training=True)
        for index in range(len(splits["train"])):
            self.train.drawn(index)  # decoded before the clock runs
        self.model = self.build()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)

    def build(self) -> nn.Module:
        return self.task.build("proposal-transformer", self.plan.model)

    def loss(self, batch: Any) -> Tensor:
        return torch.stack(
            [loss.total / max(1, loss.count) for loss in self.task.losses(self.model, batch).values()]
        ).sum()

    def steps(self) -> Iterator[int]:
        """Train forever; the pictures of each step."""
        epoch = 0
        while True:
            for indices in self.task.batches(self.train, 0, epoch):
                self.model.train()
                self.loss(self.task.collate(self.train, indices, 0, epoch)).backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
                self.optimizer.step()
                self.optimizer.zero_grad()
                yield len(indices)
            epoch += 1


class Detr(Side):
    """DETR (Carion et al. 2020) over a ResNet that ends at patches of 16 pixels, as ours do."""

    def build(self) -> nn.Module:
        from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

        first, blocks = SAME["channels"], SAME["blocks"]
        backbone = ResNetConfig(
            embedding_size=first,
            hidden_sizes=[2 * first, 4 * first, 8 * first],
            depths=[1, blocks, blocks],
            layer_type="basic",
            out_features=["stage3"],
        )
        config = DetrConfig(
            backbone_config=backbone,
            num_labels=3,
            num_queries=QUERIES,
            d_model=SAME["width"],
            encoder_layers=SAME["encoder_layers"],
            decoder_layers=SAME["refinements"],
            encoder_attention_heads=SAME["heads"],
            decoder_attention_heads=SAME["heads"],
            encoder_ffn_dim=SAME["feedforward"],
            decoder_ffn_dim=SAME["feedforward"],
            dropout=0.0,
            auxiliary_loss=True,
        )
        return DetrForObjectDetection(config).requires_grad_(True)

    def loss(self, batch: Any) -> Tensor:
        images = batch["images"]
        size = torch.tensor([images.shape[-1], images.shape[-2]] * 2)
        found = self.model(
            pixel_values=images,
            labels=[_target(*one, size) for one in zip(batch["objects"], batch["labels"], strict=True)],
        )
        return found.loss


def _target(boxes: Tensor, labels: Tensor, size: Tensor) -> Mapping[str, Tensor]:
    """As DETR wants them: centre, width and height as shares of the picture."""
    boxes, labels = boxes[labels >= 0], labels[labels >= 0]
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return {"class_labels": labels, "boxes": torch.cat((middle, sides), 1) / size}


if __name__ == "__main__":
    race_pictures(
        __file__,
        {"ours": Side, "hf": Detr},
        "object-detection/bccd/default/train_pictures_per_second_vs_hf",
        "Hugging Face DETR",
        SAME,
        turn_seconds=TURN_SECONDS,
        turns=TURNS,
    )
