"""Sentiment from nothing, from sentences alone: no worse than a linear support vector machine on TF-IDF.

python benchmarks/sentiment_from_nothing.py sst2
python benchmarks/sentiment_from_nothing.py sst5
python benchmarks/sentiment_from_nothing.py chnsenticorp
"""

from __future__ import annotations

from _labels import against_machines, options

if __name__ == "__main__":
    parser = options()
    parser.add_argument("data", choices=("sst2", "sst5", "chnsenticorp"))
    given = parser.parse_args()
    against_machines(f"sentiment/{given.data}/default/accuracy_minus_svm", "sentiment", given.data, given)
