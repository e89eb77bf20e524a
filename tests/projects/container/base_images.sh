#!/bin/sh
# Stand-ins for the public base images, made from Debian packages where no image registry can be reached:
# the same Debian release and the same Python minor version as python:3.13-slim-trixie, and uv alone in an image.
#
#   sh base_images.sh ENGINE_FOLDER PYTHON_IMAGE UV_IMAGE UV_BINARY
#
# The host's CA bundle goes in, and the variables that point at it, because inside a build the default
# index is reached the way the host reaches it.
set -eu
folder=$1 python_image=$2 uv_image=$3 uv_binary=$4
. "$folder/env.sh"
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
bundle=/etc/ssl/certs/ca-certificates.crt

root=$folder/python-root
mkdir -p "$root"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv trixie "$folder/base.tar" "$mirror"
tar -C "$root" -xf "$folder/base.tar"
ln -sf /usr/bin/python3.13 "$root/usr/local/bin/python3"
ln -sf python3 "$root/usr/local/bin/python"
rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
cp "$bundle" "$root$bundle"
tar -C "$root" -c . | docker import -c "ENV SSL_CERT_FILE=$bundle" -c 'CMD ["python3"]' - "$python_image"

mkdir -p "$folder/uv-root"
cp "$uv_binary" "$folder/uv-root/uv"
tar -C "$folder/uv-root" -c . | docker import - "$uv_image"
rm -rf "$root" "$folder/uv-root" "$folder/base.tar"
