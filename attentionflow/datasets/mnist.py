"""MNIST: handwritten digits."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._mnist import read_split
from attentionflow.readers.labelled_pictures import LabelledPictures

DATASET = Dataset(
    name="mnist",
    task="image-classification",
    summary="Handwritten digits, 28 x 28 pixels in grey, 10 labels: 55,000 train, 5,000 val (the last of the public "
    "training pictures), 10,000 test.",
    licence="CC BY-SA 3.0, as it is passed on; the publisher's page states none.",
    address="https://ossci-datasets.s3.amazonaws.com/mnist",
    files={
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    local={
        "train-images-idx3-ubyte.gz": "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
        "train-labels-idx1-ubyte.gz": "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
        "t10k-images-idx3-ubyte.gz": "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
        "t10k-labels-idx1-ubyte.gz": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
    },
    reference="Accuracy 0.992 by two convolutions with fewer than 100,000 parameters (README of Fashion-MNIST).",
    size=11_594_722,
)

# Settings that suit these data, by architecture; the user's own go before them. Digits turned round are no digits.
_SHARED: dict[str, object] = {"size": 28, "patch": 4, "flips": "none", "evaluations": 5, "log_every": 100}
ADVICE: dict[str, dict[str, object]] = {
    "patch-transformer": {**_SHARED, "channels": 16, "epochs": 6},
    "classic": {**_SHARED, "epochs": 6},
}


def read(seed: int = 0) -> LabelledPictures:
    """`seed` is of no effect: the splits are fixed."""
    return read_split(DATASET, [str(digit) for digit in range(10)])
