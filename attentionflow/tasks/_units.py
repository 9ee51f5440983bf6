"""What a text is cut into: words made of n-grams, or the tokens of a pretrained encoder. Each kind is learned, saved,
encoded, put into tensors, labelled for the record, and has units taken out.

Letters: N texts, R reduced inputs, B batch, T units of the longest text, n units of one.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.models.pretrained_encoder import CONFIG, read_config, read_tokenizer
from attentionflow.readers.ngrams import Bags, Ngrams, word_axis, word_spans
from attentionflow.records import Axis

NGRAMS, TOKENIZER = "ngrams.json", "tokenizer.json"


class Encodings(Protocol):
    """Texts as units; some of them by index."""

    @property
    def lengths(self) -> np.ndarray: ...
    def __len__(self) -> int: ...
    def __getitem__(self, rows: np.ndarray) -> Self: ...


class Units(ABC):
    """most: units of a text that are read. name: what they are, for people."""

    name: str
    most: int

    @abstractmethod
    def save(self, folder: Path) -> list[str]:
        """Names of the files written."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> tuple[Any, np.ndarray]:
        """Encodings of the texts, and how many units each has in all, (N,), of which some may be cut."""

    @abstractmethod
    def reduced(self, text: str, kept: np.ndarray) -> Any:
        """The text once for each row of kept (R, n), with the units that a row does not keep taken out."""

    @abstractmethod
    def axis(self, text: str) -> Axis:
        """Of the units that are read."""

    @abstractmethod
    def tensors(self, encodings: Any) -> dict[str, Tensor | None]:
        """What a network is given; `mask` (B, T) True where a unit is, None without padding."""


class WordUnits(Units):
    """A word is taken out by taking its n-grams away, those that it shares with its neighbours too."""

    name = "words"

    def __init__(self, ngrams: Ngrams, most: int) -> None:
        self.ngrams, self.most = ngrams, most

    def save(self, folder: Path) -> list[str]:
        self.ngrams.save(folder / NGRAMS)
        return [NGRAMS]

    @classmethod
    def load(cls, folder: Path, most: int) -> Self:
        return cls(Ngrams.load(folder / NGRAMS), most)

    def encode(self, texts: Sequence[str]) -> tuple[Bags, np.ndarray]:
        spans = [word_spans(text) for text in texts]
        words = ([text[a:b] for a, b in at[: self.most]] for text, at in zip(texts, spans, strict=True))
        return self.ngrams.encode(words), np.array([len(at) for at in spans], np.int64)

    def reduced(self, text: str, kept: np.ndarray) -> Bags:
        words = [text[a:b] for a, b in word_spans(text)[: self.most]]
        rows = ([word if keep else None for word, keep in zip(words, row, strict=True)] for row in kept)
        return self.ngrams.encode(rows)

    def axis(self, text: str) -> Axis:
        return word_axis(text, self.most)

    def tensors(self, encodings: Bags) -> dict[str, Tensor | None]:
        lengths, count = encodings.lengths, len(encodings.ends)
        mask = np.arange(max(1, int(lengths.max(initial=0)))) < lengths[:, None]
        grid = np.full(mask.shape, count, np.int64)
        grid[mask] = np.arange(count)
        return {
            "ids": torch.from_numpy(encodings.ids.astype(np.int64)),
            "values": torch.from_numpy(encodings.values),
            "starts": torch.from_numpy(np.append(0, encodings.ends)[:count].astype(np.int64)),
            "grid": torch.from_numpy(grid),
            "mask": None if mask.all() else torch.from_numpy(mask),
        }


@dataclass(frozen=True)
class Tokens:
    """Ids of each text."""

    ids: list[list[int]]

    @property
    def lengths(self) -> np.ndarray:
        return np.fromiter(map(len, self.ids), np.int64, len(self.ids))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: np.ndarray) -> Tokens:
        return Tokens([self.ids[row] for row in rows])


class TokenUnits(Units):
    """Tokens of a pretrained encoder, its special ones among them. A token is taken out by the mask token in its place,
    or where there is none by the token for padding; special ones stay."""

    name = "tokens"

    def __init__(self, tokenizer: str, config: dict[str, Any], most: int, source: str = "") -> None:
        """tokenizer: content of a tokenizer.json. source: where the weights are, before they were tuned."""
        self.tokenizer, self.config, self.source = Tokenizer.from_str(tokenizer), config, source
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.most = min(most, config.get("max_position_embeddings") or most)
        if config.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
            self.most = min(self.most, config["max_position_embeddings"] - 2)  # which begin to count after padding
        self.padding = config.get("pad_token_id") or 0
        names = ("[MASK]", "<mask>", "[PAD]", "<pad>")
        known = [at for name in names if (at := self.tokenizer.token_to_id(name)) is not None]
        if not known:
            raise UserError(f"the tokenizer has none of the tokens {', '.join(names)}, of which one is needed")
        self.blank = known[0]

    @classmethod
    def of_pretrained(cls, source: str, most: int) -> Self:
        return cls(read_tokenizer(source), read_config(source), most, source)

    def save(self, folder: Path) -> list[str]:
        (folder / TOKENIZER).write_text(self.tokenizer.to_str(), encoding="utf-8")
        (folder / CONFIG).write_text(json.dumps(self.config, indent=1), encoding="utf-8")
        return [TOKENIZER, CONFIG]

    @classmethod
    def load(cls, folder: Path, most: int) -> Self:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return cls((folder / TOKENIZER).read_text(encoding="utf-8"), config, most)

    def encode(self, texts: Sequence[str]) -> tuple[Tokens, np.ndarray]:
        found = self.tokenizer.encode_batch(list(texts))
        return Tokens([self._cut(one)[0] for one in found]), np.array([len(one.ids) for one in found], np.int64)

    def reduced(self, text: str, kept: np.ndarray) -> Tokens:
        ids, special = (np.array(part) for part in self._cut(self.tokenizer.encode(text)))
        return Tokens(np.where(kept | (special == 1), ids, self.blank).tolist())

    def axis(self, text: str) -> Axis:
        found = self.tokenizer.encode(text)
        _, special = self._cut(found)
        words = word_axis(text)
        offsets = [*found.offsets[: len(special) - 1], found.offsets[-1]] if special else []
        labels, spans = [], []
        for i, (a, b) in enumerate(offsets):
            covered = [at for at, span in enumerate(words.spans or ()) if span and span[0] < b and a < span[1]]
            spans.append((covered[0], covered[-1] + 1) if covered and not special[i] else None)
            token = found.tokens[i] if i < len(special) - 1 else found.tokens[-1]
            labels.append(token if special[i] else text[a:b] or token)
        return Axis("token", tuple(labels), tuple(spans), words)

    def tensors(self, encodings: Tokens) -> dict[str, Tensor | None]:
        lengths = encodings.lengths
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self.padding, np.int64)
        ids[mask] = np.concatenate([np.array(row, np.int64) for row in encodings.ids])
        return {"ids": torch.from_numpy(ids), "mask": None if mask.all() else torch.from_numpy(mask)}

    def _cut(self, found: Encoding) -> tuple[list[int], list[int]]:
        """Ids, and which of them are special (1): the first `most`, of which the last is that of the whole text."""
        ids, special = found.ids, found.special_tokens_mask
        if len(ids) > self.most:
            ids, special = [*ids[: self.most - 1], ids[-1]], [*special[: self.most - 1], special[-1]]
        return ids, special
