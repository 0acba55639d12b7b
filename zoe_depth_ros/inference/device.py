# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The computing device, its arithmetic and its failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from zoe_depth_ros.errors import DeviceError

DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


def find_device(name: str) -> torch.device:
    """
    Return a device that is there.

    :param name: 'auto' (a GPU if there is one), 'cpu' or 'cuda:N'.
    :raises DeviceError: another name, or no such GPU.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f'device {name!r} is not auto, cpu or cuda:N') from error
    if device.type not in ('cpu', 'cuda'):
        raise DeviceError(f'device {name!r} is not auto, cpu or cuda:N')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f'device {name!r} is not there: torch {torch.__version__} sees '
            f'{torch.cuda.device_count()} GPUs')
    return device


def find_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of 'fp32', 'bf16' or 'fp16'; 'auto' is bf16 on a GPU, fp32 on a CPU."""
    if precision == 'auto':
        precision = 'bf16' if device.type == 'cuda' else 'fp32'
    return DTYPES[precision]


@contextmanager
def device_errors(work: str, device: torch.device) -> Iterator[None]:
    """
    Turn what torch raises, mostly for want of memory, into the package's own error.

    :param work: what is being done, for the message.
    :raises DeviceError: in place of a RuntimeError.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition('\n')[0]
        raise DeviceError(f'{work} failed on {device}: {reason}') from error
