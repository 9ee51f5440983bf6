"""An encoder of Hugging Face transformers that was trained before, with attention pooling on top, to label texts.

Its weights are read from safetensors alone, and no code that comes with it is run. Its attention passes through
`attend` like any other, by transformers' public `AttentionInterface`.
Letters: B batch, T tokens, D width, C outputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from safetensors import SafetensorError
from torch import Tensor, nn

from attentionflow.attend import Place, attend
from attentionflow.errors import UserError
from attentionflow.models.text_encoder import LABEL, WORDS, TextClassifier
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.pooling import AttentionPooling
from attentionflow.settings import Settings

NAME = "attentionflow-attend"
CONFIG = "config.json"


class PretrainedSettings(Settings):
    dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="on the pooled vector; inside, the encoder has its own, but none on attention weights",
    )


class PretrainedEncoder(TextClassifier):
    """The encoder, attention pooling that begins with the mean of its last states, and a linear layer."""

    def __init__(self, settings: PretrainedSettings, config: Mapping[str, Any], source: str, outputs: int) -> None:
        """config: of the encoder. source: folder or name on the Hub that its weights are taken from; "" where a saved
        network is about to be loaded."""
        super().__init__()
        self.encoder = _encoder(config, source)
        width = self.encoder.config.hidden_size
        heads = self.encoder.config.num_attention_heads
        self.pool = AttentionPooling(width, heads, Place("pool", LABEL, WORDS, residual=False))
        self.out = nn.Linear(width, outputs)
        self.dropout = Dropout(settings.dropout)

    def forward(self, inputs: Mapping[str, Tensor | None]) -> Tensor:
        ids, mask = inputs["ids"], inputs["mask"]
        assert ids is not None
        states = self.encoder(input_ids=ids, attention_mask=None if mask is None else mask.long()).last_hidden_state
        return self.out(self.dropout(self.pool(states, mask)))


def read_config(source: str) -> dict[str, Any]:
    """Of a folder or a name on the Hub, as plain data."""
    transformers = _transformers()
    try:
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # a damaged configuration makes it raise all kinds
        raise _unusable(source, error) from None
    if config.is_encoder_decoder:
        raise UserError(f"{source} is an encoder and a decoder ({config.model_type}); give an encoder alone")
    page: dict[str, Any] = json.loads(config.to_json_string(use_diff=False))
    return page


def _encoder(page: Mapping[str, Any], source: str) -> Any:
    transformers = _transformers()
    page = {name: value for name, value in page.items() if name not in ("auto_map", "quantization_config")}
    config = transformers.AutoConfig.for_model(**page)
    try:
        if source:
            made = transformers.AutoModel.from_pretrained(
                source, config=config, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
            )
        else:
            made = transformers.AutoModel.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
        raise _unusable(source, error) from None
    if getattr(made, "pooler", None) is not None:
        made.pooler = None  # nothing here reads it
    for module in list(made.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p))  # the same, and quicker
    return _listened_to(made, source or config.model_type)


def _listened_to(encoder: Any, name: str) -> Any:
    """The encoder with its attention passing through `attend`; UserError where some of it does not."""
    encoder.set_attn_implementation(NAME)
    reached: list[nn.Module] = []
    layers = encoder.config.num_hidden_layers
    _counting.append(reached)
    try:
        with torch.no_grad():
            encoder.eval()(input_ids=torch.zeros(1, 2, dtype=torch.long))
    finally:
        _counting.pop()
    if len(reached) != layers:
        raise UserError(
            f"{name} ({encoder.config.model_type}) has {layers} layers, of which {len(reached)} attend through "
            "transformers' AttentionInterface; an encoder such as BERT, RoBERTa or MiniLM is needed"
        )
    for module in reached:
        setattr(module, "place", Place("self", WORDS, WORDS))  # noqa: B010
    return encoder


_counting: list[list[nn.Module]] = []


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """What transformers calls in place of its own attention: q, k, v (B, H, T, D), returns (B, T, H, D).

    There is no dropout on weights: on a CPU it would leave the fused kernel, and tuning does as well without.
    """
    if _counting:
        _counting[-1].append(module)
    values = attend(module, query, key, value, mask=attention_mask, scale=scaling)
    return values.transpose(1, 2).contiguous(), None


def _transformers() -> Any:
    try:
        import transformers
    except ModuleNotFoundError as error:
        if error.name != "transformers":
            raise
        raise UserError('pretrained encoders need transformers: pip install "attentionflow[hf]"') from None
    transformers.AttentionInterface.register(NAME, _attention)
    transformers.AttentionMaskInterface.register(NAME, transformers.AttentionMaskInterface()["sdpa"])
    return transformers


def _unusable(source: str, error: Exception) -> UserError:
    first = str(error).strip().split("\n")[0]
    return UserError(
        f"{source} cannot be loaded as a Hugging Face encoder: {first} It must be a folder with {CONFIG}, "
        "model.safetensors and tokenizer.json, or, where there is a network, a name on the Hub"
    )


def read_tokenizer(source: str) -> str:
    """The content of tokenizer.json, of a folder or a name on the Hub."""
    folder = Path(source)
    if folder.is_dir():
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise UserError(f"{source} has no tokenizer.json, which a fast tokenizer is saved as")
        return path.read_text(encoding="utf-8")
    try:
        tokenizer = _transformers().AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise _unusable(source, error) from None
    return str(tokenizer.backend_tokenizer.to_str())
