# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weight files to networks and back; every known layout, strictly, without executing code."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import json
import os
from pathlib import Path
import pickle
from typing import TypeAlias

from safetensors import safe_open
from safetensors import SafetensorError
from safetensors.torch import save_file
import torch
from torch import Tensor

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.model.download import find_weights
from zoe_depth_ros.model.layouts import translate
from zoe_depth_ros.model.layouts import translate_part
from zoe_depth_ros.model.zoedepth import ZoeDepth

CONFIG_KEY = 'zoe_depth_config'
NAMES_SHOWN = 5
Translation: TypeAlias = tuple[dict[str, Tensor], ModelConfig | None]


def load_model(source: str | Path) -> ZoeDepth:
    """
    Return the network with its weights, on the CPU, ready to predict.

    :param source: a name ('zoed_n', 'zoed_k', 'zoed_nk', 'zoed_mini_nk'), a path to a `.pt` or
        `.safetensors` file, or a Hugging Face repository ('owner/name').
    :raises WeightsError: not found, not downloadable, damaged, or not the weights of this network.
    """
    return load_checkpoint(find_weights(source))


@torch.inference_mode(mode=False)
def load_checkpoint(path: Path) -> ZoeDepth:
    """
    Return the network stored in a weight file, on the CPU, ready to predict.

    :raises WeightsError: the file cannot be read or does not fit.
    """
    state, config = read_weights(path)
    with torch.device('meta'):
        model = ZoeDepth(config)
    check_fit(path, model.state_dict(), state)
    # Copied: in the file tensors lie where they may, and arithmetic rounds by their alignment.
    model.load_state_dict(
        {name: tensor.to(torch.float32, copy=True) for name, tensor in state.items()}, assign=True)
    model.encoder.reset_buffers()
    return model.eval().requires_grad_(requires_grad=False)


def read_weights(path: Path) -> tuple[dict[str, Tensor], ModelConfig]:
    """
    Read a weight file of any known layout.

    :return: tensors under this package's names, and the network they belong to.
    :raises WeightsError: unreadable, of unknown layout, or without its configuration.
    """
    state, config = _read(path, translate)
    if config is None:
        raise WeightsError(f'{path} has no usable configuration')
    return state, config


def read_part(path: Path) -> tuple[dict[str, Tensor], ModelConfig | None]:
    """
    Read a weight file that may hold no more than an encoder, or an encoder and a decoder.

    :return: tensors under this package's names, and the network they belong to, if it is told.
    :raises WeightsError: unreadable or of unknown layout.
    """
    return _read(path, translate_part)


def _read(
    path: Path, translated: Callable[[Mapping[str, Tensor]], Translation],
) -> Translation:
    reader = _read_safetensors if path.suffix == '.safetensors' else _read_pickle
    tensors, metadata = reader(path)
    try:
        state, config = translated(tensors)
    except WeightsError as error:
        raise WeightsError(f'{path}: {error}') from error
    if config is not None or CONFIG_KEY not in metadata:
        return state, config
    try:
        return state, ModelConfig.from_dict(json.loads(metadata[CONFIG_KEY]))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f'{path} has no usable configuration: {error!r}') from error


def save_checkpoint(
    model: ZoeDepth, path: Path, metadata: Mapping[str, str] | None = None, *,
    half: bool = False,
) -> None:
    """
    Write a network as safetensors with its configuration inside; the file appears when complete.

    :param metadata: more facts to store, as strings.
    :param half: store float16, half the size; loading brings float32 back.
    """
    dtype = torch.float16 if half else torch.float32
    tensors = {name: tensor.to(dtype).contiguous() for name, tensor in model.state_dict().items()}
    facts = {**(metadata or {}), CONFIG_KEY: json.dumps(model.config.to_dict())}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'{path.name}.unfinished')
    save_file(tensors, unfinished, facts)
    unfinished.chmod(0o644)  # safetensors lets nobody else read it
    os.replace(unfinished, path)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework='pt') as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f'{path} is not a readable safetensors file: {error}') from error


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        content = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f'{path} is damaged or holds more than tensors and was not executed: '
            f'{str(error).splitlines()[0]}') from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(
            f'{path} is not a readable .pt file: {str(error).splitlines()[0]}') from error
    state = content.get('model', content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not all(
            isinstance(name, str) and isinstance(tensor, Tensor)
            for name, tensor in state.items()):
        raise WeightsError(f'{path} holds {type(state).__name__}, not tensors by name')
    return state, {}


def check_fit(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """
    Compare the names and shapes of tensors.

    :raises WeightsError: they differ; the message names some.
    """
    missing = sorted(set(wanted) - set(found))
    extra = sorted(set(found) - set(wanted))
    misshapen = [
        f'{name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}'
        for name in sorted(set(wanted) & set(found)) if wanted[name].shape != found[name].shape]
    problems = [
        f'{len(names)} {kind}: {", ".join(names[:NAMES_SHOWN])}'
        for kind, names in (('missing', missing), ('unexpected', extra), ('misshapen', misshapen))
        if names]
    if problems:
        raise WeightsError(f'{path} does not fit the network; {"; ".join(problems)}')
