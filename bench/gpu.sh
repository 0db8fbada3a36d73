#!/bin/sh
# Measures training on a GPU beside PyTorch and JAX, in one run, and prints a table. The machine needs no Go: carry a
# binary built with cgo (make build), this folder, and nothing else. Its Python has torch and jax with its CUDA plugin,
# which is also what selfstream computes with.
#
#   bench/gpu.sh [--selfstream ./selfstream] [--rounds 3] [--photos FOLDER] [--smoke]
#
# --smoke does it all in a small size on the processor, with the Go backend, to see that it works.
# PYTHON names the Python; PJRT_PLUGIN_LIBRARY_PATH is another folder with XLA's plugin.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

# XLA looks for pjrt_c_api_cuda_plugin.so, and that for NVIDIA's libraries where pip puts them: two folders up.
plugin=$("$python" -c '
import glob, importlib.util as of
for package in ("jax_plugins.xla_cuda13", "jax_plugins.xla_cuda12"):
    try:
        found = of.find_spec(package)
    except ModuleNotFoundError:
        continue
    for file in glob.glob(found.submodule_search_locations[0] + "/xla_cuda_plugin.so") if found else []:
        print(file)
' | head -n 1)
if [ -n "$plugin" ] && [ -z "${PJRT_PLUGIN_LIBRARY_PATH:-}" ]; then
	links=$(mktemp -d)
	trap 'rm -rf "$links"' EXIT
	packages=$(dirname "$(dirname "$(dirname "$plugin")")")
	mkdir -p "$links/jax_plugins/cuda"
	ln -s "$plugin" "$links/jax_plugins/cuda/pjrt_c_api_cuda_plugin.so"
	for of in "$links" "$links/jax_plugins"; do
		ln -s "$packages/nvidia" "$of/nvidia"
	done
	export PJRT_PLUGIN_LIBRARY_PATH="$links/jax_plugins/cuda"
fi
"$python" "$here/gpu.py" "$@"
