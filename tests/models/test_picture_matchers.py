"""Networks that compare pictures: against the formula written out.

Letters: B pictures, G known pictures, P patches, F features.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attentionflow.models import picture_matchers
from attentionflow.models.picture_classifiers import Sight
from attentionflow.models.picture_matchers import (
    GatedMatcher,
    GatedMatcherSettings,
    PatchMatcher,
    PatchMatcherSettings,
    PictureMatcher,
)

SIGHT = Sight(1, 16, 16, 4)
E, F = 12, 6


def build(kind: type[PictureMatcher]) -> PictureMatcher:
    torch.manual_seed(0)
    if kind is GatedMatcher:
        return GatedMatcher(GatedMatcherSettings(channels=4, blocks=1, embedding=E), SIGHT).eval()
    settings = PatchMatcherSettings(channels=4, blocks=1, heads=2, feedforward=16, features=F, embedding=E)
    return PatchMatcher(settings, SIGHT).eval()


@pytest.fixture(params=[PatchMatcher, GatedMatcher], ids=["patches", "classic"])
def model(request: pytest.FixtureRequest) -> PictureMatcher:
    return build(request.param)


def pictures(count: int) -> Tensor:
    return torch.randn(count, 1, 16, 16, generator=torch.Generator().manual_seed(count))


def test_patches_are_as_alike_as_their_counterparts_are() -> None:
    """Cosine of the wholes and mean over patches of a known picture of vₘ · Σ_p softmax_p(τ aₘ · a_p) v_p, halved."""
    model = build(PatchMatcher)
    assert isinstance(model, PatchMatcher)
    seen, known = model.describe(pictures(2)), model.describe(pictures(3))
    found = model.similarity(seen, known[None])
    sharp = model.counterparts.log_sharpness.exp()
    for b in range(2):
        for g in range(3):
            a, v = seen[b, E:].view(-1, 2 * F).split(F, -1)
            mine, wanted = known[g, E:].view(-1, 2 * F).split(F, -1)
            torch.testing.assert_close(a.norm(dim=-1), torch.ones(16))
            weights = (sharp * mine @ a.T).softmax(-1)
            parts = (wanted * (weights @ v)).sum(-1).mean()
            torch.testing.assert_close(found[b, g], (seen[b, :E] @ known[g, :E] + parts) / 2)
    assert found.max() <= 1


def test_the_classic_compares_by_squared_distance() -> None:
    model = build(GatedMatcher)
    described = model.describe(pictures(4))
    found = model.similarity(described, described[None])
    torch.testing.assert_close(found, -torch.cdist(described, described).square() / E, atol=1e-4, rtol=1e-3)


def test_blocks_of_a_large_gallery_change_nothing(model: PictureMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, known = model.describe(pictures(3)), model.describe(pictures(7))[None]
    whole = model.similarity(seen, known)
    monkeypatch.setattr(picture_matchers, "BLOCK", 2 * seen.numel())
    torch.testing.assert_close(model.similarity(seen, known), whole)


def test_each_may_be_compared_with_its_own(model: PictureMatcher) -> None:
    seen, known = model.describe(pictures(2)), model.describe(pictures(6)).view(2, 3, -1)
    found = model.similarity(seen, known)
    for b in range(2):
        torch.testing.assert_close(found[b : b + 1], model.similarity(seen[b : b + 1], known[b : b + 1]))


def test_the_probability_of_a_name_is_its_share_of_the_softmax(model: PictureMatcher) -> None:
    seen, known = model.describe(pictures(2)), model.describe(pictures(5))[None]
    logits = model.naming.logits(model.similarity(seen, known))
    right = torch.tensor([[True, False, True, False, False]])
    everything = torch.ones(1, 5, dtype=torch.bool)
    found = model.log_probability(seen, known, right, everything, torch.tensor([-torch.inf]))
    torch.testing.assert_close(found, logits.softmax(-1)[:, [0, 2]].sum(1).log())
    # Three are compared, the share of the others is given.
    rest = logits[:, 3:].logsumexp(1)
    found = model.log_probability(seen, known[:, :3], right[:, :3], everything[:, :3], rest)
    torch.testing.assert_close(found, logits.softmax(-1)[:, [0, 2]].sum(1).log())
    # Padding beside them is nothing.
    present = torch.tensor([[True, True, True, False, False]])
    padded = model.log_probability(seen, known, right, present, rest)
    torch.testing.assert_close(padded, found)


def test_gradients_reach_every_weight(model: PictureMatcher) -> None:
    described = model.train().describe(pictures(8))
    logits = model.naming.logits(model.similarity(described[:4], described[None, 4:]))
    torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    assert all(one.grad is not None and one.grad.isfinite().all() for one in model.parameters())
