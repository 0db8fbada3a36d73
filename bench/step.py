"""What the scripts that time a training step share: their flags."""

import argparse


def flags(about):
    """The flags of the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--encoder", default="resnet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=128, help="images; two views of each")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16")
    return parser.parse_args()
