"""Settings by name: what is misspelt, of the wrong type or out of range is said, and where a value came from."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError

from attentionflow.errors import UserError
from attentionflow.settings import Settings, origins, parse_assignments, resolve


class Model(Settings):
    width: int = Field(8, ge=2)
    dropout: float = Field(0.1, ge=0, lt=1)
    positions: Literal["rotary", "learned"] = "rotary"
    groups: int | None = None


class Training(Settings):
    learning_rate: float = Field(1e-3, gt=0)
    amp: bool = False
    name: str = ""


PARTS = {"model": Model, "training": Training}


def test_settings_come_from_their_layers_and_later_ones_win() -> None:
    layers = {"task": {"width": 16, "dropout": 0.2}, "--set": {"width": "32", "learning_rate": "3e-4", "amp": "true"}}
    found = resolve(PARTS, layers)
    assert found == {"model": Model(width=32, dropout=0.2), "training": Training(learning_rate=3e-4, amp=True)}
    assert type(found["model"].width) is int
    assert resolve(PARTS, {}) == {"model": Model(), "training": Training()}


def test_layers_are_left_as_they_were() -> None:
    layers: dict[str, dict[str, Any]] = {"task": {"width": 16}, "--set": {"width": 32}}
    resolve(PARTS, layers)
    assert layers == {"task": {"width": 16}, "--set": {"width": 32}}


@pytest.mark.parametrize(
    ("typed", "meant"), [("drop_out", "dropout"), ("witdh", "width"), ("learnig_rate", "learning_rate")]
)
def test_an_unknown_setting_names_its_origin_and_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UserError) as error:
        resolve(PARTS, {"--set": {typed: "1"}})
    assert str(error.value).startswith(f"unknown setting '{typed}' (--set); did you mean '{meant}'? There are: ")
    assert all(name in str(error.value) for part in PARTS.values() for name in part.model_fields)


def test_a_setting_like_no_other_is_answered_with_the_list() -> None:
    with pytest.raises(UserError, match=r"unknown setting 'zzz' \(file\); There are: amp, dropout"):
        resolve(PARTS, {"file": {"zzz": 1}})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("width", "many", "valid integer"),
        ("width", "1", "greater than or equal to 2"),
        ("width", 2.5, "integer"),
        ("dropout", "1", "less than 1"),
        ("positions", "sinus", "'rotary' or 'learned'"),
        ("amp", "perhaps", "boolean"),
        ("learning_rate", "0", "greater than 0"),
        ("learning_rate", None, "number"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wrong_about_it(name: str, value: Any, says: str) -> None:
    with pytest.raises(UserError) as error:
        resolve(PARTS, {"--set": {name: value}})
    assert f"{name}={value!r}: " in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_all_wrong_values_of_a_part_are_named_at_once() -> None:
    with pytest.raises(UserError, match=r"width='a': .*; dropout='b': "):
        resolve(PARTS, {"--set": {"width": "a", "dropout": "b"}})


def test_settings_cannot_be_changed_and_check_their_own_defaults() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Model().width = 3

    class Wrong(Settings):
        size: int = Field(0, ge=1)

    with pytest.raises(ValidationError, match="size"):
        Wrong()
    with pytest.raises(ValidationError, match="hight"):
        Model(hight=3)


def test_origins_tell_the_last_layer_that_gave_a_value() -> None:
    layers = {"task": {"width": 16, "dropout": 0.2}, "--set": {"width": 32}}
    assert origins(PARTS, layers) == {
        "width": "--set",
        "dropout": "task",
        "positions": "default",
        "groups": "default",
        "learning_rate": "default",
        "amp": "default",
        "name": "default",
    }


def test_assignments_are_names_and_values() -> None:
    given = ["lr=3e-4", " name = a = b ", "empty=", "lr=1"]
    assert parse_assignments(given) == {"lr": "1", "name": "a = b", "empty": ""}
    assert parse_assignments([]) == {}


@pytest.mark.parametrize("given", ["lr", "=3", " =3", "", "--lr 3"])
def test_what_is_no_assignment_is_refused(given: str) -> None:
    with pytest.raises(UserError, match=f"--set {given} is not of the form name=value"):
        parse_assignments([given])
