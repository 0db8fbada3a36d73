"""SimCLR's training step in JAX, as `selfstream compare` makes it: two views of each image in one pass, AdamW,
NT-Xent, NHWC, bfloat16, one jitted function with donated weights.

    python3 bench/gpu_jax.py [--encoder resnet50] [--size 224] [--batch 128] [--steps 100] [--precision bfloat16]

The batch is drawn once and stays on the device. Prints images per second; an
image is two views. Running statistics are not kept, which makes it a little
faster than the others.
"""

import time
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from step import flags


def conv(p, x, stride=1):
    """A convolution with batch normalisation: x in its own type, statistics in float32."""
    pad = p["w"].shape[0] // 2
    y = lax.conv_general_dilated(
        x, p["w"].astype(x.dtype), (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    wide = y.astype(jnp.float32)
    mean, square = wide.mean((0, 1, 2)), jnp.square(wide).mean((0, 1, 2))
    scale = p["scale"] * lax.rsqrt(jnp.maximum(square - mean * mean, 0) + 1e-5)
    return ((wide - mean) * scale + p["bias"]).astype(x.dtype)


def block(p, x, stride):
    y = x
    for i, layer in enumerate(p["body"]):
        # In bottlenecks the 3×3 convolution has the stride, in basic blocks the first.
        strided = i == (1 if len(p["body"]) == 3 else 0)
        y = conv(layer, y, stride if strided else 1)
        if i + 1 < len(p["body"]):
            y = jax.nn.relu(y)
    return jax.nn.relu(y + (conv(p["short"], x, stride) if "short" in p else x))


def network(name):
    """The parameters by a key, and the function of them and of images that gives features."""
    if name == "tiny":
        def new(key):
            widths = (3, 16, 32, 64, 128)
            return [new_conv(k, a, b, 3) for k, a, b in zip(jax.random.split(key, 4), widths, widths[1:])], 128

        def apply(params, x):
            for p in params:
                x = jax.nn.relu(conv(p, x, 2))
            return x
        return new, apply

    depth, _, small = name.removeprefix("resnet").partition("-")
    depths, bottleneck = {"18": ((2, 2, 2, 2), False), "50": ((3, 4, 6, 3), True)}[depth]
    plan = [(64 << stage, 2 if stage and not i else 1) for stage, blocks in enumerate(depths) for i in range(blocks)]

    def new(key):
        keys = iter(jax.random.split(key, 4 * len(plan) + 1))
        params, width = {"stem": new_conv(next(keys), 3, 64, 3 if small else 7), "blocks": []}, 64
        for inner, stride in plan:
            out = 4 * inner if bottleneck else inner
            shapes = [(width, inner, 1), (inner, inner, 3), (inner, out, 1)] if bottleneck else [(width, inner, 3), (inner, out, 3)]
            p = {"body": [new_conv(next(keys), *shape) for shape in shapes]}
            if stride != 1 or width != out:
                p["short"] = new_conv(next(keys), width, out, 1)
            params["blocks"].append(p)
            width = out
        return params, width

    def apply(params, x):
        x = jax.nn.relu(conv(params["stem"], x, 1 if small else 2))
        if not small:
            low = jnp.array(-jnp.inf, x.dtype)
            x = lax.reduce_window(x, low, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), [(0, 0), (1, 1), (1, 1), (0, 0)])
        for p, (_, stride) in zip(params["blocks"], plan):
            x = block(p, x, stride)
        return x
    return new, apply


def new_conv(key, width_in, out, kernel):
    w = jax.random.normal(key, (kernel, kernel, width_in, out)) * (2 / (out * kernel * kernel)) ** 0.5
    return {"w": w, "scale": jnp.ones(out), "bias": jnp.zeros(out)}


def new_model(name, key):
    new, apply = network(name)
    keys = jax.random.split(key, 3)
    params, dim = new(keys[0])
    head = {
        "fc1": jax.random.normal(keys[1], (dim, dim)) * dim ** -0.5, "scale": jnp.ones(dim), "bias": jnp.zeros(dim),
        "fc2": jax.random.normal(keys[2], (dim, 128)) * dim ** -0.5,
    }
    return {"encoder": params, "head": head}, apply


def loss_of(apply, dtype, params, images):
    mean, std = jnp.array([0.485, 0.456, 0.406]), jnp.array([0.229, 0.224, 0.225])
    x = ((images.astype(jnp.float32) / 255 - mean) / std).astype(dtype)
    features = apply(params["encoder"], x).astype(jnp.float32).mean((1, 2))
    h = params["head"]
    y = (features.astype(dtype) @ h["fc1"].astype(dtype)).astype(jnp.float32)
    y = jax.nn.relu((y - y.mean(0)) * lax.rsqrt(y.var(0) + 1e-5) * h["scale"] + h["bias"])
    z = (y.astype(dtype) @ h["fc2"].astype(dtype)).astype(jnp.float32)
    z = z / jnp.sqrt(jnp.maximum(jnp.square(z).sum(1, keepdims=True), 1e-24))
    similarity = z @ z.T / 0.2
    n = len(z)
    similarity = jnp.where(jnp.eye(n, dtype=bool), -jnp.inf, similarity)
    partner = (jnp.arange(n) + n // 2) % n
    return (jax.nn.logsumexp(similarity, axis=1) - similarity[jnp.arange(n), partner]).mean()


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2,))
def step(apply, dtype, state, images):
    """One step of AdamW."""
    params, m, v, t = state
    loss, grads = jax.value_and_grad(partial(loss_of, apply, dtype))(params, images)
    t = t + 1
    each = jax.tree_util.tree_map
    m = each(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    near, far = 1 - 0.9 ** t, 1 - 0.999 ** t

    def moved(w, m, v):
        decay = 1e-4 * w if w.ndim > 1 else 0
        return w - 1e-3 * (m / near / (jnp.sqrt(v / far) + 1e-8) + decay)
    return (each(moved, params, m, v), m, v, t), loss


def main():
    a = flags(__doc__)
    dtype = jnp.dtype(a.precision)
    params, apply = new_model(a.encoder, jax.random.key(1))

    def zeros():
        return jax.tree_util.tree_map(jnp.zeros_like, params)
    state = (params, zeros(), zeros(), jnp.zeros(()))
    images = jax.random.randint(jax.random.key(2), (2 * a.batch, a.size, a.size, 3), 0, 256).astype(jnp.uint8)
    for _ in range(min(10, a.steps)):
        state, loss = step(apply, dtype, state, images)
    jax.block_until_ready(state)
    start = time.perf_counter()
    for _ in range(a.steps):
        state, loss = step(apply, dtype, state, images)
    jax.block_until_ready(state)
    took = time.perf_counter() - start
    where = jax.devices()[0].device_kind
    print(f"jax {jax.__version__} ({where}), {a.encoder} at {a.size} pixels, {a.precision}, loss {float(loss):.4f}\t{a.steps * a.batch / took:.1f} images/s")


if __name__ == "__main__":
    main()
