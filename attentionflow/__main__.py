"""`python -m attentionflow`, for launchers of several processes."""

from attentionflow.cli import main

main()
