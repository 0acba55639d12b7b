# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import pytest
import torch
from training_helpers import batches_of
from training_helpers import quick_config
from training_helpers import quick_run

from zoe_depth_ros.known_models import ZOED_NK
from zoe_depth_ros.training.batches import TrainBatch
from zoe_depth_ros.training.losses import silog_from_sums
from zoe_depth_ros.training.losses import silog_sums
from zoe_depth_ros.training.network import Prediction
from zoe_depth_ros.training.network import TrainedNetwork
from zoe_depth_ros.training.objective import batch_losses

UNKNOWN, SKY = math.nan, math.inf


def batch_of(rows: list[list[float]], labels: list[int], weights=None) -> TrainBatch:
    depth_m = torch.tensor(rows)[:, None, None]
    count = len(rows)
    return TrainBatch(
        torch.zeros(count, 3, 1, depth_m.shape[-1]), depth_m, torch.tensor(labels),
        torch.tensor(weights or [1.0] * count), torch.full((count,), 0.2, dtype=torch.float64))


def prediction_of(rows: list[list[float]], relative=None, logits=None) -> Prediction:
    depth_m = torch.tensor(rows)[:, None, None].requires_grad_()
    relative = depth_m if relative is None else torch.tensor(relative)[:, None, None]
    return Prediction(
        relative, depth_m, torch.zeros(len(rows), 2) if logits is None else torch.tensor(logits))


def losses_of(prediction: Prediction, batch: TrainBatch, **changes):
    return batch_losses(prediction, batch, quick_config(**changes), ZOED_NK)


def test_metric_loss_pushes_sky_beyond_the_head_and_leaves_out_far_surfaces():
    batch = batch_of([[5.0, SKY, 90.0, 5.0]], [1])
    perfect = losses_of(prediction_of([[5.0, 160.0, 7.0, 5.0]]), batch, sky_factor=2.0)
    assert perfect.metric < 1e-4
    near = losses_of(prediction_of([[5.0, 80.0, 7.0, 5.0]]), batch, sky_factor=2.0)
    assert near.metric.item() == pytest.approx(math.log(2), rel=1e-4)


def test_metric_loss_is_the_mean_over_the_domains_in_the_batch():
    rows, wrong = [[2.0, 3.0], [20.0, 30.0]], [[4.0, 3.0], [20.0, 33.0]]
    both = losses_of(prediction_of(wrong), batch_of(rows, [0, 1])).metric
    single = [losses_of(prediction_of(wrong[n:n + 1]), batch_of(rows[n:n + 1], [n])).metric
              for n in (0, 1)]
    assert both.item() == pytest.approx((single[0] + single[1]).item() / 2)


def test_relative_error_of_every_domain_is_added_by_its_weight():
    truth = batch_of([[2.0, 3.0, UNKNOWN], [20.0, SKY, 100.0]], [0, 1])
    predicted = prediction_of([[4.0, 3.0, 9.0], [15.0, 200.0, 1.0]])
    without, weighted = (
        losses_of(predicted, truth, relative_error_weight=weight) for weight in (0.0, 2.0))
    mean_of_domains = ((1.0 + 0.0) / 2 + 0.25) / 2
    assert (weighted.metric - without.metric).item() == pytest.approx(20 * mean_of_domains)
    assert (weighted.total - without.total).item() == pytest.approx(20 * mean_of_domains)


def test_metric_loss_of_automatic_routing_asks_for_no_label():
    rows, wrong = [[2.0, 3.0], [20.0, 30.0]], [[4.0, 3.0], [20.0, 33.0]]
    one, other = (
        losses_of(prediction_of(wrong), batch_of(rows, labels), routing='auto')
        for labels in ([0, 1], [1, 0]))
    assert one.total == other.total and one.router == 0
    pooled = silog_from_sums(
        silog_sums(torch.tensor(wrong), torch.tensor(rows), torch.ones(2, 2).bool()))
    assert one.metric.item() == pytest.approx(pooled.item())


def test_metric_loss_compares_at_the_size_of_the_truth():
    truth = batch_of([[1.0, 1.5, 2.0, 2.5, 3.0]], [0])
    assert losses_of(prediction_of([[1.0, 2.0, 3.0]]), truth).metric < 1e-4


def test_images_without_known_depth_are_counted_and_change_nothing():
    rows, wrong = [[2.0, 3.0], [UNKNOWN, UNKNOWN]], [[4.0, 3.0], [1.0, 1.0]]
    with_empty = losses_of(prediction_of(wrong), batch_of(rows, [0, 1]), router_weight=0.0)
    without = losses_of(prediction_of(wrong[:1]), batch_of(rows[:1], [0]), router_weight=0.0)
    assert with_empty.total == without.total
    assert (with_empty.skipped.item(), without.skipped.item()) == (1, 0)


@pytest.mark.parametrize('stage', ['metric', 'relative'])
def test_batch_without_any_known_depth_has_loss_zero_and_gradient_zero(stage):
    prediction = prediction_of([[4.0, 3.0]])
    losses = losses_of(
        prediction, batch_of([[UNKNOWN, UNKNOWN]], [0]), stage=stage, router_weight=0.0)
    losses.total.backward()
    assert losses.total == 0 and losses.skipped == 1
    assert prediction.depth_m.grad.abs().max() == 0


def test_relative_loss_takes_sky_as_infinitely_far():
    truth = [[1.0, 2.0, 4.0, SKY, UNKNOWN]]
    disparity = [[1.0, 0.5, 0.25, 0.0, 9.0]]
    loss = losses_of(
        prediction_of(truth, relative=disparity), batch_of(truth, [0]), stage='relative')
    assert loss.total < 1e-6


def test_relative_loss_weighs_images_by_their_data_set():
    truth = [[1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 8.0]]
    relative = [[1.0, 0.5, 0.25, 0.125], [0.0, 0.5, 0.25, 1.0]]
    right, wrong, mixed = (
        losses_of(prediction_of(truth, relative=relative), batch_of(truth, [0, 0], weights),
                  stage='relative').total.item()
        for weights in ([1.0, 0.0], [0.0, 1.0], [3.0, 1.0]))
    assert right < 1e-6 < wrong
    assert mixed == pytest.approx(wrong / 4, rel=1e-5)


def test_total_adds_router_and_relative_losses_by_their_weights():
    prediction = prediction_of([[4.0, 3.0, 2.0]], logits=[[0.0, 2.0]])
    losses = losses_of(
        prediction, batch_of([[2.0, 3.0, 4.0]], [0]), router_weight=5.0, relative_weight=2.0)
    assert losses.router.item() == pytest.approx(math.log(1 + math.exp(2)))
    assert losses.total.item() == pytest.approx(
        (losses.metric + 5 * losses.router + 2 * losses.relative).item())


# Where gradients flow


def touched_parts(**changes) -> set[str]:
    """Return which parts of the network a batch of indoor images gives a gradient."""
    run = quick_run(**changes)
    batch = batches_of(run)[0]
    indoor = TrainBatch(
        batch.image[::2], batch.depth_m[::2], batch.labels[::2], batch.loss_weight[::2],
        batch.trim[::2])
    network = TrainedNetwork(run.model, run.config)
    losses = batch_losses(
        network(indoor.image, indoor.labels), indoor, run.config, run.model.config)
    losses.total.backward()
    return {
        '.'.join(name.split('.')[:2 if name.startswith('heads') else 1])
        for name, parameter in run.model.named_parameters()
        if parameter.grad is not None}


def test_labelled_routing_teaches_only_the_labels_head():
    assert touched_parts(routing='labelled') == {
        'encoder', 'decoder', 'embedding', 'heads.0', 'router'}


def test_labelled_routing_without_router_weight_leaves_the_router_alone():
    assert touched_parts(routing='labelled', router_weight=0.0) == {
        'encoder', 'decoder', 'embedding', 'heads.0'}


def test_trained_routing_teaches_the_head_the_router_picks():
    parts = touched_parts(routing='trained')
    assert parts - {'heads.0', 'heads.1'} == {'encoder', 'decoder', 'embedding', 'router'}
    assert {'heads.0', 'heads.1'} & parts


def test_automatic_routing_teaches_all_heads_and_the_router_by_the_depth_alone():
    assert touched_parts(routing='auto') == {
        'encoder', 'decoder', 'embedding', 'heads.0', 'heads.1', 'router'}


def test_relative_stage_teaches_encoder_and_decoder_only():
    assert touched_parts(stage='relative') == {'encoder', 'decoder'}


def test_trained_routing_asks_the_router_for_every_image():
    run = quick_run(routing='trained')
    image = batches_of(run)[0].image
    network = TrainedNetwork(run.model.eval(), run.config)
    prediction = network(image, torch.zeros(4, dtype=torch.int64))
    chosen = prediction.domain_logits.argmax(dim=1).tolist()
    assert torch.allclose(prediction.depth_m, run.model(image, heads=chosen).depth_m)


def test_automatic_routing_mixes_the_heads_by_the_routers_probabilities():
    run = quick_run(routing='auto')
    image = batches_of(run)[0].image
    model = run.model.eval()
    prediction = TrainedNetwork(model, run.config)(image, torch.zeros(4, dtype=torch.int64))
    assert prediction.depth_m.requires_grad and not prediction.domain_logits.requires_grad
    indoor, outdoor = (model(image, heads=[head] * 4).depth_m for head in (0, 1))
    share = model(image).domain_logits.softmax(dim=1)[:, 0].view(4, 1, 1, 1)
    assert torch.allclose(
        prediction.depth_m, indoor ** share * outdoor ** (1 - share), rtol=1e-4)
