"""Known figures of people's attention, from the data sets themselves: what a model is measured against.

What word length and the middle of a picture reach, and how alike people are.

    python benchmarks/human_known.py
"""

from __future__ import annotations

import numpy as np
from _results import claim

from attentionflow.datasets import dataset_module, osie
from attentionflow.human.agreement import consensus, known_spearman, one_against_rest, split_half
from attentionflow.human.maps import blurred, cc, centre_prior, nss
from attentionflow.readers.reading import Reading

TEXTS = ("zuco", "geco", "zuco_normal", "zuco_sentiment", "zuco2_normal", "yelp_hat")
LENGTH_BARS = {"zuco": ">= 0.743", "geco": ">= 0.686"}
ALONE_BARS = {"zuco_normal": ">= 0.505", "zuco_sentiment": ">= 0.535", "zuco2_normal": ">= 0.525"}


def by_length(one: Reading) -> float:
    return known_spearman(np.array([len(word) for word in one.words], float), consensus(one.attention))


def texts(name: str) -> None:
    readings, _ = dataset_module(name).read()
    length = float(np.nanmean([by_length(one) for one in readings]))
    claim(f"human/{name}/word_length/spearman", length, "Spearman", LENGTH_BARS.get(name, ""), texts=len(readings))
    if len(readings[0].people) < 2:
        return
    alone = np.concatenate([one_against_rest(one.attention) for one in readings])
    halves = float(np.nanmean([split_half(one.attention, i) for i, one in enumerate(readings)]))
    claim(
        f"human/{name}/one_against_rest/spearman",
        float(np.nanmean(alone)),
        "Spearman",
        ALONE_BARS.get(name, ""),
        people=len(readings[0].people),
        split_half_reliability=round(halves, 4),
    )


def pictures() -> None:
    """At half of the size as shown, where fixations are spread by half as many pixels."""
    looked, _ = osie.read()
    shape = osie.SIZE[1] // 2, osie.SIZE[0] // 2
    prior, alone, middle, correlation = centre_prior(shape), [], [], []
    for one in looked:
        points = {person: (found + 0.5) / 2 - 0.5 for person, found in one.fixations.items()}
        spread = {person: blurred(found, shape, osie.SIGMA / 2) for person, found in points.items()}
        whole = np.sum(list(spread.values()), axis=0)
        alone += [nss(whole - spread[person], points[person]) for person in points]
        middle.append(nss(prior, np.concatenate(list(points.values()))))
        correlation.append(cc(prior, whole))
    claim("human/osie/leave_one_out/nss", float(np.mean(alone)), "NSS", ">= 3.64", pictures=len(looked))
    claim("human/osie/centre/nss", float(np.mean(middle)), "NSS", ">= 0.79", pictures=len(looked))
    claim("human/osie/centre/cc", float(np.mean(correlation)), "CC", ">= 0.295", pictures=len(looked))


if __name__ == "__main__":
    for name in TEXTS:
        texts(name)
    pictures()
