# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Other people's weight layouts, translated to this package's names.

Layouts are told apart by their keys. Three hold the whole network: this package's own, the
released `.pt` files (isl-org/ZoeDepth) and Hugging Face transformers
(`ZoeDepthForDepthEstimation`). Two hold a part, to start a training from: MiDaS v3.1
(`dpt_beit_large_384.pt`) and timm's BEiT.
"""

from __future__ import annotations

from collections.abc import Mapping
import re

import torch
from torch import Tensor

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.known_models import ZOED_K
from zoe_depth_ros.known_models import ZOED_N
from zoe_depth_ros.known_models import ZOED_NK

# Parts that no result depends on: classifier, index buffers, the first fusion's missing skip.
_RELEASED_UNUSED = re.compile(
    r'relative_position_index$|fc_norm\.|pretrained\.model\.head\.|\.k_idx$|\.K_minus_1$'
    r'|refinenet4\.resConfUnit1\.|k_bias$')
_HF_UNUSED = re.compile(
    r'relative_position_index$|\.k_idx$|\.k_minus_1$|fusion_stage\.layers\.0\.residual_layer1\.')
# In replacements {n} means n - 1, [n] means 3 - n and <name> the number of the head so named.
_RELEASED_RULES = (
    (r'^core\.core\.pretrained\.model\.patch_embed\.proj\.', 'encoder.patch_embed.'),
    (r'^core\.core\.pretrained\.model\.blocks\.(\d+)\.attn\.relative_position_bias_table$',
     r'encoder.position_bias.tables.\1'),
    (r'^core\.core\.pretrained\.model\.', 'encoder.'),
    (r'^core\.core\.pretrained\.act_postprocess(\d)\.0\.project\.0\.',
     r'decoder.reassemble.{\1}.readout.'),
    (r'^core\.core\.pretrained\.act_postprocess(\d)\.3\.', r'decoder.reassemble.{\1}.project.'),
    (r'^core\.core\.pretrained\.act_postprocess(\d)\.4\.', r'decoder.reassemble.{\1}.resizer.'),
    (r'^core\.core\.scratch\.layer(\d)_rn\.', r'decoder.lateral.{\1}.'),
    (r'^core\.core\.scratch\.refinenet(\d)\.resConfUnit1\.', r'decoder.fusion.{\1}.skip_unit.'),
    (r'^core\.core\.scratch\.refinenet(\d)\.resConfUnit2\.', r'decoder.fusion.{\1}.unit.'),
    (r'^core\.core\.scratch\.refinenet(\d)\.out_conv\.', r'decoder.fusion.{\1}.project.'),
    (r'^core\.core\.scratch\.output_conv\.0\.', 'decoder.relative_head.conv1.'),
    (r'^core\.core\.scratch\.output_conv\.2\.', 'decoder.relative_head.conv2.'),
    (r'^core\.core\.scratch\.output_conv\.4\.', 'decoder.relative_head.conv3.'),
    (r'^conv2\.', 'embedding.bottleneck.'),
    (r'^(seed_projector|projectors\.\d)\._net\.', r'embedding.\1.'),
    (r'^seed_bin_regressor\._net\.', 'heads.0.seed.'),
    (r'^seed_bin_regressors\.(\w+)\._net\.', r'heads.<\1>.seed.'),
    (r'^attractors\.(\d)\._net\.', r'heads.0.attractors.\1.'),
    (r'^attractors\.(\w+)\.(\d)\._net\.', r'heads.<\1>.attractors.\2.'),
    (r'^conditional_log_binomial\.mlp\.', 'heads.0.distribution.mlp.'),
    (r'^conditional_log_binomial\.(\w+)\.mlp\.', r'heads.<\1>.distribution.mlp.'),
    (r'\.distribution\.mlp\.0\.', '.distribution.hidden.'),
    (r'\.distribution\.mlp\.2\.', '.distribution.output.'),
    (r'^patch_transformer\.embedding_convPxP\.', 'router.embed.'),
    (r'^patch_transformer\.transformer_encoder\.', 'router.encoder.'),
    (r'^mlp_classifier\.', 'router.classifier.'),
)
_HF_RULES = (
    (r'^backbone\.embeddings\.cls_token$', 'encoder.cls_token'),
    (r'^backbone\.embeddings\.patch_embeddings\.projection\.', 'encoder.patch_embed.'),
    (r'^backbone\.encoder\.layer\.(\d+)\.attention\..*relative_position_bias_table$',
     r'encoder.position_bias.tables.\1'),
    (r'^backbone\.encoder\.layer\.(\d+)\.attention\.output\.dense\.',
     r'encoder.blocks.\1.attn.proj.'),
    (r'^backbone\.encoder\.layer\.(\d+)\.attention\.attention\.',
     r'encoder.blocks.\1.attn.'),
    (r'^backbone\.encoder\.layer\.(\d+)\.layernorm_before\.', r'encoder.blocks.\1.norm1.'),
    (r'^backbone\.encoder\.layer\.(\d+)\.layernorm_after\.', r'encoder.blocks.\1.norm2.'),
    (r'^backbone\.encoder\.layer\.(\d+)\.lambda_', r'encoder.blocks.\1.gamma_'),
    (r'^backbone\.encoder\.layer\.(\d+)\.intermediate\.dense\.', r'encoder.blocks.\1.mlp.fc1.'),
    (r'^backbone\.encoder\.layer\.(\d+)\.output\.dense\.', r'encoder.blocks.\1.mlp.fc2.'),
    (r'^neck\.reassemble_stage\.readout_projects\.(\d)\.0\.', r'decoder.reassemble.\1.readout.'),
    (r'^neck\.reassemble_stage\.layers\.(\d)\.projection\.', r'decoder.reassemble.\1.project.'),
    (r'^neck\.reassemble_stage\.layers\.(\d)\.resize\.', r'decoder.reassemble.\1.resizer.'),
    (r'^neck\.convs\.', 'decoder.lateral.'),
    (r'^neck\.fusion_stage\.layers\.(\d)\.residual_layer1\.convolution(\d)\.',
     r'decoder.fusion.[\1].skip_unit.conv\2.'),
    (r'^neck\.fusion_stage\.layers\.(\d)\.residual_layer2\.convolution(\d)\.',
     r'decoder.fusion.[\1].unit.conv\2.'),
    (r'^neck\.fusion_stage\.layers\.(\d)\.projection\.', r'decoder.fusion.[\1].project.'),
    (r'^relative_head\.', 'decoder.relative_head.'),
    (r'^metric_head\.conv2\.', 'embedding.bottleneck.'),
    (r'^metric_head\.(seed_projector|projectors\.\d)\.', r'embedding.\1.'),
    (r'^metric_head\.seed_bin_regressor\.', 'heads.0.seed.'),
    (r'^metric_head\.seed_bin_regressors\.(\w+)\.', r'heads.<\1>.seed.'),
    (r'^metric_head\.attractors\.(\d)\.', r'heads.0.attractors.\1.'),
    (r'^metric_head\.attractors\.(\w+)\.(\d)\.', r'heads.<\1>.attractors.\2.'),
    (r'^metric_head\.conditional_log_binomial\.mlp\.', 'heads.0.distribution.mlp.'),
    (r'^metric_head\.conditional_log_binomial\.(\w+)\.mlp\.', r'heads.<\1>.distribution.mlp.'),
    (r'^((?:embedding|heads)\..*)\.conv1\.', r'\1.0.'),
    (r'^((?:embedding|heads)\..*)\.conv2\.', r'\1.2.'),
    (r'\.distribution\.mlp\.0\.', '.distribution.hidden.'),
    (r'\.distribution\.mlp\.2\.', '.distribution.output.'),
    (r'^metric_head\.patch_transformer\.embedding_convPxP\.', 'router.embed.'),
    (r'^metric_head\.patch_transformer\.transformer_encoder\.(\d+)\.',
     r'router.encoder.layers.\1.'),
    (r'^metric_head\.mlp_classifier\.linear1\.', 'router.classifier.0.'),
    (r'^metric_head\.mlp_classifier\.linear2\.', 'router.classifier.2.'),
)


def translate(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], ModelConfig | None]:
    """
    Rename a state dict of any known layout to this package's names.

    :param state: tensors by name.
    :return: the renamed tensors, and the released variant they belong to; None for weights that
        already have this package's names.
    :raises WeightsError: the names belong to no known layout.
    """
    state = {name.removeprefix('module.'): tensor for name, tensor in state.items()}
    if any(name.startswith('core.core.pretrained.') for name in state):
        return _renamed(state, _RELEASED_UNUSED, _RELEASED_RULES)
    if any(name.startswith('backbone.encoder.layer.') for name in state):
        renamed, config = _renamed(state, _HF_UNUSED, _HF_RULES)
        return _joined_projections(renamed), config
    if 'encoder.cls_token' in state:
        return dict(state), None
    if _prefix_of_part(state) is not None:
        raise WeightsError(
            'only encoder or decoder, no metric heads: a training can start from it '
            '(init_parts = encoder_decoder or encoder), a network cannot')
    raise WeightsError(
        f'no known weight layout has keys like {sorted(state)[:3]} '
        '(known: released ZoeDepth .pt, Hugging Face ZoeDepth, zoe_depth_ros)')


def translate_part(
    state: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], ModelConfig | None]:
    """
    Rename as `translate` does, tensors of MiDaS (encoder and decoder) or BEiT (encoder) too.

    :return: the renamed tensors, and the released variant they belong to, if any.
    :raises WeightsError: the names belong to no known layout.
    """
    prefix = _prefix_of_part(state)
    if prefix is None:
        return translate(state)
    released = {f'{prefix}{name}': tensor for name, tensor in state.items()}
    return _renamed(released, _RELEASED_UNUSED, _RELEASED_RULES)[0], None


def _prefix_of_part(state: Mapping[str, Tensor]) -> str | None:
    """Return what the names of MiDaS or BEiT lack of those in a released ZoeDepth, else None."""
    if 'pretrained.model.cls_token' in state:
        return 'core.core.'
    if 'cls_token' in state and 'blocks.0.attn.relative_position_bias_table' in state:
        return 'core.core.pretrained.model.'
    return None


def _renamed(
    state: Mapping[str, Tensor], unused: re.Pattern[str], rules: tuple[tuple[str, str], ...],
) -> tuple[dict[str, Tensor], ModelConfig]:
    config = _variant(state)
    heads = {head.name: number for number, head in enumerate(config.heads)}
    renamed = {}
    for name, tensor in state.items():
        if unused.search(name):
            continue
        new_name = name
        for pattern, replacement in rules:
            new_name = re.sub(pattern, replacement, new_name)
        new_name = re.sub(r'\{(\d)\}', lambda match: str(int(match[1]) - 1), new_name)
        new_name = re.sub(r'\[(\d)\]', lambda match: str(3 - int(match[1])), new_name)
        new_name = re.sub(
            r'<(\w+)>', lambda match: str(heads.get(match[1], f'<{match[1]}>')), new_name)
        renamed[new_name] = tensor
    return renamed, config


def _variant(state: Mapping[str, Tensor]) -> ModelConfig:
    """Tell N, K and NK apart: only NK has a router, and K's attractors come in pairs."""
    if any('patch_transformer.' in name for name in state):
        return ZOED_NK
    first = re.compile(r'(^|\.)attractors\.0\.(_net\.2|conv2)\.weight$')
    counts = [len(tensor) for name, tensor in state.items() if first.search(name)]
    return ZOED_K if counts == [2 * ZOED_K.bins.n_attractors[0]] else ZOED_N


def _joined_projections(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Join separate query, key and value tensors into the fused ones of timm and torch."""
    joined = dict(state)
    for name in state:
        owner, _, kind = name.rpartition('.query.')
        if not owner:
            continue
        parts = [joined.pop(f'{owner}.{part}.{kind}', None) for part in ('query', 'key', 'value')]
        present = [part for part in parts if part is not None]
        if owner.startswith('router.'):
            joined[f'{owner}.in_proj_{kind}'] = torch.cat(present)
        elif kind == 'weight':
            joined[f'{owner}.qkv.weight'] = torch.cat(present)
        else:
            joined[f'{owner}.q_bias'], joined[f'{owner}.v_bias'] = present[0], present[-1]
    return joined
