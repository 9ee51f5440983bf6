"""A step of one layer of a causal transformer, in one compiled pass: for a few texts, calling PyTorch costs more than
the arithmetic.

Letters: B texts, D features, H heads, G groups of heads that share keys, d features of a head, F inner features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numba
import numpy as np
import torch
from torch import Tensor, nn

from attentionflow._cells import MATHS
from attentionflow.nn.blocks import EncoderLayer

Part = tuple[np.ndarray, np.ndarray]  # weight and bias
Parts = tuple[Part, Part, Part, Part, Part, Part]  # attention norm, projection, out, feed-forward norm, inner, outer

jit = numba.njit(nogil=True, cache=True, fastmath=MATHS, error_model="numpy")


class CompiledLayers:
    """Layers over one position of a few texts; the weights are theirs, not copies."""

    def __init__(self, layers: Sequence[EncoderLayer], room: int) -> None:
        self.parts = [_parts(layer) for layer in layers]
        self.epsilon, rotary = layers[0].attention_norm.eps, layers[0].attention.rotary
        turns = torch.empty(room, 0, dtype=torch.complex64) if rotary is None else rotary.turns(0, room)[:, 0]
        self.cosines, self.sines = turns.real.contiguous().numpy(), turns.imag.contiguous().numpy()

    def __call__(self, x: Tensor, past: Sequence[Tensor], position: int) -> Tensor:
        """What the layers make of x (B, D); see `EncoderLayer.extend`."""
        found, turn = x.contiguous().numpy(), (self.cosines[position], self.sines[position])
        for parts, cache in zip(self.parts, past, strict=True):
            found = extend(found, parts, cache.numpy(), position, *turn, self.epsilon)
        return torch.from_numpy(found)


def _parts(layer: EncoderLayer) -> Parts:
    attention, inner, outer = layer.attention, layer.feedforward[0], layer.feedforward[-1]
    return (
        _part(layer.attention_norm),
        _part(attention.project),
        _part(attention.out),
        _part(layer.feedforward_norm),
        _part(cast(nn.Linear, inner)),
        _part(cast(nn.Linear, outer)),
    )


def _part(module: nn.Linear | nn.LayerNorm) -> Part:
    return module.weight.detach().numpy(), module.bias.detach().numpy()


@jit
def extend(
    x: np.ndarray,
    parts: Parts,
    cache: np.ndarray,
    position: int,
    cosines: np.ndarray,
    sines: np.ndarray,
    epsilon: float,
) -> np.ndarray:
    """`EncoderLayer.extend` of x (B, D), float32.

    cache (B, 2G, room, d); cosines, sines (d/2,) of the position, empty without rotary positions.
    """
    attention_norm, project, out, feedforward_norm, inner, outer = parts
    count, groups, width = len(x), cache.shape[1] // 2, cache.shape[3]
    heads = len(project[0]) // width - 2 * groups
    packed = _linear(_normed(x, attention_norm, epsilon), project)
    attended = np.zeros_like(x)
    scores = np.empty(position + 1, np.float32)
    for n in range(count):
        for h in range(heads + groups if len(cosines) else 0):
            for i in range(width // 2):
                at = h * width + 2 * i
                a, b = packed[n, at], packed[n, at + 1]
                packed[n, at] = a * cosines[i] - b * sines[i]
                packed[n, at + 1] = a * sines[i] + b * cosines[i]
        for g in range(2 * groups):
            at = (heads + g) * width
            cache[n, g, position] = packed[n, at : at + width]
        for h in range(heads):
            _attend(
                packed[n, h * width : (h + 1) * width],
                cache[n, h * groups // heads, : position + 1],
                cache[n, groups + h * groups // heads, : position + 1],
                scores,
                attended[n, h * width : (h + 1) * width],
            )
    x = x + _linear(attended, out)
    hidden = _linear(_normed(x, feedforward_norm, epsilon), inner)
    return x + _linear(np.maximum(hidden, np.float32(0)), outer)


@jit
def _attend(q: np.ndarray, keys: np.ndarray, values: np.ndarray, scores: np.ndarray, into: np.ndarray) -> None:
    """softmax(q kᵀ / sqrt(d)) v of one query (d,), keys and values (T, d), added to `into`."""
    scale, top = np.float32(1 / np.sqrt(len(q))), np.float32(-np.inf)
    for t in range(len(keys)):
        score = np.float32(0)
        for i in range(len(q)):
            score += q[i] * keys[t, i]
        scores[t] = score * scale
        top = max(top, scores[t])
    total = np.float32(0)
    for t in range(len(keys)):
        scores[t] = np.exp(scores[t] - top)
        total += scores[t]
    for t in range(len(keys)):
        weight = scores[t] / total
        for i in range(len(q)):
            into[i] += weight * values[t, i]


@jit
def _normed(x: np.ndarray, norm: Part, epsilon: float) -> np.ndarray:
    """Layer norm of each row."""
    found, (weight, bias) = np.empty_like(x), norm
    for n in range(len(x)):
        mean = np.float32(0)
        for i in range(x.shape[1]):
            mean += x[n, i]
        mean /= np.float32(x.shape[1])
        square = np.float32(0)
        for i in range(x.shape[1]):
            square += (x[n, i] - mean) * (x[n, i] - mean)
        scale = np.float32(1 / np.sqrt(square / x.shape[1] + epsilon))
        for i in range(x.shape[1]):
            found[n, i] = (x[n, i] - mean) * scale * weight[i] + bias[i]
    return found


@jit
def _linear(x: np.ndarray, part: Part) -> np.ndarray:
    """x Wᵀ + b; a row of W meets all texts while it is in cache."""
    weight, bias = part
    found = np.empty((len(x), len(weight)), np.float32)
    for o in range(len(weight)):
        for n in range(len(x)):
            total = np.float32(0)
            for i in range(x.shape[1]):
                total += weight[o, i] * x[n, i]
            found[n, o] = total + bias[o]
    return found
