#!/usr/bin/env bash
# Builds the image of deploy/Dockerfile from this checkout (after `npm ci`), for this machine's kind of processor.
# What stands behind it goes to `docker build`, such as:
#   deploy/build-image.sh --tag registry.example/loadline:0.1.0 --build-arg BASE=debian-with-libstdc++
set -euo pipefail
cd "$(dirname "$0")/.."

# The Node that the lock names, where it is there.
export PATH="$PWD/node_modules/.bin:$PATH"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

npm run -s build -- --outDir "$stage/app/dist" --declaration false
cp package.json LICENSE "$stage/app"
# The first line is this package itself.
npm ls --omit=dev --all --parseable | tail -n +2 | sed "s|^$PWD/||" >"$stage/packages"
tar -c --exclude='*.map' --exclude='*.d.ts' --exclude='*.d.cts' --exclude='*.d.mts' -T "$stage/packages" | tar -x -C "$stage"
cp "$(node -p 'process.execPath')" "$stage/node"
cp deploy/Dockerfile "$stage"
rm "$stage/packages"
# Read by whatever user it runs as.
chmod -R a+rX "$stage"
mkdir "$stage/work"
mkdir -m 1777 "$stage/work/runs"

docker build "$@" "$stage"
