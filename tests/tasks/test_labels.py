"""One label, ordered labels, any number of labels: losses against PyTorch's, answers, and how likely they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from attentionflow.errors import UserError
from attentionflow.tasks._labels import AnyLabels, Labels, OneLabel, OrderedLabel, label_names

NAMES = ["bad", "fair", "good"]
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])


def test_one_label_is_cross_entropy() -> None:
    labels = OneLabel(NAMES)
    targets = torch.from_numpy(labels.targets([("good",), ("bad",)]))
    for smoothing in (0.0, 0.2):
        expected = F.cross_entropy(LOGITS, torch.tensor([2, 0]), label_smoothing=smoothing, reduction="sum")
        torch.testing.assert_close(labels.loss(LOGITS, targets, smoothing), expected)


def test_ordered_smoothing_goes_to_the_neighbours() -> None:
    labels = OrderedLabel([*NAMES, "best"])
    targets = torch.from_numpy(labels.targets([("bad",)]))
    logits = torch.randn(1, 4)
    spread = torch.tensor([[0.7, 0.3 * 4 / 7, 0.3 * 2 / 7, 0.3 * 1 / 7]])
    torch.testing.assert_close(labels.loss(logits, targets, 0.3), F.cross_entropy(logits, spread, reduction="sum"))
    torch.testing.assert_close(
        labels.loss(logits, targets, 0.0), F.cross_entropy(logits, torch.tensor([0]), reduction="sum")
    )


def test_any_labels_are_a_yes_or_no_each() -> None:
    labels = AnyLabels(NAMES)
    targets = torch.from_numpy(labels.targets([("bad", "good"), ()]))
    assert targets.tolist() == [[1, 0, 1], [0, 0, 0]]
    expected = F.binary_cross_entropy_with_logits(LOGITS, targets, reduction="sum")
    torch.testing.assert_close(labels.loss(LOGITS, targets, 0.0), expected)
    assert labels.choose(np.array([0.9, 0.5, 0.6])) == (0, 2)
    assert labels.output((0, 2)) == ["bad", "good"]
    likely = labels.log_probability(LOGITS, [(0,), ()])
    p = LOGITS.sigmoid()
    torch.testing.assert_close(likely.exp(), torch.stack([torch.cat((p[0, :1], 1 - p[0, 1:])), 1 - p[1]]))


@pytest.mark.parametrize("kind", [OneLabel, OrderedLabel])
def test_the_answer_is_the_likeliest(kind: type[OneLabel]) -> None:
    labels = kind(NAMES)
    p = labels.probabilities(LOGITS)
    torch.testing.assert_close(p.sum(1), torch.ones(2))
    chosen = [labels.choose(row) for row in p.numpy()]
    assert [labels.output(one) for one in chosen] == ["bad", "good"]
    torch.testing.assert_close(labels.log_probability(LOGITS, chosen)[:, 0].exp(), p.max(1).values)


@pytest.mark.parametrize("kind", [OneLabel, OrderedLabel, AnyLabels])
def test_texts_without_labels_have_no_target(kind: type[Labels]) -> None:
    targets = kind(NAMES).targets([None, ("bad",)])
    assert np.isnan(targets[0]).all()
    assert targets[1].tolist() == [1, 0, 0]
    if kind is not AnyLabels:
        assert np.isnan(kind(NAMES).targets([("strange",), ()])).all()


def test_names_are_in_order() -> None:
    assert label_names([("10",), ("9",), ("-1",), None]) == ["-1", "9", "10"]
    assert label_names([("b", "a"), ("B",)]) == ["B", "a", "b"]
    with pytest.raises(UserError, match=r"have 1 labels \(a\); there must be two"):
        label_names([("a",)])
