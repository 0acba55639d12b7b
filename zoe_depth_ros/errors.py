# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The package's own errors, one class per concern, each message naming the bad value."""


class ZoeDepthError(Exception):
    """Base class: everything this package raises on purpose."""


class ConfigError(ZoeDepthError, ValueError):
    """An option has a value it cannot take, or two options contradict each other."""


class CameraError(ZoeDepthError, ValueError):
    """Camera intrinsics or distortion cannot be used."""


class ImageError(ZoeDepthError, ValueError):
    """Image bytes, encoding or size cannot be used."""


class WeightsError(ZoeDepthError):
    """Weights cannot be found, downloaded, trusted or fitted to the network."""


class DeviceError(ZoeDepthError):
    """The computing device is missing or computes wrong results."""


class BagError(ZoeDepthError):
    """A bag cannot be read or written, or lacks what is asked of it."""


class DatasetError(ZoeDepthError):
    """An image with its depth is missing, unreadable or contradicts itself."""


class TrainingError(ZoeDepthError):
    """A training run is unusable."""
