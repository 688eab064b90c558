#!/bin/sh
# One delivery: build an image, put it in place share by share under gates, look at it, promote it or take it back.
#
#   pipeline.sh SERVICE FOLDER TAG [CHECK...]
#
# SERVICE is a service that Tidegate routes to (`shop/web`), FOLDER has a Dockerfile, TAG names the version. CHECK is a command that must
# succeed before the last word is said; it finds the header that reaches the new version in $PREVIEW. IMAGE, SHARES, HOLD, DEADLINE and
# OPTIONS (more of them for `tidegate deploy`, such as `--gate=success 99.5%`, one a line) may be set.
# Ends with 0 when the new version serves; else the old one does.
set -eu

[ $# -ge 3 ] || { echo "usage: pipeline.sh SERVICE FOLDER TAG [CHECK...]" >&2; exit 2; }
service=$1 folder=$2 tag=$3
shift 3
image=${IMAGE:-${service##*/}}:$tag
export PREVIEW="X-Preview: $tag"

docker build --quiet --tag "$image" "$folder"

# Gates watch each share; before the end the release waits for us, which is exit code 9.
deploy() {
    set -f # OPTIONS are split at line ends and nowhere else
    IFS='
'
    tidegate deploy "$service" --image "$image" --version "$tag" --pull never --yes \
        --canary "${SHARES:-10,50}" --hold "${HOLD:-60s}" --confirm --on-unsure pass \
        --preview-header "X-Preview=$tag" --deadline "${DEADLINE:-30m}" --why "delivery of $tag" ${OPTIONS:-}
}

# Ends with 1 once the old version serves again; with what `abort` ended with, where that could not be had.
take_back() {
    code=0
    tidegate abort "$service" --wait --why "$1" || code=$?
    case $code in
    0 | 8) exit 1 ;; # 8: the release was rolled back, as it should
    *) exit "$code" ;;
    esac
}

code=0
(deploy) || code=$?
case $code in
0) exit 0 ;;
9) ;;
7) take_back "took longer than ${DEADLINE:-30m}" ;;
*) exit "$code" ;; # rolled back, refused, or nobody to ask: the old version serves, and the text above says why
esac

if [ $# -gt 0 ] && ! "$@"; then
    take_back "$1 failed"
fi
tidegate promote "$service" --wait --why "checked by ${1:-nobody}"
