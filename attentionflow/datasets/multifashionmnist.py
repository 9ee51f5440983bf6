"""Multi-Fashion+MNIST: a handwritten digit and a piece of clothing in one picture, to be named both."""

from __future__ import annotations

from dataclasses import replace

from attentionflow.datasets import fashion_mnist, mnist, multimnist
from attentionflow.datasets._mnist import read_split
from attentionflow.datasets._two_in_one import pair_up
from attentionflow.readers.tabled_pictures import TabledPictures

DATASET = replace(
    fashion_mnist.DATASET,
    name="multifashionmnist",
    task="multi-task",
    folder="fashion_mnist",
    summary="A digit of MNIST at the upper left and a picture of Fashion-MNIST at the lower right of 36 x 36 pixels, "
    "the brighter pixel counting, each to be named: 110,000 train, 10,000 val, 20,000 test, paired at random, once and "
    "for all, within the splits of both sets. The recipe of Lin et al. 2019. It needs the files of mnist as well.",
    licence="MIT (Fashion-MNIST); CC BY-SA 3.0, as it is passed on (MNIST).",
    reference="None on these pairs.",
    size=fashion_mnist.DATASET.size + mnist.DATASET.size,
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE = multimnist.ADVICE


def read(seed: int = 0) -> TabledPictures:
    """`seed` is of no effect: pairs and splits are fixed."""
    digits = read_split(mnist.DATASET, [str(digit) for digit in range(10)])
    return pair_up(DATASET.name, [digits, read_split(fashion_mnist.DATASET, fashion_mnist.NAMES)])
