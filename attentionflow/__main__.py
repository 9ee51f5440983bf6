"""`python -m attentionflow`, for launchers of several processes."""

from attentionflow.cli import main

if __name__ == "__main__":
    main()
