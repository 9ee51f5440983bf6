"""Banking77 from nothing: no worse than a linear support vector machine on TF-IDF, in the same run.

python benchmarks/classification_banking77.py
"""

from __future__ import annotations

from _labels import against_machines, options

if __name__ == "__main__":
    against_machines(
        "text-classification/banking77/default/accuracy_minus_svm",
        "text-classification",
        "banking77",
        options().parse_args(),
    )
