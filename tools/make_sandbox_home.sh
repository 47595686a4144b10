#!/bin/sh
# make_sandbox_home.sh HOME SANDBOX [PROGRAM...]: the folder that is /opt/stepmill in every sandbox.
#
#   bin/stepmill-sandbox, bin/stepmill, bin/sam,
#   bin/stepmill-xgboost                          the small static program under its names
#   lib/PROGRAM, lib/ld.so, lib/*.so*             the real programs with their loader and libraries
#   shims/docker                              before the image's own docker on PATH
#   ca/ engine/ job/                              empty: places to mount at
#
# A running container may use the files: each is replaced by rename, never written to.
set -e
home=$1 sandbox=$2
shift 2
mkdir -p "$home/bin" "$home/shims" "$home/lib" "$home/ca" "$home/engine" "$home/job"

place() {  # place FILE TO
    cmp -s "$1" "$2" && return
    cp -fL "$1" "$2.new"
    mv -f "$2.new" "$2"
}

for name in stepmill-sandbox stepmill sam stepmill-xgboost; do
    place "$sandbox" "$home/bin/$name"
done
place "$(dirname "$0")/../src/sandbox/docker.sh" "$home/shims/docker"
chmod 755 "$home/shims/docker"
for program; do
    place "$program" "$home/lib/$(basename "$program")"
    ldd "$program" | while read -r name arrow path rest; do
        case $name in
            linux-vdso*) continue ;;
            /*) place "$name" "$home/lib/ld.so" ;;
            *) [ "$arrow" = "=>" ] && place "$path" "$home/lib/$name" ;;
        esac
    done
done
