"""ZuCo 2.0: English sentences of Wikipedia, read as usual."""

from __future__ import annotations

from attentionflow.datasets import _zuco
from attentionflow.datasets._fetch import fetch
from attentionflow.readers.reading import Reading

LANGUAGE = "en"
PART = "zuco2_NR"
# SHA-256 of each person's file: as published, and compressed.
SUMS = {
    "YAC": (
        "07ed24bccf8ecf7089e316c601f04eaf84de51ef658c5867eb3bbcf1cfa4036b",
        "97c476c10587b31f77bfe97d7f73377cefadaf9891dea8c7a0762ca8db083839",
    ),
    "YAG": (
        "1d7c309d55246354291c19fc2e9b1686a8e39df6c409d7c6e7ba688a0d6103ad",
        "a7abcbcd5583a4ea923efac0406ba37bdb979a9b5b8fdc0cae75408305aeae2f",
    ),
    "YAK": (
        "7321c5a6502e3b87300958c7b772ffb42c2f59cb4fd1b41d090768f901f44441",
        "ff271390c0ac42921b6a0379c39d5abd8b294e01f5b998a00ceed173bf61ad00",
    ),
    "YDG": (
        "a3d5dfd3aafb0ed1fb4a3f8a3fe23b15e1ffa6739b84e47b0ccabb97c70d24b2",
        "0d3a48ee21e85a8c133b089e780af914c4a9d5daf3e3e836dd567917253c8000",
    ),
    "YDR": (
        "4eb9a63f2e7d6795986451c0d646bc839a172221c400d11d79a41b337df0df73",
        "52abfa28a7ec164d3ec8809686d17a732c3ad47ce2b51042e0203c51c241a6e0",
    ),
    "YFR": (
        "68d065f74b5cecba87b66e31754aad0b9b05c501db1722689a5f4782adc63ed3",
        "878d33036c5b1f1bf9581b46c1b600f8eabe3fc049161404dd4993446f9bd3ce",
    ),
    "YFS": (
        "a61072c181cce04f0bb7dd7072e4701d73e882e172d0bafdd38e6b5ed96ca200",
        "99d08f872cc66f532bb3e73768f61966d93caf5b7930a86751663b8a3d47c139",
    ),
    "YHS": (
        "5caf24e725359e51bd7d6ed8fb2f3eeac84c71f59b4e020e6f940c1596667c19",
        "582a2eba0ca025f2f6b43fc6042d2e3ef6066341646dd233e49ee2ef466465bd",
    ),
    "YIS": (
        "d8af5055baaa93e0c4806e314d000c55b29572f7cf66b06cfc16309b357f15a2",
        "96d1289f8e753b0127902b6acb134c507b926b27d4cb9fa0f244ba6b5f637fc4",
    ),
    "YLS": (
        "93ff89ae9902609c7a0bf8e133abac176b8c58eaca3f79a7204305f6cc5bae44",
        "fd96413c1c1575efe9fcbdac0d0fa183d64c71af5e30b7c6cf2e2345f1a02648",
    ),
    "YMD": (
        "13b749244758837b6ea72264fed6c0723b4c7fba30f39f7851809e5bc7da0f23",
        "769c83e9a15dfb13c0ba75a38a33f217f5b3800bf7b7ce908d46edfd684c0cab",
    ),
    "YMS": (
        "81226419c404fb2484ee5560e3f069a1d3f10556c7bdd74622165285a24c45a4",
        "10309caa90d0c9f0ad1abee4b16b60bb53246e61d97b3532cbfa0bcd69fb03a9",
    ),
    "YRH": (
        "aae83933cbc9d10c7b8c8272b03e63936d507753bff57c63f4b82fdedcd4d5b2",
        "8fb28d66cfc305b42a6f3beb085ff6ee3c5705e4402acd5ad76d28aa79d39961",
    ),
    "YRK": (
        "8f01b744e8ab1575ab709b0dd95a7b6349e3e93dda05183412f4b29a50e1868d",
        "9c53eac46586779eaa948e81685d8e02b9699b513c598ee50413d7a2f4e1ad19",
    ),
    "YRP": (
        "3e06a80de3031d3982f2937dd690be0bb33e092ada113ee51fec9b4a404919fa",
        "e8527355538ff0daae172822d1587de8cdd98a96b2f83b0cc2efe334b2820529",
    ),
    "YSD": (
        "62107bc4b16bcf775fbb9ac0a2466fcfae85e54cc112460a5796d4cacbfbcd81",
        "286f76c00a97b9ba0a18f3fb3a3ced105368654e53653a9200ccfa8a7bf24f63",
    ),
    "YSL": (
        "4daa9fd78b971cc98cc4998eefd0899e89436e32cce8b9d5123a81982bc304eb",
        "02024102c6ef145c5caa7ba31f3b5ab9c8f12bfc006ba151cf4ccbbb79b87a46",
    ),
    "YTL": (
        "51d83bf444a0dc731cc228c7d557b9078c384acab6da0cfb5ecd9f9398d06c2f",
        "42d61335bf12918f9b61162b303328f00703f14ed944ea32703676a3807b4b81",
    ),
}

DATASET = _zuco.times(
    "zuco2_normal",
    PART,
    "English sentences of Wikipedia, read as usual: 18 people, 342 sentences, time a word and person.",
    SUMS,
    4_205_226,
)


def read() -> tuple[list[Reading], list[str]]:
    """Every sentence, with each person's time a word, and notes on what was left out."""
    return _zuco.read_part(fetch(DATASET), PART)
