"""Flow methods against their formulas written out, on records of every shape; and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from graphs import weights

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.flows import FLOWS, flow
from attentionflow.flows.graph import build_graph
from attentionflow.flows.paths import trace
from attentionflow.records import AttentionRecord, Axis, Fold, Relevance, Site

S, T, H = 5, 4, 2
methods = pytest.mark.parametrize("method", FLOWS)
RANDOM = np.random.default_rng(3)


def a_site(order: int, layer: int, queries: str, keys: str, **changes: Any) -> Site:
    n = {"source": S, "target": T}
    rows, columns = n[queries], n[keys]
    family = "causal" if queries == keys == "target" else "diffuse"
    heads = [weights(family, max(rows, columns), RANDOM)[:rows, :columns] for _ in range(H)]
    array = np.stack([head / head.sum(1, keepdims=True) for head in heads])[None]
    site = Site(
        name=f"{queries}.{keys}.{layer}",
        order=order,
        layer=layer,
        role="self" if queries == keys else "cross",
        queries=queries,
        keys=keys,
        weights=array,
        heads=tuple(range(H)),
        gradients=RANDOM.normal(size=array.shape),
        value_norms=RANDOM.random((1, H, columns)) + 0.5,
    )
    return replace(site, **changes)


def a_record(*sites: Site, **changes: Any) -> AttentionRecord:
    used = {stream for site in sites for stream in (site.queries, site.keys)}
    n = {name: length for name, length in {"source": S, "target": T}.items() if name in used}
    axes = {name: (Axis("token", tuple(f"{name}{i}" for i in range(length))),) for name, length in n.items()}
    present = {name: np.ones((1, length), bool) for name, length in n.items()}
    return replace(AttentionRecord(sites, axes, present), **changes)


def an_encoder(depth: int = 3) -> AttentionRecord:
    return a_record(*(a_site(i, i, "source", "source") for i in range(depth)))


def an_encoder_decoder() -> AttentionRecord:
    places = [("source", "source", 0), ("source", "source", 1), ("target", "target", 0), ("target", "source", 0)]
    places += [("target", "target", 1), ("target", "source", 1)]
    return a_record(*(a_site(order, layer, q, k) for order, (q, k, layer) in enumerate(places)))


def a_single_layer() -> AttentionRecord:
    return a_record(a_site(0, 0, "target", "source", residual=False))


RECORDS = {"encoder": an_encoder, "encoder-decoder": an_encoder_decoder, "single layer": a_single_layer}
records = pytest.mark.parametrize("kind", RECORDS)


# ---- every method on every record ------------------------------------------------------------------------------------


@methods
@records
def test_every_method_answers_for_every_record(method: str, kind: str) -> None:
    record = RECORDS[kind]()
    found = flow(record, method)
    assert isinstance(found, Relevance)
    assert found.method == method
    assert found.stream == "source"
    assert found.target_stream == ("source" if kind == "encoder" else "target")
    assert found.values.shape == (len(found.target_axis), S)
    assert np.isfinite(found.values).all()
    assert (found.values >= 0).all()
    assert found.gap <= 1e-9
    one = flow(record, method, target=-1)
    assert one.targets == (len(found.target_axis) - 1,)
    np.testing.assert_allclose(one.values, found.values[-1:], atol=1e-9)
    several = flow(record, method, target=[2, 0])
    np.testing.assert_allclose(several.values, found.values[[2, 0]], atol=1e-9)


@methods
def test_an_example_of_several_is_the_example_alone(method: str) -> None:
    one = an_encoder()
    padded = []
    for site in one.sites:
        wide = {}
        for name in ("weights", "gradients"):
            array = np.zeros((2, H, S + 2, S + 2))
            array[0, :, :S, :S] = array[1, :, :S, :S] = getattr(site, name)[0]
            wide[name] = array
        norms = np.ones((2, H, S + 2))
        norms[:, :, :S] = site.value_norms
        padded.append(replace(site, value_norms=norms, **wide))
    present = np.zeros((2, S + 2), bool)
    present[:, :S] = True
    record = AttentionRecord(tuple(padded), {"source": one.axes["source"] * 2}, {"source": present})
    np.testing.assert_allclose(flow(record, method, example=1).values, flow(one, method).values, atol=1e-9)
    with pytest.raises(UserError, match="holds 2 examples; choose one"):
        flow(record, method)
    with pytest.raises(UserError, match="no example 2"):
        flow(record, method, example=2)


# ---- formulas --------------------------------------------------------------------------------------------------------


def mixed(site: Site) -> np.ndarray:
    return 0.5 * np.eye(S) + 0.5 * site.weights[0].mean(0)


def test_raw_is_the_last_layer_or_the_one_asked_for() -> None:
    record = an_encoder_decoder()
    np.testing.assert_allclose(flow(record, "raw").values, record["target.source.1"].weights[0].mean(0))
    np.testing.assert_allclose(flow(record, "raw", layer=0, heads=1).values, record["target.source.0"].weights[0, 1])


def test_rollout_of_an_encoder_is_the_product_of_its_layers() -> None:
    record = an_encoder()
    expected = mixed(record.sites[2]) @ mixed(record.sites[1]) @ mixed(record.sites[0])
    np.testing.assert_allclose(flow(record, "rollout").values, expected, atol=1e-12)


def test_rollout_of_an_encoder_decoder_runs_through_cross_attention() -> None:
    record = an_encoder_decoder()
    encoder = mixed(record["source.source.1"]) @ mixed(record["source.source.0"])
    mean = {site.name: site.weights[0].mean(0) for site in record.sites}
    # What a target position holds of the source, and of the target, level by level.
    source, target = np.zeros((T, S)), np.eye(T)
    for layer in range(2):
        own = 0.5 * np.eye(T) + 0.5 * mean[f"target.target.{layer}"]
        source, target = own @ source, own @ target
        source, target = 0.5 * source + 0.5 * mean[f"target.source.{layer}"] @ encoder, 0.5 * target
    np.testing.assert_allclose(flow(record, "rollout").values, source, atol=1e-12)
    np.testing.assert_allclose(flow(record, "rollout", onto="target").values, target, atol=1e-12)
    np.testing.assert_allclose(source.sum(1) + target.sum(1), 1, atol=1e-12)


def test_gradient_relevance_of_an_encoder_is_the_rule_of_self_attention() -> None:
    record, expected = an_encoder(), np.eye(S)
    for site in record.sites:
        expected = expected + np.maximum(site.weights * site.gradients, 0)[0].mean(0) @ expected
    np.testing.assert_allclose(flow(record, "gradient").values, expected, atol=1e-12)


def test_gradient_relevance_through_cross_attention_is_the_rule_of_two_streams() -> None:
    record = an_encoder_decoder()
    bars = {site.name: np.maximum(site.weights * site.gradients, 0)[0].mean(0) for site in record.sites}
    source, target, crossed = np.eye(S), np.eye(T), np.zeros((T, S))

    def norm(r: np.ndarray) -> np.ndarray:
        beside = r - np.eye(len(r))
        return beside / beside.sum(1, keepdims=True) + np.eye(len(r))

    for layer in range(2):
        source = source + bars[f"source.source.{layer}"] @ source
    for layer in range(2):
        crossed = crossed + bars[f"target.target.{layer}"] @ crossed
        target = target + bars[f"target.target.{layer}"] @ target
        crossed = crossed + norm(target).T @ bars[f"target.source.{layer}"] @ norm(source)
    np.testing.assert_allclose(flow(record, "gradient").values, crossed, atol=1e-12)


def test_flow_of_one_layer_is_its_weights() -> None:
    record = a_single_layer()
    found = flow(record, "maxflow")
    np.testing.assert_allclose(found.values, record.sites[0].weights[0].mean(0), atol=1e-12)
    assert found.certified == 1
    assert found.saturation is None


def test_agf_is_the_flow_of_gradient_weighted_capacities() -> None:
    record = an_encoder(1)
    site = record.sites[0]
    bar = np.maximum(site.weights * site.gradients, 0)[0].mean(0)
    expected = 0.3 * np.eye(S) + 0.7 * bar / bar.sum(1).max()
    np.testing.assert_allclose(flow(record, "agf", residual=0.3).values, expected, atol=1e-12)


@pytest.mark.parametrize("heads", ["mean", "max", "norm", 1])
def test_head_rules_give_distributions(heads: Any) -> None:
    record = an_encoder(1)
    site = record.sites[0]
    w, norms = site.weights[0], site.value_norms[0]
    plain = {"mean": w.mean(0), "max": w.max(0), "norm": (w * norms[:, None]).sum(0), 1: w[1]}[heads]
    graph = build_graph(record, heads=heads, residual=0.0)
    np.testing.assert_allclose(graph.capacities[0], plain / plain.sum(1, keepdims=True), atol=1e-12)


def test_saturation_is_said() -> None:
    deep = flow(a_record(*(a_site(i, i, "source", "source") for i in range(12))), "maxflow")
    assert deep.saturation == 1
    assert "depend neither on the target nor on the layers above" in deep.notes[0]
    shallow = flow(an_encoder(2), "maxflow")
    assert shallow.saturation < 0.5
    assert shallow.notes == ()


def test_paths_of_rollout_and_of_flow() -> None:
    record = an_encoder_decoder()
    rolled = trace(record, "rollout", 1)
    assert set(rolled.edges) == {None}
    top = rolled.edges[None][:, 0] == 5
    assert rolled.flow[None][top].sum() == pytest.approx(1)
    flowing, values = trace(record, "maxflow", 1), flow(record, "maxflow", target=1).values[0]
    for position, edges in flowing.edges.items():
        top = edges[:, 0] == 5
        assert (edges[top, 1] == flowing.source).all()
        assert flowing.flow[position][top].sum() == pytest.approx(values[position], abs=1e-9)
        assert flowing.cut[position].any()
    with pytest.raises(UserError, match="gradient has no paths"):
        trace(record, "gradient", 1)


# ---- refusals --------------------------------------------------------------------------------------------------------


def changed(record: AttentionRecord, index: int, **changes: Any) -> AttentionRecord:
    sites = list(record.sites)
    sites[index] = replace(sites[index], **changes)
    return replace(record, sites=tuple(sites))


@methods
def test_what_cannot_flow_is_refused_with_the_reason(method: str) -> None:
    record = an_encoder()
    site = record.sites[1]
    off = site.weights.copy()
    off[0, 0, 3] *= 0.5
    nan = site.weights.copy()
    nan[0, 0, 3, 1] = np.nan
    negative = site.weights.copy()
    negative[0, 0, 3, :2] = -0.1, negative[0, 0, 3, :2].sum() + 0.1
    for bad, message in [
        (changed(record, 1, weights=off), "weights of query 3 sum to 0.5, not to one"),
        (changed(record, 1, weights=nan), "not finite"),
        (changed(record, 1, weights=negative), "negative"),
        (changed(record, 1, normalised=False), "no distribution"),
        (changed(record, 1, role="gate"), "no distribution"),
        (changed(record, 1, rows=(0, 1), weights=site.weights[:, :, :2], gradients=None), "for some rows alone"),
        (changed(record, 1, weights=site.weights[..., :3], gradients=None, value_norms=None), "where its axes have"),
        (replace(record, sites=()), "no attention site"),
        (replace(record, present={"source": np.zeros((1, S), bool)}), "padding"),
    ]:
        with pytest.raises(UserError, match=message):
            flow(bad, method)


@methods
def test_a_missing_layer_is_refused_where_it_matters(method: str) -> None:
    record = an_encoder()
    lacking = replace(record, sites=(record.sites[0], record.sites[2]))
    if method == "raw":
        np.testing.assert_array_equal(flow(lacking, method).values, flow(record, method).values)
        return
    with pytest.raises(UserError, match="layer 1 of the self attention from source to source is not in the record"):
        flow(lacking, method)


@methods
@pytest.mark.parametrize("target", [S, -S - 1, [0, S]])
def test_a_target_that_is_not_there(method: str, target: Any) -> None:
    with pytest.raises(UserError, match=r"no target .*positions 0 to 4"):
        flow(an_encoder(), method, target=target)


def test_unknown_names_are_told_the_nearest() -> None:
    record = an_encoder()
    with pytest.raises(UserError, match="did you mean 'maxflow'"):
        flow(record, "max-flow")
    with pytest.raises(UserError, match="did you mean 'residual'"):
        flow(record, "maxflow", residuals=0.5)
    with pytest.raises(UserError, match="no stream 'sourc'; did you mean 'source'"):
        flow(record, "rollout", onto="sourc")
    with pytest.raises(UserError, match="unknown head rule 'men'; did you mean 'mean'"):
        flow(record, "rollout", heads="men")
    with pytest.raises(UserError, match="not head 7"):
        flow(record, "rollout", heads=7)
    with pytest.raises(UserError, match="residual must be in"):
        flow(record, "rollout", residual=1)
    with pytest.raises(UserError, match="no layer 3"):
        flow(record, "raw", layer=3)


@pytest.mark.parametrize("method", ["gradient", "agf"])
def test_gradients_speak_of_their_target_alone(method: str) -> None:
    record = replace(an_encoder(), target=2)
    assert flow(record, method).targets == (2,)
    with pytest.raises(UserError, match="those of target 2"):
        flow(record, method, target=1)
    with pytest.raises(UserError, match="holds no gradients"):
        flow(changed(record, 0, gradients=None), method)


def test_value_norms_must_have_been_recorded() -> None:
    with pytest.raises(UserError, match="value_norms=True"):
        flow(changed(an_encoder(), 0, value_norms=None), "rollout", heads="norm")


def test_windows_are_put_back_before_anything_flows() -> None:
    whole = an_encoder(1)
    site = whole.sites[0]
    blocks = np.zeros((2, H, 3, 3))
    windows = [[0, 1, 2], [3, 4, -1]]
    for row, window in enumerate(windows):
        at = [i for i in window if i >= 0]
        part = RANDOM.random((H, len(at), len(at)))
        blocks[row, :, : len(at), : len(at)] = part / part.sum(-1, keepdims=True)
    fold = Fold(np.array([0, 0]), np.array(windows), np.array(windows))
    folded = replace(whole, sites=(replace(site, weights=blocks, gradients=None, value_norms=None, fold=fold),))
    values = flow(folded, "rollout", residual=0.0).values
    np.testing.assert_allclose(values[:3, :3], blocks[0].mean(0), atol=1e-12)
    assert (values[:3, 3:] == 0).all()


def test_flow_is_a_public_verb() -> None:
    assert af.flow is flow
