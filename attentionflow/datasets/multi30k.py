"""Multi30k, task 1: captions of pictures in English and their German translations by people."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.pairs import Pair, direction, read_pairs

DATASET = Dataset(
    name="multi30k",
    task="translation",
    summary="Picture captions, English and German: 29,000 train, 1,014 val, 1,000 test (test_2016_flickr), 1,000 "
    "test_2017_flickr, 461 test_2017_mscoco.",
    licence="None stated; derived from Flickr30K, whose pictures are for non-commercial research and education.",
    address="https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw",
    files={
        "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
        "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
        "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
        "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
        "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
        "test_2016_flickr.de.gz": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
        "test_2017_flickr.en.gz": "76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074",
        "test_2017_flickr.de.gz": "a2c89666db00c495cd8513b9d708d5a3acc205d7de312ef2bf5fb7ebc1540aee",
        "test_2017_mscoco.en.gz": "aab300bfb4427697987e02cd0aacd44bfe8aa50456231b6474c08038bbed2b58",
        "test_2017_mscoco.de.gz": "799e4854c25d601cb6cb6be29eabe5667734c61ace2f495e03e429031a0bc338",
    },
    reference="English to German, test_2016_flickr, text only: BLEU 41.02 by Transformer-tiny (README of "
    "LividWo/Revisit-MMT, for Wu et al., ACL 2021).",
    size=1_355_954,
)
LANGUAGES = {"en", "de"}

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {"dropout": 0.25, "batch_tokens": 1024, "learning_rate": 2.5e-3, "ema": 0.999},
    "classic": {},
}


def read(source: str | None = None, target: str | None = None, seed: int = 0) -> dict[str, Sequence[Pair]]:
    """Pairs by split, English to German unless told otherwise. `seed` is of no effect: the splits are fixed."""
    if source is None and target is None:
        source, target = "en", "de"
    source, target = direction(LANGUAGES, source, target, "multi30k")
    splits = read_pairs(fetch(DATASET), source, target)
    return {"test" if name == "test_2016_flickr" else name: pairs for name, pairs in splits.items()}
