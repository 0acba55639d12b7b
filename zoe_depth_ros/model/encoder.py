# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
BEiT encoder for images of any size (paper section 4; BEiT, arXiv 2106.08254).

The transformer blocks are timm's. Only the relative-position bias is ours, because images other
than the pre-training size need the table resized the way MiDaS v3.1 does: plain bilinear.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from timm.models.beit import Attention
from timm.models.beit import Block
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.config import EncoderConfig

CLASS_ROWS = 3  # table rows for class to patch, patch to class, class to class
MASK_ALIGNMENT = 16  # key positions a row of the mask is padded to, for fused attention kernels
CACHED_SIZES = 2
MASK_CACHE_BYTES = {'cpu': 2**28, 'cuda': 2**31}


@dataclass(frozen=True)
class Taps:
    """
    What the decoder reads, for B images of H x W.

    :param tokens: of four blocks, (B, 1 + (H/16)(W/16), D), class token first, patches row-major.
    :param stem: (B, C, h, w) maps of a convolutional stem at strides 2, 4 and 8; none without one.
    """

    tokens: list[Tensor]
    stem: list[Tensor]


class Encoder(nn.Module):
    """BEiT vision transformer that returns the tokens of four of its blocks."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        dim = config.embed_dim
        self.hooks = config.hooks
        self.patch_embed = ConvStem(dim) if config.stem == 'conv' else nn.Conv2d(
            3, dim, config.patch_size, stride=config.patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.absolute_position = nn.Parameter(
            torch.zeros(1, dim, config.pretrain_window, config.pretrain_window)
        ) if config.absolute_position else None
        rates = [config.drop_path * n / max(1, config.depth - 1) for n in range(config.depth)]
        self.blocks = nn.ModuleList(
            Block(
                dim, config.num_heads, qkv_bias=True, mlp_ratio=config.mlp_ratio, drop_path=rate,
                init_values=config.layer_scale, norm_layer=partial(nn.LayerNorm, eps=1e-6))
            for rate in rates[:config.hooks[-1] + 1])
        self.position_bias = RelativePositionBias(
            len(self.blocks), config.num_heads, config.pretrain_window)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def reset_buffers(self) -> None:
        """Fill the buffers that no checkpoint holds: the keys' biases, which are zero in BEiT."""
        for module in self.modules():
            if isinstance(module, Attention):
                module.k_bias = torch.zeros_like(module.v_bias, requires_grad=False)

    def forward(self, image: Tensor) -> Taps:
        """
        Encode images.

        :param image: (B, 3, H, W) normalised to [-1, 1]; H and W multiples of 16.
        """
        stem: list[Tensor] = []
        if isinstance(self.patch_embed, ConvStem):
            *stem, deepest = self.patch_embed.maps(image)
            patches = self.patch_embed[-1](deepest)
        else:
            patches = self.patch_embed(image)
        window_hw = patches.shape[-2], patches.shape[-1]
        if self.absolute_position is not None:
            patches = patches + functional.interpolate(
                self.absolute_position, size=window_hw, mode='bilinear', align_corners=False)
        tokens = torch.cat(
            [self.cls_token.expand(len(image), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        bias_of = self.position_bias(window_hw)
        taps: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, shared_rel_pos_bias=bias_of(number))
            if number in self.hooks:
                taps.append(tokens)
        return Taps(taps, stem)


class ConvStem(nn.Sequential):
    """Convolutions from (B, 3, H, W) images to (B, dim, H/16, W/16) tokens."""

    def __init__(self, dim: int) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for width in stem_widths(dim):
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.GroupNorm(1, width), nn.GELU()]
            channels = width
        super().__init__(*layers, nn.Conv2d(dim, dim, 1))

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the four maps (B, C, h, w), at strides 2, 4, 8 and 16, before the tokens."""
        maps = []
        for layer in list(self)[:-1]:
            image = layer(image)
            if isinstance(layer, nn.GELU):
                maps.append(image)
        return maps


def stem_widths(dim: int) -> tuple[int, int, int, int]:
    """Return the channels of a convolutional stem at strides 2, 4, 8 and 16."""
    return dim // 8, dim // 4, dim // 2, dim


@dataclass(frozen=True)
class _CachedSize:
    index: Tensor
    tables: list[Tensor]
    masks: list[Tensor]


class RelativePositionBias(nn.Module):
    """
    Learned attention bias by relative patch position, one table a block.

    A table has (2w - 1)^2 rows for offsets inside the w x w pre-training window and three for the
    class token. For another window the offset rows are resized bilinearly. Without gradients the
    resized tables, and where they fit in memory the expanded masks, are kept for the last sizes.
    """

    def __init__(self, depth: int, num_heads: int, pretrain_window: int) -> None:
        super().__init__()
        rows = (2 * pretrain_window - 1) ** 2 + CLASS_ROWS
        self.pretrain_window = pretrain_window
        self.tables = nn.ParameterList(
            nn.Parameter(torch.zeros(rows, num_heads)) for _ in range(depth))
        self._cache: OrderedDict[tuple[Any, ...], _CachedSize] = OrderedDict()

    def forward(self, window_hw: tuple[int, int]) -> Callable[[int], Tensor]:
        """
        Return a function from block number to attention mask.

        :param window_hw: image size in patches.
        :return: block -> (1, heads, N, N) additive mask, N = 1 + height * width, whose rows start
            at aligned addresses.
        """
        dtype = self._mask_dtype()
        if torch.is_grad_enabled():
            index = _relative_index(window_hw, self.tables[0].device)
            return lambda block: _expand(self._resize(block, window_hw, dtype), index)
        cached = self._cached(window_hw, dtype)
        if cached.masks:
            return cached.masks.__getitem__
        return lambda block: _expand(cached.tables[block], cached.index)

    def _mask_dtype(self) -> torch.dtype:
        device_type = self.tables[0].device.type
        if torch.is_autocast_enabled(device_type):
            return torch.get_autocast_dtype(device_type)
        return self.tables[0].dtype

    def _resize(self, block: int, window_hw: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Return a block's table for a window as (heads, rows)."""
        table = self.tables[block].float()
        side = 2 * self.pretrain_window - 1
        offsets = table[:-CLASS_ROWS].t().unflatten(1, (side, side)).unsqueeze(0)
        size = (2 * window_hw[0] - 1, 2 * window_hw[1] - 1)
        resized = functional.interpolate(offsets, size=size, mode='bilinear', align_corners=False)
        return torch.cat([resized[0].flatten(1), table[-CLASS_ROWS:].t()], dim=1).to(dtype)

    def _cached(self, window_hw: tuple[int, int], dtype: torch.dtype) -> _CachedSize:
        device = self.tables[0].device
        versions = tuple((table.data_ptr(), table._version) for table in self.tables)
        key = (window_hw, dtype, device, versions)
        if key not in self._cache:
            self._cache[key] = self._build(window_hw, dtype)
            while len(self._cache) > CACHED_SIZES:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    def _build(self, window_hw: tuple[int, int], dtype: torch.dtype) -> _CachedSize:
        index = _relative_index(window_hw, self.tables[0].device)
        tables = [self._resize(block, window_hw, dtype) for block in range(len(self.tables))]
        total_bytes = len(tables) * index.numel() * tables[0].shape[0] * tables[0].element_size()
        keep_masks = total_bytes <= MASK_CACHE_BYTES.get(index.device.type, 0)
        masks = [_expand(table, index) for table in tables] if keep_masks else []
        return _CachedSize(index, tables, masks)


def _relative_index(window_hw: tuple[int, int], device: torch.device) -> Tensor:
    """
    Return the table row of every pair of tokens.

    :return: (N, M) int64, M = N rounded up to the mask alignment; the padding columns are 0.
    """
    height, width = window_hw
    rows, columns = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing='ij')
    y, x = rows.flatten(), columns.flatten()
    dy = y[:, None] - y[None, :] + height - 1
    dx = x[:, None] - x[None, :] + width - 1
    n_tokens = 1 + height * width
    padded = -(-n_tokens // MASK_ALIGNMENT) * MASK_ALIGNMENT
    n_offsets = (2 * height - 1) * (2 * width - 1)
    index = torch.zeros(n_tokens, padded, dtype=torch.int64, device=device)
    index[1:, 1:n_tokens] = dy * (2 * width - 1) + dx
    index[0, :n_tokens] = n_offsets
    index[1:, 0] = n_offsets + 1
    index[0, 0] = n_offsets + 2
    return index


def _expand(table: Tensor, index: Tensor) -> Tensor:
    """Gather a (heads, rows) table into a (1, heads, N, N) mask with aligned rows."""
    mask = table.index_select(1, index.flatten()).unflatten(1, index.shape)
    return mask[..., :index.shape[0]].unsqueeze(0)
