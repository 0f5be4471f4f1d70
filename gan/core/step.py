"""One training step as a pure function: (state, images, labels, stream) -> (state, metrics)."""

from collections.abc import Callable

import tensorflow as tf

from gan.core import augment, ema, gradients, loss_scale, optimizers, rng, scalars
from gan.core.base import Mean, Metrics, Nest, Scalar, identity
from gan.core.game import Game, Rates
from gan.core.gradients import Now
from gan.core.loss_scale import Scale
from gan.core.optimizers import Optimizer
from gan.core.state import Carried, Player, State, carrying

# Streams below that of a step: the generator's update, then one for each discriminator update.
_G_UPDATE, D_UPDATES = 0, 1

Step = Callable[..., tuple[State, Metrics]]  # (state, images, labels, stream, mean, turn=None)


def make_step(game: Game, compiled: Callable[[Callable], Callable] = identity) -> Step:
    """The step of `game`: `d_steps` discriminator updates on fresh images and fakes, then one generator update.

    Images uint8 [d_steps * B, H, W, C] and labels, integers [d_steps * B], are this replica's; `mean` averages a nest
    over the replicas. The generator's update has the labels, and for a paired objective the images, of the
    discriminator's last one. `turn` int32 is equal to the step's number modulo the penalty's period, for those who know
    it on the host. `compiled` wraps the two functions that compute gradients, tensors in and tensors out.
    """
    d_update, g_update = _discriminator_update(game, compiled), _generator_update(game, compiled)

    def step(state: State, images, labels, stream: rng.Stream, mean: Mean, turn=None) -> tuple[State, Metrics]:
        rates, turn = _rates(game, state), state.step if turn is None else turn
        if game.augmenting and not game.augmenting.target:  # it does not adapt: the setting decides
            state = carrying(state, strength=tf.constant(game.augmenting.strength))
        share, found = images.shape[0] // game.d_steps, []  # this replica's of a batch
        for i in range(game.d_steps):
            fresh = images[i * share : (i + 1) * share], labels[i * share : (i + 1) * share]
            state, metrics = d_update(state, i, *fresh, rates, rng.fold(stream, D_UPDATES + i), mean, turn)
            found.append(metrics)
        d_metrics = _means(found)
        state, g_metrics = g_update(state, *fresh, rates, rng.fold(stream, _G_UPDATE), mean)
        in_force = scalars.InForce(rates, Carried.of(state.extra))
        metrics = d_metrics | g_metrics | scalars.made(scalars.STEP, game, in_force)
        state = _averaged(game, _adapted(game, state, d_metrics["d_accuracy_real"]), rates)
        return state._replace(step=state.step + 1), metrics

    return step


def metric_names(game: Game) -> list[str]:
    """The names of the metrics of a step of `game`, without computing it."""
    return scalars.names(game)


def _discriminator_update(game: Game, compiled: Callable[[Callable], Callable]) -> Callable[..., tuple[State, Metrics]]:
    """(state, number in the step, images [B, ...], labels [B], rates, stream, mean, turn) -> (state, metrics)."""
    find = compiled(lambda *tensors: gradients.discriminator_gradients(game, *tensors))

    def update(state: State, i: int, images, labels, rates: Rates, stream: rng.Stream, mean: Mean, turn):
        generator, discriminator, carried = state.generator, state.discriminator, Carried.of(state.extra)
        numbers = (steps * game.d_steps + i for steps in (state.step, turn))
        now = _now(*numbers, rates, carried.strength, carried.d_scale)
        grads, metrics, vectors = find(
            discriminator.params, generator.params, carried.vectors, images, labels, now, stream
        )
        grads, metrics = mean((grads, metrics))
        optimizer, rate = game.d_optimizer(rates.d_beta2), rates.d_learning_rate
        discriminator, scale, grads = _updated(game, discriminator, grads, now, optimizer, rate, game.weight_clip)
        state = carrying(state, vectors=vectors, d_scale=scale)._replace(discriminator=discriminator)
        return state, metrics | scalars.norms("d", grads)

    return update


def _generator_update(game: Game, compiled: Callable[[Callable], Callable]) -> Callable[..., tuple[State, Metrics]]:
    """(state, images [B, ...], labels [B], rates, stream, mean) -> (state, metrics)."""
    find = compiled(lambda *tensors: gradients.generator_gradients(game, *tensors))

    def update(state: State, images, labels, rates: Rates, stream: rng.Stream, mean: Mean):
        generator, discriminator, carried = state.generator, state.discriminator, Carried.of(state.extra)
        now = _now(state.step, state.step, rates, carried.strength, carried.g_scale)
        found = find(generator.params, discriminator.params, carried.vectors, images, labels, now, stream)
        grads, metrics = mean(found)
        optimizer, rate = game.g_optimizer(rates.g_beta2), rates.g_learning_rate
        generator, scale, grads = _updated(game, generator, grads, now, optimizer, rate)
        return carrying(state, g_scale=scale)._replace(generator=generator), metrics | scalars.norms("g", grads)

    return update


def _seen(game: Game, state: State) -> tf.Tensor:
    """The real images before a step."""
    return state.step * (game.batch * game.d_steps)


def _rates(game: Game, state: State) -> Rates:
    """The values of the rates in a step."""
    seen = _seen(game, state)
    return Rates(*(course(seen) if callable(course) else course for course in game.rates))


def _now(update: tf.Tensor, turn: tf.Tensor, rates: Rates, strength, scale: Scale) -> Now:
    """The scalars of an update."""
    return Now(update, turn, tf.convert_to_tensor(rates.penalty_weight, tf.float32), strength, scale)


def _updated(
    game: Game,
    player: Player,
    grads: Nest,
    now: Now,
    optimizer: Optimizer,
    learning_rate: Scalar,
    weight_clip: float = 0.0,
) -> tuple[Player, Scale, Nest]:
    """(the player, its loss scale, the gradient) after an update; one that overflowed changes nothing and is 0."""

    def apply(grads: Nest) -> Player:
        with tf.name_scope("optimizer"):
            if game.gradient_clip:
                grads = optimizers.clip_by_global_norm(grads, game.gradient_clip)
            count = loss_scale.count(now.update, now.scale)
            params, slots = optimizer.update(grads, player.slots, player.params, count, learning_rate)
            return Player(optimizers.clip_weights(params, weight_clip) if weight_clip else params, slots)

    return loss_scale.guarded(apply, grads, player, now.scale)


def _means(found: list[Metrics]) -> Metrics:
    """The mean of each metric over several updates."""
    return {name: tf.reduce_mean(tf.stack([metrics[name] for metrics in found])) for name in found[0]}


def _adapted(game: Game, state: State, accuracy: tf.Tensor) -> State:
    """After a step in which this share of the real images was told to be real: the augmentation's strength moved."""
    rule = game.augmenting
    if not (rule and rule.target):
        return state
    sign = 2.0 * accuracy - 1.0  # the mean sign of the margins
    strength = Carried.of(state.extra).strength
    strength = augment.adapt(strength, sign, game.batch * game.d_steps, rule.target, rule.over_images)
    return carrying(state, strength=strength)


def _averaged(game: Game, state: State, rates: Rates) -> State:
    """After the updates of a step, its number not yet raised: the averages follow the generator."""
    if game.ema_ramp is None:
        return state
    with tf.name_scope("ema"):
        averages = ema.update(
            state.averages,
            state.generator.params,
            _seen(game, state),
            game.batch * game.d_steps,
            rates.ema_half_life_images,
            game.ema_ramp,
        )
    return state._replace(averages=averages)
