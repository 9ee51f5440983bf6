"""Networks that speak: shapes, padding, and that what was said once can be said again.

Letters: B utterances, N letters, T frames, F bands.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attentionflow.models.parallel_voice import ParallelVoice, ParallelVoiceSettings
from attentionflow.models.recurrent_voice import RecurrentVoice, RecurrentVoiceSettings, _far
from attentionflow.models.synthesiser import Script, Synthesiser
from attentionflow.recorder import recording

B, N, T, F = 3, 6, 21, 16


def build(kind: str) -> Synthesiser:
    torch.manual_seed(0)
    if kind == "parallel":
        small = ParallelVoiceSettings(width=16, heads=2, text_layers=1, sound_layers=1, feedforward=16, kernel=3)
        return ParallelVoice(small, 9, 2, F).eval()
    settings = RecurrentVoiceSettings(hidden=8, embedding=8, attention=8, prenet=8, longest_letter=6)
    return RecurrentVoice(settings, 9, 2, F).eval()


def script(rows: slice = slice(None)) -> Script:
    draw = torch.Generator().manual_seed(1)
    letters = torch.randint(4, 9, (B, N), generator=draw)
    mask = torch.arange(N) < torch.tensor([6, 4, 5])[:, None]
    own = mask[rows].sum(1).max()
    return Script((letters * mask)[rows, :own], mask[rows, :own], torch.tensor([0, 1, 0])[rows])


def recordings() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(T) < torch.tensor([21, 10, 15])[:, None]
    return torch.randn(B, T, F, generator=torch.Generator().manual_seed(2)) * mask[..., None], mask


@pytest.mark.parametrize("kind", ["parallel", "classic"])
def test_losses_of_a_batch_are_those_of_its_utterances(kind: str) -> None:
    model = build(kind)
    frames, mask = recordings()
    together = model.losses(script(), frames, mask)
    alone = [model.losses(script(slice(i, i + 1)), frames[i : i + 1, mask[i]], None) for i in range(B)]
    for name, (total, count) in together.items():
        assert count == sum(one[name][1] for one in alone)
        torch.testing.assert_close(total, torch.stack([one[name][0] for one in alone]).sum(), rtol=1e-4, atol=1e-4)
    sum(total / count for total, count in together.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("kind", ["parallel", "classic"])
@torch.no_grad()
def test_what_was_said_is_said_again(kind: str) -> None:
    model = build(kind)
    spoken = model.speak(script(), 1.0)
    again = model.again(script(), spoken)
    for row, one in enumerate(spoken):
        assert len(one.frames) % model.step == 0
        assert one.path.max() < script().lengths[row]
        np.testing.assert_allclose(again[row, : len(one.frames)].numpy(), one.frames, atol=1e-5)
        (alone,) = model.speak(script(slice(row, row + 1)), 1.0)
        np.testing.assert_allclose(alone.frames, one.frames, atol=1e-5)


@torch.no_grad()
def test_the_recurrent_voice_is_stopped_where_it_would_go_on() -> None:
    model = build("classic")
    model.stop.bias.fill_(-100)
    spoken = model.speak(script(), 1.0)
    assert [len(one.frames) for one in spoken] == [36, 24, 32]  # 6 frames a letter, in whole steps of 4
    assert not any(one.ended for one in spoken)
    model.stop.bias.fill_(100)
    assert [(len(one.frames), one.ended) for one in model.speak(script(), 1.0)] == [(4, True)] * B


@torch.no_grad()
def test_the_parallel_voice_is_as_fast_as_it_is_told() -> None:
    model = build("parallel")
    model.durations.output.bias.fill_(2.0)  # 7 frames a letter
    usual, quick = (model.speak(script(), speed) for speed in (1.0, 2.0))
    for one, other in zip(usual, quick, strict=True):
        assert len(other.frames) == pytest.approx(len(one.frames) / 2, rel=0.2)


@torch.no_grad()
@pytest.mark.parametrize(("kind", "sites"), [("parallel", 3), ("classic", 1)])
def test_frames_look_at_letters_that_are_there(kind: str, sites: int) -> None:
    model = build(kind)
    spoken = model.speak(script(), 1.0)
    with recording(model) as heard:
        model.again(script(), spoken)
    assert len(heard.sites) == sites
    (cross,) = [site for site in heard.sites if site.role == "cross"]
    rows = max(len(one.frames) for one in spoken) // model.step
    assert cross.weights.shape == (B, 1, rows, N)
    assert (cross.weights[1, :, :, 4:] == 0).all()


def test_guided_attention_costs_nothing_on_the_diagonal() -> None:
    cost = _far([4], [4], torch.device("cpu"))[0]
    assert torch.equal(cost.diagonal(), torch.zeros(4))
    assert float(cost[0, 3]) == pytest.approx(1 - np.exp(-(0.75**2) / (2 * 0.2**2)), abs=1e-6)
