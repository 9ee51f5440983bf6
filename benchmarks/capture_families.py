"""Which architectures of the installed transformers are captured: every one that its public auto mapping names is built
tiny from its own configuration, run with SDPA, captured, and run with eager attention.

An architecture counts as captured where outputs are bit-identical to SDPA's, every site is within 1e-6 of eager's
weights, padding is marked where it takes text, and nothing was left out. Writes docs/transformers.md.

    python benchmarks/capture_families.py            all, in two processes
    python benchmarks/capture_families.py bert t5    these, printed and not written down
"""

from __future__ import annotations

import inspect
import json
import os
import resource
import subprocess
import sys
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "transformers.md"
SECONDS = 60  # for one architecture, and the start of the process that it may be the first of
MOST_PARAMETERS = 60_000_000
TOLERANCE = 1e-6
B, T, PADDING = 2, 10, 3  # examples, tokens, padding of the second


def sized(size: int, names: str) -> dict[str, int]:
    return dict.fromkeys(names.split(), size)


# Sizes by the names that configurations use.
SMALL: dict[str, int] = {
    **sized(
        300, "vocab_size text_vocab_size src_vocab_size tgt_vocab_size audio_vocab_size vocab_size_per_layer_input"
    ),
    **sized(64, "hidden_size d_model n_embd embed_dim dim hidden_dim width embedding_size emb_dim projection_dim"),
    **sized(64, "decoder_hidden_size encoder_hidden_size text_hidden_size vision_hidden_size audio_hidden_size"),
    **sized(64, "mm_hidden_size out_hidden_size cross_attention_hidden_size decoder_embed_dim output_dim out_dim"),
    **sized(64, "intermediate_size ffn_dim encoder_ffn_dim decoder_ffn_dim d_ff n_inner dim_feedforward mlp_dim"),
    **sized(64, "moe_intermediate_size shared_expert_intermediate_size decoder_intermediate_size"),
    **sized(64, "encoder_intermediate_size dense_ffn_hidden_size hidden_size_per_layer_input"),
    **sized(2, "num_hidden_layers num_layers n_layer n_layers encoder_layers decoder_layers depth num_blocks layers"),
    **sized(2, "num_decoder_layers num_encoder_layers decoder_num_hidden_layers encoder_num_hidden_layers"),
    **sized(2, "text_layers vision_layers"),
    **sized(4, "num_attention_heads n_head n_heads num_heads attention_heads heads cross_num_attention_heads"),
    **sized(4, "encoder_attention_heads decoder_attention_heads decoder_num_attention_heads"),
    **sized(4, "encoder_num_attention_heads"),
    **sized(2, "num_key_value_heads decoder_num_key_value_heads encoder_num_key_value_heads"),
    **sized(16, "head_dim d_kv attention_head_dim v_head_dim q_lora_rank kv_lora_rank qk_nope_head_dim"),
    **sized(8, "qk_rope_head_dim index_head_dim rotary_dim"),
    **sized(128, "max_position_embeddings n_positions n_ctx max_source_positions"),
    **sized(4, "num_experts num_local_experts n_routed_experts moe_num_experts"),
    **sized(2, "num_experts_per_tok num_experts_per_token moe_topk moe_k"),
    **sized(1, "n_group topk_group n_shared_experts first_k_dense_replace"),
    **sized(64, "image_size"),
    **sized(16, "patch_size num_mel_bins feature_projection_input_dim"),
    **sized(8, "num_queries num_query_tokens"),
    **sized(4, "num_frames sliding_window"),
    **sized(2, "temporal_patch_size spatial_merge_size"),
}
# The same of fields that hold one size a stage, the first of them; sizes double from stage to stage, depths do not.
STAGES = {"depths": 1, "layers": 1, "num_attention_heads": 2, "num_heads": 2, "hidden_sizes": 32, "embed_dims": 32}

# What is tried in turn where these sizes make no model that runs: as many heads of keys as of queries, heads as small
# as the rotated part of them, so many layers that a hybrid has attention, larger pictures.
VARIATIONS: tuple[dict[str, int], ...] = (
    {},
    {"num_key_value_heads": 4},
    {"head_dim": 8, "num_key_value_heads": 4},
    {"num_hidden_layers": 8},
    {"image_size": 224},
)

SWIN = {"patch_size": 4, "window_size": 4, "depths": [2, 2], "num_heads": [2, 4], "embed_dim": 32}
SERIES = {"prediction_length": 6, "context_length": 24}
ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}
HALF = ROPE | {"mrope_section": [2, 1, 1], "partial_rotary_factor": 0.5}

# Family -> fields of its configuration that this gets wrong; {"text_config": {...}} goes into a sub-configuration.
ADJUSTED: dict[str, dict[str, Any]] = {
    "esm": {"vocab_size": 300, "pad_token_id": 1, "mask_token_id": 4},
    "nemotron": {"num_key_value_heads": 2},
    **{family: SWIN for family in ("swin", "donut-swin")},
    **{family: SERIES for family in ("time_series_transformer", "informer", "autoformer")},
    **{family: {"text_config": {"rope_parameters": ROPE}} for family in ("qwen2_vl", "qwen2_5_vl", "paddleocr_vl")},
    **{family: {"rope_parameters": ROPE} for family in ("qwen2_vl_text", "qwen2_5_vl_text")},
    **{family: {"text_config": {"rope_parameters": HALF}} for family in ("glm4v", "glm46v", "glm_ocr", "glm4v_moe")},
    **{family: {"rope_parameters": HALF} for family in ("glm4v_text", "glm_ocr_text", "glm4v_moe_text")},
}

# Instead of a backbone of timm, which is not installed.
RESNET = {"model_type": "resnet", "embedding_size": 16, "hidden_sizes": [16, 16, 32, 32], "depths": [1, 1, 1, 1]}


# ---- tiny configurations ---------------------------------------------------------------------------------------------


def tiny(kind: type, adjusted: Mapping[str, Any], small: Mapping[str, int]) -> dict[str, Any]:
    """Arguments that make a small configuration of this class."""
    whole, found = kind(), {}
    for key in kind.sub_configs:
        inner = getattr(whole, key, None)
        if getattr(inner, "model_type", None) == "timm_backbone":
            found[key] = RESNET | {"out_features": [f"stage{i}" for i in inner.out_indices or [4]]}
        elif inner is not None:
            found[key] = {"model_type": inner.model_type} | tiny(type(inner), adjusted.get(key, {}), small)
    for name, value in whole.to_dict().items():
        if isinstance(value, bool) or name in kind.sub_configs:
            continue
        if isinstance(value, int) and name.endswith(("_token_id", "_token_index")) and value >= small["vocab_size"]:
            found[name] = 100 + len(found)
        elif isinstance(value, int) and name in small:
            found[name] = min(value, small[name])
        elif isinstance(value, list) and value and isinstance(value[0], int) and name in STAGES:
            found[name] = [STAGES[name] * (1 if STAGES[name] == 1 else 2**i) for i in range(len(value))]
    return found | {key: value for key, value in adjusted.items() if key not in kind.sub_configs}


# ---- inputs ----------------------------------------------------------------------------------------------------------


def field(config: Any, *names: str, default: Any) -> Any:
    """The first of these fields that the configuration, or one inside it, has."""
    for name in names:
        for inner in (config, *(getattr(config, key, None) for key in config.sub_configs)):
            if getattr(inner, name, None) is not None:
                return getattr(inner, name)
    return default


def tries(model: Any) -> Iterator[dict[str, Any]]:
    """Inputs that the model may take, the likeliest first."""
    import torch

    config, takes = model.config, set(inspect.signature(model.forward).parameters)
    ids = torch.randint(5, 90, (B, T))
    mask = torch.ones(B, T, dtype=torch.long)
    mask[1, T - PADDING :] = 0
    text = {"input_ids": ids, "attention_mask": mask}
    decoder = {"decoder_input_ids": torch.randint(5, 90, (B, 7))}
    size = field(config, "image_size", default=64)
    height, width = size[-2:] if isinstance(size, (list, tuple)) else (size, size)
    channels, frames = field(config, "num_channels", "in_channels", default=3), field(config, "num_frames", default=4)
    pixels = {"pixel_values": torch.randn(B, channels, height, width)}
    video = {"pixel_values": torch.randn(B, frames, channels, height, width)}
    mels = field(config, "num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim", default=16)
    long = 2 * field(config, "max_source_positions", default=50)
    features = torch.randn(B, mels, long)
    wave = {
        "input_values": torch.randn(B, 4000),
        "attention_mask": (torch.arange(4000) < torch.tensor([[4000], [2600]])).long(),
    }
    spectrum = {"input_values": torch.randn(B, field(config, "max_length", default=64), mels)}
    past = field(config, "context_length", default=24)
    lags = max(field(config, "lags_sequence", default=[0]))
    future = field(config, "prediction_length", default=6)
    series = {
        "past_values": torch.randn(B, past + lags),
        "past_time_features": torch.randn(B, past + lags, field(config, "num_time_features", default=0)),
        "past_observed_mask": torch.ones(B, past + lags),
        "future_values": torch.randn(B, future),
        "future_time_features": torch.randn(B, future, field(config, "num_time_features", default=0)),
    }
    main = str(model.main_input_name)
    choices = [
        text,
        text | decoder,
        text | pixels,
        pixels,
        video,
        text | video,
        {"input_features": features},
        {"input_features": features} | decoder,
        {"input_features": features.mT},
        {"input_features": features.mT, "attention_mask": torch.ones(B, long, dtype=torch.long)} | decoder,
        wave,
        {"input_values": wave["input_values"]},
        wave | decoder,
        spectrum,
        series,
        {"past_values": torch.randn(B, past, field(config, "num_input_channels", default=3))},
        text | {"input_features": features},
        text | {"pixel_values_videos": video["pixel_values"]},
        {"pixel_values_videos": video["pixel_values"]},
    ]
    open_ended = "kwargs" in takes or "args" in takes
    for chosen in sorted(choices, key=lambda given: main not in given):
        given = {name: value for name, value in chosen.items() if name in takes or (open_ended and name == main)}
        if given and main in given:
            yield given


# ---- one architecture ------------------------------------------------------------------------------------------------


def examine(family: str) -> dict[str, Any]:
    """What comes of one architecture: its class, what was captured, and how that compares."""
    from attentionflow.errors import UserError

    first = None
    for variation in VARIATIONS:
        try:
            model, inputs, expected = build(family, variation)
            break
        except Exception as error:
            first = first or error
    else:
        return {"family": family, "status": "not built", "reason": said(first)}
    found = {"family": family, "class": type(model).__name__, "inputs": list(inputs)}
    try:
        found |= compare(model, inputs, expected)
        if found["status"] == "wrong" and found["difference"] > TOLERANCE:
            # Of scores in the hundreds float32 keeps five digits: in float64 the two must agree.
            model, inputs, _ = build(family, variation)
            doubled = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
            again = compare(model.double(), doubled, run(model, doubled))
            if again["status"] == "captured":
                rounded = f"{found['difference']:.0e} in float32 by rounding, {again['difference']:.0e} in float64"
                found |= {"status": "captured", "reason": "; ".join(filter(None, (rounded, again["reason"])))}
    except UserError as error:
        found |= {"status": "refused", "reason": str(error)}
    except EagerFails as error:
        found |= {"status": "not built", "reason": f"eager attention of its own fails: {said(error.__cause__)}"}
    return found


class EagerFails(Exception):  # noqa: N818
    """The reference cannot run."""


def build(family: str, variation: Mapping[str, int]) -> tuple[Any, dict[str, Any], list[Any]]:
    """A small model with random weights, inputs that it takes, and its outputs for them."""
    import torch
    import transformers

    kind = transformers.CONFIG_MAPPING[family]
    config = kind(**tiny(kind, ADJUSTED.get(family, {}), SMALL | variation))
    made = transformers.MODEL_MAPPING[kind]
    made = made[0] if isinstance(made, tuple) else made
    with torch.device("meta"):
        count = sum(p.numel() for p in made(config).parameters())
    if count > MOST_PARAMETERS:
        raise ValueError(f"{count / 1e6:.0f} M parameters even when shrunk")
    torch.manual_seed(0)
    model = made(config).eval()
    with torch.no_grad():  # most first values make weights all alike, and a wrong scale would not show
        for module in filter(is_attention, model.modules()):
            for parameter in module.parameters():
                if parameter.dim() == 2 and 0 < parameter.std() < 0.03:
                    parameter *= 3
    first = None
    for inputs in tries(model):
        try:
            return model, inputs, run(model, inputs)
        except Exception as error:
            first = first or error
    raise ValueError(f"no input of ours was taken: {said(first) if first else 'none fits'}")


def run(model: Any, inputs: Mapping[str, Any]) -> list[Any]:
    """Every tensor of the output."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        return list(tensors(model(**inputs)))


def tensors(output: Any) -> Iterator[Any]:
    import torch

    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, Mapping):
        yield from (tensor for value in output.values() for tensor in tensors(value))
    elif isinstance(output, (list, tuple)):
        yield from (tensor for value in output for tensor in tensors(value))


def compare(model: Any, inputs: Mapping[str, Any], expected: list[Any]) -> dict[str, Any]:
    """Capture, and hold it against SDPA's outputs and eager's weights."""
    import numpy as np
    import torch

    from attentionflow.hf import capturing

    former = model.config._attn_implementation
    on_eager = former == "eager"  # it declares no SDPA, so that outputs can only be near
    with capturing(model) as recorder:
        outputs = run(model, inputs)
    record = recorder.record()
    same = len(outputs) == len(expected) and all(
        torch.allclose(a, b, 1e-4, 1e-5, equal_nan=True) if on_eager else torch.equal(a.nan_to_num(7), b.nan_to_num(7))
        for a, b in zip(outputs, expected, strict=False)
    )
    restored = model.config._attn_implementation == former and all(
        torch.equal(a.nan_to_num(7), b.nan_to_num(7)) for a, b in zip(run(model, inputs), expected, strict=True)
    )
    eager = eager_weights(model, inputs)
    differences, without = [], []
    for site in record:
        name, _, again = site.name.partition("#")
        calls = eager.get(name, [])
        candidates = calls[int(again or 0)] if int(again or 0) < len(calls) else []
        if len(candidates) > 1:  # attention over two streams at once may be returned in two parts
            parts = [array for array in candidates if array.shape[:3] == site.weights.shape[:3]]
            candidates = [*candidates, np.concatenate(parts, -1)] if parts else candidates
        candidates = [array for array in candidates if array.shape == site.weights.shape]
        seen = site.weights.sum(-1, keepdims=True) > 0  # where all is masked, eager is uniform and ours zero
        if candidates:
            differences.append(min(float(np.abs((array - site.weights) * seen).max()) for array in candidates))
        else:
            without.append(site.name)
    marked = True
    if "input_ids" in inputs and "attention_mask" in inputs:
        text = [marks for marks in record.present.values() if marks.shape == (B, T)]
        wanted = inputs["attention_mask"].bool().numpy()
        marked = not text or any(np.array_equal(marks, wanted) for marks in text)
    faults = [
        *([f"outputs differ from {former}'s"] if not same else []),
        *(["the former implementation is not restored"] if not restored else []),
        *(
            [f"weights differ from eager's by {max(differences):.1g}"]
            if max(differences, default=0) > TOLERANCE
            else []
        ),
        *([f"eager gives no weights to compare with for {without[0]}"] if without else []),
        *(["padding is not marked"] if not marked else []),
    ]
    return {
        "status": "wrong"
        if faults
        else "in part"
        if any(n.startswith("not recorded") for n in record.notes)
        else "captured",
        "reason": "; ".join(faults or record.notes),
        "sites": len(record.sites),
        "streams": list(dict.fromkeys(f"{s.queries}→{s.keys}" if s.role == "cross" else s.queries for s in record)),
        "difference": max(differences, default=0.0),
    }


def is_attention(module: Any) -> bool:
    return "Attention" in type(module).__name__ or "MLA" in type(module).__name__


def eager_weights(model: Any, inputs: Mapping[str, Any]) -> dict[str, list[list[Any]]]:
    """Path of a module -> for each of its calls, all of its output with four axes, of which one is the weights."""
    found: dict[str, list[list[Any]]] = {}
    model.set_attn_implementation("eager")

    def hook(path: str) -> Any:
        def keep(_: Any, __: Any, output: Any) -> None:
            found.setdefault(path, []).append([t.numpy() for t in tensors(output) if t.dim() == 4])

        return keep

    for path, module in model.named_modules():
        if is_attention(module):
            module.register_forward_hook(hook(path))
    try:
        run(model, inputs)
    except Exception as error:
        raise EagerFails from error
    return found


def said(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {(lines or ['no message'])[0][:160]}"


# ---- all of them -----------------------------------------------------------------------------------------------------


def work(families: list[str]) -> None:
    """In a process of its own: one JSON line an architecture."""
    import torch
    import transformers

    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    out, sys.stdout = sys.stdout, sys.stderr
    for family in families:
        try:
            found = examine(family)
        except Exception as error:
            found = {"family": family, "status": "wrong", "reason": said(error)}
        print(json.dumps(found), file=out, flush=True)


def forward(pipe: Iterable[str], lines: Queue[str]) -> None:
    """Puts line after line into the queue as they come, and "" where the process has ended."""
    for line in chain(pipe, [""]):
        lines.put(line)


def supervise(families: list[str]) -> list[dict[str, Any]]:
    """The results of processes that do the work; one that dies or hangs is replaced, without its architecture."""
    waiting, found = deque(families), []
    while waiting:
        command = [sys.executable, __file__, "--work", *waiting]
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet)
        lines: Queue[str] = Queue()
        assert worker.stdout is not None
        Thread(target=forward, args=(worker.stdout, lines)).start()
        try:
            while waiting and (line := lines.get(timeout=SECONDS)):
                found.append(json.loads(line))
                print(f"{waiting.popleft()}: {found[-1]['status']}", file=sys.stderr)
            reason = "the process died"
        except Empty:
            reason = f"no answer in {SECONDS} seconds"
        worker.kill()
        worker.wait()
        if waiting:
            found.append({"family": waiting.popleft(), "status": "not built", "reason": reason})
    return found


def write(found: list[dict[str, Any]]) -> None:
    import torch
    import transformers

    counts = Counter(one["status"] for one in found)
    order = {"captured": 0, "in part": 1, "wrong": 2, "refused": 3, "not built": 4}
    rows = [
        f"| {one['family']} | {one.get('class', '')} | {one['status']} | {one.get('sites', '')} "
        f"| {', '.join(one.get('inputs', []))} | {', '.join(one.get('streams', []))} | {format(one['difference'], '.0e') if 'difference' in one else ''} "
        f"| {one['reason'].replace('|', '/')} |"
        for one in sorted(found, key=lambda one: (order[one["status"]], one["family"]))
    ]
    PAGE.write_text(
        f"""# Architectures of Hugging Face transformers
# Hugging Face transformers 的各种架构

Written by `benchmarks/capture_families.py` with transformers {transformers.__version__} and PyTorch
{torch.__version__}: {len(found)} model types, each built tiny from its own configuration with random weights.

- **captured** ({counts["captured"]}): outputs bit-identical to SDPA's, every site within {TOLERANCE:.0e} of eager's weights,
  padding marked, all attention recorded.
- **in part** ({counts["in part"]}): the same, but some attention is computed in code of the model's own; the record's
  notes name it.
- **refused** ({counts["refused"]}): `capture` raises an error that gives the reason.
- **not built** ({counts["not built"]}): this script found no small configuration or no input; nothing is said of the model.
- **wrong** ({counts["wrong"]}): a difference was found.

中文：captured 表示输出与 SDPA 逐位相同，每处注意力权重与 eager 之差不超过 {TOLERANCE:.0e}，填充已标出，且没有遗漏；in part
表示另有一部分注意力由模型自己的代码计算，记录的 notes 中列出；refused 表示 `capture` 报错并给出原因；not built
表示本脚本没有造出小模型或输入，不说明模型本身能否记录；wrong 表示发现了差异。

| model type | class | result | sites | inputs | streams | largest difference | reason, notes |
|---|---|---|---|---|---|---|---|
"""
        + "\n".join(rows)
        + "\n",
        encoding="utf-8",
    )


def main() -> None:
    named = sys.argv[1:]
    if named[:1] == ["--work"]:
        work(named[1:])
        return
    from transformers import CONFIG_MAPPING, MODEL_MAPPING

    families = named or [family for family in CONFIG_MAPPING if CONFIG_MAPPING[family] in MODEL_MAPPING]
    with ThreadPoolExecutor(2) as pool:
        found = [one for part in pool.map(supervise, (families[::2], families[1::2])) for one in part]
    for one in sorted(found, key=lambda one: one["family"]):
        if named or one["status"] == "wrong":
            print(json.dumps(one))
    if not named:
        from _results import claim

        write(found)
        counts = Counter(one["status"] for one in found)
        claim(
            "capture/transformers/families_captured", counts["captured"], "architectures", ">= 40", others=dict(counts)
        )


if __name__ == "__main__":
    main()
