"""What all tests share. Standing here, it also lets them import the helpers beside it."""

import os

from hypothesis import settings

# Small tensors are quickest on one thread, also where pytest -n runs several processes. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes tells more of the machine than of the code.
settings.register_profile("attentionflow", deadline=None)
settings.load_profile("attentionflow")
