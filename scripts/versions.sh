# shellcheck shell=sh
# The one place where the tools' versions are pinned. Libraries are pinned in Cargo.lock and the package-lock.json files.

# Must equal the wasm-bindgen crate in Cargo.lock: the tool writes the glue for exactly that version.
WASM_BINDGEN_VERSION=0.2.130
WASM_PACK_VERSION=0.15.1
PESQ_VERSION=0.0.4
NUMPY_VERSION=2.4.6
# Oldest that has been seen to work.
RUST_MINIMUM=1.88
# What Vite asks for; the projects of `make test` are built with it.
NODE_MINIMUM=20.19
