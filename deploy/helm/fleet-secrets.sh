#!/usr/bin/env bash
# The folder of `loadline fleet init --agents N` as the three secrets that deploy/helm/loadline mounts, on standard output:
#   deploy/helm/fleet-secrets.sh FLEET [PREFIX] | kubectl apply -f -
# PREFIX (default: loadline) begins their names. The authority's key stays where it is. A secret holds 1 MiB: some 250 agents.
set -euo pipefail
fleet=${1:?the folder of loadline fleet init}
prefix=${2:-loadline}

secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ntype: Opaque\ndata:\n' "$prefix-$1"
}

# name-in-secret file
entry() {
  printf '  %s: %s\n' "$1" "$(base64 <"$2" | tr -d '\n')"
}

secret agents
for folder in "$fleet"/agents/*/; do
  id=$(basename "$folder")
  for file in "$folder"*; do entry "$id.$(basename "$file")" "$file"; done
done

secret coordinator
for file in "$fleet"/coordinator/*; do entry "$(basename "$file")" "$file"; done

secret nats
for file in "$fleet"/nats/*; do entry "$(basename "$file")" "$file"; done
