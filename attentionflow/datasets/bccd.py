"""BCCD: photographs of blood through a microscope, with a box around each red cell, white cell and platelet."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.box_formats import read_pictures
from attentionflow.readers.boxes import Pictures

_COMMIT = "d272fb14cdff6e473fafeeeba32aba5f560e9e43"
PACKED = "BCCD.zip"  # the converted copy: the three folders below BCCD/ in one file

DATASET = Dataset(
    name="bccd",
    task="object-detection",
    summary="Blood cells through a microscope, 640 x 480 pixels, three classes (RBC, WBC, Platelets): 205 pictures "
    "train, 87 val, 72 test, with 4,888 boxes.",
    licence="MIT.",
    address=f"https://github.com/Shenggan/BCCD_Dataset/archive/{_COMMIT}.zip",
    archive=f"BCCD_Dataset-{_COMMIT}",
    trees={
        "BCCD/Annotations": "423a7d0f7d9de57311c98241ca642ebc5662419c8c06527e089d45b953c6b1c6",
        "BCCD/ImageSets/Main": "aba4740e73322c0e4171905a3ccb2b23d0f51e6755823904d002b54c359a6d00",
        "BCCD/JPEGImages": "900246b3c43871d3c21cfc857b7b19019a76baf35c6e4b3063b67ca6de222a1a",
    },
    local={PACKED: "8c725f726ca161863a5f1d4234a045d468b6f04162688a6da4771c359ee0d030"},
    reference="mAP@0.5 0.8535 by a CNN (Joshi et al. 2022) and 0.9043 by YOLOv8n, pre-trained on other pictures (Yang "
    "et al.); splits and augmentation differ from paper to paper, and none is known to use these 72 pictures.",
    size=7_868_233,
)

# Settings that suit these data, by architecture; the user's own go before them. Blood has no up and no down.
ADVICE: dict[str, dict[str, object]] = {
    "proposal-transformer": {"size": 416, "flips": "both", "epochs": 175, "evaluations": 24},
    "classic": {"size": 416, "flips": "both", "epochs": 100, "evaluations": 10},
}


def read(seed: int = 0) -> Pictures:
    """The official splits. `seed` is of no effect."""
    folder = fetch(DATASET)
    packed = folder / PACKED
    return read_pictures(packed if packed.is_file() else folder / "BCCD")
