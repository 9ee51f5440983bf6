"""Networks that write down speech: padding and company change nothing, shapes, and what a decoder may see."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attentionflow.models.conformer import Conformer, ConformerSettings
from attentionflow.models.listener import Listener, ListenerSettings
from attentionflow.models.recogniser import Recogniser
from attentionflow.models.transcribe import teacher_forced, transcribe, unit_scores
from attentionflow.readers.vocabulary import END, PAD, START

BANDS, UNITS = 12, 9


def build(name: str, halvings: int = 2) -> Recogniser:
    torch.manual_seed(0)
    if name == "conformer":
        small = ConformerSettings(width=16, heads=2, encoder_layers=2, feedforward=32, channels=4, kernel=5)
        return Conformer(small, BANDS, UNITS, halvings, "frames", "text").eval()
    return Listener(
        ListenerSettings(hidden=12, embedding=8, attention=8), BANDS, UNITS, halvings, "frames", "text"
    ).eval()


@pytest.fixture(params=["conformer", "classic"])
def model(request: pytest.FixtureRequest) -> Recogniser:
    return build(request.param)


def batch(*lengths: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return torch.randn(len(lengths), max(lengths), BANDS) * mask[..., None], mask


@pytest.mark.parametrize("name", ["conformer", "classic"])
@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 7, 8, 9])
def test_every_halving_leaves_half_the_frames(name: str, halvings: int, length: int) -> None:
    model = build(name, halvings)
    memory = model.encode(torch.randn(2, length, BANDS), None)
    assert memory.lengths() == [-(-length // 2**halvings)] * 2
    logs = model.units(memory)
    assert logs.shape == (2, memory.lengths()[0], UNITS)
    torch.testing.assert_close(logs.exp().sum(-1), torch.ones(logs.shape[:2]))


def test_padding_and_company_change_nothing(model: Recogniser) -> None:
    frames, mask = batch(23, 9, 14)
    texts = [[4, 5, 5, 6], [7], [4, 8]]
    memory = model.encode(frames, mask)
    logs, scores = model.units(memory), unit_scores(model, memory, texts)
    for row, length in enumerate([23, 9, 14]):
        alone = model.encode(frames[row : row + 1, :length], None)
        size = alone.lengths()[0]
        assert memory.lengths()[row] == size
        torch.testing.assert_close(logs[row, :size], model.units(alone)[0], atol=1e-5, rtol=1e-5)
        own = unit_scores(model, alone, [texts[row]])[0]
        torch.testing.assert_close(scores[row, : len(own)], own, atol=1e-5, rtol=1e-5)
        assert (scores[row, len(own) :] == 0).all()


def test_the_decoder_sees_only_what_is_written(model: Recogniser) -> None:
    frames, mask = batch(16, 16)
    memory = model.encode(frames, mask)
    one = model.decode(memory, torch.tensor([[START, 4, 5, 6]] * 2))
    other = model.decode(memory, torch.tensor([[START, 4, 7, 8]] * 2))
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2:], other[:, 2:])


def test_every_parameter_learns(model: Recogniser) -> None:
    frames, mask = batch(20, 13)
    memory = model.encode(frames, mask)
    (unit_scores(model, memory, [[4, 5], [6]]).sum() + model.units(memory)[..., 4].sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@torch.no_grad()
def test_decoding_judges_all_texts_of_the_beam(model: Recogniser) -> None:
    frames, mask = batch(30, 12)
    for row, found in enumerate(transcribe(model, frames, mask, beams=6, ctc_weight=0.4)):
        assert all(unit > END for unit in found.units)
        alone = transcribe(model, frames[row : row + 1, : int(mask[row].sum())], None, beams=6, ctc_weight=0.4)[0]
        assert alone.units == found.units
        assert alone.score == pytest.approx(found.score, abs=1e-4)
    of_ctc, narrow = (transcribe(model, frames, mask, beams=beams, ctc_weight=1.0) for beams in (6, 1))
    assert all(a.score >= b.score - 1e-6 for a, b in zip(of_ctc, narrow, strict=True))


def test_what_a_decoder_is_given() -> None:
    given, answers, present = teacher_forced([[5, 6], [], [7]])
    assert given.tolist() == [[START, 5, 6], [START, PAD, PAD], [START, 7, PAD]]
    assert answers.tolist() == [[5, 6, END], [END, PAD, PAD], [7, END, PAD]]
    assert present is not None
    assert present.tolist() == [[True] * 3, [True, False, False], [True, True, False]]
    assert teacher_forced([[5], [6]])[2] is None
