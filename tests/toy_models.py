"""Small encoder-decoders with sharp opinions, and batches for them.

Letters: B batch, S source, T target.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.models.copying import Copying
from attentionflow.models.pointer_recurrent import PointerRecurrent, PointerRecurrentSettings
from attentionflow.models.pointer_transformer import PointerTransformer, PointerTransformerSettings
from attentionflow.models.recurrent import Recurrent, RecurrentSettings
from attentionflow.models.seq2seq import Seq2Seq, State
from attentionflow.models.transformer import Transformer, TransformerSettings

PAD, START, END = 0, 1, 2
VOCABULARY = 9
LIMIT = 24  # of learned positions

TRANSFORMERS = {
    "rotary": {},
    "learned": {"positions": "learned", "learned_positions": LIMIT},
    "grouped": {"heads": 4, "groups": 2},
}
COPYING = ("pointer", "pointer-recurrent")
MODELS = (*TRANSFORMERS, "recurrent", *COPYING)
LINE_END = 3


def toy_model(name: str, vocabulary: int = VOCABULARY, seed: int = 0) -> Seq2Seq:
    """A random model in evaluation mode, with streams "source" and "target"."""
    torch.manual_seed(seed)
    model: Seq2Seq
    small = {"embedding": 8, "hidden": 8, "attention": 8}
    sizes = {"width": 16, "heads": 2, "encoder_layers": 2, "decoder_layers": 2, "feedforward": 16}
    streams = "source", "target"
    scale, output = (4.0, 6.0) if name.endswith("recurrent") else (2.0, 0.4)
    if name == "recurrent":
        model = Recurrent(RecurrentSettings(**small), vocabulary, *streams)
    elif name == "pointer-recurrent":
        model = PointerRecurrent(PointerRecurrentSettings(**small), vocabulary, *streams, LINE_END)
    elif name == "pointer":
        model = PointerTransformer(PointerTransformerSettings(**sizes), vocabulary, *streams, LINE_END)
    else:
        model = Transformer(TransformerSettings(**(sizes | TRANSFORMERS[name])), vocabulary, *streams)
    with torch.no_grad():
        for parameter in model.parameters():  # else all tokens would be about as likely, or each would repeat itself
            parameter.mul_(output if parameter is model.output else scale)
    return model.eval()


def logs_of(model: Seq2Seq, source: Tensor, mask: Tensor | None, target: Tensor) -> Tensor:
    """Log-probability of every token at every step, (B, T, V), by the formula."""
    if not isinstance(model, Copying):
        return (model(source, mask, target) @ model.output.T).log_softmax(-1)
    found = model.write(source, mask, target)
    there = torch.nn.functional.one_hot(source, len(model.output)).float()  # (B, S, V)
    write = found.writing.sigmoid()[..., None]
    return (write * (found.features @ model.output.T).softmax(-1) + (1 - write) * (found.copied @ there)).log()


class Table(Seq2Seq):
    """Features looked up by all that was read and written so far: quick, and full of surprises."""

    entries = 97

    def __init__(self, vocabulary: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.table = nn.Parameter(torch.randn(self.entries, vocabulary, generator=generator) * 1.5)
        self.output = nn.Parameter(torch.eye(vocabulary))

    def _read(self, source: Tensor, mask: Tensor | None) -> Tensor:
        return ((source * 5 + 3) * (1 if mask is None else mask)).sum(1) % self.entries

    def _write(self, place: Tensor, tokens: Tensor) -> Tensor:
        return (place * 31 + tokens * 7 + 1) % self.entries

    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        places = [self._read(source, source_mask)]
        for tokens in target.T:
            places.append(self._write(places[-1], tokens))
        return self.table[torch.stack(places[1:], 1)]

    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        return State((), (self._read(source, source_mask),))

    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        place = self._write(state.own[0], tokens)
        return self.table[place], State((), (place,))


def some_sources(lengths: list[int], vocabulary: int = VOCABULARY, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(1, vocabulary, (length,), generator=generator) for length in lengths]


def padded(rows: list[Tensor], extra: int = 0) -> tuple[Tensor, Tensor]:
    """Ids (B, S) and mask (B, S), with `extra` more columns of padding than needed."""
    longest = max(map(len, rows)) + extra
    ids = torch.stack([torch.nn.functional.pad(row, (0, longest - len(row)), value=PAD) for row in rows])
    return ids, torch.arange(longest) < torch.tensor([[len(row)] for row in rows])
