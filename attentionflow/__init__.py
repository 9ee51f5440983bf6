"""attentionflow: train attention models from your own files, and look into what they attend to.

The verbs are functions of this package and load what they need when they are first called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attentionflow._compare import compare
    from attentionflow._enroll import enroll
    from attentionflow._evaluate import evaluate
    from attentionflow._faithful import faithful
    from attentionflow._look import look
    from attentionflow._predict import Run, load
    from attentionflow._record import record
    from attentionflow._train import train
    from attentionflow.errors import DataError, UserError
    from attentionflow.flows import flow
    from attentionflow.recorder import recording
    from attentionflow.records import AttentionRecord, Axis, Relevance, Site
    from attentionflow.view import page

__version__ = "0.1.0"

_HOMES = {
    "AttentionRecord": "records",
    "Axis": "records",
    "DataError": "errors",
    "Relevance": "records",
    "Run": "_predict",
    "Site": "records",
    "UserError": "errors",
    "compare": "_compare",
    "enroll": "_enroll",
    "evaluate": "_evaluate",
    "faithful": "_faithful",
    "flow": "flows",
    "load": "_predict",
    "look": "_look",
    "page": "view",
    "record": "_record",
    "recording": "recorder",
    "train": "_train",
}

__all__ = [
    "AttentionRecord",
    "Axis",
    "DataError",
    "Relevance",
    "Run",
    "Site",
    "UserError",
    "compare",
    "enroll",
    "evaluate",
    "faithful",
    "flow",
    "load",
    "look",
    "page",
    "record",
    "recording",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
