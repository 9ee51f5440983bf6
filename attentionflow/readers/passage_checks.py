"""What `data check` finds in running text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attentionflow.readers.finding import Finding
from attentionflow.readers.passages import Passage, blocks
from attentionflow.readers.units import UNKNOWN, Units

SHORT_LINE = 40  # characters below which a line may well stand in two texts
FEW_UNITS = 50_000  # of a training text, below which little can be learned


def check_passages(splits: Mapping[str, Sequence[Passage]], kind: type[Units], vocabulary: int) -> list[Finding]:
    """Findings over the splits, faults first. Every text is read through once or twice, a part at a time."""
    units = kind.learn(blocks(splits["train"]), vocabulary)
    found = [finding for name, passages in splits.items() for finding in _of_split(name, passages, units)]
    for name in ("val", "test"):
        if name in splits and (leak := _repeated(name, splits["train"], splits[name])):
            found.append(leak)
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


def _of_split(name: str, passages: Sequence[Passage], units: Units) -> list[Finding]:
    characters, lines, returns, damaged, unknown = 0, 0, 0, 0, 0
    total = 0
    for text in blocks(passages):
        characters += len(text)
        lines += text.count("\n")
        returns += text.count("\r")
        damaged += text.count("\ufffd")
        (ids,) = units.encode([text])
        total += len(ids)
        unknown += int((ids == UNKNOWN).sum())
    where = (passages[0].where.partition(":")[0],) if len(passages) else ()
    what = f"{units.singular}s"
    found = [
        Finding(
            "info",
            f"{name}: {characters:,} characters in {lines:,} lines, {total:,} {what}, of {len(units) - 2:,} in all",
            len(passages),
            where,
        )
    ]
    if total == 0:
        found.append(Finding("error", f"{name}: there is no text", 0, where, "Give a file with text in it"))
    elif name == "train" and total < FEW_UNITS:
        found.append(
            Finding("warning", f"train: {total:,} {what} are few to learn from", total, where, "Add text of the kind")
        )
    if unknown:
        share = unknown / total
        found.append(
            Finding(
                "warning" if share > 0.001 else "info",
                f"{name}: {unknown:,} {what} ({share:.2%}) are none of the vocabulary and count as unknown",
                unknown,
                where,
                "Raise vocabulary, or take units=bpe or units=bytes, which have no unknown ones",
            )
        )
    if returns:
        found.append(
            Finding(
                "warning",
                f"{name}: {returns:,} carriage returns, which the model would learn to write",
                returns,
                where,
                "Take them out, e.g. with dos2unix, unless they are meant",
            )
        )
    if damaged:
        found.append(
            Finding(
                "warning",
                f"{name}: {damaged:,} replacement characters (U+FFFD): the text was damaged before it came here",
                damaged,
                where,
                "Convert it again from its source",
            )
        )
    return found


def _repeated(name: str, train: Sequence[Passage], other: Sequence[Passage]) -> Finding | None:
    """Long lines of a held-out split that stand in the training text too."""
    lines = {line for text in blocks(other) for line in map(str.strip, text.split("\n")) if len(line) >= SHORT_LINE}
    met = {line for text in blocks(train) for line in map(str.strip, text.split("\n")) if line in lines}
    share = len(met) / max(1, len(lines))
    if not met or share < 0.01:
        return None
    return Finding(
        "warning",
        f"{name}: {len(met):,} of its {len(lines):,} different long lines ({share:.0%}) stand in train too, so its "
        "figures are too good",
        len(met),
        (),
        "Take doubles out before you split the text",
    )
