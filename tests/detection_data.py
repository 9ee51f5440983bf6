"""Small pictures whose objects cannot be mistaken: bright squares and dark discs on grey, written in every format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

# Settings with which a model learns them in seconds on one core.
QUICK = {"size": 64, "batch_pictures": 8, "mosaic": 0.0, "channels": 8, "blocks": 1}
QUICK_DEFAULT = QUICK | {"width": 32, "heads": 2, "encoder_layers": 1, "refinements": 1, "feedforward": 32}
TRAINING = {"learning_rate": 4e-3, "epochs": 20, "evaluations": 2, "ema": 0.9, "log_every": 5}

WIDTH, HEIGHT = 64, 48
LABELS = ("square", "disc")

Objects = list[tuple[str, tuple[int, int, int, int]]]


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[np.ndarray, Objects]:
    """Bytes (H, W, 3), and one or two objects beside each other as (left, top, right, bottom)."""
    draw = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 128, np.uint8) + draw.integers(-8, 8, (height, width, 3)).astype(np.uint8)
    y, x = np.mgrid[:height, :width] + 0.5
    objects: Objects = []
    for half in range(int(draw.integers(1, 3))):
        side = int(draw.integers(12, 24))
        left = half * width // 2 + int(draw.integers(0, width // 2 - side))
        top = int(draw.integers(0, height - side))
        label = LABELS[int(draw.integers(2))]
        if label == "square":
            pixels[top : top + side, left : left + side] = (230, 220, 90)
        else:
            pixels[(x - left - side / 2) ** 2 + (y - top - side / 2) ** 2 <= (side / 2) ** 2] = (20, 30, 60)
        objects.append((label, (left, top, left + side, top + side)))
    return pixels, objects


def save(path: Path, pixels: np.ndarray) -> Path:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.fromarray(pixels).save(path)
    return path


def voc_xml(name: str, objects: Objects, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """Corners are pixels, counted from 1."""
    listed = "".join(
        f"<object><name>{label}</name><difficult>0</difficult><bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for label, (left, top, right, bottom) in objects
    )
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}</filename>{sides}{listed}</annotation>"


def write_voc(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """Annotations/, JPEGImages/ and ImageSets/Main/."""
    for split, count in counts.items():
        names = [f"{split}{i}" for i in range(count)]
        for i, name in enumerate(names):
            pixels, objects = picture(hash_seed(seed, split, i))
            save(folder / "JPEGImages" / f"{name}.png", pixels)
            page = folder / "Annotations" / f"{name}.xml"
            page.parent.mkdir(exist_ok=True)
            page.write_text(voc_xml(f"{name}.png", objects), encoding="utf-8")
        lists = folder / "ImageSets" / "Main"
        lists.mkdir(parents=True, exist_ok=True)
        (lists / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return folder


def write_coco(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """annotations/instances_train2017.json beside train2017/."""
    for split, count in counts.items():
        images, annotations = [], []
        for i in range(count):
            pixels, objects = picture(hash_seed(seed, split, i))
            save(folder / f"{split}2017" / f"{i:05}.png", pixels)
            images.append({"id": i + 7, "file_name": f"{i:05}.png", "width": WIDTH, "height": HEIGHT})
            for label, (left, top, right, bottom) in objects:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": i + 7,
                        "category_id": LABELS.index(label) + 3,
                        "bbox": [left, top, right - left, bottom - top],
                        "iscrowd": 0,
                    }
                )
        categories = [{"id": number + 3, "name": label} for number, label in enumerate(LABELS)]
        page = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "annotations").mkdir(exist_ok=True)
        (folder / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(page), encoding="utf-8")
    return folder


def write_yolo(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """images/train, labels/train and classes.txt."""
    for split, count in counts.items():
        for i in range(count):
            pixels, objects = picture(hash_seed(seed, split, i))
            save(folder / "images" / split / f"{i}.png", pixels)
            text = folder / "labels" / split / f"{i}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            rows = [
                f"{LABELS.index(label)} {(left + right) / 2 / WIDTH} {(top + bottom) / 2 / HEIGHT} "
                f"{(right - left) / WIDTH} {(bottom - top) / HEIGHT}"
                for label, (left, top, right, bottom) in objects
            ]
            text.write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "classes.txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    return folder


def hash_seed(seed: int, split: str, index: int) -> int:
    return seed * 100_000 + {"train": 0, "val": 30_000, "test": 60_000}[split] + index
