"""Parts of the two jobs on sounds: augmentation, windows, times of labels, figures."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.errors import UserError
from attentionflow.models.sound_cleaners import MaskTransformer, MaskTransformerSettings
from attentionflow.models.sound_taggers import (
    Hearing,
    RecurrentTagger,
    RecurrentTaggerSettings,
    SpectrogramTransformer,
    SpectrogramTransformerSettings,
)
from attentionflow.readers.labelled_sounds import Event
from attentionflow.tasks._augment_sounds import COLUMNS, SoundAugmentation, drawn, masked, moved
from attentionflow.tasks._cleaned import Cleaned, Windows, samples_of, spectrum_of
from attentionflow.tasks._enhancement_scores import enhancement_scores, si_sdr, wiener
from attentionflow.tasks._heard import segment_f1, stretches
from attentionflow.tasks._sound_windows import SoundWindows

# Augmentation


def test_a_sound_is_changed_as_alone_and_by_its_own_draws() -> None:
    frames, change = torch.randn(5, 20, 8), SoundAugmentation(True, 2, 0.3)
    draws = drawn(3, 1, 5)
    together = change.changed(frames, draws)
    assert torch.equal(change.changed(frames[2:3], draws[2:3]), together[2:3])
    assert not np.array_equal(draws, drawn(3, 2, 5))
    np.testing.assert_array_equal(drawn(3, 1, 9)[:5], draws)


def test_what_is_moved_is_all_there_and_nothing_else_changes() -> None:
    frames, draws = torch.randn(4, 20, 8), drawn(0, 0, 4)
    found = moved(frames, draws, True, 0)
    assert torch.equal(found.sort(1).values, frames.sort(1).values)
    assert torch.equal(moved(frames, draws, False, 0), frames)
    up = np.zeros((1, COLUMNS), np.float32)
    assert torch.equal(moved(frames[:1], up, False, 1)[:, :, 1:], frames[:1, :, :-1])


def test_masks_cover_stretches_no_longer_than_their_share() -> None:
    gone = masked(torch.ones(200, 20, 10), drawn(1, 0, 200), 0.2) == 0
    assert gone.all(2).sum(1).max() <= 8
    assert gone.all(1).sum(1).max() <= 4
    assert gone.any()
    assert not (masked(torch.ones(20, 20, 10), drawn(1, 0, 20), 0.0) == 0).any()


# Windows


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(2, 40), st.integers(1, 9))
def test_windows_of_a_spectrogram_cover_it(length: int, moments: int, step: int) -> None:
    heard = SoundWindows(8_000, 4, 50, moments * step, step)
    starts = heard.starts(length)
    assert starts[0] == 0
    assert all(later - start <= heard.frames for start, later in pairwise(starts))
    assert length - (starts[-1] + heard.frames) < step
    assert heard.windows(np.zeros((length, 4), np.float16)).shape == (len(starts), heard.frames, 4)
    assert len(heard.spans(length)) == len(starts) * moments


def test_loudness_tells_nothing() -> None:
    heard = SoundWindows(8_000, 4, 50, 8, 4, (0.0,) * 4, (1.0,) * 4)
    frames = torch.randn(1, 8, 4)
    torch.testing.assert_close(heard.normalised(frames), heard.normalised(frames + 7))


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(8, 60), st.data())
def test_cut_and_joined_windows_are_the_sound(length: int, size: int, data: st.DataObject) -> None:
    windows = Windows(size, data.draw(st.integers(0, size // 2 - 1)))
    samples = np.random.default_rng(length).normal(size=length).astype("f4")
    cut = windows.cut(samples)
    assert len(cut) == windows.count(length)
    np.testing.assert_allclose(windows.joined(cut, length), samples, atol=1e-6)
    step = data.draw(st.integers(1, 90))
    pieces = [samples[at : at + step] for at in range(0, length, step)]
    np.testing.assert_array_equal(np.stack(list(windows.stream(pieces))), cut)


def test_a_spectrum_and_back_is_the_sound() -> None:
    samples = torch.randn(3, 512)
    torch.testing.assert_close(samples_of(spectrum_of(samples, 64, 32), 64, 32, 512), samples, atol=1e-5, rtol=0)


def test_a_cleaned_sound_is_a_wav_file() -> None:
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, 100_000).astype("f4")
    found, rate = soundfile.read(io.BytesIO(b"".join(Cleaned(samples, 8_000, 3.0).wav())), dtype="float32")
    assert rate == 8_000
    np.testing.assert_allclose(found, samples.clip(-1, 1), atol=1e-4)


# When labels are heard


def test_moments_that_add_most_of_a_logit_are_told() -> None:
    shares = np.zeros((2, 4, 2))
    shares[0, :, 0] = [0, 2, 2, 0]
    shares[1, :, 0] = [3, 0, 0, 0]
    shares[:, :, 1] = -1
    spans = [(at * 0.5, at * 0.5 + 0.5) for at in range(8)]
    found = stretches(shares, (0,), ("dog", "rain"), spans, 4.0)
    assert found == (Event("dog", 0.5, 1.5), Event("dog", 2.0, 2.5))
    assert stretches(shares, (1,), ("dog", "rain"), spans, 4.0) == ()
    assert stretches(shares, (0,), ("dog", "rain"), spans, 1.2) == (Event("dog", 0.5, 1.2),)


def test_segments_are_counted_over_all_sounds() -> None:
    one, other = Event("dog", 0.0, 1.0), Event("dog", 0.5, 1.5)
    assert segment_f1([[one]], [[one]]).value == 1
    assert segment_f1([[one]], [[other]]).value == pytest.approx(0.5)
    assert segment_f1([[one], []], [[other], [one]]).value == pytest.approx(2 * 5 / (10 + 20))
    assert segment_f1([[one]], [[Event("rain", 0.0, 1.0)]]).value == 0


# Figures


def test_si_sdr_is_the_ratio_of_what_was_mixed_whatever_the_scale() -> None:
    draw = np.random.default_rng(0)
    clean, noise = draw.normal(size=(2, 20_000))
    clean, noise = clean - clean.mean(), noise - noise.mean()
    noise -= (noise @ clean) / (clean @ clean) * clean
    noise *= np.sqrt((clean @ clean) / (noise @ noise)) / 10 ** (7 / 20)
    for scale in (0.1, 1, 30):
        assert si_sdr(scale * (clean + noise), clean) == pytest.approx(7, abs=1e-6)


def test_scores_are_means_and_a_wiener_filter_helps() -> None:
    draw = np.random.default_rng(0)
    time = np.arange(8_000) / 8_000
    clean = [(np.sin(2 * np.pi * pitch * time) * (time % 0.4 < 0.2)).astype("f4") for pitch in (300, 500)]
    noisy = [one + draw.normal(0, 0.3, len(one)).astype("f4") for one in clean]
    scores = enhancement_scores([wiener(one, 256, 128) for one in noisy], noisy, clean, 8_000, cheap=False)
    assert scores["si_sdr_improvement"].value > 4
    assert scores["si_sdr_improvement"].interval is not None
    same = enhancement_scores(noisy, noisy, clean, 8_000, cheap=True)
    assert same["si_sdr_improvement"].value == same["stoi_improvement"].value == 0
    short = enhancement_scores([one[:900] for one in noisy], [one[:900] for one in noisy], [one[:900] for one in clean],
                               8_000, cheap=True)  # fmt: skip
    assert short["stoi"].signature == "0 of 2 sounds"


# Networks


@pytest.mark.parametrize("classic", [False, True])
def test_a_tagger_adds_up_its_moments(classic: bool) -> None:
    hearing, sizes = Hearing(18, 8), {"channels": 4}
    model = (
        RecurrentTagger(RecurrentTaggerSettings(hidden=8, **sizes), hearing, 3)
        if classic
        else SpectrogramTransformer(SpectrogramTransformerSettings(width=16, heads=2, **sizes), hearing, 3)
    )
    frames = torch.randn(2, 48, 18)
    logits, moments = model.eval()(frames)
    assert moments.shape == (2, 6, 3)
    torch.testing.assert_close(moments.sum(1), logits)
    torch.testing.assert_close(model(frames, (2,))[0], logits)


def test_patches_that_leave_gaps_are_refused() -> None:
    with pytest.raises(UserError, match="patch=4 must be step=8 or more by a multiple of 8"):
        SpectrogramTransformer(SpectrogramTransformerSettings(patch=4), Hearing(16, 8), 3)


@pytest.mark.parametrize("frequencies", [9, 65, 129])
def test_a_cleaner_begins_with_the_sound_as_it_is(frequencies: int) -> None:
    model = MaskTransformer(MaskTransformerSettings(channels=4, width=16, heads=2, layers=1), frequencies)
    factors = model(torch.randn(2, 3, 7, frequencies))
    torch.testing.assert_close(factors, torch.ones(2, 7, frequencies, dtype=torch.complex64))
