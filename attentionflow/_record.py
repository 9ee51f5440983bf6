"""`af.record`: the attention of one pass, whoever's model it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attentionflow._predict import Run, load
from attentionflow.errors import UserError
from attentionflow.records import AttentionRecord


def record(model: Any, inputs: Any, **choices: Any) -> AttentionRecord:
    """What a model attends to over these inputs.

    model: a `Run` or the folder of one; it answers the inputs and the record is of the answers, see `Run.record`. Or a
    model of `transformers` with the tensors that its tokenizer or processor returned, see `attentionflow.hf.capture`.
    choices: as in `af.recording`. For any other module, run it yourself inside `with af.recording(model):`.
    """
    if isinstance(model, str | Path):
        model = load(model)
    if isinstance(model, Run):
        return model.record(inputs, **choices)
    if any(kind.__module__.startswith("transformers.") for kind in type(model).__mro__):
        from attentionflow import hf

        return hf.capture(model, inputs, **choices)
    raise UserError(
        f"a {type(model).__name__} is neither a trained run nor a model of transformers; where its mechanisms call "
        "attend, weigh or gate, run it inside `with attentionflow.recording(model) as recorder:`"
    )
