"""Mechanisms and blocks. A mechanism is a module with a `place` that calls `attend`, `weigh` or `gate`."""

MECHANISMS = {
    "self-attention": "attentionflow.nn.dot_product.SelfAttention",
    "cross-attention": "attentionflow.nn.dot_product.CrossAttention",
    "additive": "attentionflow.nn.additive.AdditiveAttention",
    "multiplicative": "attentionflow.nn.multiplicative.MultiplicativeAttention",
    "attention-gate": "attentionflow.nn.attention_gate.AttentionGate",
    "channel": "attentionflow.nn.channel.ChannelAttention",
    "spatial": "attentionflow.nn.spatial.SpatialAttention",
    "distance": "attentionflow.nn.distance.DistanceAttention",
    "duration": "attentionflow.nn.duration.DurationAttention",
    "location": "attentionflow.nn.location.LocationAttention",
    "pooling": "attentionflow.nn.pooling.AttentionPooling",
    "label": "attentionflow.nn.label.LabelAttention",
    "target": "attentionflow.nn.target.TargetAttention",
    "task": "attentionflow.nn.task.TaskAttention",
    "hierarchical": "attentionflow.nn.hierarchical.HierarchicalAttention",
    "copy": "attentionflow.nn.copying.CopyAttention",
    "coverage": "attentionflow.nn.coverage.CoverageAttention",
    "counterparts": "attentionflow.nn.matching.Counterparts",
    "gallery": "attentionflow.nn.matching.GalleryAttention",
}

# Files of this folder that hold no mechanism.
PARTS = (
    "blocks",
    "channels",
    "clusters",
    "conformer",
    "convolution",
    "dropout",
    "line",
    "loss",
    "positions",
    "quantiles",
    "recent",
    "space_time",
)
