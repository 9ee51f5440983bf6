"""One file a task."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from attentionflow.errors import UserError, nearest

if TYPE_CHECKING:
    from attentionflow.task import Task

# Dotted paths, so that naming the tasks imports none of them.
TASKS = {
    "translation": "attentionflow.tasks.translation.Translation",
    "summarisation": "attentionflow.tasks.summarisation.Summarisation",
    "text-classification": "attentionflow.tasks.text_classification.TextClassification",
    "sentiment": "attentionflow.tasks.sentiment.Sentiment",
    "text-generation": "attentionflow.tasks.text_generation.TextGeneration",
    "dialogue": "attentionflow.tasks.dialogue.Dialogue",
    "recommendation": "attentionflow.tasks.recommendation.Recommendation",
    "image-classification": "attentionflow.tasks.image_classification.ImageClassification",
    "image-recognition": "attentionflow.tasks.image_recognition.ImageRecognition",
    "image-segmentation": "attentionflow.tasks.image_segmentation.ImageSegmentation",
    "object-detection": "attentionflow.tasks.object_detection.ObjectDetection",
    "multi-task": "attentionflow.tasks.multi_task.MultiTask",
    "speech-recognition": "attentionflow.tasks.speech_recognition.SpeechRecognition",
    "speech-synthesis": "attentionflow.tasks.speech_synthesis.SpeechSynthesis",
    "audio-processing/tagging": "attentionflow.tasks.audio_processing_tagging.AudioTagging",
    "audio-processing/enhancement": "attentionflow.tasks.audio_processing_enhancement.AudioEnhancement",
    "video-recognition": "attentionflow.tasks.video_recognition.VideoRecognition",
    "video-processing": "attentionflow.tasks.video_processing.VideoProcessing",
    "time-series-forecasting": "attentionflow.tasks.time_series_forecasting.TimeSeriesForecasting",
}


def load_task(name: str) -> type[Task[Any, Any]]:
    """The class of a task. Of one with several jobs (`audio-processing/tagging`), the name alone means the first."""
    name = next((task for task in TASKS if task == name or task.startswith(f"{name}/")), name)
    if name not in TASKS:
        raise UserError(f"unknown task {name!r}; {nearest(name, TASKS)}")
    module, _, attribute = TASKS[name].rpartition(".")
    return getattr(import_module(module), attribute)
