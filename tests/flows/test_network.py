"""Maximum flow against independent solvers, and its bounds against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import FAMILIES, by_networkx, by_scipy, layers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attentionflow.flows.certificate import certified
from attentionflow.flows.network import maximum_flows, one_flow, upper_bounds

families = pytest.mark.parametrize("family", FAMILIES)
graphs = st.tuples(st.sampled_from(FAMILIES), st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6))


def all_pairs(capacities: np.ndarray) -> np.ndarray:
    nodes = np.arange(capacities.shape[1])
    found = maximum_flows(capacities, nodes, nodes)
    assert (found.upper - found.lower).max() <= 1e-9
    assert (found.lower <= found.upper).all()
    return found.lower


@families
@pytest.mark.parametrize(("n", "depth"), [(1, 1), (2, 3), (5, 1), (5, 2), (6, 3), (6, 7), (4, 12)])
def test_every_pair_is_networkx(family: str, n: int, depth: int) -> None:
    capacities = layers(family, n, depth)
    expected = [[by_networkx(capacities, u, v) for v in range(n)] for u in range(n)]
    np.testing.assert_allclose(all_pairs(capacities), expected, atol=1e-9)


@families
@pytest.mark.parametrize(("n", "depth"), [(16, 6), (32, 12), (64, 4)])
def test_some_pairs_are_scipy(family: str, n: int, depth: int) -> None:
    capacities = layers(family, n, depth)
    found = all_pairs(capacities)
    for u, v in np.random.default_rng(1).integers(n, size=(12, 2)):
        assert found[u, v] == pytest.approx(by_scipy(capacities, u, v), abs=1e-7 * n * n)


@given(graphs, st.floats(0, 0.95))
@example(("encoder-decoder", 2, 3, 0), 5e-324)  # capacities whose reciprocals are beyond all numbers
@example(("encoder-decoder", 2, 2, 0), 5e-324)
@settings(max_examples=60, deadline=None)
def test_flows_are_what_flows_must_be(graph: tuple[str, int, int, int], residual: float) -> None:
    family, n, depth, seed = graph
    capacities = layers(family, n, depth, seed, residual)
    found, nodes = all_pairs(capacities), np.arange(n)
    rolled = np.linalg.multi_dot([*capacities[::-1], np.eye(n)])
    assert (found >= rolled - 1e-9).all()  # rollout is a feasible flow
    assert (found <= np.minimum(capacities[-1].sum(1)[:, None], capacities[0].sum(0)) + 1e-9).all()
    assert ((found > 1e-12) <= (rolled > 0)).all()  # nothing flows where no path is
    proven = certified(capacities, nodes, nodes, upper_bounds(capacities, nodes, nodes), np.zeros((n, n), bool))
    bounds = upper_bounds(capacities, nodes, nodes)
    np.testing.assert_allclose(found[proven], bounds[proven], atol=1e-9)


@given(graphs, st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_order_of_nodes_and_choice_of_pairs_change_nothing(graph: tuple[str, int, int, int], seed: int) -> None:
    family, n, depth, graph_seed = graph
    capacities, order = layers(family, n, depth, graph_seed), np.random.default_rng(seed).permutation(n)
    found = all_pairs(capacities)
    turned = all_pairs(capacities[:, order][:, :, order])
    np.testing.assert_allclose(turned, found[np.ix_(order, order)], atol=1e-9)
    chosen = maximum_flows(capacities, order[:2], order[-1:])
    np.testing.assert_allclose(chosen.lower, found[np.ix_(order[:2], order[-1:])], atol=1e-9)


@given(graphs)
@settings(max_examples=30, deadline=None)
def test_wider_pipes_carry_no_less(graph: tuple[str, int, int, int]) -> None:
    family, n, depth, seed = graph
    capacities = layers(family, n, depth, seed)
    np.testing.assert_allclose(all_pairs(2 * capacities), 2 * all_pairs(capacities), atol=1e-9)
    wider = capacities.copy()
    wider[seed % depth] += 0.1
    assert (all_pairs(wider) >= all_pairs(capacities) - 1e-9).all()


def test_the_certificate_proves_all_of_a_diffuse_graph() -> None:
    nodes = np.arange(48)
    found = maximum_flows(layers("diffuse", 48, 12), nodes, nodes)
    assert found.searched.mean() < 0.01


@families
def test_one_flow_is_conserved_within_its_pipes_and_as_large_as_its_cut(family: str) -> None:
    n, depth = 10, 6
    capacities = layers(family, n, depth)
    expected = all_pairs(capacities)
    for u, v in [(0, 0), (9, 0), (9, 4), (5, 9)]:
        flow, cut = one_flow(capacities, u, v)
        assert (flow >= 0).all()
        assert (flow <= capacities + 1e-12).all()
        np.testing.assert_allclose(flow[:-1].sum(2), flow[1:].sum(1), atol=1e-12)  # in = out between the ends
        np.testing.assert_allclose(flow[-1].sum(1), np.eye(n)[u] * expected[u, v], atol=1e-9)
        np.testing.assert_allclose(flow[0].sum(0), np.eye(n)[v] * expected[u, v], atol=1e-9)
        assert capacities[cut].sum() == pytest.approx(expected[u, v], abs=1e-9)
