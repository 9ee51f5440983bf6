"""Records to look at, and how pages of them are read in tests."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from attentionflow.records import AttentionRecord, Axis, Site


def subwords(text: str) -> Axis:
    """Words on spaces, their pieces on bars; <marks> belong to no word."""
    words = [word for word in text.split() if word[0] != "<"]
    labels, spans, at = [], [], 0
    for word in text.split():
        pieces = word.split("|")
        labels += pieces
        spans += [None if word[0] == "<" else (at, at + 1)] * len(pieces)
        at += word[0] != "<"
    parent = Axis("word", tuple(word.replace("|", "") for word in words))
    return Axis("token", tuple(labels), tuple(spans), parent)


def peaked(rng: np.random.Generator, heads: int, targets: list[int], keys: int, sharp: float) -> np.ndarray:
    """(1, H, Q, K) rows that sum to one, their weight about the target of each query."""
    near = -((np.arange(keys)[None, :] - np.array(targets)[:, None]) ** 2) / 1.6
    logits = sharp * near[None, None] + rng.normal(0, 1.2, (1, heads, len(targets), keys))
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def translation(layers: int = 3, heads: int = 4) -> AttentionRecord:
    """An English sentence into German: cross attention and both self attentions."""
    rng = np.random.default_rng(7)
    source = subwords("The farm|er watched a work|horse grazing quietly . </s>")
    target = subwords("<s> Der Bauer be|obach|tete ein Arbeits|pferd beim ruhigen Gras|en .")
    aligned = [10, 0, 1, 3, 3, 3, 4, 5, 6, 7, 8, 7, 7, 9]
    sites: list[Site] = []
    for layer in range(layers):
        sharp = 0.5 + 0.8 * layer
        encoder = peaked(rng, heads, list(range(11)), 11, 0.4 * sharp)
        decoder = peaked(rng, heads, list(range(14)), 14, 0.4 * sharp) * np.tri(14, dtype=np.float32)
        decoder /= decoder.sum(-1, keepdims=True)
        cross = peaked(rng, heads, aligned, 11, sharp)
        for name, role, queries, keys, weights in (
            (f"encoder.{layer}.attention", "self", "source", "source", encoder),
            (f"decoder.{layer}.attention", "self", "target", "target", decoder),
            (f"decoder.{layer}.cross", "cross", "target", "source", cross),
        ):
            sites.append(Site(name, len(sites), layer, role, queries, keys, weights, heads=tuple(range(heads))))
    return AttentionRecord(
        sites=tuple(sites),
        axes={"source": (source,), "target": (target,)},
        present={"source": np.ones((1, 11), bool), "target": np.ones((1, 14), bool)},
        model="seq2seq, 3 layers",
        notes=("target scored once more, teacher-forced",),
    )


def alone(labels: tuple[str, ...], weights: np.ndarray, **site: Any) -> AttentionRecord:
    """One site over one stream; weights (B, H, Q, K)."""
    settings = {"role": "self", "queries": "text", "keys": "text", "heads": tuple(range(weights.shape[1])), **site}
    return AttentionRecord(
        sites=(Site("encoder.0", 0, 0, weights=weights, **settings),),
        axes={"text": (Axis("token", labels),) * len(weights)},
        present={"text": np.ones((len(weights), len(labels)), bool)},
    )


def long_text(n: int = 512, layers: int = 6, heads: int = 8) -> AttentionRecord:
    """A long text whose heads look back by a few tokens, wider in each layer, and at the first one."""
    rng = np.random.default_rng(3)
    words = ("the", "river", "ran", "past", "old", "mill", "and", "its", "stone", "wheel", "turned", "no", "more")
    labels = tuple(words[i] for i in rng.integers(0, len(words), n))
    back = np.arange(n)[:, None] - np.arange(n)[None, :]
    sites = []
    for layer in range(layers):
        logits = rng.normal(0, 1, (1, heads, n, n)).astype(np.float32)
        for head in range(heads):
            logits[0, head] -= np.minimum(np.abs(back - 3 * head) / (2.0 + 4 * layer), 6 + head)
            logits[0, head, :, 0] += layer
        weights = np.exp(logits)
        weights /= weights.sum(-1, keepdims=True)
        settings = {"role": "self", "queries": "text", "keys": "text", "heads": tuple(range(heads))}
        sites.append(Site(f"encoder.{layer}", layer, layer, weights=weights, **settings))
    axes = {"text": (Axis("token", labels),)}
    return AttentionRecord(tuple(sites), axes, {"text": np.ones((1, n), bool)}, model="encoder")


# ---- reading pages ---------------------------------------------------------------------------------------------------


def unpacked(site: dict[str, Any], bits: int) -> np.ndarray:
    heads, queries, keys = site["shape"]
    plain = zlib.decompress(base64.b64decode(site["data"]))
    low, step = np.frombuffer(plain, "<f4", 2 * heads * queries).reshape(2, heads, queries, 1)
    codes = np.frombuffer(plain, f"<u{bits // 8}", offset=8 * heads * queries).reshape(heads, queries, keys)
    return low + step * codes.astype(np.float64) ** 2


def state(tab: Any) -> dict[str, Any]:
    """Once what was asked for is painted."""
    tab.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(() => setTimeout(done)), 50))")
    return tab.evaluate("() => document.querySelector('.attention-page').state")
