#!/bin/sh
# Build the wheel, install it in an environment that has nothing else, and use it there.
set -eu
uv=$1 python=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$uv" build --quiet --wheel --out-dir "$work/dist" --python "$python" .
"$uv" venv --quiet --python "$python" "$work/venv"
# The locked versions, so that what is tested is what was tested before.
sed -n 's/^\([a-zA-Z0-9].*==[^\\]*\).*/\1/p' requirements.lock > "$work/constraints.txt"
"$uv" pip install --quiet --compile-bytecode --python "$work/venv/bin/python" --constraint "$work/constraints.txt" "$work"/dist/*.whl

# The oldest libraries that pyproject.toml admits do the same work, beside the rest.
oldest() {
    "$uv" venv --quiet --python "$python" "$work/oldest"
    "$uv" pip install --quiet --compile-bytecode --resolution lowest-direct --python "$work/oldest/bin/python" "$work"/dist/*.whl
    cd "$work"
    "$work/oldest/bin/stackcanvas" init old
    cd old
    "$work/oldest/bin/stackcanvas" canvas check
    "$work/oldest/bin/stackcanvas" run train
    "$work/oldest/bin/stackcanvas" deploy churn@1
}
(oldest) > "$work/oldest.log" 2>&1 &
other=$!

cd "$work"
"$work/venv/bin/stackcanvas" --version
"$work/venv/bin/stackcanvas" init first
(cd first && "$work/venv/bin/stackcanvas" canvas check && "$work/venv/bin/stackcanvas" run train)
"$work/venv/bin/stackcanvas" demo --keep "$work/flights"
# Run twice, it works twice.
"$work/venv/bin/stackcanvas" demo --keep "$work/flights"

wait "$other" || { cat "$work/oldest.log"; exit 1; }
cat "$work/oldest.log"
