"""Games: reviews of video games on Amazon as sequences of items, the data of SASRec (Kang and McAuley 2018)."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.interactions import Interactions, read_interactions

DATASET = Dataset(
    name="sasrec_games",
    task="recommendation",
    summary="Reviews of video games on Amazon, a user and an item each, in time order: 31,013 users, 23,715 items, "
    "287,107 actions; 30,901 users in val and in test.",
    licence="Apache-2.0 (the SASRec repository); none stated for the reviews themselves.",
    address="https://raw.githubusercontent.com/kang205/SASRec/e3738967fddab206d6eeb4fda433e7a7034dd8b1/data",
    files={"Video.txt": "b7376fe24430743f411dc7f567285657b2adb3f74361cc7ba0aee94f3024b651"},
    local={"Video.txt.gz": "ece9a039eb630067530b75dbe3d2e190e0bfea11c2823d367302b5ac35719c19"},
    reference="HR@10 0.7410, NDCG@10 0.5360 among 100 items drawn uniformly, 10,000 users (SASRec, Kang and McAuley "
    "2018). Published full-catalogue results are on other preparations of these reviews.",
    size=3_187_124,
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {"negatives": 2048, "weight_decay": 1.0, "epochs": 30, "evaluations": 6},
    # To rank the whole catalogue by target attention takes minutes, so it is done seldom.
    "classic": {"epochs": 10, "evaluations": 2},
}


def read(seed: int = 0) -> Interactions:
    """All actions. `seed` is of no effect: leaving one out leaves nothing to chance."""
    folder = fetch(DATASET)
    file = next(folder / name for name in (*DATASET.local, *DATASET.files) if (folder / name).is_file())
    return read_interactions(file)
