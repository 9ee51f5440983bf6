"""What is wrong with the recordings of voices, before any training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attentionflow.readers.finding import Finding
from attentionflow.readers.utterance_checks import SHOWN, check_utterances
from attentionflow.readers.utterances import Utterance

FEW = 10  # utterances of a speaker, from which there is something to be learned


def check_voices(
    splits: Mapping[str, Sequence[Utterance]],
    plain: Callable[[Utterance], str],
    max_seconds: float,
    frame_rate: int,
) -> list[Finding]:
    """Every sound is read once. plain: the text as the network reads it; each of its letters needs a frame."""

    def least(one: Utterance) -> float:
        return (len(plain(one)) + 1) / frame_rate

    findings = check_utterances(splits, least, max_seconds, frame_rate)
    train = splits["train"]
    speakers = Counter(one.speaker or "" for one in train)
    named = {name: count for name, count in speakers.items() if name}
    if named:
        told = ", ".join(f"{name} {count:,}" for name, count in speakers.most_common() if name)
        findings.append(Finding("info", f"train: speakers and their utterances: {told}", len(named)))
    if named and speakers[""]:
        places = [one.where for one in train if not one.speaker]
        remedy = "Name who speaks in every row; these are learned as a voice of their own"
        findings.append(
            Finding("warning", "no speaker, where others have one", len(places), tuple(places[:SHOWN]), remedy)
        )
    if few := tuple(name for name, count in named.items() if count < FEW):
        remedy = "Record more of them, or leave them out"
        findings.append(Finding("warning", f"speakers with fewer than {FEW} utterances", len(few), few[:SHOWN], remedy))
    known = {letter for one in train for letter in plain(one)}
    for split in splits:
        if split == "train":
            continue
        strange = {one.where: found for one in splits[split] if (found := set(plain(one)) - known)}
        if strange:
            letters = "".join(sorted(set().union(*strange.values())))
            findings.append(
                Finding(
                    "warning",
                    f"{split}: letters that training does not have, {letters}; they are left out of the text",
                    len(strange),
                    tuple(strange)[:SHOWN],
                    "Write figures and signs as words, as they are said",
                )
            )
        if unheard := tuple(one.where for one in splits[split] if one.speaker and one.speaker not in speakers):
            remedy = "Only voices of the training data can speak"
            findings.append(
                Finding(
                    "error", f"{split}: speakers that training does not have", len(unheard), unheard[:SHOWN], remedy
                )
            )
    return findings
