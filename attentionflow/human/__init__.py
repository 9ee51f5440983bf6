"""Where people look, beside where a model does: measures, baselines, ceilings and statistics.

Takes arrays, records and relevance, never a model. Files of people's attention are read in `readers`, named sets in
`datasets`; what runs a model for it is the verb `compare`.
"""

# The files of this folder, and what each holds.
PARTS = {
    "agreement": "how alike people are: one against the rest, split halves",
    "alignment": "a model's positions onto the words that people read",
    "baselines": "position, word length, frequency and their regression",
    "maps": "measures over pictures",
    "measures": "measures over words",
    "statistics": "correlation, bootstrap, permutation tests",
}
