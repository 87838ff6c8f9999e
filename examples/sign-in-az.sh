#!/usr/bin/env bash
# Point az at the sandbox that is being served, and sign in, in a shell that has evaluated the lines
# of `patchctl sandbox env`.
set -euo pipefail

az cloud register -n Sandbox --endpoint-resource-manager "$ARM_ENDPOINT" && az cloud set -n Sandbox
az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"
