#!/bin/sh
# One delivery: build an image, put it in place share by share under gates, look at it, promote it or take it back.
#
#   pipeline.sh SERVICE FOLDER TAG [CHECK...]
#
# SERVICE is a service that Tidegate routes to (`shop/web`), FOLDER has a Dockerfile, TAG names the version. CHECK is a command that must
# succeed before the last word is said; it finds the header that reaches the new version in $PREVIEW. SHARES, HOLD and DEADLINE may be set.
# Ends with 0 when the new version serves; else the old one does.
set -eu

service=$1 folder=$2 tag=$3
shift 3
image=${IMAGE:-${service##*/}}:$tag
export PREVIEW="X-Preview: $tag"

docker build --quiet --tag "$image" "$folder"

# Gates watch each share; before the end the release waits for us, which is exit code 9.
code=0
tidegate deploy "$service" --image "$image" --version "$tag" --pull never --yes \
    --canary "${SHARES:-10,50}" --hold "${HOLD:-60s}" --confirm --on-unsure pass \
    --preview-header "X-Preview=$tag" --deadline "${DEADLINE:-30m}" --why "delivery of $tag" || code=$?
case $code in
0 | 9) ;;
7) tidegate abort "$service" --why "took longer than ${DEADLINE:-30m}" && exit 1 ;;
*) exit "$code" ;; # rolled back, refused, or nobody to ask: the old version serves, and the text above says why
esac

if [ "$code" = 9 ]; then
    if [ $# -gt 0 ] && ! "$@"; then
        tidegate abort "$service" --wait --why "$1 failed" || true # ends with 8 once the old version serves again
        exit 1
    fi
    tidegate promote "$service" --wait --why "checked by ${1:-nobody}"
fi
