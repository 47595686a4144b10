#!/bin/sh
# docker, as the image has it: first on the PATH of builds and workflow steps. A command that may be
# repeated is tried again when the engine was started anew under it, so that a restart of the server
# does not fail a build.
case $PATH in */opt/stepmill/shims:*) PATH=${PATH%%/opt/stepmill/shims:*}${PATH#*/opt/stepmill/shims:} ;; esac
export PATH
docker=$(command -v docker) || { echo "docker: this image has no docker command" >&2; exit 127; }
case $1 in
    build | images | inspect | login | pull | push | tag) ;;
    *) exec "$docker" "$@" ;;
esac

scratch=${TMPDIR:-/tmp}/.docker.$$
trap 'rm -f "$scratch" "$scratch.input"' EXIT
input=
for word in "$@"; do
    case $word in - | --password-stdin) input=$scratch.input ;; esac
done
[ -z "$input" ] || cat > "$input"

attempt=1
while :; do
    : > "$scratch"
    if [ -n "$input" ]; then "$docker" "$@" < "$input"; else "$docker" "$@"; fi
    status=$?
    [ $status -ne 0 ] && [ $attempt -lt 10 ] || exit $status
    # An engine that was there before (some shells compare whole seconds) and still answers: the
    # failure is the command's own.
    [ "$scratch" -nt /opt/stepmill/engine/docker.sock ] && "$docker" version > /dev/null 2>&1 && exit $status
    waited=0
    until "$docker" version > /dev/null 2>&1; do
        waited=$((waited + 1))
        [ $waited -lt 60 ] || exit $status
        sleep 0.5
    done
    attempt=$((attempt + 1))
    echo "docker: the engine was started anew; '$1' is tried again" >&2
done
