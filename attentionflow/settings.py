"""Typed settings: saved beside the weights, set by name from the command line, refused where misspelt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from attentionflow.errors import UserError, nearest


class Settings(BaseModel):
    """Base of every settings model. Each field carries its help text; unknown names and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def resolve(models: Mapping[str, type[Settings]], layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Settings of every part from layers of values, later layers winning.

    models: part name -> its settings model; a field name belongs to one part alone.
    layers: origin ("data set", "command line", ...) -> values by field name. Every value must find its field.
    """
    owner = {field: part for part, model in models.items() for field in model.model_fields}
    values: dict[str, dict[str, Any]] = {part: {} for part in models}
    for origin, given in layers.items():
        for name, value in given.items():
            if name not in owner:
                raise UserError(f"unknown setting {name!r} ({origin}); {nearest(name, owner)}")
            values[owner[name]][name] = value
    return {part: _validate(model, values[part]) for part, model in models.items()}


def origins(models: Mapping[str, type[Settings]], layers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Field name -> the layer that its value came from, or "default"."""
    found = {field: "default" for model in models.values() for field in model.model_fields}
    for origin, given in layers.items():
        found.update(dict.fromkeys(given, origin))
    return found


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """`["lr=3e-4"]` as a mapping; the values are converted by the settings model."""
    values = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign or not name.strip():
            raise UserError(f"--set {assignment} is not of the form name=value")
        values[name.strip()] = value.strip()
    return values


def listed(text: str) -> list[str]:
    """The names of a comma-separated setting."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _validate(model: type[Settings], values: Mapping[str, Any]) -> Settings:
    try:
        return model(**values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}={e['input']!r}: {e['msg']}" for e in error.errors())
        raise UserError(f"wrong setting: {faults}") from None
