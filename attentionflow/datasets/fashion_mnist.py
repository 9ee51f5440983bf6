"""Fashion-MNIST: clothes, shoes and bags from a shop, in ten kinds."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._mnist import read_split
from attentionflow.readers.labelled_pictures import LabelledPictures

NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

DATASET = Dataset(
    name="fashion_mnist",
    task="image-classification",
    summary="Clothes, shoes and bags, 28 x 28 pixels in grey, 10 labels: 55,000 train, 5,000 val (the last of the "
    "public training pictures), 10,000 test.",
    licence="MIT.",
    address="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    files={
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    reference="Accuracy 0.949 by a ResNet18 with augmentation, 0.950 by MobileNet with flips, 0.897 by a support "
    "vector machine; people 0.835 (README of the set; submitted, not checked there).",
    size=30_878_645,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"size": 28, "patch": 4, "flips": "horizontal", "evaluations": 5, "log_every": 100}
ADVICE: dict[str, dict[str, object]] = {
    "patch-transformer": {**_SHARED, "epochs": 14},
    "classic": {**_SHARED, "epochs": 8},
}


def read(seed: int = 0) -> LabelledPictures:
    """`seed` is of no effect: the splits are fixed."""
    return read_split(DATASET, NAMES)
