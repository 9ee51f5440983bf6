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

from collections.abc import Mapping
from typing import Any

import torch
from _sides import PictureSide, race_pictures
from torch import Tensor, nn

SAME = {"size": 416, "batch_pictures": 8, "width": 64, "heads": 4, "encoder_layers": 2, "refinements": 2}
SAME |= {"feedforward": 192, "channels": 16, "blocks": 2}
QUERIES = 100
TURN_SECONDS, TURNS = 20.0, 5


class Side(PictureSide):
    clip = 10.0

    def __init__(self) -> None:
        super().__init__("object-detection", "bccd", "proposal-transformer", SAME, "train")
        for index in range(len(self.train.pictures)):
            self.train.drawn(index)  # decoded before the clock runs

    def loss(self, batch: Any) -> Tensor:
        return torch.stack(
            [loss.total / max(1, loss.count) for loss in self.task.losses(self.model, batch).values()]
        ).sum()


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
