"""ZuCo 1.0: English sentences of Wikipedia, read as usual."""

from __future__ import annotations

from attentionflow.datasets import _zuco
from attentionflow.datasets._fetch import fetch
from attentionflow.readers.reading import Reading

LANGUAGE = "en"
PART = "zuco1_NR"
# SHA-256 of each person's file: as published, and compressed.
SUMS = {
    "ZAB": (
        "bf563a4306cb9cc6746cd8b2640504adcb9712335e601c43260984a213dfa659",
        "cec3180d518c9cecf68f4238f4c74f29f2021c7afc68136d3fd2873c0a38f363",
    ),
    "ZDM": (
        "8f514a0902821522f7aa693e87e51589e505d5556e7f5ece19d8ccc9a07a5608",
        "58c20609bdf8ba1dc48ba6a470419e3ba8bc7e0ca5ce0dbd19579c5082cd948b",
    ),
    "ZDN": (
        "8a103319fe84ebde1812acd9f23e7d598064ae1d6cb2e9df2c2bc4f349cabdc9",
        "30bedfc21db730669faa86963f608f54e863fa6a789a9e720687f0a861d54341",
    ),
    "ZGW": (
        "2b271098a7ad1f360c90174257523c71ff7d1d48a1dd72fcf74016e0990135b4",
        "19d8eaad0aaed8af8fc7fb64e546632e16d983b6beb25cf90985101eb7916a13",
    ),
    "ZJM": (
        "9eac0306b4c0931406ba7e900cfd5bfd6f772918f33eb2bd48179d7ccbc1009d",
        "b0320c4196f1cf2901a1a2eb88b41ffc468c747404bad4af360731c06226a6cd",
    ),
    "ZJN": (
        "e4142f66f572b7f10b4269c3fb0d38c31e4205cd70330fd14fd772d7dd555ddc",
        "9856cd5a4ae5f621295a2ee7b3d8625d00c5c8986f031924afe4d1d6d545f045",
    ),
    "ZJS": (
        "44cd17da35e446f5c23fdbef80745bca5f33bf3dc054f43171fa3250ec22939d",
        "f57ea98853b76da45d6625f35c676006c236e7e5798f7ee463eb62dabc6a49a2",
    ),
    "ZKB": (
        "75b2acb74ac84bf8b30651b503445bb29206a893671e4ecffac3e9491ffe678d",
        "a5157433eb88fb1a9fd58225525d5d178954c7828b015a02d2a3f1d499db8547",
    ),
    "ZKH": (
        "bb6134144fe9cc7e8dda4dd9772c35440f3c1267467bfca12203d8fa9ec68a20",
        "19e7fe9d5236c73f07e991bb577fd8e04c7cc4f42d57128f7cc1c50fe2642dc0",
    ),
    "ZKW": (
        "9965ad1341946674a20f0e3240c162d7c352a58139adba6d0cbdfe4138ec009f",
        "8891a774bc76e8e8c12481d80cc13ae9dd81ada0aa9525903e20602a0ba7b8e6",
    ),
    "ZMG": (
        "c14a33aa84a75aba6f6af2d55f0c5d2a202f7792e9c30d2f0e5898785c110945",
        "b6f86f1438f32159d241043372e13285f455bca96a5e0551ffb10b7f98ee4b4a",
    ),
    "ZPH": (
        "ad98846a691dd999ab880ed2f556e5d014682b3bccda35b1f7b961c43b9836ec",
        "21d34edea6a9bb84b80b6dac428f0d854ec21c25f5529c8a70bf78a62af835d7",
    ),
}

DATASET = _zuco.times(
    "zuco_normal",
    PART,
    "English sentences of Wikipedia, read as usual: 12 people, 295 sentences, time a word and person.",
    SUMS,
    2_808_555,
)


def read() -> tuple[list[Reading], list[str]]:
    """Every sentence, with each person's time a word, and notes on what was left out."""
    return _zuco.read_part(fetch(DATASET), PART)
