"""`torch_steps.py CASES.json FOLDER`, by a Python with PyTorch: computes what `engine_steps` has of the engine.

TensorFlow and PyTorch do not bear each other in one process. FOLDER holds for each case the engine's inputs in the
layouts of PyTorch, as CASE.npz, and gets the results, as CASE.out.npz.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

from gan import config as configs
from gan.bench.programs import torch_framework, torch_training
from gan.bench.programs.torch_training import Data

MADE = {"article": "made", "dcgan": "DcganGan", "modern": "ModernGan", "sngan": "SnGan"}


def gan_of(case, images, labels, precision=torch.float32, **changes):
    settings = configs.assembled(**{"preset": case["preset"], **case["settings"], **changes})
    make = getattr(importlib.import_module(f"gan.bench.programs.torch_{case['program']}"), MADE[case["program"]])
    return make(settings, Data(images, labels, case["num_classes"]), precision)


def parameters(player):
    """Kernel and bias of each layer in turn, the kernel itself where it is normalized."""
    found = []
    for module in player.modules():
        kernel = module.parametrizations.weight.original if hasattr(module, "parametrizations") else None
        own = dict(module.named_parameters(recurse=False))
        found += [p for p in (own.get("weight") if kernel is None else kernel, own.get("bias")) if p is not None]
    unique = list(dict.fromkeys(found))
    assert {id(p) for p in unique} == {id(p) for p in player.parameters()}
    return unique


def load(gan, given):
    for name, player in zip("gd", gan.players, strict=True):
        with torch.no_grad():
            for i, parameter in enumerate(parameters(player)):
                parameter.copy_(torch.from_numpy(given[f"{name}_{i}"]).view(parameter.shape))
        for module in player.modules():
            if hasattr(module, "parametrizations"):
                norm, kernel = module.parametrizations.weight[0], module.parametrizations.weight.original
                left, _, right = torch.linalg.svd(kernel.detach().flatten(1))
                norm._u.copy_(left[:, 0])
                norm._v.copy_(right[0])  # what the power iteration nears
    gan.averages = [p.detach().clone() for p in gan.generator.parameters()]


def gradients(gan, loss, player):
    """The gradients, zeros where a parameter has no part in the loss."""
    found = torch.autograd.grad(loss, parameters(player), allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters(player), strict=True)]


def losses(gan, real, latents, labels, weight, found, mark=""):
    """The losses of both players and their gradients."""
    generator, discriminator = gan.players
    discriminator.train().requires_grad_(True)
    loss = gan.d_loss(real, latents[0], labels)
    found[f"{mark}d_loss"] = loss.item()
    found |= {f"{mark}d_grad_{i}": g for i, g in enumerate(gradients(gan, loss, discriminator))}
    if gan.config.gamma:
        with_penalty = gan.d_loss_with_penalty(real, latents[0], labels, weight)
        found[f"{mark}penalty"] = with_penalty.item() - loss.item()
        found |= {f"{mark}d_grad_penalty_{i}": g for i, g in enumerate(gradients(gan, with_penalty, discriminator))}
    discriminator.eval().requires_grad_(False)
    loss = gan.g_loss(real, latents[1], labels)
    found[f"{mark}g_loss"] = loss.item()
    found |= {f"{mark}g_grad_{i}": g for i, g in enumerate(gradients(gan, loss, generator))}


def prepared(case, given, precision=torch.float32, **changes):
    real, labels = torch.from_numpy(given["real"]), torch.from_numpy(given["labels"])
    gan = gan_of(case, real, labels, precision, **changes)
    load(gan, given)
    latents = [torch.from_numpy(given[f"latents_{i}"]) for i in range(2)]
    wrong = torch.from_numpy(given["wrong"])
    gan.wrong = lambda labels: wrong
    gan.batch = lambda: (real, labels)
    remaining = list(latents)
    gan.latents = lambda: remaining.pop(0)
    return gan, real, latents, labels, torch.tensor(gan.config.gamma * gan.config.penalty_every_steps)


def compute(case, given):
    gan, real, latents, labels, weight = prepared(case, given)
    gan.discriminator.eval()
    with torch.no_grad():
        found = {"fakes": gan.generator(latents[0], labels), "logits": gan.discriminator(real, labels)}
    losses(gan, real, latents, labels, weight, found)
    gan.step()
    for name, player in zip("gd", gan.players, strict=True):
        found |= {f"{name}_after_{i}": p for i, p in enumerate(parameters(player))}
    order = {id(p): average for p, average in zip(gan.generator.parameters(), gan.averages, strict=True)}
    found |= {f"average_{i}": order[id(p)] for i, p in enumerate(parameters(gan.generator))}
    found["in_place"] = changes_in_place(gan, real, labels)
    found["tiny"] = torch.full((), 2e-38) * 0.25
    found["bfloat16"] = coarse(case, given)
    if case["compiled"]:
        gan, *inputs = prepared(case, given)
        torch.compile = lambda function: compiled(function, backend="aot_eager", fullgraph=True)
        gan.compile()
        losses(gan, *inputs, found, "compiled_")
    return found


def changes_in_place(gan, images, labels):
    """How often what a block's first convolution gave is changed without a copy, at least; -1: there are no blocks."""
    given = []
    blocks = [module for module in gan.discriminator.modules() if hasattr(module, "first")]
    hooks = [block.first.register_forward_hook(lambda module, x, y: given.append(y)) for block in blocks]
    gan.discriminator(images, labels)
    for hook in hooks:
        hook.remove()
    return min((y._version for y in given), default=-1)


def coarse(case, given):
    """The discriminator's loss in bfloat16, with the penalty where there is one."""
    gan, real, latents, labels, weight = prepared(case, given, torch.bfloat16)
    with gan.autocast:
        if gan.config.gamma:
            return gan.d_loss_with_penalty(real, latents[0], labels, weight).item()
        return gan.d_loss(real, latents[0], labels).item()


def behaviour(case, given):
    """How a step of the preset's own goes: what moves in either precision, and how often what is updated."""
    found = {}
    for name, precision in torch_training.PRECISIONS.items():
        gan, *_ = prepared(case, given, precision, **case["own"])
        gan.latents = type(gan).latents.__get__(gan)
        gan.warm_up()
        before = [p.detach().clone() for player in gan.players for p in parameters(player)]
        found[f"{name}_losses"] = torch.stack(gan.step())
        after = [p for player in gan.players for p in parameters(player)]
        found[f"{name}_moved"] = np.mean([not torch.equal(p, was) for p, was in zip(after, before, strict=True)])
    found["d_updates"] = gan.d_optimizer.state_dict()["state"][0]["step"]
    found["g_updates"] = gan.g_optimizer.state_dict()["state"][0]["step"]
    found["steps"] = gan.steps
    seen = given["seen"].tolist()
    found["rates"] = [gan.course(2.0, gan.config.learning_rate_end_factor, images) for images in seen]
    weights = []
    for images in seen:
        gan.averages = [torch.zeros_like(p) for p in gan.generator.parameters()]
        gan.average(images)
        weights.append((gan.averages[0] / next(gan.generator.parameters())).mean().item())
    found["average_weights"] = weights
    gan.discriminator.train()
    with torch.no_grad():
        twice = [gan.discriminator(gan.data.images, gan.data.labels) for _ in range(2)]
    found["drops"] = not torch.allclose(*twice, rtol=1e-2, atol=1e-2)
    return found


torch_framework.set_up(threads=1)
compiled = torch.compile
folder = Path(sys.argv[2])
for name, case in json.loads(Path(sys.argv[1]).read_text()).items():
    torch.manual_seed(0)
    given = np.load(folder / f"{name}.npz")
    found = compute(case, given) | behaviour(case, given)
    torch.compile = compiled
    arrays = {key: value.detach().numpy() if torch.is_tensor(value) else value for key, value in found.items()}
    np.savez(folder / f"{name}.out.npz", **arrays)
