#!/usr/bin/env bash
# A real Docker for the tests. Safe to call at any time, from several sessions at once.
#   docker.sh up        a daemon that answers, with the base image; started and made if missing
#   docker.sh buildx    compile the buildx plugin once; prints the DOCKER_CONFIG that has it
#   docker.sh busybox   install a static busybox, for shells in images without one
#   docker.sh ssh       install an SSH server, for the tests of ssh:// hosts (it is not started)
#   docker.sh status    whether a daemon answers, and whether it was started here
#   docker.sh down      stop the daemon that `up` started, and no other
# A daemon that answers is used whoever started it. One that was not started here is never touched.
# MLTUI_TESTBED: folder for what is kept (default ~/.cache/mltui-testbed).
# BASE_IMAGE (default debian:bookworm-slim) is made by debootstrap when the daemon does not have it,
# so that no image registry is needed; it carries python3, pip and venv.
set -euo pipefail
STATE=${MLTUI_TESTBED:-${XDG_CACHE_HOME:-$HOME/.cache}/mltui-testbed}
BASE_IMAGE=${BASE_IMAGE:-debian:bookworm-slim}
BUILDX=v0.38.2
SOCKET=/var/run/docker.sock
mkdir -p "$STATE"

say() { echo "docker.sh: $*" >&2; }
fail() { say "$*"; exit 1; }
answers() { timeout 10 docker version >/dev/null 2>&1; }

wait_for() { # seconds, command...
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do ((SECONDS < deadline)) || return 1; sleep 0.2; done
}

ours() { # prints the pid of the daemon that was started here, if it still runs
  local pid
  pid=$(cat "$STATE/dockerd.pid" 2>/dev/null) || return 1
  # A number may belong to another process by now.
  [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && echo "$pid"
}

install() { # packages...
  [ "$(id -u)" = 0 ] || fail "$* must be installed first (this needs root)"
  command -v apt-get >/dev/null || fail "install $* first: this is no Debian"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

start_daemon() {
  [ "$(id -u)" = 0 ] || fail "no Docker answers at ${DOCKER_HOST:-$SOCKET}; only root can start one"
  [ -z "${DOCKER_HOST:-}" ] || fail "DOCKER_HOST=$DOCKER_HOST does not answer: unset it, or start that one"
  local pid
  if pid=$(ours); then # it was started here and does not answer
    say "stopping our daemon $pid, which does not answer"
    kill "$pid" && wait_for 20 stopped "$pid" || kill -9 "$pid"
  fi
  rm -f "$STATE/dockerd.pid"
  if pid=$(cat /var/run/docker.pid 2>/dev/null); then
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != dockerd ] ||
      fail "a Docker daemon that was not started here runs as process $pid and does not answer"
    rm -f /var/run/docker.pid # of one that was killed; dockerd refuses a number that lives anew
  fi
  command -v dockerd >/dev/null || install docker.io iptables
  setsid nohup dockerd --host "unix://$SOCKET" >"$STATE/dockerd.log" 2>&1 9>&- </dev/null &
  echo $! >"$STATE/dockerd.pid"
  wait_for 60 answers || { tail -5 "$STATE/dockerd.log" >&2; fail "dockerd did not start"; }
}

stopped() { ! [ -d "/proc/$1" ]; }

make_base() {
  command -v debootstrap >/dev/null || install debootstrap
  local mirror rootfs
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -1)
  rootfs=$(mktemp -d)
  trap 'rm -rf "$rootfs"' RETURN
  say "making $BASE_IMAGE (once, some minutes)"
  debootstrap --variant=minbase --include=python3,ca-certificates,python3-pip,python3-venv \
    bookworm "$rootfs" "${mirror:-http://deb.debian.org/debian}" >"$STATE/debootstrap.log" ||
    { tail -3 "$STATE/debootstrap.log" >&2; fail "$BASE_IMAGE could not be made"; }
  # What this machine trusts: a registry of packages may be behind its own certificate.
  cp /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$rootfs"/var/cache/apt/archives/*.deb
  tar -C "$rootfs" -c . | docker import - "$BASE_IMAGE" >/dev/null
}

case ${1:-up} in
up)
  exec 9>"$STATE/lock"
  flock 9
  answers || start_daemon
  docker image inspect "$BASE_IMAGE" >/dev/null 2>&1 || make_base
  docker version --format 'docker {{.Server.Version}} API {{.Server.APIVersion}}'
  ;;
buildx)
  exec 9>"$STATE/lock-buildx"
  flock 9
  if ! [ -x "$STATE/bin/buildx" ]; then
    command -v go >/dev/null || fail "Go is needed to compile buildx"
    say "compiling buildx $BUILDX (once, some minutes)"
    GOBIN="$STATE/bin" GOFLAGS=-trimpath nice -n 10 go install "github.com/docker/buildx/cmd/buildx@$BUILDX" >&2
  fi
  mkdir -p "$STATE/docker-config/cli-plugins"
  ln -sf "$STATE/bin/buildx" "$STATE/docker-config/cli-plugins/docker-buildx"
  echo "$STATE/docker-config"
  ;;
busybox)
  command -v busybox >/dev/null || install busybox-static
  ;;
ssh)
  command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || install openssh-server
  ;;
status)
  if answers; then echo "answers$(ours >/dev/null && echo ', started here')"; else echo "does not answer"; exit 1; fi
  ;;
down)
  if pid=$(ours); then
    kill "$pid"
    wait_for 30 stopped "$pid" || kill -9 "$pid"
  fi
  rm -f "$STATE/dockerd.pid"
  ;;
*)
  fail "usage: docker.sh up|buildx|busybox|ssh|status|down"
  ;;
esac
