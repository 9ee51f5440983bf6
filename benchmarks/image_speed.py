"""Our picture classifier in training beside Hugging Face's ViT of the dimensions, on the same pictures, in one run.

    OMP_NUM_THREADS=1 python benchmarks/image_speed.py

Equal are the pictures (28 x 28 in grey), the batch, the patches of 4 pixels, the width, layers, heads and feed-forward
width of the transformer, bfloat16 by autocast, clipping and fused AdamW. Ours is the transformer alone: for its three
levels of convolutions stands the one convolution a patch that ViT has, so that both compute the same products. The
augmentation is ours on both sides and part of the time. Each side has a process of its own, only one of them works at
a time, in turns; the ratio is that of the median turns.
"""

from __future__ import annotations

from typing import Any

import torch
from _sides import PictureSide, race_pictures
from torch import Tensor, nn

from attentionflow.models.picture_classifiers import ConvolutionsAndPatches
from attentionflow.task import Batch

SAME = {"channels": 48, "heads": 6, "layers": 6, "feedforward": 768, "batch_pictures": 128}
TURN_SECONDS, TURNS = 15.0, 5


class Side(PictureSide):
    def __init__(self) -> None:
        super().__init__("image-classification", "fashion_mnist", "patch-transformer", SAME, "val")

    def build(self) -> nn.Module:
        model = super().build()
        assert isinstance(model, ConvolutionsAndPatches)
        patch = self.task.settings.patch
        model.levels = nn.Sequential(nn.Conv2d(1, 4 * SAME["channels"], patch, patch))
        return model

    def logits(self, images: Tensor) -> Tensor:
        return self.model(images)

    def loss(self, batch: Batch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            found = self.logits(batch["images"])
        return self.task.labels.loss(found.float(), batch["targets"], 0.1) / len(found)


class Vit(Side):
    """ViT (Dosovitskiy et al. 2021) from its configuration; its class token is one position more than our patches."""

    def build(self) -> nn.Module:
        from transformers import ViTConfig, ViTForImageClassification

        config = ViTConfig(
            image_size=28,
            patch_size=self.task.settings.patch,
            num_channels=1,
            hidden_size=4 * SAME["channels"],
            num_hidden_layers=SAME["layers"],
            num_attention_heads=SAME["heads"],
            intermediate_size=SAME["feedforward"],
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            num_labels=10,
        )
        model: Any = ViTForImageClassification(config)
        return model.train()

    def logits(self, images: Tensor) -> Tensor:
        return self.model(pixel_values=images).logits


if __name__ == "__main__":
    race_pictures(
        __file__,
        {"ours": Side, "hf": Vit},
        "image-classification/default/train_images_per_second_vs_hf",
        "Hugging Face ViT",
        SAME,
        turn_seconds=TURN_SECONDS,
        turns=TURNS,
    )
