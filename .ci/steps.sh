# Functions for .ci/run and .ci/full: they time steps, and record what failed and what was skipped.

export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
export RUST_BACKTRACE=1
export CARGO_INCREMENTAL=0

failed=()
not_run=()
windows_cargo=../shared/tools/windows-cargo

# step NAME COMMAND…: runs a step. If it fails, the others still run.
step() {
    local name="$1" start=$SECONDS
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    if "$@"; then
        printf -- '-- %s: passed in %s s\n' "$name" "$((SECONDS - start))"
    else
        printf -- '-- %s: FAILED with status %s after %s s\n' "$name" "$?" "$((SECONDS - start))"
        failed+=("$name")
    fi
}

# step_if REASON PROBE NAME COMMAND…: runs a step if the probe succeeds.
step_if() {
    local reason="$1" probe="$2" name="$3"
    shift 3
    if eval "$probe" >/dev/null 2>&1; then
        step "$name" "$@"
    else
        not_run+=("$name: $reason")
    fi
}

# tools PACKAGE…: installs Debian packages if possible.
tools() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "not installed: this needs root and apt-get"
        return
    fi
    apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        echo "not installed: apt-get failed"
}

# finish: lists what was skipped and what failed, and ends the script.
finish() {
    printf '\n== %s s in all\n' "$SECONDS"
    for what in "${not_run[@]}"; do
        printf 'not run: %s\n' "$what"
    done
    if [ "${#failed[@]}" -gt 0 ]; then
        printf 'FAILED: %s\n' "${failed[@]}"
        exit 1
    fi
    echo "everything that was run has passed"
}
