"""SASRec's own data and protocol: Amazon Video Games from nothing on this machine, the test split scored once.

    python benchmarks/recommendation_games.py
    python benchmarks/recommendation_games.py --out RUN --scored     # a run that this script has trained
    python benchmarks/recommendation_games.py --out RUN --scored --split val    # shown, not written down

Kang and McAuley 2018, section IV-D: of 10,000 users drawn at random, the last item stands among 100 items drawn
uniformly from all that the user did not touch. All 23,715 items of the data are drawn from, as there; those that
training never saw stand last, and as a target they are misses. The checkpoint is chosen on the validation split. The
ranking among the whole catalogue, popularity and the strongest simple method stand beside.

The second claim is training speed beside a plain SASRec of equal dimensions in PyTorch: histories padded to the full
length, torch.nn.MultiheadAttention (fused), one drawn item a position and the log loss, as the published port does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from _results import claim, trained_seconds
from torch import Tensor, nn

import attentionflow as af
from attentionflow.readers.catalogue import Catalogue
from attentionflow.tasks._ranking import DRAWN, draw_unseen, ranking_scores, ranks
from attentionflow.tasks._simple_recommenders import simple_recommenders

USERS = 10_000
ROUNDS = 5


def protocol(histories: Sequence[Any], items: Sequence[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which users are scored, and for each the codes in `items` (USERS, DRAWN) that the target stands among."""
    known = {item: code for code, item in enumerate(items)}
    users = np.sort(np.random.default_rng(seed).choice(len(histories), min(USERS, len(histories)), replace=False))
    seen = [np.array([known[item] for item in histories[user].whole]) for user in users.tolist()]
    return users, np.stack(
        [
            draw_unseen(codes, len(items), histories[user].user, seed)
            for codes, user in zip(seen, users.tolist(), strict=True)
        ]
    )


def scored(
    score: Callable[[np.ndarray], Tensor], targets: np.ndarray, drawn: np.ndarray, intervals: bool
) -> dict[str, Any]:
    """HR@10 and NDCG@10 by what gives users (b,) their scores (b, V); codes of -1 are unknown and stand last."""
    found = []
    for start in range(0, len(targets), 256):
        part = slice(start, start + 256)
        scores = score(np.arange(len(targets))[part])
        found.append(ranks(scores, torch.from_numpy(targets[part]), torch.from_numpy(drawn[part])))
    places = np.concatenate(found)
    scores = ranking_scores(places, places, "", cheap=not intervals)
    return {name: scores[name] for name in ("hr10", "ndcg10")}


class PlainSASRec(nn.Module):
    """As published in PyTorch, norm first: positions learned, every history as long as the longest."""

    def __init__(
        self, catalogue: int, width: int, heads: int, layers: int, inner: int, dropout: float, length: int
    ) -> None:
        super().__init__()
        self.items = nn.Embedding(catalogue + 1, width, padding_idx=0)
        self.positions = nn.Embedding(length + 1, width, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    nn.LayerNorm(width),
                    nn.MultiheadAttention(width, heads, batch_first=True),
                    nn.LayerNorm(width),
                    nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, width)),
                ]
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.future = torch.ones(length, length, dtype=torch.bool).triu(1)

    def forward(self, items: Tensor, right: Tensor, drawn: Tensor) -> Tensor:
        there = right > 0
        places = torch.arange(1, items.shape[1] + 1) * (items > 0)
        x = self.dropout(self.items(items) * self.items.embedding_dim**0.5 + self.positions(places))
        for norm, attention, second, feedforward in self.layers:
            y = norm(x)
            x = x + attention(y, y, y, attn_mask=self.future, need_weights=False, is_causal=True)[0]
            x = x + self.dropout(feedforward(second(x)))
        x = self.norm(x)
        losses = F.softplus(-(x * self.items(right)).sum(-1)) + F.softplus((x * self.items(drawn)).sum(-1))
        return losses[there].mean()


def plain_step(run: af.Run, histories: Sequence[np.ndarray], batch: int = 128) -> Callable[[], int]:
    """A training step of the plain one on `batch` users; it returns how many positions it learned from."""
    settings, length = run.page["settings"]["model"], run.task.settings.max_length
    names = ("width", "heads", "layers", "feedforward", "dropout")
    model = PlainSASRec(len(run.task.catalogue), *(settings[name] for name in names), length)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))
    draw = np.random.default_rng(0)

    def step() -> int:
        items, right = np.zeros((2, batch, length), np.int64)
        for row, user in enumerate(draw.integers(0, len(histories), batch)):
            codes = histories[user][-length - 1 :] + 1
            items[row, length - len(codes) + 1 :], right[row, length - len(codes) + 1 :] = codes[:-1], codes[1:]
        drawn = draw.integers(1, len(run.task.catalogue) + 1, right.shape)
        loss = model(*map(torch.from_numpy, (items, right, drawn)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return int((right > 0).sum())

    return step


def own_step(run: af.Run, histories: Sequence[Any]) -> Callable[[], int]:
    """A step of the package's loop: batch, losses, backward, clipping, AdamW, the average of the weights."""
    task, model = run.task, run.task.build(run.page["architecture"], _settings(run))
    average = run.task.build(run.page["architecture"], _settings(run))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=True)
    prepared, _ = task.prepare(histories, training=True)
    batches = iter([indices for epoch in range(50) for indices in task.batches(prepared, 0, epoch)])

    def step() -> int:
        loss = task.losses(model, task.collate(prepared, next(batches), 0, 0))["nats"]
        (loss.total / loss.count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 0.002)
        return loss.count

    return step


def _settings(run: af.Run) -> Any:
    return run.task.architectures[run.page["architecture"]].settings(**run.page["settings"]["model"])


def positions_per_second(step: Callable[[], int], seconds: float) -> float:
    learned, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < seconds:
        learned += step()
    return learned / taken


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-minutes", type=float, help="in place of the epochs that suit these data")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--split", default="test", help="val: to choose by; nothing is written down")
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    parser.add_argument("--only", choices=("quality", "speed"), help="one of the claims alone")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"games-{int(time.time())}"
    if options.scored:
        run = af.load(out, device="cpu")
    else:
        settings = dict(one.split("=", 1) for one in options.set)
        run = af.train(
            "recommendation", "sasrec_games", out=out, max_minutes=options.max_minutes, seed=options.seed,
            settings=settings, device="cpu",
        )  # fmt: skip
    splits, _ = run.task.read("sasrec_games", options.seed)
    if options.only != "speed":
        quality(run, splits, options.split, options.seed)
    if options.only != "quality" and options.split == "test":
        speed(run, splits["train"])


def quality(run: af.Run, splits: dict[str, Any], split: str, seed: int) -> None:
    trained = trained_seconds(run.folder)
    held, items = splits[split], splits["train"].log.items
    users, drawn = protocol(held, items, seed)
    catalogue: Catalogue = run.task.catalogue
    codes = np.array([catalogue.codes.get(item, -1) for item in items])
    chosen = [held[user] for user in users.tolist()]
    targets = np.array([catalogue.codes.get(one.target, -1) for one in chosen])
    seen = [catalogue.encode(one.items) for one in chosen]
    prepared, _ = run.task.prepare(chosen, training=False)

    def by_model(rows: np.ndarray) -> Tensor:
        with torch.inference_mode():
            return run.task.scores(run.model, run.task.collate(prepared, rows, 0, None))

    methods: dict[str, Callable[[np.ndarray], Tensor]] = {"default": by_model}
    for name, method in simple_recommenders(
        [catalogue.encode(one.whole) for one in splits["train"]], catalogue
    ).items():
        methods[name] = lambda rows, method=method: torch.from_numpy(method([seen[row] for row in rows.tolist()]))
    found = {name: scored(score, targets, codes[drawn], name == "default") for name, score in methods.items()}
    for name, scores in found.items():
        print(f"{split} {name}: " + ", ".join(f"{key} {score.value:.4f}" for key, score in scores.items()))
    if split != "test":
        return
    full = run.evaluate("test")
    for name, bar, published in (("hr10", 0.7410, 0.7410), ("ndcg10", 0.5360, 0.5360)):
        own = found["default"][name]
        claim(
            f"recommendation/sasrec_games/default/{name}",
            own.value,
            "of 1",
            f">= {bar}",
            baseline={key: scores[name].value for key, scores in found.items() if key != "default"},
            peer={"SASRec as published": published},
            seconds=trained,
            steps=run.page["settings"]["training"]["steps"],
            threads=torch.get_num_threads(),
            interval=[round(bound, 4) for bound in own.interval],
            protocol=f"{len(users)} users, seed {seed}; 1 target among {DRAWN} uniform unseen of {len(items)} items",
            whole_catalogue={key: round(score.value, 4) for key, score in full["metrics"].items()},
            whole_catalogue_baselines={
                key: {metric: round(score.value, 4) for metric, score in scores.items()}
                for key, scores in full["baselines"].items()
            },
        )


def speed(run: af.Run, train: Sequence[Any]) -> None:
    """Both take turns, so that a slow moment of the machine meets both."""
    histories = [codes for one in train if len(codes := run.task.catalogue.encode(one.whole)) >= 2]
    steps = {"own": own_step(run, train), "plain": plain_step(run, histories)}
    rates: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS + 1):  # the first round pays for allocations
        for name, step in steps.items():
            rates[name].append(positions_per_second(step, 4))
    ratios = [own / plain for own, plain in zip(rates["own"][1:], rates["plain"][1:], strict=True)]
    medians = {name: statistics.median(values[1:]) for name, values in rates.items()}
    claim(
        "recommendation/sasrec_games/default/train_positions_per_second_vs_plain",
        statistics.median(ratios),
        "x",
        ">= 1.2",
        peer={"plain SASRec, positions a second": medians["plain"], "own": medians["own"]},
        ratios=[round(ratio, 2) for ratio in ratios],
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
