#!/usr/bin/env bash
# A PostgreSQL with pgvector of our own, for the tests and the benchmark of the retriever.
#
#   scripts/pgvector.sh              prepares it where it is not, starts it, prints its connection URL
#   scripts/pgvector.sh --prepared   the same, but exits with 3 rather than install anything
#   scripts/pgvector.sh --stop       stops it
#
# Server: what is installed, if it has pgvector; else the system's own package of it; else (Debian 12 has none) a tree of
# Debian 13 made with debootstrap in a cache folder, from the mirror that this system's apt uses. The last two need root.
# It listens at 127.0.0.1 alone, takes a password that only its owner can read, and does not sync to the disk.
set -euo pipefail
cd "$(dirname "$0")"
mode=${1:-prepare}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gatewright
port=${GATEWRIGHT_PGVECTOR_PORT:-54317}
tree=$cache/trixie
user=postgres
umask 077
mkdir -p "$cache"
# The owner of the cluster passes through it.
chmod 711 "$cache"
exec 9>"$cache/pgvector.lock"
flock 9

say() { echo "pgvector: $*" >&2; }

# Sets `bin`, and `root` where the server lives in a tree of its own.
find_server() {
  root=
  local control
  for control in $(ls -r /usr/share/postgresql/*/extension/vector.control 2>/dev/null); do
    bin=/usr/lib/postgresql/$(basename "$(dirname "$(dirname "$control")")")/bin
    [ -x "$bin/pg_ctl" ] && return 0
  done
  [ -e "$tree/.complete" ] || return 1
  root=$tree
  bin=/usr/lib/postgresql/17/bin
}

install_packaged() {
  local version package
  version=$(apt-cache search --names-only '^postgresql-[0-9]+-pgvector$' | sed -n 's/^postgresql-\([0-9]*\)-.*/\1/p' | sort -n | tail -1)
  [ -n "$version" ] || return 1
  package=postgresql-$version-pgvector
  say "installing $package"
  # A cluster of the package's own would start at the usual port.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" "postgresql-$version" >&2
}

install_tree() {
  local mirror
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian \(.*\)/\1/p' | grep -v security | head -1)
  [ -n "$mirror" ] || { say 'no Debian mirror is configured for apt'; return 1; }
  command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap >&2
  say "making a tree of Debian 13 in $tree: about 70 seconds"
  rm -rf "$tree"
  (
    umask 022
    debootstrap --variant=minbase trixie "$tree" "$mirror" >"$cache/debootstrap.log" 2>&1
    # Nothing starts in there but what is started below.
    printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
    chmod 755 "$tree/usr/sbin/policy-rc.d"
    mkdir -p "$tree/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$tree/etc/postgresql-common/createcluster.conf"
    chroot "$tree" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -y --no-install-recommends \
      -o Dpkg::Options::=--force-confold postgresql-17 postgresql-17-pgvector >>"$cache/debootstrap.log" 2>&1
    rm -rf "$tree"/var/cache/apt/archives/*.deb
    touch "$tree/.complete"
  ) || { say "failed; the end of $cache/debootstrap.log:"; tail -5 "$cache/debootstrap.log" >&2; return 1; }
}

if ! find_server; then
  [ "$mode" = prepare ] || { say 'is not prepared: run scripts/pgvector.sh'; exit 3; }
  [ "$(id -u)" = 0 ] || { say 'no PostgreSQL with pgvector is installed, and installing it needs root'; exit 1; }
  [ -n "$(apt-cache pkgnames postgresql 2>/dev/null | head -1)" ] || apt-get update >&2
  install_packaged || install_tree || { apt-get update >&2; install_packaged || install_tree; }
  find_server
fi

# As the server sees it, and as we do.
data=/var/lib/postgresql/gatewright
[ -n "$root" ] || data=$cache/cluster
[ -n "$root" ] || [ "$(id -u)" != 0 ] || data=/var/lib/postgresql/gatewright
log=$data/server.log

serve() {
  if [ -n "$root" ]; then chroot --userspec=$user:$user "$root" env LC_ALL=C "$@"
  elif [ "$(id -u)" = 0 ]; then setpriv --reuid=$user --regid=$user --clear-groups env LC_ALL=C "$@"
  else env LC_ALL=C "$@"
  fi
}

if [ "$mode" = --stop ]; then
  serve "$bin/pg_ctl" stop -D "$data" -m fast 9>&- >&2 || true
  exit 0
fi

if [ ! -e "$root$data/PG_VERSION" ]; then
  [ "$mode" = prepare ] || { say 'has no cluster: run scripts/pgvector.sh'; exit 3; }
  head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$cache/password"
  # Where the server's own user can read it, and for as long as that takes.
  given=$(mktemp "$root/tmp/gatewright.XXXXXX")
  trap 'rm -f "$given"' EXIT
  cat "$cache/password" >"$given"
  [ "$(id -u)" != 0 ] || chown "$(serve id -u):$(serve id -g)" "$given"
  serve "$bin/initdb" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync --auth=scram-sha-256 \
    --pwfile="${given#"$root"}" 9>&- >/dev/null
fi
if ! serve "$bin/pg_ctl" status -D "$data" 9>&- >/dev/null 2>&1; then
  settings="-c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c synchronous_commit=off"
  settings+=' -c full_page_writes=off -c shared_buffers=1GB -c maintenance_work_mem=512MB -c dynamic_shared_memory_type=mmap'
  settings+=' -c max_wal_size=2GB -c jit=off'
  serve "$bin/pg_ctl" start -w -t 60 -D "$data" -l "$log" -o "$settings" 9>&- >/dev/null </dev/null ||
    { say "did not start; see $root$log"; exit 1; }
fi
echo "postgres://postgres:$(cat "$cache/password")@127.0.0.1:$port/postgres"
