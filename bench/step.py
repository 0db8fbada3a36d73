"""What the scripts that time a training step share: their flags."""

import argparse


def flags(about):
    """The flags of the command line."""
    all_ = argparse.ArgumentParser(description=about)
    all_.add_argument("--encoder", default="resnet50")
    all_.add_argument("--size", type=int, default=224)
    all_.add_argument("--batch", type=int, default=128, help="images; two views of each")
    all_.add_argument("--steps", type=int, default=100)
    all_.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16")
    return all_.parse_args()
