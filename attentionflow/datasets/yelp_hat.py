"""Yelp human attention maps: people marked the words that show whether a review is positive or negative."""

from __future__ import annotations

import csv
import gzip
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.reading import Reading, split_words, without_the_absent

LANGUAGE = "en"
SENTIMENT = {"0": "negative", "1": "positive"}

DATASET = Dataset(
    name="yelp_hat",
    task="human attention",
    summary="1,545 English restaurant reviews of about 50, 100 and 200 words, each with the words that 2 to 4 people "
    "marked while they told its sentiment (Sen et al. 2020).",
    licence="None stated; the reviews are of the Yelp data set, whose terms forbid passing them on.",
    address="https://raw.githubusercontent.com/cansusen/Human-Attention-for-Text-Classification"
    "/205c1552bc7be7ec48623d79d85d4c6fbfe62362/raw_data",
    files={
        "ham_part1(50words).csv": "b41d671c0585dd17ed0f6a36b9a57a33b1ba594e97e9c037cfb554eff8c96ced",
        "ham_part6(100words).csv": "517d26c298a03a96391206674acacc7f955f92520dcbc40d219ebb93b65d013e",
        "ham_part7.csv": "0e48f992c078a4344648542102058c03cf4d67fba8729a356cab7c0bf665d440",
        "ham_part8(200words).csv": "81dd32010f7c331e100483537ec7a73514ed01361d0006966e2b0f62a23a7bce",
    },
    local={
        "ham_part1_50words.csv.gz": "607e1cc3d1c5bcca9257979f6b1649271cb2a9864f2bfe2c1418ecada1c136b9",
        "ham_part6_100words.csv.gz": "26e97477de468f1e3c1aea9f0b1a6ad81220a354f005d8387fd74531a53b9890",
        "ham_part7.csv.gz": "75a40cb5a892fe0fbe314ad0517071ea103457b18bfd70b686473e36c40ea9cb",
        "ham_part8_200words.csv.gz": "72ea02eb753ee9ff4d3c15ac70942249f701898b35d59b98788ee2ad6416a5ac",
    },
    reference="A quarter of the words of a review of 50 words are marked, an eighth of one of 200 (its files).",
    size=11_061_893,
)


def read() -> tuple[list[Reading], list[str]]:
    """Every review; attention is 1 for a marked word and 0 otherwise, for each person whose map fits the text."""
    folder, unfit = fetch(DATASET), []
    found: dict[str, tuple[tuple[tuple[int, int], ...], str, str, list[np.ndarray]]] = {}
    for public, packed in zip(DATASET.files, DATASET.local, strict=True):
        for row, line in enumerate(_rows(folder, public, packed), start=1):
            text, marked = line["Input.text"], _marks(line["Answer.html_output"])
            spans = split_words(text)
            if [word for word, _ in marked] != [text[first:last] for first, last in spans]:
                unfit.append(f"{public}, row {row}")
                continue
            marks = np.array([float(active) for _, active in marked])
            place = f"{public}, row {row}"
            found.setdefault(text, (spans, SENTIMENT[line["Input.label"]], place, []))[3].append(marks)
    readings = []
    for text, (spans, label, place, maps) in found.items():
        people = tuple(f"annotator {i + 1}" for i in range(len(maps)))
        readings.append(Reading(text, spans, people, np.stack(maps), place, label))
    readings, notes = without_the_absent(readings)
    if unfit:
        notes.append(
            f"{len(unfit)} maps whose words are not those of the review are left out ({', '.join(unfit[:3])}, ...)"
        )
    return readings, notes


def _rows(folder: Path, public: str, packed: str) -> list[dict[str, str]]:
    path = folder / packed
    content = gzip.decompress(path.read_bytes()) if path.exists() else (folder / public).read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def _marks(page: str) -> list[tuple[str, bool]]:
    """Each word of an annotator's page and whether it was marked; what a browser's plug-ins left there is not seen."""
    spans = _Spans()
    spans.feed(page)
    return [(word, active) for word, active in spans.found if word]


class _Spans(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, bool]] = []
        self._open = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "span":
            self._open = True
            self.found.append(("", dict(attributes).get("class") == "active"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "span":
            self._open = False

    def handle_data(self, text: str) -> None:
        if self._open:
            word, active = self.found[-1]
            self.found[-1] = (word + text.strip(), active)
