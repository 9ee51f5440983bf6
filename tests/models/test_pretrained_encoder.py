"""Encoders of Hugging Face: the same values as transformers', recorded like any other, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoder import write_encoder

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.models.pretrained_encoder import PretrainedEncoder, PretrainedSettings, read_config, read_tokenizer
from attentionflow.tasks._units import TokenUnits

transformers = pytest.importorskip("transformers")

TEXTS = ["a good film, it is", "dull", "房间很好"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


def built(folder: Path) -> PretrainedEncoder:
    torch.manual_seed(0)
    return PretrainedEncoder(PretrainedSettings(), read_config(str(folder)), str(folder), 3).eval()


def test_states_are_those_of_transformers(folder: Path) -> None:
    units = TokenUnits.of_pretrained(str(folder), 100)
    given = units.tensors(units.encode(TEXTS)[0])
    theirs = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        ours = built(folder).encoder(input_ids=given["ids"], attention_mask=given["mask"].long()).last_hidden_state
        expected = theirs(input_ids=given["ids"], attention_mask=given["mask"].long()).last_hidden_state
    torch.testing.assert_close(ours[given["mask"]], expected[given["mask"]], atol=1e-5, rtol=1e-5)


def test_its_attention_is_recorded_and_is_that_of_transformers(folder: Path) -> None:
    units = TokenUnits.of_pretrained(str(folder), 100)
    given, model = units.tensors(units.encode(TEXTS[:1])[0]), built(folder)
    with torch.no_grad(), af.recording(model) as heard:
        model(given)
    record = heard.record()
    assert [site.role for site in record.sites] == ["self", "self", "pool"]
    theirs = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        expected = theirs(input_ids=given["ids"], output_attentions=True).attentions
    for site, weights in zip(record.sites, expected, strict=False):
        np.testing.assert_allclose(site.weights, weights.numpy(), atol=1e-5)


def test_a_text_does_not_depend_on_its_neighbours(folder: Path) -> None:
    units, model = TokenUnits.of_pretrained(str(folder), 100), built(folder)
    with torch.no_grad():
        together = model(units.tensors(units.encode(TEXTS)[0]))
        alone = torch.cat([model(units.tensors(units.encode([text])[0])) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_a_network_about_to_be_loaded_needs_no_weights(folder: Path) -> None:
    empty = PretrainedEncoder(PretrainedSettings(), read_config(str(folder)), "", 3)
    empty.load_state_dict(built(folder).state_dict())


def test_tokens_lie_on_words_and_special_ones_on_nothing(folder: Path) -> None:
    units = TokenUnits.of_pretrained(str(folder), 100)
    axis = units.axis("No, 房!")
    assert axis.labels == ("[CLS]", "N", "o", ",", "房", "!", "[SEP]")
    assert axis.spans == (None, (0, 1), (0, 1), (1, 2), (2, 3), (3, 4), None)
    assert axis.parent is not None
    assert axis.parent.labels == ("No", ",", "房", "!")


def test_a_long_text_is_cut_before_its_last_special_token(folder: Path) -> None:
    units = TokenUnits.of_pretrained(str(folder), 5)
    tokens, counts = units.encode(["abcdefgh", "ab"])
    assert [len(row) for row in tokens.ids] == [5, 4]
    assert [row[-1] for row in tokens.ids] == [3, 3]
    assert counts.tolist() == [10, 4]
    assert units.axis("abcdefgh").labels == ("[CLS]", "a", "b", "c", "[SEP]")


def test_a_token_is_taken_out_by_the_mask_and_special_ones_stay(folder: Path) -> None:
    units = TokenUnits.of_pretrained(str(folder), 100)
    (whole, none) = units.reduced("ab", np.array([[True] * 4, [False] * 4])).ids
    assert whole == units.encode(["ab"])[0].ids[0]
    assert none == [2, 4, 4, 3]


def test_it_comes_back_from_a_run_folder(folder: Path, tmp_path: Path) -> None:
    units = TokenUnits.of_pretrained(str(folder), 100)
    assert units.save(tmp_path) == ["tokenizer.json", "config.json"]
    again = TokenUnits.load(tmp_path, 100)
    assert again.encode(TEXTS)[0] == units.encode(TEXTS)[0]
    assert (again.source, units.source) == ("", str(folder))


def test_what_cannot_be_used_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded as a Hugging Face encoder"):
        read_config(str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"has no tokenizer\.json"):
        read_tokenizer(str(tmp_path))
    bare = write_encoder(tmp_path / "bare", weights=False)
    with pytest.raises(UserError, match="cannot be loaded as a Hugging Face encoder"):
        built(bare)
    torch.save({}, bare / "pytorch_model.bin")  # weights that could run code are not read
    with pytest.raises(UserError, match="cannot be loaded as a Hugging Face encoder"):
        built(bare)
    (bare / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}), encoding="utf-8")
    with pytest.raises(UserError, match="is an encoder and a decoder"):
        read_config(str(bare))
    (bare / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": "many"}), encoding="utf-8")
    with pytest.raises(UserError, match="cannot be loaded as a Hugging Face encoder"):
        read_config(str(bare))


def test_an_encoder_whose_attention_does_not_pass_is_refused(tmp_path: Path) -> None:
    config = transformers.FNetConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, intermediate_size=16)
    transformers.FNetModel(config).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"fnet.*2 layers, of which 0 attend|fnet"):
        PretrainedEncoder(PretrainedSettings(), read_config(str(tmp_path)), str(tmp_path), 2)
