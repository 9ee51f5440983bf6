"""WikiText-2: good articles of Wikipedia, cut into words, for word language models."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.passages import Cut, Passages, Source

DATASET = Dataset(
    name="wikitext2",
    task="text-generation",
    summary="Wikipedia articles in words between blanks, rare ones already <unk>: 2,088,628 train, 217,646 val and "
    "245,569 test words, with the end of each line as one; 33,278 distinct.",
    licence="CC BY-SA 3.0 (Wikipedia's text).",
    address="https://raw.githubusercontent.com/pytorch/examples/77f55b912142e11fcfdf5b530231fb9c52f181e8/"
    "word_language_model/data/wikitext-2",
    files={
        "train.txt": "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
        "valid.txt": "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
        "test.txt": "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
    },
    local={
        "train.txt.gz": "0c202e0b5d919429261b7291d9b5998f0db680c0a6700c0ff2a886d0abe055d4",
        "valid.txt.gz": "3ac34ae2b6509075d52302c50a04a8a1970739ffe1a904f2cd374fefbea3cbf2",
        "test.txt.gz": "a2b26b5d2619cc1f6cd34c8e116a451aed09af51479346aadfbf508ceb8b192e",
    },
    reference="Perplexity of a test word, the end of each line included: 65.8 by AWD-LSTM, 52.0 with a cache pointer "
    "(Merity et al. 2018, as listed by NLP-progress).",
    size=13_175_278,
)
SPLITS = {"train": "train", "val": "valid", "test": "test"}

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "units": "words",
        "vocabulary": 40_000,
        "context": 128,
        "batch_units": 2048,
        "cutoffs": "3000,12000",
        "width": 192,
        "heads": 3,
        "layers": 3,
        "feedforward": 768,
        "dropout": 0.2,
        "ngrams": 5,
        "epochs": 5,
        "evaluations": 5,
    },
    "classic": {
        "units": "words",
        "vocabulary": 40_000,
        "context": 128,
        "batch_units": 2048,
        "cutoffs": "3000,12000",
        "embedding": 192,
        "hidden": 256,
        "dropout": 0.3,
        "ngrams": 5,
        "epochs": 5,
        "evaluations": 5,
    },
}


def read(cut: Cut) -> dict[str, Passages]:
    folder, found = fetch(DATASET), {}
    for split, name in SPLITS.items():
        path = folder / f"{name}.txt"
        source = Source(path if path.exists() else path.with_name(path.name + ".gz"))
        found[split] = Passages([(source, 0, len(source))], cut)
    return found
