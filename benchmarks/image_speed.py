"""Our picture classifier in training beside Hugging Face's ViT of the dimensions, on the same pictures, in one run.

    OMP_NUM_THREADS=1 python benchmarks/image_speed.py

Equal are the pictures (28 x 28 in grey), the batch, the patches of 4 pixels, the width, layers, heads and feed-forward
width of the transformer, bfloat16 by autocast, clipping and fused AdamW. Ours is the transformer alone: for its three
levels of convolutions stands the one convolution a patch that ViT has, so that both compute the same products. The
augmentation is ours on both sides and part of the time. Each side has a process of its own, only one of them works at
a time, in turns; the ratio is that of the median turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from _sides import race_pictures
from torch import Tensor, nn

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan
from attentionflow.models.picture_classifiers import ConvolutionsAndPatches

SAME = {"channels": 48, "heads": 6, "layers": 6, "feedforward": 768, "batch_pictures": 128}
TURN_SECONDS, TURNS = 15.0, 5


class Side:
    """Batches as both sides take them, and a model with its optimiser."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        keep_freed_memory()
        self.plan = make_plan("image-classification", "fashion_mnist", "patch-transformer", SAME, 0)
        self.task = self.plan.task
        splits, _ = self.task.read("fashion_mnist", 0)
        self.task.learn(splits["val"])
        self.train, _ = self.task.prepare(splits["val"], training=True)
        self.model = self.build()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)

    def build(self) -> nn.Module:
        model = self.task.build("patch-transformer", self.plan.model)
        assert isinstance(model, ConvolutionsAndPatches)
        patch = self.task.settings.patch
        model.levels = nn.Sequential(nn.Conv2d(1, 4 * SAME["channels"], patch, patch))
        return model

    def logits(self, images: Tensor) -> Tensor:
        return self.model(images)

    def steps(self) -> Iterator[int]:
        """Train forever; the pictures of each step."""
        epoch = 0
        while True:
            for indices in self.task.batches(self.train, 0, epoch):
                batch = self.task.collate(self.train, indices, 0, epoch)
                with torch.autocast("cpu", torch.bfloat16):
                    found = self.logits(batch["images"])
                loss = self.task.labels.loss(found.float(), batch["targets"], 0.1) / len(indices)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimizer.step()
                self.optimizer.zero_grad()
                yield len(indices)
            epoch += 1


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
