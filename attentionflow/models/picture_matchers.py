"""Networks that tell how similar a picture is to each of some known ones, so that new things need no training.

Letters: B pictures, G known pictures, C channels, H height, W width, P patches, F features, E embedding, D description.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.picture_classifiers import (
    FINEST,
    LABEL,
    PATCHES,
    Gated,
    GatedConvolutionsSettings,
    GatedEncoder,
    PatchEncoder,
    PatchTransformerSettings,
    Sight,
)
from attentionflow.nn.matching import Counterparts, GalleryAttention
from attentionflow.nn.pooling import AttentionPooling

GALLERY = "gallery"  # stream of what is known: its pictures patch by patch, or its things
BLOCK = 1 << 24  # features that are compared at a time


class PictureMatcher(nn.Module, ABC):
    """naming: from similarities to names. parts: positions of a known picture in the stream of the gallery.
    by_thing: whether a picture is compared with the mean of a thing's descriptions, not with each of them."""

    gated: tuple[Gated, ...] = ()  # levels whose channels and places are gated
    by_thing: ClassVar[bool]
    parts: int
    naming: GalleryAttention

    @abstractmethod
    def describe(self, images: Tensor) -> Tensor:
        """(B, C, H, W): all that is kept of a picture to compare it, (B, D)."""

    @abstractmethod
    def similarity(self, seen: Tensor, known: Tensor) -> Tensor:
        """Descriptions (B, D) and (B or 1, G, D) of what each is compared with: (B, G)."""

    def log_probability(self, seen: Tensor, known: Tensor, right: Tensor, present: Tensor, rest: Tensor) -> Tensor:
        """(B,): of the columns that are right, among those compared and what else is known.

        seen (B, D); known (B or 1, G, D); right, present (B or 1, G) bool; rest (B or 1,): log of the sum of
        exponentials of all that is known but not compared. Of a known picture, each part carries an equal share.
        """
        similarity = self.similarity(seen, known)
        spread, values, mask = (one.repeat_interleave(self.parts, 1) for one in (similarity, right, present))
        share = self.naming(spread[:, None], values[..., None].to(spread.dtype), mask[:, None])[:, 0, 0]
        among = self.naming.logits(similarity).masked_fill(~present, -torch.inf).logsumexp(1)
        return share.clamp_min(torch.finfo(share.dtype).tiny).log() + among - torch.logaddexp(among, rest)


class PatchMatcherSettings(PatchTransformerSettings):
    features: int = Field(32, ge=4, description="features of a patch by which it is found and compared")
    embedding: int = Field(128, ge=4, description="features of a picture as a whole by which it is compared")


class PatchMatcher(PatchEncoder, PictureMatcher):
    """Residual convolutions and self-attention between patches; two pictures are as similar as their patches are.

    Each patch of the known picture looks for its counterpart in the other (`Counterparts`); the mean inner product of
    the two is one half of the similarity, the cosine of what each picture's pooling attends to is the other.
    """

    by_thing = False

    def __init__(self, settings: PatchMatcherSettings, sight: Sight) -> None:
        super().__init__(settings, sight)
        width = FINEST * settings.channels
        self.parts = sight.patches
        self.pooling = AttentionPooling(width, settings.heads, Place("pool", LABEL, PATCHES, residual=False))
        self.embed = nn.Linear(width, settings.embedding)
        self.counterparts = Counterparts(width, settings.features, Place("cross", GALLERY, PATCHES, residual=False))
        self.naming = GalleryAttention(Place("cross", LABEL, GALLERY))

    def describe(self, images: Tensor) -> Tensor:
        patches = self.encode(images)
        whole = F.normalize(self.embed(self.pooling(patches)).float(), dim=-1)
        return torch.cat((whole, self.counterparts.describe(patches).float().flatten(1)), 1)

    def similarity(self, seen: Tensor, known: Tensor) -> Tensor:
        """At most 1."""
        most = max(1, BLOCK // (len(seen) * seen.shape[1]))
        with torch.autocast(seen.device.type, enabled=False):  # cosines close to each other need their digits
            return torch.cat([self._similarity(seen, some) for some in known.split(most, 1)], 1)

    def _similarity(self, seen: Tensor, known: Tensor) -> Tensor:
        split = self.embed.out_features
        whole = (known[..., :split] @ seen[:, :split, None])[..., 0]  # (B, G)
        patches = seen[:, split:].unflatten(1, (self.parts, -1))  # (B, P, 2F)
        theirs = known[..., split:].unflatten(-1, (self.parts, -1)).flatten(1, 2)  # (B or 1, G·P, 2F)
        theirs = theirs.expand(len(seen), -1, -1)
        found = self.counterparts(theirs, patches)  # (B, G·P, F)
        alike = (found * theirs.chunk(2, -1)[1]).sum(-1).unflatten(1, (-1, self.parts)).mean(-1)
        return (whole + alike) / 2


class GatedMatcherSettings(GatedConvolutionsSettings):
    embedding: int = Field(64, ge=4, description="features of a picture as a whole by which it is compared")


class GatedMatcher(GatedEncoder, PictureMatcher):
    """Residual blocks that gate channels and places (Woo et al. 2018), and attention pooling to an embedding; what is
    known of a thing is the mean of its pictures' (Snell et al. 2017), and similarity the negative squared distance."""

    by_thing, parts = True, 1

    def __init__(self, settings: GatedMatcherSettings, sight: Sight) -> None:
        super().__init__(settings, sight)
        width = self.gated[-1].width
        self.pooling = AttentionPooling(width, 4, Place("pool", LABEL, PATCHES, residual=False))
        self.embed = nn.Linear(width, settings.embedding)
        self.naming = GalleryAttention(Place("cross", LABEL, GALLERY))

    def describe(self, images: Tensor) -> Tensor:
        return self.embed(self.pooling(self.encode(images).flatten(2).transpose(1, 2))).float()

    def similarity(self, seen: Tensor, known: Tensor) -> Tensor:
        return -(seen[:, None] - known).square().mean(-1)
