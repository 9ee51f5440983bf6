"""Cached generation beside Hugging Face `generate` of the same dimensions: tokens a second, greedy, on a CPU.

    OMP_NUM_THREADS=1 python benchmarks/generation_speed.py

Both have random weights, one width, number of layers and heads, feed-forward width, ReLU and vocabulary, and write
after the same prompts until a length, every step with a cache. GPT-2 is the peer: norm first, LayerNorm and biases as
ours, learned positions where ours are rotary. Each has a process of its own, only one of them works at a time, in
turns; rates are of CPU seconds, which other work on the machine does not stretch, and the ratio is that of the medians.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from _results import claim
from _sides import asked_side, race, work

WIDTH, HEADS, LAYERS, FEEDFORWARD, VOCABULARY = 192, 3, 4, 768, 67
PROMPT, LENGTH = 16, 512
BATCHES = (1, 8)
TURN_SECONDS, TURNS = 8.0, 5


def prompts(batch: int) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, (batch, PROMPT), generator=torch.Generator().manual_seed(0))


class Ours:
    def __init__(self) -> None:
        from attentionflow.models.causal_transformer import CausalTransformer, CausalTransformerSettings
        from attentionflow.readers.units import Characters

        settings = CausalTransformerSettings(
            width=WIDTH, heads=HEADS, layers=LAYERS, feedforward=FEEDFORWARD, tied=False
        )
        self.model = CausalTransformer(settings, VOCABULARY, "text").eval()
        self.units = Characters([b"", b"?", *(chr(64 + i).encode() for i in range(VOCABULARY - 2))])

    def write(self, batch: int) -> int:
        """As `predict` does it, the text included."""
        from attentionflow.tasks._writing import write

        pieces = write(
            self.model,
            self.units,
            list(np.asarray(prompts(batch))),
            context=PROMPT + LENGTH + 1,
            most=LENGTH,
            temperature=0,
            top_k=None,
            top_p=1.0,
            stops=[],
            seeds=[0] * batch,
        )
        return sum(1 for _ in pieces)


class HuggingFace:
    def __init__(self) -> None:
        from transformers import GPT2Config, GPT2LMHeadModel

        config = GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=PROMPT + LENGTH,
            n_embd=WIDTH,
            n_layer=LAYERS,
            n_head=HEADS,
            n_inner=FEEDFORWARD,
            activation_function="relu",
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=None,
            pad_token_id=0,
        )
        self.model = GPT2LMHeadModel(config).eval()

    def write(self, batch: int) -> int:
        given = prompts(batch)
        mask = torch.ones_like(given)
        with torch.inference_mode():
            found = self.model.generate(given, attention_mask=mask, max_new_tokens=LENGTH, do_sample=False)
        return (found.shape[1] - PROMPT) * batch


def steps(side: Ours | HuggingFace, batch: int) -> Iterator[int]:
    while True:
        yield side.write(batch)


def main() -> None:
    ratios, rates = {}, {}
    for batch in BATCHES:
        found = race(__file__, TURNS, batch=batch)
        ours, theirs = found.medians(found.cpu)
        ratios[batch] = ours / theirs
        rates[batch] = {"ours": round(ours), "hf": round(theirs), "wall": found.medians(found.wall)}
    claim(
        "text-generation/default/tokens_per_second_vs_hf",
        ratios[1],
        "x",
        ">= 3",
        baseline={"ours, tokens a CPU second": rates[1]["ours"]},
        peer={"Hugging Face GPT-2, tokens a CPU second": rates[1]["hf"]},
        batch_of_8={"ratio": round(ratios[8], 2), **rates[8]},
        threads=torch.get_num_threads(),
        dimensions=[WIDTH, HEADS, LAYERS, FEEDFORWARD, VOCABULARY],
        tokens=LENGTH,
    )


if __name__ == "__main__":
    if side := asked_side():
        batch = int(sys.argv[sys.argv.index("--batch") + 1])
        made = {"ours": Ours, "hf": HuggingFace}[side]()
        work(steps(made, batch), sum(p.numel() for p in made.model.parameters()), TURN_SECONDS, warmup=2)
    else:
        main()
