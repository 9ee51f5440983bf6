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
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import version
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
    **sized(
        16, "head_dim global_head_dim d_kv attention_head_dim v_head_dim q_lora_rank kv_lora_rank qk_nope_head_dim"
    ),
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
    **dict.fromkeys(("swin", "donut-swin"), SWIN),
    **dict.fromkeys(("time_series_transformer", "informer", "autoformer"), SERIES),
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
    except UserError as error:
        found |= {"status": "refused", "reason": str(error)}
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
    from attentionflow import hf

    former = model.config._attn_implementation
    attended: Calls = {}
    with (
        hf.capturing(model) as recorder,
        hooked(model, lambda path, output: attended.setdefault(path, []).append(output)),
        witnessed(model) as mixed,
    ):
        outputs = run(model, inputs)
    record = recorder.record()
    faults = []
    # A model that declares no SDPA runs on eager attention by itself, which rounds differently.
    if not alike(outputs, expected, exactly=former == "sdpa"):
        faults.append(f"outputs differ from {former}'s")
    if not alike(run(model, inputs), expected, exactly=True):
        faults.append("the model is not as before")
    if not all(explains(site, *call(mixed, site)) for site in record):
        faults.append("weights times values are not what attention put out")
    if "input_ids" in inputs and "attention_mask" in inputs:
        text = [marks for marks in hf.capture(model, inputs).present.values() if marks.shape == (B, T)]
        if text and not any((marks == inputs["attention_mask"].bool().numpy()).all() for marks in text):
            faults.append("padding is not marked")
    paths = {site.name.partition("#")[0] for site in record}
    try:
        eager = eager_weights(model, inputs, {path: attended[path] for path in paths})
        difference, where = max(distance(site, call(eager, site)) for site in record)
        reasons = [f"weights differ from eager's by {difference:.0e}, at {where}"] if difference > TOLERANCE else []
    except EagerFails as error:
        difference, reasons = float("inf"), [f"eager attention fails: {said(error.__cause__)}"]
    partly = any(note.startswith("not recorded") for note in record.notes)
    return {
        "status": "wrong" if faults else "not eager's" if reasons else "in part" if partly else "captured",
        "reason": "; ".join([*faults, *reasons, *record.notes]),
        "sites": len(record.sites),
        "streams": list(dict.fromkeys(f"{s.queries}→{s.keys}" if s.role == "cross" else s.queries for s in record)),
        "difference": difference,
    }


def alike(outputs: list[Any], expected: list[Any], *, exactly: bool) -> bool:
    import torch

    tolerances = {"rtol": 0.0, "atol": 0.0} if exactly else {"rtol": 1e-4, "atol": 1e-5}
    return len(outputs) == len(expected) and all(
        torch.allclose(ours, theirs, **tolerances, equal_nan=True)
        for ours, theirs in zip(outputs, expected, strict=True)
    )


Calls = dict[str, list[Any]]  # path of a module -> what came of each of its calls


def call(calls: Calls, site: Any) -> Any:
    """What came of the call that a site recorded; nothing where there is none."""
    path, _, number = site.name.partition("#")
    return dict(enumerate(calls.get(path, []))).get(int(number or 0), [])


def distance(site: Any, given: list[Any]) -> tuple[float, str]:
    """The largest difference of a site's weights from eager's, which are one of these arrays."""
    import numpy as np

    fitting = [array for array in given if array.shape[:3] == site.weights.shape[:3]]
    if fitting:  # attention over two streams at once may be returned in two parts
        fitting.append(np.concatenate(fitting, -1))
    seen = site.weights.sum(-1, keepdims=True) != 0  # where all is masked, eager is uniform and ours zero
    differences = [np.abs((array - site.weights) * seen) for array in fitting if array.shape == site.weights.shape]
    return min((float(np.nan_to_num(d, nan=np.inf).max()) for d in differences), default=np.inf), site.name


def explains(site: Any, values: Any, output: Any) -> bool:
    """Whether weights times values (B, G, K, D) are the output (B, Q, H, D) of SDPA."""
    import torch

    weights = torch.from_numpy(site.weights)
    values = values.repeat_interleave(weights.shape[1] // values.shape[1], 1)[:, :, : weights.shape[-1]]
    return torch.allclose((weights @ values).transpose(1, 2), output, 1e-4, 1e-5 * output.abs().max().item())


@contextmanager
def witnessed(model: Any) -> Iterator[Calls]:
    """The values that went into attention, and its output, beside what is registered for capture."""
    from transformers import AttentionInterface

    ours, found = AttentionInterface()["attentionflow"], {}
    paths = {id(module): path for path, module in model.named_modules()}

    def witness(module: Any, query: Any, key: Any, value: Any, *rest: Any, **more: Any) -> Any:
        output = ours(module, query, key, value, *rest, **more)
        found.setdefault(paths[id(module)], []).append((value, output[0]))
        return output

    AttentionInterface.register("attentionflow", witness)
    try:
        yield found
    finally:
        AttentionInterface.register("attentionflow", ours)


def is_attention(module: Any) -> bool:
    return "Attention" in type(module).__name__ or "MLA" in type(module).__name__


@contextmanager
def hooked(model: Any, hook: Callable[[str, Any], Any]) -> Iterator[None]:
    """Calls the hook with the path and the output of every attention module; what it returns is the output."""
    with ExitStack() as stack:
        for path, module in model.named_modules():
            if is_attention(module):
                call = partial(lambda path, _, __, output: hook(path, output), path)
                stack.callback(module.register_forward_hook(call).remove)
        yield


def eager_weights(model: Any, inputs: Mapping[str, Any], attended: Calls) -> Calls:
    """For every call of an attention module, all of its output with four axes, of which one is the weights.

    attended: what the modules returned when they were captured. It goes on from there, so that every layer gets the
    same input and differences of rounding do not grow from layer to layer.
    """
    found: Calls = {}

    def keep(path: str, output: Any) -> Any:
        calls = found.setdefault(path, [])
        calls.append([tensor.numpy() for tensor in tensors(output) if tensor.dim() == 4])
        then = attended.get(path, [])
        return (then[len(calls) - 1][0], *output[1:]) if isinstance(output, tuple) and len(calls) <= len(then) else None

    model.set_attn_implementation("eager")
    try:
        with hooked(model, keep):
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


PREFACE = """# Architectures of Hugging Face transformers
# Hugging Face transformers 的各种架构

Written by `benchmarks/capture_families.py` with transformers {transformers} and PyTorch {torch}: {total} model types,
each built tiny from its own configuration, with random weights, and run on the inputs named. A part of a model that
these inputs do not reach, such as the vision tower where there is text alone, is not covered; most have a row of their
own.

- **captured** ({captured}): outputs bit-identical to SDPA's, every site within 1e-6 of eager's weights for the same
  input, padding marked, nothing left out.
- **in part** ({in part}): the same, but some attention is computed in code of the model's own; the record's notes say
  which.
- **not eager's** ({not eager's}): weights times values are what SDPA puts out, but the model's own eager attention has
  other weights, since it rounds large scores, masks otherwise or fails.
- **refused** ({refused}): `capture` raises an error that gives the reason.
- **not built** ({not built}): no small configuration, or no input for it, was found; this says nothing about capture.
- **wrong** ({wrong}): a difference was found.

captured：输出与 SDPA 逐位相同，输入相同时每处权重与 eager 之差不超过 1e-6，填充已标出，没有遗漏。in part：同上，但另有
一部分注意力由模型自己的代码计算，记录的 notes 中写明。not eager's：权重乘以值即为 SDPA 的输出，但模型自己的 eager
实现得到的权重不同（大分数的舍入、掩码不同或出错）。refused：`capture` 报错并给出原因。not built：没有找到小配置或
输入，与能否记录无关。wrong：发现了差异。

| model type | class | result | sites | inputs | streams | largest difference | reason, notes |
|---|---|---|---|---|---|---|---|
"""


def write(found: list[dict[str, Any]]) -> None:
    order = ("captured", "in part", "not eager's", "wrong", "refused", "not built")
    counts = Counter(one["status"] for one in found)
    figures = {status: counts[status] for status in order} | {"total": len(found)}
    page = PREFACE.format(**figures, transformers=version("transformers"), torch=version("torch"))
    for one in sorted(found, key=lambda one: (order.index(one["status"]), one["family"])):
        inputs, streams = (", ".join(one.get(name, ())) for name in ("inputs", "streams"))
        difference = f"{one['difference']:.0e}" if "difference" in one else ""
        cells = [one["family"], one.get("class", ""), one["status"], one.get("sites", ""), inputs, streams, difference]
        page += f"| {' | '.join(map(str, cells))} | {one['reason'].replace('|', '/')} |\n"
    PAGE.write_text(page, encoding="utf-8")


def main() -> None:
    named = sys.argv[1:]
    if named[:1] == ["--work"]:
        work(named[1:])
        return
    from transformers import CONFIG_MAPPING, MODEL_MAPPING

    started = time.perf_counter()
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
            "capture/transformers/families_captured",
            counts["captured"],
            "architectures",
            ">= 40",
            seconds=time.perf_counter() - started,
            all=dict(counts),
        )


if __name__ == "__main__":
    main()
