#!/bin/sh
# Start a Docker engine from Debian's packages, unpacked into one folder: nothing is installed, no service
# is touched, nothing outside the folder is written. Needs root, Debian 12 or later, apt's own mirror.
#
#   sh engine.sh FOLDER      then: . FOLDER/env.sh; docker info
#
# The engine listens on FOLDER/docker.sock only and stops by itself after an hour
# (or: kill "$(cat FOLDER/docker.pid)").
set -eu
folder=$1
mkdir -p "$folder/cli-plugins" "$folder/debs"
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)

# apt with its own sources, lists and cache, so that the machine's stay as they are.
private_apt() {
    release=$1
    root=$folder/apt-$release
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$root/sources.list"
    cat >"$root/apt.conf" <<CONF
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$root/lists";
Dir::Cache "$root/cache";
APT::Sandbox::User "root";
CONF
    APT_CONFIG=$root/apt.conf apt-get update -qq
}

unpack() {
    release=$1
    shift
    (cd "$folder/debs" && APT_CONFIG=$folder/apt-$release/apt.conf apt-get download -qq "$@")
    for package in "$folder"/debs/*.deb; do
        dpkg -x "$package" "$folder/root"
        rm "$package"
    done
}

# Compose and buildx exist from trixie on; what touches the kernel or libc comes from the machine's own release.
. /etc/os-release
private_apt trixie
private_apt "$VERSION_CODENAME"
unpack trixie docker.io docker-cli docker-compose docker-buildx containerd tini
unpack "$VERSION_CODENAME" runc libseccomp2 mmdebstrap iptables libxtables12 libip4tc2 libip6tc2 \
    libmnl0 libnfnetlink0 libnetfilter-conntrack3 libnftnl11
ln -sf xtables-nft-multi "$folder/root/usr/sbin/iptables"
ln -sf xtables-nft-multi "$folder/root/usr/sbin/ip6tables"
ln -sf "$folder"/root/usr/libexec/docker/cli-plugins/* "$folder/cli-plugins/"

cat >"$folder/env.sh" <<ENV
export PATH=$folder/root/usr/sbin:$folder/root/usr/bin:\$PATH
export DOCKER_CONFIG=$folder DOCKER_HOST=unix://$folder/docker.sock
ENV
. "$folder/env.sh"

libraries=$(echo "$folder"/root/usr/lib/*-linux-gnu)
LD_LIBRARY_PATH=$libraries XTABLES_LIBDIR=$libraries/xtables nohup timeout 3600 dockerd \
    --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/docker.pid" \
    --host "unix://$folder/docker.sock" --userland-proxy-path "$folder/root/usr/sbin/docker-proxy" \
    >"$folder/dockerd.log" 2>&1 &
for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && exit 0
    sleep 0.5
done
echo "dockerd did not start; the end of $folder/dockerd.log:" >&2
tail -n 20 "$folder/dockerd.log" >&2
exit 1
