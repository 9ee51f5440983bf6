"""Our segmenter in training beside Hugging Face's SegFormer of the dimensions, on the same pictures, in one run.

    OMP_NUM_THREADS=1 python benchmarks/segmentation_speed.py

Equal are the pictures (CamVid, 240 x 192 on the canvas), the batch, the levels (a quarter, an eighth and a sixteenth of
the sides) with their features and numbers of blocks, two further layers on the coarsest, the features in which levels
are joined, bfloat16 by autocast, the loss (cross entropy on every pixel), clipping and fused AdamW. What differs is
what each is: SegFormer's blocks are efficient self-attention and a mixed feed-forward part on every level, its answer
is a quarter of the sides, blown up; ours are residual convolutions below self-attention, and the answer has all pixels.
The augmentation is ours on both sides and part of the time, and so is waiting for data, whose share is written down.
Each side has a process of its own, only one of them works at a time, in turns; the ratio is that of the median turns.
"""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.nn.functional as F
from _sides import PictureSide, race_pictures
from torch import Tensor, nn

from attentionflow.readers.masks import IGNORED
from attentionflow.task import Batch

SAME: dict[str, Any] = {"channels": 24, "blocks": 2, "layers": 2, "feedforward": 768, "width": 64, "overlap": 0.0}
TURN_SECONDS, TURNS = 15.0, 5


class Side(PictureSide):
    def __init__(self) -> None:
        super().__init__("image-segmentation", "camvid", "mask-transformer", SAME, "train")

    def logits(self, images: Tensor) -> Tensor:
        return self.model(images)

    def loss(self, batch: Batch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            found = self.logits(batch["images"])
        return F.cross_entropy(found.float(), batch["masks"], ignore_index=IGNORED)

    def waiting(self, batches: int = 20) -> float:
        """Share of a step's CPU time in which its data are made, on this thread."""
        started = time.process_time()
        for indices in self.task.batches(self.train, 0, 1)[:batches]:
            self.task.collate(self.train, indices, 0, 1)
        made = time.process_time() - started
        steps, started = self.steps(), time.process_time()
        for _ in range(batches):
            next(steps)
        return made / (time.process_time() - started)


class SegFormer(Side):
    """SegFormer (Xie et al. 2021) from its configuration."""

    def build(self) -> nn.Module:
        from transformers import SegformerConfig, SegformerForSemanticSegmentation

        first, blocks = SAME["channels"], SAME["blocks"]
        config = SegformerConfig(
            num_encoder_blocks=3,
            depths=[blocks, blocks, blocks + SAME["layers"]],
            hidden_sizes=[2 * first, 4 * first, 8 * first],
            strides=[4, 2, 2],
            patch_sizes=[7, 3, 3],
            sr_ratios=[4, 2, 1],
            num_attention_heads=[1, 2, 4],
            mlp_ratios=[4, 4, 4],
            decoder_hidden_size=SAME["width"],
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            classifier_dropout_prob=0.0,
            drop_path_rate=0.0,
            num_labels=len(self.task.classes.names),
        )
        return SegformerForSemanticSegmentation(config).train()

    def logits(self, images: Tensor) -> Tensor:
        found = self.model(pixel_values=images).logits
        return F.interpolate(found, images.shape[-2:], mode="bilinear", align_corners=False)


if __name__ == "__main__":
    race_pictures(
        __file__,
        {"ours": Side, "hf": SegFormer},
        "image-segmentation/default/train_images_per_second_vs_hf",
        "Hugging Face SegFormer",
        SAME,
        turn_seconds=TURN_SECONDS,
        turns=TURNS,
        more=lambda: {"waiting_for_data": round(Side().waiting(), 4)},
    )
