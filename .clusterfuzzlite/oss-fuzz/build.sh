#!/bin/bash
# The targets and how they are built belong to the repository.
set -euo pipefail
exec "$SRC/wsproof/.clusterfuzzlite/build.sh"
