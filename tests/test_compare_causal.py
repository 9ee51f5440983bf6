"""Models that write texts, beside people who read them: of Hugging Face, and runs of text generation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from text_data import QUICK, write_text

from attentionflow import train
from attentionflow._compare import compare
from attentionflow.errors import UserError
from attentionflow.readers.reading import Reading, joined

pytest.importorskip("wordfreq", reason="word frequencies need the extra human")

SENTENCES = ("the cat sees the dog", "the bird finds a stone", "the dog finds the cat", "the cat hears a leaf")


def readings(sentences: tuple[str, ...] = SENTENCES) -> list[Reading]:
    draw, found = np.random.default_rng(0), []
    for row, sentence in enumerate(sentences):
        text, spans = joined(sentence.split())
        times = np.array([len(word) for word in sentence.split()]) * draw.lognormal(sigma=0.2, size=(3, len(spans)))
        found.append(Reading(text, spans, ("r1", "r2", "r3"), times, f"row {row}"))
    return found


def write_writer(folder: Path, positions: int = 64) -> Path:
    """A GPT-2 of a few thousand weights that reads letters and knows nothing yet."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    letters = {letter: i for i, letter in enumerate(" abcdefghijklmnopqrstuvwxyz?")}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(letters), n_embd=16, n_layer=2, n_head=2, n_positions=positions, bos_token_id=0, eos_token_id=0
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    page = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(page), encoding="utf-8")
    return folder


METHODS = ("raw", "rollout", "maxflow", "gradient")
EXPECTED = [
    f"{method}{rows}, depth {depth}" for depth in (1, 2) for method in METHODS for rows in ("", " of the last row")
]


def test_a_causal_model_is_read_in_all_rows_and_in_the_last(tmp_path: Path) -> None:
    found = compare(f"hf:{write_writer(tmp_path)}", readings())
    assert [row.name for row in found.rows if not row.baseline] == EXPECTED
    assert all(row.outside == pytest.approx(0.1, abs=0.1) for row in found.rows if not row.baseline)  # the blanks
    # An untrained model spreads its attention evenly over what it sees, so more rows give to early words.
    early = found.texts[0].methods["raw, depth 1"] / np.array([3, 3, 4, 3, 3])
    assert (np.diff(early) < 0).all()
    last = found.texts[0].methods["raw of the last row, depth 1"] / np.array([3, 3, 4, 3, 3])
    assert last.max() / last.min() < 1.5


def test_a_text_that_is_too_long_for_a_causal_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a text of 20 tokens, where the model reads 16: 'the cat sees the dog'"):
        compare(f"hf:{write_writer(tmp_path, 16)}", readings())


@pytest.mark.parametrize("architecture", ["transformer", "classic"])
def test_a_run_that_writes_reads_every_letter(architecture: str, tmp_path: Path) -> None:
    data = write_text(tmp_path / "text.txt", 200)
    settings = (
        QUICK[architecture] | {"epochs": 1, "ngrams": 0} | ({"recent": 0} if architecture == "transformer" else {})
    )
    run = train("text-generation", data, out=tmp_path / "run", architecture=architecture, settings=settings, quiet=True)
    found = compare(run, readings())
    names = [row.name for row in found.rows if not row.baseline]
    assert names[:2] == (
        ["raw, depth 1", "raw of the last row, depth 1"]
        if architecture == "transformer"
        else ["raw", "raw of the last row"]
    )
    assert all(np.isfinite(one).all() and one.sum() > 0 for one in found.texts[0].methods.values())
    strange = Reading("\u00e9 cat sees", ((0, 1), (2, 5), (6, 10)), ("r",), np.array([[1.0, 2, 3]]), "row 0")
    assert len(compare(run, [strange, *readings()], "raw").texts) == 5  # of a letter that it does not know, the place
