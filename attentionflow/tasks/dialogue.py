"""Dialogue: what is said next, from all that was said before.

Letters: B rows of a batch, T tokens of a row, N replies, L tokens of the longest, C candidates, R reduced histories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import listener, unheard
from attentionflow.datasets import module_for
from attentionflow.errors import UserError, nearest
from attentionflow.models.causal_transformer import CausalTransformer, CausalTransformerSettings
from attentionflow.models.hierarchical import Hierarchical, HierarchicalSettings
from attentionflow.models.replier import Replier, among, mismatch, others
from attentionflow.nn.loss import linear_cross_entropy
from attentionflow.readers.batches import token_batches
from attentionflow.readers.dialogue_checks import check_dialogues
from attentionflow.readers.dialogues import (
    Exchange,
    Exchanges,
    dialogues_of,
    fill_splits,
    read_dialogues,
    read_file,
    read_turns,
)
from attentionflow.readers.finding import Finding
from attentionflow.readers.vocabulary import END, PAD, START, UNKNOWN
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._dialogue_scores import Reply, reply_scores
from attentionflow.tasks._dialogue_tokens import DialogueTokens, Encoded, places
from attentionflow.tasks._padding import padded
from attentionflow.tasks._reply_writing import DialogueOptions, Written, steps, write_replies
from attentionflow.tasks._simple_replies import simple_replies

STREAM = "dialogue"
PREDICTION_TOKENS = 16_384  # of a batch at least, where nothing is learned: prompts of one length are to meet in it


class DialogueSettings(Settings):
    role: str | None = Field(None, description="whose turns are learned and judged as replies; by default all turns")
    vocabulary: int = Field(6000, ge=128, description="most sub-words")
    batch_tokens: int = Field(2048, ge=16, description="dialogues of a batch times the longest of them, at most")
    history: int = Field(256, ge=8, description="most tokens of a history; its oldest turns are dropped then, and said")
    turn: int = Field(128, ge=4, description="most tokens of a turn of the history; longer turns are cut, and said")
    draw_seed: int = Field(0, description="of the candidates among which the right reply is to be found")
    held_out: float = Field(0.05, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class TransformerSettings(CausalTransformerSettings):
    layers: int = Field(4, ge=1, description="layers of attention and feed-forward")
    dropout: float = Field(0.2, ge=0, lt=1, description="on embeddings and on every residual branch")
    matching: int = Field(256, ge=8, description="features of a history and of a reply that are matched")


class ClassicSettings(HierarchicalSettings):
    matching: int = Field(256, ge=8, description="features of a history and of a reply that are matched")


def _transformer(settings: TransformerSettings, vocabulary: int) -> Replier:
    return Replier(CausalTransformer(settings, vocabulary, STREAM), settings.matching, settings.dropout)


def _classic(settings: ClassicSettings, vocabulary: int) -> Replier:
    return Replier(Hierarchical(settings, vocabulary, STREAM, END), settings.matching, settings.dropout)


class Dialogue(Task[Exchange, Encoded]):
    name = "dialogue"
    summary = "the next turn of a dialogue, from all turns before it"
    files = (
        "JSONL with turns or messages, a table with dialogue_id, role and text, or a text file with a turn a line and "
        "an empty line between dialogues; one file, or a folder with train, val and test"
    )
    settings_type = DialogueSettings
    options_type = DialogueOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "transformer": Architecture(
            _transformer, TransformerSettings, {"learning_rate": 3e-3}, "causal transformer over the whole history"
        ),
        "classic": Architecture(
            _classic,
            ClassicSettings,
            {"learning_rate": 2e-3},
            "hierarchical GRU encoder and a GRU decoder with attention over turns and words",
        ),
    }
    embedded = "bookings"
    deciding = "word_perplexity"
    higher_is_better = False
    unit = "tokens"

    settings: DialogueSettings
    tokens: DialogueTokens

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Exchange]], list[str]]:
        """Of "train" an example is a dialogue, each of whose turns is learned; elsewhere it is a reply."""
        module = module_for(data, self.name)
        dialogues, notes = module.read(seed) if module else (read_dialogues(data), [])
        filled, said = fill_splits(dialogues, self.settings.held_out, seed)
        splits: dict[str, Sequence[Exchange]] = {}
        for name, those in filled.items():
            splits[name] = found = Exchanges(those, name != "train", self.settings.role)
            if found.silent:
                said.append(f"{name}: {len(found.silent):,} dialogues have no reply to judge: {places(found.silent)}")
        return splits, [*notes, *said]

    def read_inputs(self, path: Path) -> Sequence[Exchange]:
        return [Exchange(one.turns, None, "", one.where) for one in read_file(path)]

    def example(self, given: Any) -> Exchange:
        return Exchange(read_turns(given, self.tokens.roles.usual), None, "", "")

    def conversation(self, said: Sequence[str]) -> Exchange:
        return self.example(tuple(said))

    def check(self, splits: Mapping[str, Sequence[Exchange]]) -> list[Finding]:
        return check_dialogues({name: dialogues_of(one) for name, one in splits.items()}, self.settings.role)

    # Learning before training

    def learn(self, examples: Sequence[Exchange]) -> None:
        role, known = self.settings.role, {turn.role for one in examples for turn in one.turns}
        if role is not None and role not in known:
            raise UserError(f"role={role}: nobody of that role speaks in training; {nearest(role, known)}")
        self.tokens = DialogueTokens.learn(examples, *self._limits())

    def save(self, folder: Path) -> list[str]:
        return self.tokens.save(folder)

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.tokens = DialogueTokens.load(folder, *task._limits()[1:])
        return task

    def _limits(self) -> tuple[int, int, int]:
        return self.settings.vocabulary, self.settings.history, self.settings.turn

    # Batches

    def prepare(self, examples: Sequence[Exchange], training: bool) -> tuple[Encoded, list[str]]:
        if training:
            return self.tokens.for_training(examples, self.settings.role)
        return self.tokens.for_answers(examples, self.settings.draw_seed)

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        """By rows, so that what shares one is read once."""
        lengths = np.array([[len(row)] for row in prepared.rows])
        budget = self.settings.batch_tokens if epoch is not None else max(self.settings.batch_tokens, PREDICTION_TOKENS)
        members: list[list[int]] = [[] for _ in prepared.rows]
        for at, item in enumerate(prepared.items):
            members[item.row].append(at)
        found = token_batches(lengths, budget, seed, epoch)
        return [np.array([at for row in rows for at in members[row]]) for rows in found]

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        """Rows, and of the N replies that are known: which tokens are theirs, the token that ends the history, their
        words and candidates. In training all replies of the batch are candidates; else `choices` (N, C) are, the
        right one first, -1 for none."""
        items = [prepared.items[i] for i in indices]
        used = {row: at for at, row in enumerate(dict.fromkeys(item.row for item in items))}
        tokens, _ = padded([prepared.rows[row] for row in used])
        width = tokens.shape[1]
        at: list[int] = []
        of: list[int] = []
        ends: list[int] = []
        own: list[Sequence[int] | np.ndarray] = []
        for item in items:
            first = used[item.row] * width
            for begin, end in item.replies:
                at += range(first + begin, first + end)
                of += [len(ends)] * (end - begin)
                ends.append(first + begin - 1)
                own.append(prepared.rows[item.row][begin + 1 : end])
        choices = None
        if prepared.choices is not None:
            chosen = prepared.choices[[item.example for item in items if item.replies]]
            kept, places = np.unique(np.append(chosen, -1), return_inverse=True)  # the first is "none"
            own = [prepared.pool[i] for i in kept[1:]]
            choices = torch.from_numpy(places[:-1].reshape(chosen.shape) - 1)
        replies, present = padded(own or [[PAD]])
        foreseen = torch.tensor(at, dtype=torch.long)
        tensors = {
            "tokens": tokens,
            "foreseen": foreseen,
            "answers": tokens.flatten()[foreseen + 1],
            "of": torch.tensor(of, dtype=torch.long),
            "ends": torch.tensor(ends, dtype=torch.long),
            "replies": replies,
            "present": present,
            "choices": choices,
            "prompts": torch.tensor([(used[item.row], item.prompt) for item in items]),
            "known": torch.tensor([bool(item.replies) for item in items]),
        }
        return Batch(np.array([item.example for item in items]), len(at), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, len(self.tokens))

    def losses(self, model: Replier, batch: Batch) -> dict[str, Loss]:
        features = model.language(batch["tokens"])
        own = features.flatten(0, 1)[batch["foreseen"]]
        nats = linear_cross_entropy(own, model.language.output, batch["answers"])
        replies, present = batch["replies"], batch["present"]
        scores = model.scores(batch["tokens"], features, batch["ends"], replies, present)
        if (choices := batch.get("choices")) is not None:
            scores = among(scores, choices)
        else:
            scores = others(scores, replies, present, batch["ends"] // batch["tokens"].shape[1])
        return {"nats": Loss(nats, len(batch["answers"])), "match": Loss(mismatch(scores), len(batch["ends"]))}

    def predict(
        self, model: Replier, batch: Batch, examples: Sequence[Exchange], options: DialogueOptions
    ) -> list[Prediction]:
        known = self._judge(model, batch)
        written = self._write(model, batch, options) if options.limit else [Written()] * len(examples)
        texts = self.tokens.vocabulary.decode(one.tokens for one in written)
        found = []
        for example, fact, one, text in zip(examples, known, written, texts, strict=True):
            said = "\n".join(f"{turn.role}: {turn.text}" for turn in example.history)
            about: dict[str, Any] = {"role": example.role or self.tokens.roles.replying(example.history)}
            if options.limit and not one.ended:
                about["cut_off"] = True
            output = Reply(text if options.limit else None, *fact)
            found.append(Prediction(said, output, one.score, example.where, about, raw=one.tokens))
        if listener.get() is not None:  # what was written went unheard
            self.replay(model, examples, found, scored=False)
        return found

    def stream(self, model: Replier, example: Exchange, options: DialogueOptions) -> Iterator[str]:
        prompt = torch.from_numpy(self._prompt(example))[None].to(model.language.output.device)
        tokens: list[int] = []
        shown = ""
        for _, chosen, _ in steps(model.language, prompt, options, [options.seed * 1_000_003], self._barred()):
            tokens += [token for token in chosen if token != END]
            text = self.tokens.vocabulary.decode([tokens])[0]
            if not text.endswith("\ufffd"):  # a character of several bytes is there when all of them are
                yield text[len(shown) :]
                shown = text
        yield self.tokens.vocabulary.decode([tokens])[0][len(shown) :]

    def _judge(self, model: Replier, batch: Batch) -> list[tuple[float | None, float | None, int]]:
        """Of each right reply that is known: nats, how likely it is ranked first, and among how many."""
        found: list[tuple[float | None, float | None, int]] = [(None, None, 0)] * len(batch["known"])
        if len(batch["ends"]) == 0:
            return found
        with unheard():
            features = model.language(batch["tokens"])
        logs = model.language.chosen(features.flatten(0, 1)[batch["foreseen"]], batch["answers"])
        scores = model.scores(batch["tokens"], features, batch["ends"], batch["replies"], batch["present"])
        nats = scores.new_zeros(len(batch["ends"])).index_add(0, batch["of"], -logs)
        choices = batch["choices"]
        scores = among(scores, choices)
        better, ties = (scores > scores[:, :1]).any(1), (scores == scores[:, :1]).sum(1)
        first = torch.where(better, 0.0, 1.0 / ties)
        facts = zip(nats.tolist(), first.tolist(), (choices >= 0).sum(1).tolist(), strict=True)
        for at, fact in zip(batch["known"].nonzero()[:, 0].tolist(), facts, strict=True):
            found[at] = fact
        return found

    def _write(self, model: Replier, batch: Batch, options: DialogueOptions) -> list[Written]:
        """A reply to each prompt; prompts of one length are written on together."""
        rows, lengths = batch["prompts"].unbind(1)
        found: dict[int, Written] = {}
        for length in lengths.unique().tolist():
            at = (lengths == length).nonzero()[:, 0]
            prompts = batch["tokens"][rows[at], :length]
            seeds = [options.seed * 1_000_003 + int(i) for i in batch.indices[at.cpu().numpy()]]
            found |= zip(
                at.tolist(), write_replies(model.language, prompts, options, seeds, self._barred()), strict=True
            )
        return [found[i] for i in range(len(lengths))]

    def _barred(self) -> list[int]:
        """Tokens that are no part of what is said."""
        return [PAD, UNKNOWN, START, *range(len(self.tokens.vocabulary), len(self.tokens))]

    # Judging

    @property
    def validation_options(self) -> DialogueOptions:
        return DialogueOptions(limit=0)

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[Exchange], cheap: bool) -> dict[str, Score]:
        return reply_scores([p.output for p in predictions], [one.reply for one in examples], cheap)

    def baselines(self, train: Sequence[Exchange], test: Sequence[Exchange]) -> dict[str, dict[str, Score]]:
        references = [one.reply for one in test]
        methods = simple_replies(train, test, DialogueTokens.learn(train, *self._limits()), self.settings.draw_seed)
        return {name: reply_scores(replies, references, cheap=True) for name, replies in methods.items()}

    # Looking

    def replay(
        self, model: Replier, examples: Sequence[Exchange], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """The reply's tokens and its end, each foreseen from the one before it."""
        prompts, replies = [self._prompt(one) for one in examples], [p.raw for p in predictions]
        if scored:
            return self._scores(model, prompts, replies)
        self._pass(model, prompts, replies)
        return None

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...]:
        """A token is read where the one before it stands; they are the last rows."""
        most = len(prediction.raw) + 1
        return tuple(range(-most, 0)) if target is None else target - most

    def axes(self, examples: Iterable[Exchange], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        return {STREAM: [self.tokens.axis(one, p.raw) for one, p in zip(examples, predictions, strict=True)]}

    def rescore(self, model: Replier, example: Exchange, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A word of the history is left away; roles, ends and the reply stay."""
        prompt = self._prompt(example)
        axis = self.tokens.axis(example, prediction.raw)
        fixed = np.array([span is None for span in axis.spans or ()], bool)[: len(prompt)]
        prompts = [prompt[row | fixed] for row in kept[:, : len(prompt)]]
        return self._scores(model, prompts, [prediction.raw] * len(kept)).mean(1)

    def _prompt(self, one: Exchange) -> np.ndarray:
        encoded, _ = self.tokens.for_answers([one], 0)
        return encoded.rows[0][: encoded.items[0].prompt]

    def _pass(self, model: Replier, prompts: Sequence[np.ndarray], replies: Sequence[tuple[int, ...]]) -> Tensor:
        """Features (B, T, D) of prompts with their replies."""
        tokens, _ = padded([[*prompt, *reply] for prompt, reply in zip(prompts, replies, strict=True)])
        features: Tensor = model.language(tokens.to(model.language.output.device))
        return features

    def _scores(self, model: Replier, prompts: Sequence[np.ndarray], replies: Sequence[tuple[int, ...]]) -> Tensor:
        """Log-probability (B, L) of each token of each reply, its end with them, 0 on padding."""
        features = self._pass(model, prompts, replies)
        answers, there = (t.to(features.device) for t in padded([[*reply, END] for reply in replies]))
        starts = torch.tensor([len(prompt) - 1 for prompt in prompts], device=features.device)
        steps = torch.arange(answers.shape[1], device=features.device)
        at = (starts[:, None] + steps).clamp_max(features.shape[1] - 1)
        own = features.gather(1, at[..., None].expand(-1, -1, features.shape[2]))
        return model.language.chosen(own.flatten(0, 1), answers.flatten()).view_as(answers) * there
