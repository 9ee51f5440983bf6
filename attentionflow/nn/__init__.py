"""Mechanisms and blocks. A mechanism is a module with a `place` that calls `attend`, `weigh` or `gate`."""

MECHANISMS = {
    "self-attention": "attentionflow.nn.dot_product.SelfAttention",
    "cross-attention": "attentionflow.nn.dot_product.CrossAttention",
    "additive": "attentionflow.nn.additive.AdditiveAttention",
    "multiplicative": "attentionflow.nn.multiplicative.MultiplicativeAttention",
    "target": "attentionflow.nn.target.TargetAttention",
}

# Files of this folder that hold no mechanism.
PARTS = ("blocks", "channels", "dropout", "loss", "positions", "quantiles")
