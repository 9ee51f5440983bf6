"""Our conformer in training beside Hugging Face's Wav2Vec2-Conformer of the same dimensions, on the same utterances.

    python benchmarks/speech_speed.py

Both train on AN4, augmented alike, with one front end, CTC head and decoder: ours. The layers of the encoder are ours,
or those of transformers' Wav2Vec2ConformerEncoder with the same width, heads, feed-forward width, kernel, number of
layers, dropout in the same places and rotary positions; it has batch norm where we have layer norm. Each side has a
process of its own with one thread, only one of them works at a time, in turns; the ratio is that of the median turns,
in CPU seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from _results import claim
from _sides import asked_side, race, work
from torch import Tensor, nn

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan

TURN_SECONDS, TURNS = 8.0, 5


class Peer(nn.Module):
    """All layers of Hugging Face's encoder, in the place of one of ours."""

    def __init__(self, width: int, heads: int, layers: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        from transformers import Wav2Vec2ConformerConfig
        from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import Wav2Vec2ConformerEncoder

        config = Wav2Vec2ConformerConfig(
            hidden_size=width,
            num_attention_heads=heads,
            num_hidden_layers=layers,
            intermediate_size=inner,
            conv_depthwise_kernel_size=kernel,
            position_embeddings_type="rotary",
            hidden_act="swish",
            hidden_dropout=dropout,
            activation_dropout=dropout,
            conformer_conv_dropout=dropout,
            attention_dropout=0.0,
            layerdrop=0.0,
            attn_implementation="sdpa",
        )
        self.encoder = Wav2Vec2ConformerEncoder(config)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return self.encoder(x, attention_mask=mask).last_hidden_state


class Side:
    """Utterances as both sides take them, and a model with its optimiser."""

    def __init__(self, peer: bool) -> None:
        torch.manual_seed(0)
        keep_freed_memory()
        plan = make_plan("speech-recognition", "an4", "conformer", {}, 0)
        self.task = plan.task
        splits, _ = self.task.read("an4", 0)
        self.task.learn(splits["train"])
        self.train, _ = self.task.prepare(splits["train"], training=True)
        self.model = self.task.build("conformer", plan.model)
        if peer:
            given = plan.model
            sizes = (given.width, given.heads, given.encoder_layers, given.feedforward, given.kernel, given.dropout)
            self.model.encoder = nn.ModuleList([Peer(*sizes)])
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=True)

    def steps(self) -> Iterator[int]:
        """Train forever; the frames of each step."""
        epoch = 1  # in the first one, short utterances come first
        self.model.train()
        while True:
            for indices in self.task.batches(self.train, 0, epoch):
                batch = self.task.collate(self.train, indices, 0, epoch)
                losses = self.task.losses(self.model, batch).values()
                torch.stack([loss.total / loss.count for loss in losses]).sum().backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimizer.step()
                self.optimizer.zero_grad()
                yield sum(len(self.train.frames[index]) for index in indices)
            epoch += 1


def main() -> None:
    rates = race(__file__, TURNS, threads=1)
    ours, theirs = rates.medians(rates.cpu)
    claim(
        "speech-recognition/an4/default/train_frames_per_cpu_second_vs_hf",
        ours / theirs,
        "x",
        ">= 1.2",
        baseline={"ours, frames a CPU second": ours},
        peer={"Hugging Face Wav2Vec2-Conformer, frames a CPU second": theirs},
        turns={side: [round(rate, 1) for rate in found] for side, found in rates.cpu.items()},
        threads=1,
        parameters=rates.parameters,
    )


if __name__ == "__main__":
    if side := asked_side():
        made = Side(peer=side == "hf")
        work(made.steps(), sum(p.numel() for p in made.model.parameters()), TURN_SECONDS, warmup=5)
    else:
        main()
