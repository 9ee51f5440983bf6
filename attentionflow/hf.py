"""Hugging Face models: load one from a folder or the Hub, and record the attention of what it was given.

Any model of transformers that attends through its `AttentionInterface` is recorded as it is: outputs stay those of
SDPA, bit for bit, and weights are computed beside it, of what is asked for. Any other is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from attentionflow._transformers import capturing
from attentionflow.errors import UserError
from attentionflow.recorder import RecordingTooLargeError
from attentionflow.records import AttentionRecord, Axis

__all__ = ["capture", "capturing", "estimate", "load"]

# Streams that a tokenizer's ids and their padding run along: whichever the model has, and a decoder's own.
_TEXT = {
    ("input_ids", "attention_mask"): ("input", "text", "source"),
    ("decoder_input_ids", "decoder_attention_mask"): ("target",),
}

Inputs = str | Sequence[str] | Mapping[str, Any]


def load(name: str | Path) -> tuple[nn.Module, Any]:
    """The model with its heads, and its tokenizer or processor, of `hf:PATH`, a folder, or a name on the Hub.

    Only safetensors are read, and no code that comes with a model is run. None where there is no processor.
    """
    import transformers

    name = str(name).removeprefix("hf:")
    try:
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
        kind: Any = getattr(transformers, (config.architectures or [""])[0], None)
        if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
            kind = transformers.AutoModel
        model = kind.from_pretrained(name, config=config, use_safetensors=True, trust_remote_code=False)
    except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().split("\n")[0]
        raise UserError(
            f"{name} cannot be loaded as a Hugging Face model: {first} It must be a folder with config.json and "
            "model.safetensors, or, where there is a network, a name on the Hub"
        ) from None
    try:
        processor = transformers.AutoProcessor.from_pretrained(name, trust_remote_code=False)
    except ImportError as error:
        raise UserError(f"the processor of {name} cannot be loaded: {str(error).strip()}") from None
    except (OSError, ValueError):  # of time series there is none
        processor = None
    return model.eval(), processor


def capture(
    model: nn.Module,
    inputs: Inputs,
    *,
    tokenizer: Any = None,
    target: Callable[[Any], Tensor] | None = None,
    **choices: Any,
) -> AttentionRecord:
    """The attention of one pass of a transformers model; choices as of `recording`.

    inputs: what the model takes, by name, as a tokenizer or processor gives it; or texts, where there is a tokenizer.
    tokenizer: labels the positions with its tokens, on the words that they are part of.
    target: the scalar, made of the model's output, by which gradients=True differentiates.
    """
    if (target is not None) != bool(choices.get("gradients")):
        raise UserError(
            "gradients=True needs target=, a function from the model's output to a scalar, and target= needs it"
        )
    given, encodings, texts = _prepared(model, inputs, tokenizer)
    try:
        with torch.set_grad_enabled(target is not None), capturing(model, **choices) as recorder:
            output = model(**given)
            if target is not None:
                recorder.differentiate(target(output))
    except RecordingTooLargeError as error:
        needed = estimate(model, inputs, tokenizer=tokenizer, **choices)
        raise RecordingTooLargeError(f"the record would take {needed / 2**20:,.1f} MiB: {error}") from None
    name = " ".join(filter(None, (type(model).__name__, getattr(model, "name_or_path", ""))))
    record = recorder.record(present=_padding(recorder.record(), given), model=name)
    return replace(record, axes=dict(record.axes) | _axes(record, given, encodings, texts, tokenizer))


def estimate(model: nn.Module, inputs: Inputs, *, tokenizer: Any = None, **choices: Any) -> int:
    """The bytes that `capture` would hold. Runs the model once, and computes and keeps no weights."""
    given, *_ = _prepared(model, inputs, tokenizer)
    with torch.no_grad(), capturing(model, **choices, dry=True) as recorder:
        model(**given)
    return recorder.nbytes


def _prepared(
    model: nn.Module, inputs: Inputs, tokenizer: Any
) -> tuple[dict[str, Any], Sequence[Any] | None, Sequence[str] | None]:
    """Inputs by name on the model's device; the encodings and the texts that they are of, where there are."""
    if isinstance(inputs, Mapping):
        named, texts = inputs, None
    elif tokenizer is None:
        raise UserError("texts need a tokenizer; give tokenizer=, or the inputs as the model takes them")
    else:
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        named = tokenizer(text=texts, return_tensors="pt", padding=len(texts) > 1)
    if named.get("past_key_values") is not None:
        raise UserError("the inputs hold a cache, whose positions have no rows; give the whole sequence instead")
    device = next(model.parameters()).device
    moved = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in named.items()}
    return moved, getattr(named, "encodings", None), texts


def _text_streams(record: AttentionRecord, given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Names of ids, of their mask, and of the stream that they run along; only where the sizes agree."""
    for (ids, mask), streams in _TEXT.items():
        stream = next((stream for stream in streams if stream in record.present), None)
        if stream is not None and ids in given and record.present[stream].shape == tuple(given[ids].shape):
            yield ids, mask, stream


def _padding(record: AttentionRecord, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Which positions are no padding, as the inputs say; models need not tell by their masks."""
    return {
        stream: given[mask].bool().cpu().numpy()
        for _, mask, stream in _text_streams(record, given)
        if isinstance(given.get(mask), Tensor) and given[mask].dim() == 2
    }


def _axes(
    record: AttentionRecord,
    given: Mapping[str, Any],
    encodings: Sequence[Any] | None,
    texts: Sequence[str] | None,
    tokenizer: Any,
) -> dict[str, tuple[Axis, ...]]:
    """Axes of tokens, for the streams that ids run along; padding is left out."""
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
    found = {}
    for name, _, stream in _text_streams(record, given):
        at = [np.flatnonzero(row) for row in record.present[stream]]
        if encodings is not None and name == "input_ids":
            found[stream] = tuple(
                _on_words(encoding, at[i], texts[i] if texts else None, tokenizer)
                for i, encoding in enumerate(encodings)
            )
        elif tokenizer is not None:
            rows = zip(given[name].cpu().numpy(), at, strict=True)
            found[stream] = tuple(
                Axis("token", tuple(tokenizer.convert_ids_to_tokens(row[kept].tolist()))) for row, kept in rows
            )
    return found


def _on_words(encoding: Any, at: np.ndarray, text: str | None, tokenizer: Any) -> Axis:
    """The tokens at some positions, on the words of their text, on its characters."""
    words = [None if encoding.word_ids[i] is None else (encoding.sequence_ids[i], encoding.word_ids[i]) for i in at]
    tokens_of: dict[tuple[int, int], list[int]] = {}
    for i, word in zip(at, words, strict=True):
        if word is not None:
            tokens_of.setdefault(word, []).append(i)

    def label(positions: Sequence[int]) -> str:
        start, end = encoding.offsets[positions[0]][0], encoding.offsets[positions[-1]][1]
        token = "".join(encoding.tokens[i] for i in positions)
        if text is None and tokenizer is None:
            return token
        named = tokenizer.decode([encoding.ids[i] for i in positions]) if text is None else text[start:end]
        return token if not named.strip() or "\ufffd" in named else named.strip()

    labels = tuple(label([i]) for i in at)
    if not tokens_of:
        return Axis("token", labels, tuple(tuple(encoding.offsets[i]) for i in at), preview=text)
    spans = tuple((encoding.offsets[p[0]][0], encoding.offsets[p[-1]][1]) for p in tokens_of.values())
    parent = Axis("word", tuple(map(label, tokens_of.values())), spans, preview=text)
    place = {word: number for number, word in enumerate(tokens_of)}
    return Axis("token", labels, tuple(None if w is None else (place[w], place[w] + 1) for w in words), parent)
