# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a depth node would find on this machine."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess

from huggingface_hub import try_to_load_from_cache

from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.inference.device import find_device
from zoe_depth_ros.model.download import cache_dir
from zoe_depth_ros.model.download import FILE_SUFFIXES
from zoe_depth_ros.model.download import HUB_FILE
from zoe_depth_ros.model.download import PACKAGED_FILES
from zoe_depth_ros.model.download import RELEASED_FILES
from zoe_depth_ros.model.download import RELEASED_URL
from zoe_depth_ros.model.download import REPOSITORY

KNOWN_NAMES = sorted({**RELEASED_FILES, **PACKAGED_FILES})
DRIVER_FILE = Path('/proc/driver/nvidia/version')
DRIVER_ANSWER_S = 10.0


def device_problem(device: str) -> str:
    """Return why torch cannot compute on a device such as 'cuda:0', '' if it can."""
    try:
        find_device(device)
    except DeviceError as error:
        return str(error)
    return ''


def has_nvidia_gpu() -> bool:
    """Whether an NVIDIA driver runs here, whatever torch sees."""
    program = shutil.which('nvidia-smi')
    if DRIVER_FILE.exists() or program is None:
        return DRIVER_FILE.exists()
    try:
        answer = subprocess.run(
            [program, '-L'], capture_output=True, text=True, check=False,
            timeout=DRIVER_ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.startswith('GPU ')


def model_problem(model: str) -> str:
    """Return why a node's parameter `model` names no weights at all, '' if it names some."""
    if model in KNOWN_NAMES or Path(model).expanduser().is_file() or _is_repository(model):
        return ''
    return (
        f'{model!r} is no file on this machine, no known name ({", ".join(KNOWN_NAMES)}) '
        "and no Hugging Face repository ('owner/name')")


def missing_weights(model: str) -> str:
    """
    Return how to get the weights that a node's parameter `model` names, '' if they are here.

    Nothing is downloaded. Of a model with a problem there is nothing to get.
    """
    if model in RELEASED_FILES:
        return _missing_release(RELEASED_FILES[model])
    if Path(model).expanduser().is_file() or not _is_repository(model):
        return ''
    kept = cache_dir() / f'{model.replace("/", "--")}.safetensors'
    is_here = kept.is_file() or isinstance(try_to_load_from_cache(model, HUB_FILE), str)
    return '' if is_here else f'`hf download {model} {HUB_FILE}`'


def _is_repository(model: str) -> bool:
    return bool(REPOSITORY.fullmatch(model)) and Path(model).suffix not in FILE_SUFFIXES


def _missing_release(file_name: str) -> str:
    path = cache_dir() / file_name
    if path.is_file():
        return ''
    base_url = os.environ.get('ZOE_DEPTH_WEIGHTS_URL') or RELEASED_URL
    return f'`curl -L --create-dirs -o {path} {base_url.rstrip("/")}/{file_name}`'
