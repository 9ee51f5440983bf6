"""The adaptive softmax: a distribution, one and the same by its three ways, and that of torch where they agree."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from attentionflow.nn.clusters import Clusters, log_probability

V, D, N = 50, 8, 40


@pytest.fixture
def clusters() -> Clusters:
    torch.manual_seed(0)
    found = Clusters((10, 30), V, D)
    torch.nn.init.normal_(found.matrix)
    return found


def told() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(N, D, requires_grad=True), torch.randn(V, D, requires_grad=True), torch.arange(N) % V


def test_chances_add_up_to_one(clusters: Clusters) -> None:
    features, output, _ = told()
    assert_close(clusters.following(features, output).exp().sum(-1), torch.ones(N))


def test_the_chosen_are_among_all_and_the_loss_is_their_sum_with_its_gradient(clusters: Clusters) -> None:
    features, output, answers = told()
    chosen = clusters.chosen(features, output, answers)
    assert_close(chosen, clusters.following(features, output).gather(-1, answers[:, None])[:, 0])
    loss = clusters.loss(features, output, answers)
    assert_close(loss, -chosen.sum())
    weights = (features, output, clusters.matrix)
    for mine, plain in zip(
        torch.autograd.grad(loss, weights), torch.autograd.grad(-chosen.sum(), weights), strict=True
    ):
        assert_close(mine, plain)


def test_with_one_factor_in_all_clusters_it_is_that_of_torch(clusters: Clusters) -> None:
    peer = torch.nn.AdaptiveLogSoftmaxWithLoss(D, V, [10, 30], div_value=1.0)
    features, output, answers = told()
    with torch.no_grad():
        peer.head.weight.copy_(torch.cat((output[:10], clusters.matrix)))
        for k, (a, b) in enumerate([(10, 30), (30, V)]):
            peer.tail[k][0].weight.copy_(torch.eye(D))
            peer.tail[k][1].weight.copy_(output[a:b])
    assert_close(peer(features, answers).output, clusters.chosen(features, output, answers))
    assert_close(peer.log_prob(features), clusters.following(features, output))


def test_without_rare_answers_the_rare_have_no_gradient_but_by_their_cluster(clusters: Clusters) -> None:
    features, output, _ = told()
    clusters.loss(features, output, torch.zeros(N, dtype=torch.int64)).backward()
    assert output.grad is not None
    assert clusters.matrix.grad is not None
    assert not output.grad[10:].any()
    assert clusters.matrix.grad.any()


def test_a_log_probability_is_that_of_the_softmax() -> None:
    features, output, answers = told()
    assert_close(
        log_probability(features, output, answers),
        -torch.nn.functional.cross_entropy(features @ output.T, answers, reduction="none"),
    )


@pytest.mark.parametrize("cutoffs", [(), (0,), (10, 10), (10, 60)])
def test_clusters_that_do_not_rise_within_the_vocabulary_are_refused(cutoffs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one after another"):
        Clusters(cutoffs, V, D)
