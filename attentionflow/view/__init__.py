"""Records made visible: one self-contained page, without the training stack."""

from attentionflow.view.page import Page, page

__all__ = ["Page", "page"]
