# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth estimator: the one way from images to metric depth, live and offline."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
import math
from pathlib import Path
from typing import Any
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
import torch

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.inference.depth_map import DepthMap
from zoe_depth_ros.inference.device import device_errors
from zoe_depth_ros.inference.network import BatchRouter
from zoe_depth_ros.inference.network import Choice
from zoe_depth_ros.inference.network import Network
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.inference.preprocess import to_uint8
from zoe_depth_ros.inference.preprocess import with_flipped
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.inference.routing import routings_of
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.download import find_weights
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.scale import focal_factor

Result = TypeVar('Result')


class DepthEstimator:
    """
    Estimates metric depth from RGB images.

    :param model: network with its weights.
    :param config: device, precision, mode, size and domain.
    :param with_std_dev: estimate the standard deviation too, which costs time; can be changed.
    :param thread: an executor of one thread that shall do all the computing.
    :raises DeviceError: the device is missing, or computes depth that differs from fp32.
    :raises ConfigError: the model has no head for the domain, or it is not known for what focal
        length its depth would be normalised.
    """

    def __init__(
        self, model: ZoeDepth, config: EstimatorConfig | None = None, *,
        with_std_dev: bool = True, thread: ThreadPoolExecutor | None = None,
    ) -> None:
        self.config = config or EstimatorConfig()
        self._thread = thread
        self.with_std_dev = with_std_dev
        _check_focal_lengths(model.config, self.config)
        self._network = self._computed(partial(Network, model, self.config))

    @classmethod
    def in_own_thread(
        cls, source: str | Path, config: EstimatorConfig | None = None, *,
        with_std_dev: bool = True,
    ) -> DepthEstimator:
        """
        Load weights and return an estimator that computes in a thread of its own.

        For programs with several threads. OpenMP keeps helpers for every thread that has ever
        computed on the CPU; once they are more than there are cores, they sleep and are woken at
        each of the network's hundreds of steps, which then takes half as long again.

        :param source: as for `from_pretrained`.
        :raises WeightsError: the weights are not found or do not fit.
        """
        path = find_weights(source)  # here, where Ctrl-C ends a download
        thread = ThreadPoolExecutor(1, 'network')
        model = thread.submit(load_checkpoint, path).result()
        return cls(model, config, with_std_dev=with_std_dev, thread=thread)

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
        return self._network.size_hw

    @property
    def domains(self) -> tuple[str, ...]:
        """The domain of each metric head of the model."""
        return tuple(head.domain for head in self._network.model_config.heads)

    @property
    def device_name(self) -> str:
        """The device in words: 'cpu', or the GPU's product name."""
        return self._network.device_name

    @property
    def precision(self) -> str:
        """The arithmetic in use after the self-check: 'fp32', 'bf16' or 'fp16'."""
        return self._network.precision

    @property
    def gpu_memory_bytes(self) -> int:
        """Bytes that tensors take on the GPU; 0 on a CPU."""
        return self._network.gpu_memory_bytes

    def release(self) -> None:
        """Give the network's memory back; the estimator cannot be used afterwards."""
        self._network.release()
        if self._thread is not None:
            self._thread.shutdown()

    def set_domain(self, domain: str) -> None:
        """
        Force a domain, or return to the router with 'auto'.

        :raises ConfigError: the domain is unknown, or the model has no head for it.
        """
        config = replace(self.config, domain=domain)
        self._network.set_domain(domain)
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
        cameras: Sequence[Camera | None] | None = None, *, choose: Choice | None = None,
    ) -> list[DepthMap]:
        """
        Estimate the depth of several images; those of equal size go through the network together.

        :param images: (H, W, 3) uint8 RGB each.
        :param cameras: intrinsics of each image, or None.
        :param choose: given the number of an image and the router's probability of each head,
            returns how the image is routed; by default each image gets its likeliest head, or
            that of the option domain.
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
            router = None if choose is None else BatchRouter(choose, rows, self._network.flips)
            with device_errors(work, self._network.device):
                depths = self._computed(partial(
                    self._estimate_equal, [images[r] for r in rows], [given[r] for r in rows],
                    router))
            for row, depth in zip(rows, depths, strict=True):
                results[row] = depth
        return [result for result in results if result is not None]

    def _computed(self, work: Callable[[], Result]) -> Result:
        return work() if self._thread is None else self._thread.submit(work).result()

    @torch.inference_mode()
    def _estimate_equal(
        self, images: list[NDArray[np.uint8]], cameras: list[Camera | None],
        router: BatchRouter | None,
    ) -> list[DepthMap]:
        network = self._network
        height, width = images[0].shape[:2]
        framing = plan_framing((height, width), self.network_size_hw, self.config.mode)
        pixels = network.upload(np.stack(images))
        inputs = framing.prepare(with_flipped(pixels) if network.flips else pixels)
        predicted = network.predict(inputs, router, with_std_dev=self.with_std_dev)
        maps_m = torch.cat(
            [maps for maps in (predicted.depth_m, predicted.std_dev_m) if maps is not None], dim=1)
        if self.config.output_size == 'image':
            maps_m = framing.restore(maps_m)
            if framing.bicubic:
                maps_m.clamp_(min=0)
            colors, seen = images, cameras
        else:
            colors = list(network.download(to_uint8(inputs[:len(images)])))
            seen = [camera and framing.network_camera(camera) for camera in cameras]
        if network.may_need_mask(predicted):
            maps_m = network.masked(maps_m, predicted.weights)
        maps_of_images = network.download(maps_m)
        routings = router.routings if router is not None else routings_of(
            network.model_config, predicted.weights.argmax(dim=1).tolist(),
            predicted.probabilities.tolist())
        depths = [
            DepthMap(
                maps[0], maps[1] if self.with_std_dev else None, routing.domain,
                routing.probability, rgb, camera, routing.since_change_s)
            for maps, routing, rgb, camera in zip(
                maps_of_images, routings, colors, seen, strict=True)]
        if not self.config.focal_normalisation:
            return depths
        return [
            depth if camera is None else depth.scaled(
                self._focal_factor(routing, framing.network_camera(camera)))
            for depth, routing, camera in zip(depths, routings, cameras, strict=True)]

    def _focal_factor(self, routing: Routing, network_camera: Camera) -> float:
        """Return what depth is multiplied with for the lens of a camera."""
        model = self._network.model_config
        width = model.network_size_hw[1]
        return math.prod(
            focal_factor(network_camera, head.focal_of_width * width) ** weight
            for weight, head in zip(routing.weights, model.heads, strict=True))


def _check_focal_lengths(model: ModelConfig, config: EstimatorConfig) -> None:
    unknown = [head.name for head in model.heads if not head.focal_of_width]
    if config.focal_normalisation and unknown:
        raise ConfigError(
            f'focal_normalisation = {config.focal_normalisation}: the weights do not tell the '
            f'focal length that head {", ".join(unknown)} was trained for')


def _check_image(rgb: NDArray[np.uint8], camera: Camera | None) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 \
            or rgb.shape[2] != 3 or 0 in rgb.shape:
        found = f'{getattr(rgb, "dtype", type(rgb).__name__)} {getattr(rgb, "shape", "")}'
        raise ImageError(f'image is {found}, not (H, W, 3) uint8 RGB')
    if camera is not None and camera.size_hw != rgb.shape[:2]:
        raise ImageError(
            f'image is {rgb.shape[1]}x{rgb.shape[0]} but its camera '
            f'{camera.width}x{camera.height}')
