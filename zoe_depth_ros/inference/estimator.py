# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth estimator: the one way from images to metric depth, live and offline."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from dataclasses import replace
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.inference.device import device_errors
from zoe_depth_ros.inference.device import DTYPES
from zoe_depth_ros.inference.device import find_device
from zoe_depth_ros.inference.device import find_dtype
from zoe_depth_ros.inference.preprocess import merge_flipped
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.inference.preprocess import to_uint8
from zoe_depth_ros.inference.preprocess import with_flipped
from zoe_depth_ros.inference.routing import forced_head
from zoe_depth_ros.inference.routing import verdicts
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class DepthMap:
    """
    Metric depth of one image.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown.
    :param std_dev_m: (H, W) float32, metres, NaN where depth is unknown; None if not wanted.
    :param domain: 'indoor' or 'outdoor'.
    :param domain_probability: of that domain, by the router.
    :param rgb: (H, W, 3) uint8 RGB, the image the depth belongs to pixel by pixel.
    :param camera: intrinsics of that image, None if none were given.
    """

    depth_m: NDArray[np.float32]
    std_dev_m: NDArray[np.float32] | None
    domain: str
    domain_probability: float
    rgb: NDArray[np.uint8]
    camera: Camera | None


class DepthEstimator:
    """
    Estimates metric depth from RGB images.

    :param model: network with its weights.
    :param config: device, precision, mode, size and domain.
    :param with_std_dev: estimate the standard deviation too, which costs time.
    :raises DeviceError: the device is missing, or computes depth that differs from fp32.
    :raises ConfigError: the model has no head for the domain.
    """

    def __init__(
        self, model: ZoeDepth, config: EstimatorConfig | None = None, *,
        with_std_dev: bool = True,
    ) -> None:
        self.config = config or EstimatorConfig()
        self._with_std_dev = with_std_dev
        self.device = find_device(self.config.device)
        self.dtype = find_dtype(self.config.precision, self.device)
        self._forced_head = forced_head(model.config, self.config.domain)
        with device_errors('loading the network', self.device):
            model = model.eval().requires_grad_(requires_grad=False).to(self.device)
            self._model = model.to(memory_format=torch.channels_last)
            self._range_limits_m = torch.tensor(
                [head.max_depth_m for head in model.config.heads], device=self.device)
            self._warm_up()

    @classmethod
    def from_pretrained(cls, source: str | Path, **options: Any) -> DepthEstimator:
        """
        Load weights and return an estimator.

        :param source: 'zoed_n', 'zoed_k', 'zoed_nk', 'zoed_mini_nk', a path to `.pt` or
            `.safetensors` weights, or a Hugging Face repository.
        :param options: fields of `EstimatorConfig`.
        :raises WeightsError: the weights are not found or do not fit.
        :raises ConfigError: an option is wrong.
        """
        try:
            config = EstimatorConfig(**options)
        except TypeError as error:
            raise ConfigError(str(error)) from error
        return cls(load_model(source), config)

    @property
    def network_size_hw(self) -> tuple[int, int]:
        """(height, width) the network is wanted to see; the aspect ratio may change it."""
        height, width = self._model.config.network_size_hw
        return self.config.network_height or height, self.config.network_width or width

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains the model has metric heads for."""
        return tuple(head.domain for head in self._model.config.heads)

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

    def release(self) -> None:
        """Give the network's memory back; the estimator cannot be used afterwards."""
        del self._model
        if self.device.type == 'cuda':
            torch.cuda.empty_cache()

    def set_domain(self, domain: str) -> None:
        """
        Force a domain, or return to the router with 'auto'.

        :raises ConfigError: the domain is unknown, or the model has no head for it.
        """
        config = replace(self.config, domain=domain)
        self._forced_head = forced_head(self._model.config, domain)
        self.config = config

    def estimate(self, rgb: NDArray[np.uint8], camera: Camera | None = None) -> DepthMap:
        """
        Estimate the depth of one image.

        :param rgb: (H, W, 3) uint8 RGB, undistorted.
        :param camera: intrinsics of the image, handed on to the result.
        :raises ImageError: the array is not such an image, or the camera has another size.
        :raises DeviceError: the device cannot compute it, mostly for want of memory.
        """
        return self.estimate_batch([rgb], [camera])[0]

    def estimate_batch(
        self, images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera | None] | None = None,
    ) -> list[DepthMap]:
        """
        Estimate the depth of several images; those of equal size go through the network together.

        :param images: (H, W, 3) uint8 RGB each.
        :param cameras: intrinsics of each image, or None.
        :raises ImageError: an array is not such an image, or a camera has another size.
        :raises DeviceError: the device cannot compute it, mostly for want of memory.
        """
        given = list(cameras) if cameras is not None else [None] * len(images)
        if len(given) != len(images):
            raise ImageError(f'{len(images)} images but {len(given)} cameras')
        for rgb, camera in zip(images, given, strict=True):
            _check_image(rgb, camera)
        results: list[DepthMap | None] = [None] * len(images)
        for size_hw in dict.fromkeys(rgb.shape[:2] for rgb in images):
            rows = [row for row, rgb in enumerate(images) if rgb.shape[:2] == size_hw]
            work = f'depth of {len(rows)} images of {size_hw[1]}x{size_hw[0]}'
            with device_errors(work, self.device):
                depths = self._estimate_equal([images[r] for r in rows], [given[r] for r in rows])
            for row, depth in zip(rows, depths, strict=True):
                results[row] = depth
        return [result for result in results if result is not None]

    @torch.inference_mode()
    def _estimate_equal(
        self, images: list[NDArray[np.uint8]], cameras: list[Camera | None],
    ) -> list[DepthMap]:
        height, width = images[0].shape[:2]
        framing = plan_framing((height, width), self.network_size_hw, self.config.mode)
        pixels = self._upload(np.stack(images))
        inputs = framing.prepare(with_flipped(pixels) if self._flips else pixels)
        depth_m, std_dev_m, heads, probabilities = self._predict(inputs)
        maps_m = [depth_m] if std_dev_m is None else [depth_m, std_dev_m]
        if self.config.output_size == 'image':
            maps_m = [framing.restore(values).clamp(min=0) for values in maps_m]
            colors, seen = images, cameras
        else:
            colors = list(self._download(to_uint8(inputs[:len(images)])))
            seen = [camera and framing.network_camera(camera) for camera in cameras]
        known = self._known(maps_m[0], heads)
        maps_of_images = self._download(torch.cat(maps_m, dim=1).where(known, torch.nan))
        named = verdicts(self._model.config, heads.tolist(), probabilities.tolist())
        return [
            DepthMap(
                maps[0], maps[1] if self._with_std_dev else None, verdict.domain,
                verdict.probability, rgb, camera)
            for maps, verdict, rgb, camera in zip(
                maps_of_images, named, colors, seen, strict=True)]

    @property
    def _flips(self) -> bool:
        return self.config.mode != 'robot'

    def _predict(self, inputs: Tensor) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """
        Return depth and wanted std dev (B, 1, h, w), heads (B,), probabilities (B, heads).

        :param inputs: (B, 3, h, w), or (2B, 3, h, w) with the mirrored ones last where the mode
            flips.
        """
        count = len(inputs) // 2 if self._flips else len(inputs)
        forced = None if self._forced_head is None else [self._forced_head] * len(inputs)
        vote_size = count if self.config.routing == 'batch' else 1
        with self._autocast():
            output = self._model(
                inputs, heads=forced, vote_size=vote_size, with_std_dev=self._with_std_dev)
        logits, depth_m, std_dev_m = output.domain_logits, output.depth_m, output.std_dev_m
        if self._flips:
            depth_m, std_dev_m = merge_flipped(depth_m, std_dev_m)
            logits = logits[:count] + logits[count:]
        return depth_m, std_dev_m, output.head_index[:count], logits.softmax(dim=1)

    def _known(self, depth_m: Tensor, heads: Tensor) -> Tensor:
        """Return where depth is positive, finite and, for robots, in the range of the head."""
        known = depth_m.isfinite() & (depth_m > 0)
        if self.config.mode == 'robot':
            known &= depth_m <= self._range_limits_m[heads].view(-1, 1, 1, 1)
        return known

    def _autocast(self) -> AbstractContextManager[None]:
        reduced = self.dtype != torch.float32
        return torch.autocast(
            self.device.type, self.dtype if reduced else torch.bfloat16, enabled=reduced)

    def _upload(self, images: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(images)
        if self.device.type == 'cuda':
            return pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels

    def _download(self, values: Tensor) -> NDArray[Any]:
        if self.device.type == 'cuda':
            host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            host.copy_(values, non_blocking=True)
            torch.cuda.current_stream(self.device).synchronize()
            return host.numpy()
        return values.contiguous().numpy()

    def _warm_up(self) -> None:
        """Run one frame, so that the first real one is not slow, and check its precision."""
        height, width = self.network_size_hw
        generator = np.random.default_rng(0)
        coarse = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        frame = np.repeat(np.repeat(coarse, height // 8, axis=0), width // 8, axis=1)
        with torch.inference_mode():
            inputs = plan_framing((height, width), (height, width), 'robot').prepare(
                self._upload(np.stack([frame] * (2 if self._flips else 1))))
            depth_m = self._predict(inputs)[0]
            if self.dtype != torch.float32 and self.config.self_check != 'off':
                self._check_precision(inputs, depth_m)

    def _check_precision(self, inputs: Tensor, depth_m: Tensor) -> None:
        reduced, self.dtype = self.dtype, torch.float32
        exact_m = self._predict(inputs)[0]
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


def _check_image(rgb: NDArray[np.uint8], camera: Camera | None) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 \
            or rgb.shape[2] != 3 or 0 in rgb.shape:
        found = f'{getattr(rgb, "dtype", type(rgb).__name__)} {getattr(rgb, "shape", "")}'
        raise ImageError(f'image is {found}, not (H, W, 3) uint8 RGB')
    if camera is not None and camera.size_hw != rgb.shape[:2]:
        raise ImageError(
            f'image is {rgb.shape[1]}x{rgb.shape[0]} but its camera '
            f'{camera.width}x{camera.height}')
