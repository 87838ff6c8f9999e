#!/usr/bin/env bash
# From nothing to a watched patch night with its mail and its report, in three commands.
# Run it in a checkout; it works in a folder of its own and prints how long it took.
set -euo pipefail

cd -- "$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
export PATCHCTL_SANDBOX_DIR="$folder/sandbox" PATCHCTL_STATE_DIR="$folder/state" PATCHCTL_SANDBOX=1
python=${PYTHON:-python3}
begun=$SECONDS

# 1. Install, and deploy on the sandbox.
"$python" -m venv "$folder/venv" && "$folder/venv/bin/python" -m pip install --quiet . && "$folder/venv/bin/patchctl" deploy --email you@example.com --yes

# 2. Let a week pass; the machine finds no updates when its window opens.
"$folder/venv/bin/patchctl" sandbox advance --by 8d --fail-machine vm-demo-daab01

# 3. What happened, as one page.
"$folder/venv/bin/patchctl" report --out "${1:-$folder/report.html}"

echo "Three commands, $((SECONDS - begun)) seconds."
