# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The processes that train together, started by torchrun, or the only one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
import os

import torch
from torch import distributed

from zoe_depth_ros.inference.device import find_device

# The first process validates while the others wait for it.
LONGEST_WAIT = timedelta(days=1)
BF16_INSTRUCTIONS = ('avx512_bf16', 'amx_bf16')


@dataclass(frozen=True)
class Process:
    """
    This process among those that train together.

    :param rank: its number; 0 writes and reports.
    :param count: how many there are.
    :param device: what it computes on.
    """

    rank: int
    count: int
    device: torch.device

    def computes_in_bf16(self, precision: str) -> bool:
        """Return whether to, for 'bf16', 'fp32' or 'auto': without instructions it is slower."""
        if precision != 'auto':
            return precision == 'bf16'
        if self.device.type == 'cuda':
            return torch.cuda.is_bf16_supported(including_emulation=False)
        return any(
            torch.cpu.get_capabilities().get(name) for name in BF16_INSTRUCTIONS)


@contextmanager
def join_processes(device_name: str) -> Iterator[Process]:
    """
    Join the other processes if torchrun started this one.

    :param device_name: 'auto', 'cpu' or 'cuda:N'; of several processes each takes its own GPU.
    :raises DeviceError: the device is not there.
    """
    device = find_device(device_name)
    if not distributed.is_torchelastic_launched():
        yield Process(0, 1, device)
        return
    if device.type == 'cuda':
        device = find_device(f'cuda:{os.environ["LOCAL_RANK"]}')
        torch.cuda.set_device(device)
    distributed.init_process_group(
        'nccl' if device.type == 'cuda' else 'gloo', timeout=LONGEST_WAIT)
    try:
        yield Process(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()
