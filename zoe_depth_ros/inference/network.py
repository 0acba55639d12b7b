# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network on its device: tensors in, depth of every pixel out."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
import logging
from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.inference.device import device_errors
from zoe_depth_ros.inference.device import DTYPES
from zoe_depth_ros.inference.device import find_device
from zoe_depth_ros.inference.device import find_dtype
from zoe_depth_ros.inference.preprocess import merge_flipped
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.inference.routing import forced_head
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig

LOGGER = logging.getLogger(__name__)

Choice: TypeAlias = Callable[[int, Sequence[float]], Routing]


@dataclass(frozen=True)
class Prediction:
    """
    What the network tells of B images.

    :param depth_m: (B, 1, h, w) metres.
    :param std_dev_m: (B, 1, h, w) metres, None if not wanted.
    :param weights: (B, heads) of each head in the depth.
    :param probabilities: (B, heads) by the router.
    """

    depth_m: Tensor
    std_dev_m: Tensor | None
    weights: Tensor
    probabilities: Tensor


class BatchRouter:
    """Asks `choose` for each image of a batch how it is routed, and keeps the answers."""

    def __init__(self, choose: Choice, rows: Sequence[int], flips: bool) -> None:
        self._choose = choose
        self._rows = rows
        self._flips = flips
        self.routings: list[Routing] = []

    def __call__(self, logits: Tensor) -> Tensor:
        """Return the weight of each head in each image's depth, for what the router says."""
        count = len(self._rows)
        votes = logits[:count] + logits[count:] if self._flips else logits
        probabilities = votes.softmax(dim=1).tolist()
        self.routings = [
            self._choose(row, of_heads)
            for row, of_heads in zip(self._rows, probabilities, strict=True)]
        return self.weights().repeat(2 if self._flips else 1, 1)

    def weights(self) -> Tensor:
        """Return (B, heads) float32."""
        return torch.tensor([routing.weights for routing in self.routings])


class Network:
    """
    A network on a device, in the arithmetic of its self-check.

    :param model: network with its weights.
    :param config: device, precision, mode, size and domain.
    :raises DeviceError: the device is missing, or computes depth that differs from fp32.
    :raises ConfigError: the model has no head for the domain.
    """

    def __init__(self, model: ZoeDepth, config: EstimatorConfig) -> None:
        self.config = config
        self.model_config = model.config
        self.device = find_device(config.device)
        self.dtype = find_dtype(config.precision, self.device)
        self.set_domain(config.domain)
        with device_errors('loading the network', self.device):
            model = model.eval().requires_grad_(requires_grad=False).to(self.device)
            self._model = model.to(memory_format=torch.channels_last)
            self._range_limits_m = self._of_heads('max_depth_m')
            self._std_dev_factors = self._of_heads('std_dev_factor')
            self._warm_up()

    def _of_heads(self, name: str) -> Tensor:
        return torch.tensor(
            [getattr(head, name) for head in self.model_config.heads], device=self.device)

    @property
    def size_hw(self) -> tuple[int, int]:
        """(height, width) the network is wanted to see; the aspect ratio may change it."""
        height, width = self.model_config.network_size_hw
        return self.config.network_height or height, self.config.network_width or width

    @property
    def device_name(self) -> str:
        """The device in words: 'cpu', or the GPU's product name."""
        if self.device.type == 'cuda':
            return f'{self.device} {torch.cuda.get_device_name(self.device)}'
        return 'cpu'

    @property
    def precision(self) -> str:
        """The arithmetic in use after the self-check: 'fp32', 'bf16' or 'fp16'."""
        return next(name for name, dtype in DTYPES.items() if dtype == self.dtype)

    @property
    def gpu_memory_bytes(self) -> int:
        """Bytes that tensors take on the GPU; 0 on a CPU."""
        return torch.cuda.memory_allocated(self.device) if self.device.type == 'cuda' else 0

    @property
    def flips(self) -> bool:
        """Whether every image is seen mirrored too."""
        return self.config.mode != 'robot'

    def release(self) -> None:
        """Give the memory back; the network cannot be used afterwards."""
        del self._model
        if self.device.type == 'cuda':
            torch.cuda.empty_cache()

    def set_domain(self, domain: str) -> None:
        """
        Force a domain, or return to the router with 'auto'.

        :raises ConfigError: the domain is unknown, or the model has no head for it.
        """
        self._forced_head = forced_head(self.model_config, domain)

    def predict(
        self, inputs: Tensor, router: BatchRouter | None = None, *, with_std_dev: bool = False,
    ) -> Prediction:
        """
        Run the network.

        :param inputs: (B, 3, h, w), or (2B, 3, h, w) with the mirrored ones last where the mode
            flips.
        """
        count = len(inputs) // 2 if self.flips else len(inputs)
        forced = None if self._forced_head is None else [self._forced_head] * len(inputs)
        vote_size = count if self.config.routing == 'batch' else 1
        with self._autocast():
            output = self._model(
                inputs, heads=forced, vote_size=vote_size, weigh=router,
                with_std_dev=with_std_dev)
        logits, depth_m, std_dev_m = output.domain_logits, output.depth_m, output.std_dev_m
        if self.flips:
            depth_m, std_dev_m = merge_flipped(depth_m, std_dev_m)
            logits = logits[:count] + logits[count:]
        if router is None:
            weights = functional.one_hot(output.head_index[:count], logits.shape[1]).float()
        else:
            weights = router.weights().to(self.device)
        if std_dev_m is not None:
            std_dev_m = std_dev_m * (weights @ self._std_dev_factors).view(-1, 1, 1, 1)
        return Prediction(depth_m, std_dev_m, weights, logits.softmax(dim=1))

    def may_need_mask(self, predicted: Prediction) -> bool:
        """
        Return False where `masked` would change nothing, in a prediction or enlarged from it.

        A GPU is not asked: waiting for its answer takes longer than the mask.
        """
        if self.config.mode != 'robot' or self.device.type == 'cuda':
            return True
        low_m, high_m = predicted.depth_m.aminmax()
        return not (low_m > 0 and high_m <= self._limits_m(predicted.weights).min())

    def masked(self, maps_m: Tensor, weights: Tensor) -> Tensor:
        """
        Put NaN into maps where depth is not positive and finite or beyond range; return them.

        For robots depth has the range of its head.

        :param maps_m: (B, 1 or 2, H, W) depth and standard deviation.
        :param weights: (B, heads).
        """
        depth_m = maps_m[:, :1]
        if self.config.mode != 'robot':
            return maps_m.masked_fill_(~(depth_m.isfinite() & (depth_m > 0)), torch.nan)
        limits_m = self._limits_m(weights).view(-1, 1, 1, 1)
        # Division by 0 fills far faster than a mask does: depth / 0 is infinite, 0 / 0 is NaN.
        inside = ((depth_m > 0) & (depth_m <= limits_m)).float()
        if self.config.beyond_range == 'infinite':
            depth_m.clamp_(min=0).div_(inside)
            maps_m[:, 1:] *= inside.div_(inside)
        else:
            maps_m *= inside.div_(inside)
        return maps_m

    def _limits_m(self, weights: Tensor) -> Tensor:
        """Return the range of each image, (B,) metres: between heads, the larger one."""
        return (self._range_limits_m * (weights > 0)).amax(dim=1)

    def upload(self, images: NDArray[np.uint8]) -> Tensor:
        """Return an array on the device."""
        pixels = torch.from_numpy(images)
        if self.device.type == 'cuda':
            return pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels

    def download(self, values: Tensor) -> NDArray[Any]:
        """Return a tensor of the device as an array."""
        if self.device.type == 'cuda':
            host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            host.copy_(values, non_blocking=True)
            torch.cuda.current_stream(self.device).synchronize()
            return host.numpy()
        return values.contiguous().numpy()

    def _autocast(self) -> AbstractContextManager[None]:
        reduced = self.dtype != torch.float32
        return torch.autocast(
            self.device.type, self.dtype if reduced else torch.bfloat16, enabled=reduced)

    def _warm_up(self) -> None:
        """Run one frame, so that the first real one is not slow, and check its precision."""
        height, width = self.size_hw
        generator = np.random.default_rng(0)
        coarse = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        frame = np.repeat(np.repeat(coarse, height // 8, axis=0), width // 8, axis=1)
        with torch.inference_mode():
            inputs = plan_framing((height, width), (height, width), 'robot').prepare(
                self.upload(np.stack([frame] * (2 if self.flips else 1))))
            depth_m = self.predict(inputs).depth_m
            if self.dtype != torch.float32 and self.config.self_check != 'off':
                self._check_precision(inputs, depth_m)

    def _check_precision(self, inputs: Tensor, depth_m: Tensor) -> None:
        reduced, self.dtype = self.dtype, torch.float32
        exact_m = self.predict(inputs).depth_m
        difference = float(((depth_m - exact_m).abs() / exact_m).mean())
        if difference <= self.config.self_check_limit:
            self.dtype = reduced
            return
        message = (
            f'{reduced} depth on {self.device} differs from fp32 by {difference:.3g} '
            f'(self_check_limit {self.config.self_check_limit})')
        if self.config.self_check == 'refuse':
            raise DeviceError(f'{message}; use precision fp32, or self_check fallback')
        LOGGER.warning('%s; falling back to fp32', message)
