# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import json
import math
from runpy import run_path

import pytest
from timm.models.beit import Beit
import torch
from training_helpers import ALONE
from training_helpers import batches_of
from training_helpers import quick_config
from training_helpers import quick_run
from training_helpers import TINY_MODEL
from training_helpers import write_list

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.known_models import ZOED_N
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.layouts import translate_part
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.batches import load
from zoe_depth_ros.training.network import build_network
from zoe_depth_ros.training.optimizer import build_average
from zoe_depth_ros.training.optimizer import build_optimizer
from zoe_depth_ros.training.optimizer import build_schedule
from zoe_depth_ros.training.optimizer import group_of
from zoe_depth_ros.training.optimizer import parameter_groups
from zoe_depth_ros.training.processes import Process
from zoe_depth_ros.training.run import MOST_BAD_STEPS
from zoe_depth_ros.training.run import resume
from zoe_depth_ros.training.run import Run
from zoe_depth_ros.training.sources import open_sources


@pytest.fixture(scope='module')
def model():
    return build_network(quick_config())


# Parameter groups, schedule and average


def test_every_parameter_is_in_one_group_and_only_matrices_decay(model):
    groups = parameter_groups(model, quick_config())
    grouped = [id(one) for group in groups for one in group.parameters]
    assert sorted(grouped) == sorted(map(id, model.parameters()))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for group in groups:
        for parameter in group.parameters:
            is_plain = parameter.ndim < 2 or group.name == 'tables' or (
                names[id(parameter)] == 'encoder.cls_token')
            assert (group.weight_decay == 0) == is_plain
    assert [(group.name, group.weight_decay > 0) for group in groups] == [
        ('encoder', True), ('encoder', False), ('tables', False), ('decoder', True),
        ('decoder', False), ('heads', True), ('heads', False)]


def test_groups_have_the_rates_of_their_divisors(model):
    config = quick_config(learning_rate=1.0, encoder_divisor=10, table_divisor=0.5,
                          decoder_divisor=4, head_divisor=2)
    rates = {group.name: group.learning_rate for group in parameter_groups(model, config)}
    assert rates == {'encoder': 0.1, 'tables': 2.0, 'decoder': 0.25, 'heads': 0.5}


def test_reassembly_has_the_encoders_rate_as_in_zoedepth():
    assert group_of('decoder.reassemble.0.readout.weight') == 'encoder'
    assert group_of('decoder.lateral.0.weight') == 'decoder'
    assert group_of('embedding.bottleneck.weight') == 'heads'


def test_relative_stage_has_no_head_to_train():
    run = quick_run(stage='relative')
    assert {group.name for group in run.groups} == {'encoder', 'tables', 'decoder'}
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    run.step([batches_of(run)[0]])
    changed = {name.split('.')[0] for name, tensor in run.model.state_dict().items()
               if not torch.equal(tensor, before[name])}
    assert changed == {'encoder', 'decoder'}


def test_schedule_rises_to_each_groups_rate_and_falls_while_momentum_does_the_opposite(model):
    config = quick_config(
        steps=9, warmup=0.5, learning_rate=1.0, encoder_divisor=10, div_factor=4,
        final_div_factor=5)
    optimizer = build_optimizer(parameter_groups(model, config), config)
    schedule = build_schedule(optimizer, config)
    rates, momenta = [], []
    for _ in range(10):
        rates.append(schedule.get_last_lr()[0])
        momenta.append(optimizer.param_groups[0]['betas'][0])
        optimizer.step()
        if len(rates) < 10:
            schedule.step()
    assert rates[0] == pytest.approx(0.1 / 4) and rates[4] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(0.1 / 4 / 5)
    assert max(rates) <= 0.1
    assert momenta[0] == momenta[9] == 0.95
    assert min(momenta) == momenta[4] == pytest.approx(0.85)


@pytest.mark.parametrize(('steps', 'warmup'), [(19, 0.05), (9, 0.1), (99, 0.01), (1, 0.5)])
def test_schedule_whose_rise_is_no_step_begins_at_its_peak(model, steps, warmup):
    config = quick_config(steps=steps, warmup=warmup, learning_rate=1.0)
    optimizer = build_optimizer(parameter_groups(model, config), config)
    schedule = build_schedule(optimizer, config)
    assert schedule.get_last_lr()[0] == pytest.approx(1, rel=1e-3)
    for _ in range(steps):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr()[0] < 1e-3


def test_average_forgets_its_beginning_quickly_and_then_slowly():
    weights = torch.nn.Linear(1, 1, bias=False)
    average = build_average(weights, decay=0.9)
    values = []
    for value in (0.0, 1.0, 1.0, 1.0):
        weights.weight.data.fill_(value)
        average.update_parameters(weights)
        values.append(average.module.weight.item())
    left = [2 / 11, 2 / 11 * 3 / 12, 2 / 11 * 3 / 12 * 4 / 13]
    assert values == pytest.approx([0.0, *(1 - rest for rest in left)])
    average.n_averaged.fill_(10_000)
    weights.weight.data.fill_(0.0)
    average.update_parameters(weights)
    assert average.module.weight.item() == pytest.approx(0.9 * values[-1])


# Steps


def test_step_with_a_loss_that_is_not_finite_changes_nothing_and_is_counted():
    run = quick_run(steps=20)
    batch = batches_of(run)[0]
    bad = replace(batch, image=torch.full_like(batch.image, math.nan))
    run.step([batch])
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    average = {name: tensor.clone() for name, tensor in run.averaged_model.state_dict().items()}
    step = run.step([bad])
    assert math.isnan(step.total) and (step.number, step.skipped_steps) == (2, 1)
    assert all(torch.equal(tensor, before[name])
               for name, tensor in run.model.state_dict().items())
    assert all(torch.equal(tensor, average[name])
               for name, tensor in run.averaged_model.state_dict().items())
    assert math.isfinite(run.step([batch]).total)


def test_steps_in_a_row_that_are_not_finite_end_the_run():
    run = quick_run(steps=20)
    batch = batches_of(run)[0]
    bad = replace(batch, image=torch.full_like(batch.image, math.nan))
    for _ in range(MOST_BAD_STEPS - 1):
        run.step([bad])
    with pytest.raises(TrainingError, match=rf'{MOST_BAD_STEPS} steps in a row.* is nan'):
        run.step([bad])


def test_step_that_the_device_has_no_memory_for_is_one_error(monkeypatch):
    run = quick_run()
    monkeypatch.setattr(run.model, 'forward', out_of_memory)
    parts = next(load(batches_of(run), 0))
    with pytest.raises(DeviceError, match=r'^step 1 failed on cpu: out of memory$'):
        run.step(parts)
    with pytest.raises(DeviceError, match=r'^the first step failed on cpu: out of memory$'):
        run.loss(parts)


def out_of_memory(*_, **__):
    raise torch.OutOfMemoryError('out of memory')


def test_step_counts_images_without_depth_and_stays_finite():
    run = quick_run()
    batch = batches_of(run)[0]
    empty = replace(batch, depth_m=torch.full_like(batch.depth_m, math.nan))
    assert run.step([empty]).skipped_images == 4
    step = run.step([batch])
    assert step.skipped_images == 4
    assert math.isfinite(step.gradient_norm)


def test_step_in_parts_has_the_mean_of_their_losses_and_gradients():
    whole = quick_run(model_options={**TINY_MODEL, 'router': {'dropout': 0.0}})
    parts = quick_run(model_options={**TINY_MODEL, 'router': {'dropout': 0.0}}, accumulate=2)
    batch = batches_of(whole)[0]
    double = whole.step([batch])
    twice = parts.step([batch, batch])
    assert twice.total == pytest.approx(double.total, rel=1e-6)
    assert twice.gradient_norm == pytest.approx(double.gradient_norm, rel=1e-4)


@pytest.mark.parametrize(('precision', 'device', 'capabilities', 'expected'), [
    ('bf16', 'cpu', {}, True), ('fp32', 'cuda', {'cuda': True}, False),
    ('auto', 'cuda', {'cuda': True}, True), ('auto', 'cuda', {'cuda': False}, False),
    ('auto', 'cpu', {'avx2': True, 'avx512_bf16': False}, False), ('auto', 'cpu', {}, False),
    ('auto', 'cpu', {'avx512_bf16': True}, True), ('auto', 'cpu', {'amx_bf16': True}, True)])
def test_precision_is_bfloat16_where_the_device_has_instructions_for_it(
        monkeypatch, precision, device, capabilities, expected):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: capabilities)
    monkeypatch.setattr(
        torch.cuda, 'is_bf16_supported', lambda *, including_emulation: capabilities['cuda'])
    assert Process(0, 1, torch.device(device)).computes_in_bf16(precision) is expected


def test_step_in_bfloat16_has_nearly_the_loss_of_float32():
    losses = [run.loss([batches_of(run)[0]])
              for run in (quick_run(precision='fp32'), quick_run(precision='bf16'))]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]


def test_dropout_of_a_step_depends_on_its_number_only():
    run, again = (quick_run(
        model_options={**TINY_MODEL, 'router': {'dropout': 0.5}}) for _ in range(2))
    batch = batches_of(run)[0]
    torch.rand(7)
    assert run.loss([batch]) == again.loss([batch])
    again.steps_done = 1
    assert run.loss([batch]) != again.loss([batch])


# The network to start from


def test_network_starts_from_whole_weights_with_their_own_configuration(tmp_path, model):
    save_checkpoint(model, tmp_path / 'w.safetensors')
    config = quick_config(model_options={}, init=str(tmp_path / 'w.safetensors'))
    started = build_network(config)
    assert started.config == model.config
    assert torch.equal(started.encoder.cls_token, model.encoder.cls_token)
    assert all(parameter.requires_grad for parameter in Run(config, ALONE).model.parameters())


def test_network_that_has_more_than_its_weights_predicts_as_they_do_at_first(tmp_path):
    stem = {'encoder': {**TINY_MODEL['encoder'], 'stem': 'conv'}}
    plain = build_network(quick_config(model_options={**TINY_MODEL, **stem}))
    save_checkpoint(plain, tmp_path / 'w.safetensors')
    config = quick_config(
        init=str(tmp_path / 'w.safetensors'),
        model_options={'encoder': {'absolute_position': True}, 'decoder': {'stem_maps': True}})
    grown = build_network(config)
    assert set(grown.state_dict()) - set(plain.state_dict()) == {
        'encoder.absolute_position', *(f'decoder.stem_lateral.{n}.weight' for n in range(3))}
    image = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert torch.equal(grown.eval()(image).depth_m, plain.eval()(image).depth_m)
    run = Run(config, ALONE)
    run.step([batches_of(run)[0]])
    run.save_weights(tmp_path / 'grown.safetensors')
    again = load_checkpoint(tmp_path / 'grown.safetensors')
    assert again.config == grown.config
    assert again.decoder.stem_lateral[2].weight.any()


def test_network_with_options_its_weights_do_not_fit_cannot_start_from_them(tmp_path, model):
    save_checkpoint(model, tmp_path / 'w.safetensors')
    for options in (
            {'bins': {'distribution': 'softmax'}}, {'bins': {'attractor': 'exp'}},
            {'encoder': {'absolute_position': True, 'depth': 5}}):
        with pytest.raises(ConfigError, match=r'model_options = .*w\.safetensors .*can be added'):
            build_network(quick_config(
                init=str(tmp_path / 'w.safetensors'), model_options=options))


def test_network_of_other_heads_starts_from_encoder_and_decoder(tmp_path, model):
    save_checkpoint(model, tmp_path / 'w.safetensors')
    started = build_network(quick_config(
        model_options={**TINY_MODEL, 'heads': [
            {'name': 'any', 'domain': 'outdoor', 'min_depth_m': 0.1, 'max_depth_m': 20.0}],
            'router': None},
        init=str(tmp_path / 'w.safetensors'), init_parts='encoder_decoder'))
    assert len(started.heads) == 1 and started.router is None
    for part in ('encoder', 'decoder'):
        given = getattr(model, part).state_dict()
        assert all(torch.equal(tensor, given[name])
                   for name, tensor in getattr(started, part).state_dict().items())


def test_network_of_another_encoder_cannot_start_from_weights(tmp_path, model):
    save_checkpoint(model, tmp_path / 'w.safetensors')
    with pytest.raises(WeightsError, match='another encoder'):
        build_network(quick_config(
            model_options={**TINY_MODEL, 'encoder': {'embed_dim': 64, 'depth': 4, 'num_heads': 2,
                                                     'hooks': [0, 1, 2, 3]}},
            init=str(tmp_path / 'w.safetensors'), init_parts='encoder_decoder'))


def test_relative_stage_starts_from_an_encoder_of_timm(tmp_path, model):
    given = Beit(
        img_size=64, embed_dim=32, depth=4, num_heads=2, use_abs_pos_emb=False,
        use_rel_pos_bias=True, init_values=0.5)
    path = tmp_path / 'beit.pt'
    torch.save(given.state_dict(), path)
    started = build_network(quick_config(
        stage='relative', init=str(path), init_parts='encoder'))
    assert torch.equal(started.encoder.patch_embed.weight, given.patch_embed.proj.weight)
    assert torch.equal(
        started.encoder.blocks[3].attn.qkv.weight, given.blocks[3].attn.qkv.weight)
    assert torch.equal(
        started.encoder.position_bias.tables[2],
        given.blocks[2].attn.relative_position_bias_table)
    with pytest.raises(WeightsError, match=r'beit\.pt.*missing'):
        build_network(quick_config(init=str(path), init_parts='encoder_decoder'))
    with pytest.raises(WeightsError, match=r'beit\.pt.*init_parts'):
        load_checkpoint(path)


def test_encoder_of_another_width_cannot_start_a_network(tmp_path):
    given = Beit(
        img_size=64, embed_dim=64, depth=4, num_heads=2, use_abs_pos_emb=False,
        use_rel_pos_bias=True, init_values=0.5)
    torch.save(given.state_dict(), tmp_path / 'beit.pt')
    with pytest.raises(WeightsError, match=r'beit\.pt.*misshapen.*64'):
        build_network(quick_config(init=str(tmp_path / 'beit.pt'), init_parts='encoder'))


@pytest.mark.shared
def test_metric_stage_can_start_from_the_weights_of_midas(shared_dir):
    released = run_path(str(shared_dir / 'golden' / 'weights.py'))['read_keys']('n')
    midas = {
        name.removeprefix('core.core.'): torch.empty(shape, device='meta')
        for name, shape in released.items() if name.startswith('core.core.')}
    state, config = translate_part(midas)
    with torch.device('meta'):
        wanted = ZoeDepth(ZOED_N)
    assert config is None
    assert {name: tensor.shape for name, tensor in state.items()} == {
        name: tensor.shape for name, tensor in wanted.state_dict().items()
        if name.startswith(('encoder.', 'decoder.'))}


def test_network_option_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match='n_binz'):
        build_network(quick_config(model_options={'bins': {'n_binz': 3}}))


# State


def test_state_of_a_run_with_other_options_is_refused(tmp_path):
    quick_run().save_state(tmp_path / 'state.pt')
    with pytest.raises(TrainingError, match=r'learning_rate = 0.001, not 0.002'):
        resume(quick_config(learning_rate=0.002), ALONE, tmp_path / 'state.pt')
    resume(quick_config(workers=3, save_every=1), ALONE, tmp_path / 'state.pt')


def test_run_of_a_version_before_an_option_has_its_default(tmp_path):
    path = tmp_path / 'state.pt'
    quick_run().save_state(path)
    state = torch.load(path)
    options = json.loads(state['config'])
    del options['relative_error_weight'], options['validation']
    torch.save(state | {'config': json.dumps(options)}, path)
    resume(quick_config(), ALONE, path)
    with pytest.raises(TrainingError, match=r'relative_error_weight = 0.0, not 2'):
        resume(quick_config(relative_error_weight=2), ALONE, path)


def test_run_goes_on_without_the_weights_it_began_with(tmp_path, model):
    path = tmp_path / 'w.safetensors'
    save_checkpoint(model, path)
    config = quick_config(model_options={}, init=str(path))
    run = Run(config, ALONE)
    batches = batches_of(run)
    run.step([batches[0]])
    run.save_state(tmp_path / 'state.pt')
    path.unlink()
    again = resume(config, ALONE, tmp_path / 'state.pt')
    assert again.step([batches[1]]) == run.step([batches[1]])


def test_run_goes_on_in_the_arithmetic_it_began_with(tmp_path, monkeypatch):
    run = quick_run(precision='bf16')
    run.config = replace(run.config, precision='auto')
    run.save_state(tmp_path / 'state.pt')
    monkeypatch.setattr(torch.cpu, 'get_capabilities', dict)
    batch = batches_of(run)[0]
    again = resume(run.config, ALONE, tmp_path / 'state.pt')
    assert again.loss([batch]) == run.loss([batch])
    assert Run(run.config, ALONE).loss([batch]) != run.loss([batch])


def test_run_does_not_go_on_with_another_number_of_images(tmp_path):
    path = write_list(tmp_path, count=3)
    config = quick_config(datasets=[{'kind': 'list', 'path': str(path)}])
    run = Run(config, ALONE)
    run.use(open_sources(config, run.model.config))
    run.save_state(tmp_path / 'state.pt')
    path.write_text(path.read_text() + '0.png 0_depth.png 50\n')
    again = resume(config, ALONE, tmp_path / 'state.pt')
    with pytest.raises(TrainingError, match=r'from 3 images of .*, now there are 4 images'):
        again.use(open_sources(config, run.model.config))


def test_state_of_another_version_is_refused(tmp_path):
    torch.save({'config': '{}'}, tmp_path / 'state.pt')
    with pytest.raises(TrainingError, match=r'state\.pt is of'):
        resume(quick_config(), ALONE, tmp_path / 'state.pt')


@pytest.mark.parametrize('content', [b'', b'not a state'])
def test_state_that_is_damaged_is_refused(tmp_path, content):
    (tmp_path / 'state.pt').write_bytes(content)
    with pytest.raises(TrainingError, match=r'state\.pt cannot be read'):
        resume(quick_config(), ALONE, tmp_path / 'state.pt')


def test_saved_weights_are_the_average_and_rebuild_their_network(tmp_path):
    run = quick_run()
    for part in range(3):
        run.step([batches_of(run)[part]])
    run.save_weights(tmp_path / 'w.safetensors')
    saved = load_checkpoint(tmp_path / 'w.safetensors')
    assert saved.config == run.model.config
    average, latest = run.averaged_model.state_dict(), run.model.state_dict()
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor.half(), average[name].half())
    assert any(not torch.equal(tensor.half(), latest[name].half())
               for name, tensor in saved.state_dict().items())


def test_weights_trained_at_another_size_are_run_at_that_size(tmp_path):
    def saved_config(**changes):
        quick_run(**changes).save_weights(tmp_path / 'w.safetensors')
        return load_checkpoint(tmp_path / 'w.safetensors').config
    assert saved_config().network_size_hw == (32, 64)
    larger = saved_config(size_hw=[64, 96])
    assert larger == replace(quick_run().model.config, network_size_hw=(64, 96))
    save_checkpoint(quick_run().model, tmp_path / 'start.safetensors')
    tuned = saved_config(
        model_options={}, init=str(tmp_path / 'start.safetensors'), size_hw=[64, 96])
    assert tuned == larger
