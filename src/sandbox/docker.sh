#!/bin/sh
# docker, as the image has it: first on the PATH of builds and workflow steps. A command that may be
# repeated is tried again when the engine was started anew under it, so that a restart of the server
# does not fail a build. `run --rm` becomes `run` and `rm`: the engine answers 0 for the exit code of
# what it removes by itself (podman before 4.6).
case $PATH in */opt/stepmill/shims:*) PATH=${PATH%%/opt/stepmill/shims:*}${PATH#*/opt/stepmill/shims:} ;; esac
export PATH
docker=$(command -v docker) || { echo "docker: this image has no docker command" >&2; exit 127; }

# run [OPTIONS] IMAGE ...: finds --rm among the options, never in the command behind the image.
run_container() {
    removes= detached= file= taker= at=options
    for word do
        shift
        if [ $at = value ]; then
            [ "$taker" != --cidfile ] || file=$word
            at=options
        elif [ $at = options ]; then
            case $word in
                --rm | --rm=true) removes=1; continue ;;
                --rm=false) removes=; continue ;;
                --detach | --detach=true) detached=1 ;;
                --cidfile=*) file=${word#*=} ;;
                --) at=image ;;
                --*=* | --disable-content-trust | --help | --init | --interactive | --no-healthcheck | \
                    --oom-kill-disable | --privileged | --publish-all | --quiet | --read-only | \
                    --sig-proxy | --tty | --use-api-socket) ;;
                --*) at=value taker=$word ;;
                -?*)
                    letters=${word#-}
                    while [ -n "$letters" ]; do
                        rest=${letters#?}
                        case $letters in
                            d*) detached=1 ;;
                            [iPqt]*) ;;
                            *) [ -n "$rest" ] || at=value taker=$word; rest= ;;
                        esac
                        letters=$rest
                    done ;;
                *) at=image ;;
            esac
        fi
        set -- "$@" "$word"
    done
    [ -n "$removes" ] || exec "$docker" run "$@"
    # Nobody waits for it; or docker itself says what is wrong.
    [ -z "$detached" ] && [ ! -e "$file" ] || exec "$docker" run --rm "$@"
    own=${TMPDIR:-/tmp}/.docker.$$.id
    [ -n "$file" ] || { file=$own; set -- --cidfile "$file" "$@"; }
    trap : HUP INT TERM
    "$docker" run "$@"
    status=$?
    [ ! -s "$file" ] || "$docker" rm --force --volumes "$(cat "$file")" > /dev/null
    rm -f "$own"
    exit $status
}

case $1 in
    run) shift; run_container "$@" ;;
    container) [ "$2" != run ] || { shift 2; run_container "$@"; } ;;
esac
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
