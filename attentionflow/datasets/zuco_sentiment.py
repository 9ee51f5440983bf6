"""ZuCo 1.0: English sentences of film reviews, read to rate their sentiment."""

from __future__ import annotations

from attentionflow.datasets import _zuco
from attentionflow.datasets._fetch import fetch
from attentionflow.readers.reading import Reading

LANGUAGE = "en"
PART = "zuco1_SR"
# SHA-256 of each person's file: as published, and compressed.
SUMS = {
    "ZAB": (
        "0928acddd8e37356922c09942afb7b81f9e0ea9a1b305bcad6e23d891f3ef8a4",
        "bec2d603771b262e575c52ee3bcc91c86e05a05c31e404e8352e838f107d8636",
    ),
    "ZDM": (
        "b59e425f6da9d272086e7cc0ac92045fc3807ccb395e58e0a8e22586911b561e",
        "4c44c3d5a4a7b570e63982c13395cb28e32c745ea775f97e068587866ad9b99a",
    ),
    "ZDN": (
        "cae1cc9ce01fa3b3c8b47e1a4463730cb7ae084ff43a091ae1a34294b894bd9c",
        "fa67cbfff308fd3deefbd4de80a59e917692a15752cf0aa2f848f312b30a2db6",
    ),
    "ZGW": (
        "9f3453efb2c62f1f2d76190ea8f08d437b9a60c85d4de795f3cc6155a1fb1f78",
        "27cb2e8e88edd779d1453128b254c7a0b24e752d8c4ae8c99812f55e36a0c210",
    ),
    "ZJM": (
        "34c977e887ffc081580f2acd9f4f4f37fdad54c2b3eafaf0d2a2dca987efa194",
        "690ffbdecceaad662f95fb58cbf6d705eeb8194e977f2a9642af9b58ecf06ddf",
    ),
    "ZJN": (
        "e1111ee207be8cd3e15f2511bea9f94937850d680252433b238270b70c3c1a8d",
        "99e028e750449fe8fb0a1912f135abc01e38b3c8f8bcbe46de708fe86fab1d6b",
    ),
    "ZJS": (
        "bc47853b41ce3940f27afd8ba584dd52f576ff72fb5ed1143ac9ee6d715b3c17",
        "d4113d7518a855126bb50c41beb75657c3dba5a6ff7a214bf94d95d1248b952f",
    ),
    "ZKB": (
        "9c1c193d5d707b639ac319748d8c233e35e6be304626470e215c40ca2e519768",
        "a981a3e9334b3f2e128222f251f8a1278b99023ee3de25e514ad368c5e610487",
    ),
    "ZKH": (
        "667c4b68da8a32d1c6fa8f19ee6b285411e208c931976164e6fc16aa2eeb172b",
        "7adc4875513f91f7600192c758d6fc73e0a46e20d233872ec8a981c30f11e6d7",
    ),
    "ZKW": (
        "369f44e13bd12a67df81b5821430988b07122514dfd80b8b84b72e67f4a9c003",
        "a9d30edddcc1a11782bd858a03dcfaf72ea1dd63b28cdbb0b4fd691800e8ef43",
    ),
    "ZMG": (
        "d59e326431c58e1376c2a387a5262f1016a9b998ef6e67915684e96dc206e06e",
        "4c5c5023d29e811186708b3dc4a07d802a45d22b1dc628bd555db219b734d6c8",
    ),
    "ZPH": (
        "bd59bc02b5557c64f91a190c26fd9fb81879a2f1954fc4dda41ec1286e13daf1",
        "deb3d2739c0ad5347fd6602e7c3c1ce1d0d1b640147df42862e32858e333b7bc",
    ),
}

DATASET = _zuco.times(
    "zuco_sentiment",
    PART,
    "English sentences of film reviews, read to rate their sentiment: "
    "12 people, 256 whole sentences with the rating of their sentiment, time a word and person.",
    SUMS,
    2_437_067,
)


def read() -> tuple[list[Reading], list[str]]:
    """Every sentence, with each person's time a word, and notes on what was left out."""
    readings, notes = _zuco.read_part(fetch(DATASET), PART)
    whole, more = _zuco.whole_sentences(fetch(_zuco.SENTENCES), readings)
    return whole, [*notes, *more]
