"""Both networks read films and motions of any size that fits, and what they see is what the stems promise."""

from __future__ import annotations

import pytest
import torch

from attentionflow.models.clip_classifiers import (
    FilmSight,
    MotionSight,
    RecurrentMoments,
    RecurrentMomentsSettings,
    SpaceTimeTransformer,
    SpaceTimeTransformerSettings,
)

SIGHTS = [
    (FilmSight(8, 1, 16, 24, 2, 8), (3, 8, 1, 16, 24)),
    (FilmSight(4, 3, 16, 16, 1, 4), (3, 4, 3, 16, 16)),
    (MotionSight(8, 5, 2, 4), (3, 8, 5, 2)),
    (MotionSight(8, 4, 3, 1), (3, 8, 4, 3)),
]


@pytest.mark.parametrize(("sight", "shape"), SIGHTS)
def test_shapes(sight: FilmSight | MotionSight, shape: tuple[int, ...]) -> None:
    clips = torch.randn(shape)
    tubes = sight.stem(4, 16)(clips)
    assert tubes.shape == (3, sight.moments, sight.places, 16)
    small = SpaceTimeTransformerSettings(channels=4, width=16, heads=2, feedforward=16)
    for model in (
        SpaceTimeTransformer(small, sight, 5),
        RecurrentMoments(RecurrentMomentsSettings(channels=4, width=8, hidden=16), sight, 5),
    ):
        assert model(clips).shape == (3, 5)


def test_a_motion_is_seen_by_its_distances_and_speeds() -> None:
    """What is a joint's own does not change when the other clips of a batch do, nor with the order of the joints."""
    stem = MotionSight(8, 5, 2, 2).stem(4, 8).eval()
    clips, order = torch.randn(2, 8, 5, 2), torch.tensor([4, 2, 0, 1, 3])
    found = stem(clips)
    torch.testing.assert_close(stem(clips[1:]), found[1:])
    with torch.no_grad():  # the weights of the distances, in the order of the joints
        first = stem.convolutions[0][0].weight
        first[:, 10:] = first[:, 10:][:, order]
    torch.testing.assert_close(stem(clips[:, :, order]), found[:, :, order])


def test_a_film_that_stands_still_has_no_changes() -> None:
    """All moments of it are alike, but the first, which sees the beginning."""
    stem = FilmSight(8, 1, 8, 8, 2, 4).stem(4, 8).eval()
    found = stem(torch.randn(1, 1, 1, 8, 8).expand(1, 8, 1, 8, 8))
    torch.testing.assert_close(found[:, 1:], found[:, 1:2].expand(-1, 3, -1, -1))
    moving = torch.cat((torch.zeros(1, 4, 1, 8, 8), torch.ones(1, 4, 1, 8, 8)), dim=1)
    assert not torch.allclose(stem(moving)[:, 1], stem(moving)[:, 2])
