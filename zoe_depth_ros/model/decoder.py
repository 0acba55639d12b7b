# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DPT decoder: four token maps to image features and relative inverse depth (arXiv 2103.13413)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.config import DecoderConfig
from zoe_depth_ros.model.encoder import stem_widths
from zoe_depth_ros.model.encoder import Taps

TRAINING_LEAK = 0.05


def resize(features: Tensor, size_hw: Sequence[int]) -> Tensor:
    """Resize (B, C, h, w) features bilinearly, corners aligned, as the whole network does."""
    if tuple(features.shape[-2:]) == tuple(size_hw):
        return features
    return functional.interpolate(
        features, size=list(size_hw), mode='bilinear', align_corners=True)


@dataclass(frozen=True)
class Features:
    """
    What the decoder hands to the metric head, for a network input of H x W.

    :param bottleneck: (B, F, H/32, W/32), before any fusion.
    :param levels: fused maps (B, F, h, w) at strides 16, 8, 4 and 2.
    :param last: (B, R, H, W) features under the relative depth, non-negative.
    :param relative_depth: (B, 1, H, W) inverse depth up to scale and shift, non-negative.
    """

    bottleneck: Tensor
    levels: tuple[Tensor, Tensor, Tensor, Tensor]
    last: Tensor
    relative_depth: Tensor

    def select(self, rows: Tensor) -> Features:
        """Return the features of some images of the batch; `rows` is (n,) int64."""
        level0, level1, level2, level3 = (level.index_select(0, rows) for level in self.levels)
        return Features(
            self.bottleneck.index_select(0, rows), (level0, level1, level2, level3),
            self.last.index_select(0, rows), self.relative_depth.index_select(0, rows))

    def float(self) -> Features:
        """Return the features in float32."""
        level0, level1, level2, level3 = (level.float() for level in self.levels)
        return Features(
            self.bottleneck.float(), (level0, level1, level2, level3), self.last.float(),
            self.relative_depth.float())


class Decoder(nn.Module):
    """Reassemble tokens into maps, fuse them from coarse to fine, predict relative depth."""

    def __init__(self, config: DecoderConfig, embed_dim: int) -> None:
        super().__init__()
        width = config.features
        channels = config.reassemble_channels
        resizers = (
            nn.ConvTranspose2d(channels[0], channels[0], 4, stride=4),
            nn.ConvTranspose2d(channels[1], channels[1], 2, stride=2),
            nn.Identity(),
            nn.Conv2d(channels[3], channels[3], 3, stride=2, padding=1),
        )
        self.reassemble = nn.ModuleList(
            Reassemble(embed_dim, count, resizer)
            for count, resizer in zip(channels, resizers, strict=True))
        self.lateral = nn.ModuleList(
            nn.Conv2d(count, width, 3, padding=1, bias=False) for count in channels)
        self.fusion = nn.ModuleList(Fusion(width, has_skip=level < 3) for level in range(4))
        self.relative_head = RelativeHead(width, config.relative_channels)
        self.stem_lateral = StemLateral(embed_dim, width) if config.stem_maps else None

    def forward(self, taps: Taps, window_hw: tuple[int, int]) -> Features:
        """
        Decode what the encoder saw.

        :param taps: the encoder's, from shallow to deep.
        :param window_hw: (h, w) patches of the image.
        """
        maps = [
            lateral(reassemble(tokens, window_hw))
            for tokens, reassemble, lateral in zip(
                taps.tokens, self.reassemble, self.lateral, strict=True)]
        if self.stem_lateral is not None:
            finest, *stem = self.stem_lateral(taps.stem)
            maps[:2] = [seen + added for seen, added in zip(maps[:2], stem, strict=True)]
        fused = self.fusion[3](maps[3], None, maps[2].shape[-2:])
        levels = [fused]
        for level in (2, 1, 0):
            size_hw = maps[level - 1].shape[-2:] if level else _doubled(maps[0])
            fused = self.fusion[level](fused, maps[level], size_hw)
            levels.append(fused)
        if self.stem_lateral is not None:
            levels[3] = fused = fused + finest
        last, relative_depth = self.relative_head(fused)
        level0, level1, level2, level3 = levels
        return Features(maps[3], (level0, level1, level2, level3), last, relative_depth)


class StemLateral(nn.ModuleList):
    """
    Maps of the convolutional stem, projected to what they are added to.

    The projections begin at zero: a network that is given them predicts what it did without.
    """

    def __init__(self, embed_dim: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(count, width, 1, bias=False) for count in stem_widths(embed_dim)[:3])
        for weight in self.parameters():
            nn.init.zeros_(weight)

    def forward(self, stem: list[Tensor]) -> list[Tensor]:
        """Return (B, F, h, w) at strides 2, 4 and 8."""
        return [project(part) for project, part in zip(self, stem, strict=True)]


class Reassemble(nn.Module):
    """Tokens to a feature map: join every patch with the class token, project, resample."""

    def __init__(self, embed_dim: int, channels: int, resizer: nn.Module) -> None:
        super().__init__()
        self.readout = nn.Linear(2 * embed_dim, embed_dim)
        self.project = nn.Conv2d(embed_dim, channels, 1)
        self.resizer = resizer

    def forward(self, tokens: Tensor, window_hw: tuple[int, int]) -> Tensor:
        """
        Return (B, C, h', w') from (B, 1 + h * w, D).

        The readout is one linear map of [patch, class]; the class half is the same for all
        patches, so it is computed once.
        """
        patch_weight, class_weight = self.readout.weight.chunk(2, dim=1)
        class_part = functional.linear(tokens[:, :1], class_weight, self.readout.bias)
        joined = functional.gelu(functional.linear(tokens[:, 1:], patch_weight) + class_part)
        result: Tensor = self.resizer(
            self.project(joined.transpose(1, 2).unflatten(2, window_hw)))
        return result


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions with pre-activation and an identity shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        inner = self.conv1(functional.relu(features))
        return features + self.conv2(functional.relu(inner))


class Fusion(nn.Module):
    """Add the finer map to the coarser one, refine, upsample."""

    def __init__(self, width: int, *, has_skip: bool) -> None:
        super().__init__()
        self.skip_unit = ResidualUnit(width) if has_skip else None
        self.unit = ResidualUnit(width)
        self.project = nn.Conv2d(width, width, 1)

    def forward(self, features: Tensor, skip: Tensor | None, size_hw: Sequence[int]) -> Tensor:
        """
        Return the fused map at `size_hw`.

        A 1x1 convolution and a bilinear resize commute: projecting first costs a quarter.
        """
        if self.skip_unit is not None:
            features = features + self.skip_unit(skip)
        return resize(self.project(self.unit(features)), size_hw)


class RelativeHead(nn.Module):
    """Finest fused map to relative inverse depth."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(width // 2, channels, 3, padding=1)
        self.conv3 = nn.Conv2d(channels, 1, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return (last features, relative inverse depth) at twice the input size.

        While training the last ReLU leaks a little: a loss that ignores scale and shift lets the
        depth drift below zero, where a plain ReLU would never learn again.
        """
        upsampled = resize(self.conv1(features), _doubled(features))
        last = functional.relu(self.conv2(upsampled))
        return last, functional.leaky_relu(self.conv3(last), TRAINING_LEAK if self.training else 0)


def _doubled(features: Tensor) -> tuple[int, int]:
    return 2 * features.shape[-2], 2 * features.shape[-1]
