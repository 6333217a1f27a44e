#!/usr/bin/env bash
# A real one-node Kubernetes for the tests, on a Debian machine as root. Safe to call at any time,
# from several checkouts at once: what is healthy is kept, what died is started again, what is half
# dead is cleaned away, and nothing that was not started here is touched.
#   cluster.sh up          etcd, control plane, containerd, kubelet, kube-proxy, an image registry, a
#                          default storage class, metrics if compiled; compiles what is missing
#   cluster.sh build       compile Kubernetes from its Go modules (once, about 9 minutes on 2 cores)
#   cluster.sh load IMAGE  copy images of Docker into the node
#   cluster.sh metrics     compile metrics-server (once) and start it beside the node
#   cluster.sh kwok        a second API server whose nodes and pods are made up, for scale; prints
#                          its kubeconfig (compiles kwok once)
#   cluster.sh env         where it all is, as shell variables
#   cluster.sh status      whether the node is ready
#   cluster.sh down        stop all of it, with its pods
# MLTUI_TESTBED: folder for what is compiled (default ~/.cache/mltui-testbed).
# Kubeconfigs: $STATE/admin.conf, and $STATE/viewer.conf for a user without rights until bound to some.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${MLTUI_TESTBED:-${XDG_CACHE_HOME:-$HOME/.cache}/mltui-testbed}
STATE=/var/lib/mltui-testbed/cluster
RUN=/run/mltui-testbed
LAYOUT=2                  # raise when what runs must be started anew for a changed script
VERSION=v1.34.3
METRICS=v0.9.0
KWOK=v0.8.0
NODE_IP=10.244.0.1        # the bridge's own address: a node's address must not be loopback
PORT=16443                # API server; not the usual one, so that another cluster may run beside it
ETCD=12379
K8S=$CACHE/kubernetes-$VERSION
CTR=(ctr --address "$RUN/containerd.sock" --namespace k8s.io)
export PATH=$PATH:/usr/sbin:/sbin NO_PROXY=localhost,127.0.0.1,$NODE_IP,10.96.0.0/16 no_proxy=localhost,127.0.0.1,$NODE_IP,10.96.0.0/16
unset KUBECONFIG

say() { echo "cluster.sh: $*" >&2; }
fail() { say "$*"; exit 1; }
kube() { kubectl --kubeconfig "$STATE/admin.conf" --request-timeout=20s "$@"; }

wait_for() { # seconds, command...
  local deadline=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do ((SECONDS < deadline)) || { say "gave up waiting for: $*"; return 1; }; sleep 0.3; done
}

# --- processes -----------------------------------------------------------------------------------

arguments() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null; } # of a process; it may be gone

alive() { # name: the process that was started under it still runs
  local pid
  pid=$(cat "$STATE/$1.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  # A number may belong to another process by now; ours all carry our folder in their arguments.
  arguments "$pid" | grep -qF "$STATE"
}

ours() { # pids of everything started here, known by folder, also where no pid file tells of it
  local comm pid
  for comm in /proc/[0-9]*/comm; do
    pid=${comm#/proc/}; pid=${pid%/comm}
    case $(cat "$comm" 2>/dev/null) in
      etcd|containerd|containerd-shim|kubernetes-v1.3|metrics-server|docker-registry|kwok)
        arguments "$pid" | grep -qF -e "$STATE" -e "$RUN/" && echo "$pid" ;;
    esac
  done
  return 0
}

start() { # name, command...: unless it runs
  local name=$1; shift
  alive "$name" && return
  setsid nohup "$@" >>"$STATE/$name.log" 2>&1 9>&- </dev/null &
  echo $! >"$STATE/$name.pid"
}

stop() { # names...
  local name pid
  for name; do
    alive "$name" || continue
    pid=$(cat "$STATE/$name.pid")
    kill "$pid" 2>/dev/null || true
    wait_for 20 bash -c "! kill -0 $pid" || kill -KILL "$pid" 2>/dev/null || true
  done
}

clean() { # whatever is left of an instance: processes, pods, mounts, addresses; images stay
  local pid place folder line
  for pid in $(ours); do kill -KILL "$pid" 2>/dev/null || true; done
  for folder in /sys/fs/cgroup/*/mltui-testbed /sys/fs/cgroup/mltui-testbed; do
    [ -d "$folder" ] || continue
    find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done || true
  done
  for _ in 1 2 3; do
    awk -v a="$STATE/" -v b="$RUN/" 'index($2, a) == 1 || index($2, b) == 1 {print $2}' /proc/mounts | sort -r |
      while read -r place; do umount -l "$place" 2>/dev/null || true; done || true
  done
  for folder in /sys/fs/cgroup/*/mltui-testbed /sys/fs/cgroup/mltui-testbed; do
    [ -d "$folder" ] && find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
  for line in $(ip -o link show master mltui0 2>/dev/null | sed -E 's/^[0-9]+: ([^:@]+).*/\1/'); do ip link del "$line" 2>/dev/null || true; done
  iptables-save -t nat 2>/dev/null | grep -F 'mltui-testbed' | grep -- '^-A POSTROUTING' | sed 's/^-A/-D/' |
    while read -r line; do eval "iptables -w -t nat $line" 2>/dev/null || true; done || true
  rm -rf "${STATE:?}"/{etcd,kubelet,cni-state,scale-etcd} "$STATE"/*.pid "${RUN:?}"
  # The node's own copies of images are cheap to bring again; its snapshots may be torn.
  rm -rf "$STATE/containerd"
}

# --- what it is made of ---------------------------------------------------------------------------

install() { # packages...
  ((EUID == 0)) || fail "$* must be installed first (this needs root)"
  command -v apt-get >/dev/null || fail "install $* first: this is no Debian"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

packages() {
  local missing=() pair
  for pair in etcd:etcd-server containerd:containerd runc:runc iptables:iptables ip:iproute2 openssl:openssl \
    kubectl:kubernetes-client docker-registry:docker-registry busybox:busybox-static; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
  ((${#missing[@]} == 0)) || install "${missing[@]}"
}

compile() { # what to say, then a command that makes one file
  command -v go >/dev/null || fail "Go 1.24 or newer is needed to compile $1"
  say "compiling $1 (once)"; shift
  CGO_ENABLED=0 nice -n 5 "$@" >&2
}

build() {
  mkdir -p "$CACHE"
  local stamp="-X k8s.io/component-base/version.gitVersion=$VERSION -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34"
  # A compile lasts minutes: one at a time, whoever asks.
  exec 8>"$CACHE/lock-kubernetes"; flock 8
  if ! [ -x "$K8S" ]; then
    (cd "$HERE/kubernetes" && compile "Kubernetes $VERSION, about 9 minutes" go build -trimpath -ldflags "-s -w $stamp" -o "$K8S.new" . && mv "$K8S.new" "$K8S")
  fi
  if ! [ -x "$CACHE/pause" ]; then
    (cd "$HERE/pause" && compile "the pause program" go build -trimpath -ldflags "-s -w" -o "$CACHE/pause.new" main.go && mv "$CACHE/pause.new" "$CACHE/pause")
  fi
  exec 8>&-
}

installed() { # name, module@version: a Go program in $CACHE
  exec 8>"$CACHE/lock-$1"; flock 8
  [ -x "$CACHE/$1" ] || GOBIN="$CACHE/new" compile "$1" go install -trimpath -ldflags "-s -w" "$2"
  [ -x "$CACHE/$1" ] || mv "$CACHE/new/$1" "$CACHE/$1"
  exec 8>&-
}

signed() { # file, subject, extra openssl extension text
  openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" \
    -extfile <(printf '%b' "keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n${3:-}") 2>/dev/null
  rm "$1.csr"
}

kubeconfig() { # user, server's port, file, context
  local file=$STATE/$3.conf
  rm -f "$file"
  kubectl config --kubeconfig "$file" set-cluster "$4" --server "https://127.0.0.1:$2" --certificate-authority "$STATE/pki/ca.crt" --embed-certs >/dev/null
  kubectl config --kubeconfig "$file" set-credentials "$1" --client-certificate "$STATE/pki/$1.crt" --client-key "$STATE/pki/$1.key" --embed-certs >/dev/null
  kubectl config --kubeconfig "$file" set-context "$4" --cluster "$4" --user "$1" >/dev/null
  kubectl config --kubeconfig "$file" use-context "$4" >/dev/null
}

certificates() {
  [ -f "$STATE/pki/done" ] && openssl x509 -in "$STATE/pki/ca.crt" -noout -checkend 604800 >/dev/null && return
  clean
  rm -rf "$STATE/pki"
  mkdir -p "$STATE/pki"
  cd "$STATE/pki"
  openssl req -x509 -newkey rsa:2048 -nodes -days 365 -keyout ca.key -out ca.crt -subj /CN=testbed-ca 2>/dev/null
  openssl genrsa -out service-account.key 2048 2>/dev/null
  openssl rsa -in service-account.key -pubout -out service-account.pub 2>/dev/null
  signed apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,IP:$NODE_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  signed kubelet-server /CN=testbed "subjectAltName=IP:$NODE_IP,DNS:testbed"
  signed front-proxy /CN=front-proxy
  signed admin /O=system:masters/CN=admin
  signed viewer /CN=viewer
  signed controller-manager /CN=system:kube-controller-manager
  signed scheduler /CN=system:kube-scheduler
  signed proxy /CN=system:kube-proxy
  signed kubelet /O=system:nodes/CN=system:node:testbed
  local name
  for name in admin viewer controller-manager scheduler proxy kubelet; do kubeconfig "$name" $PORT "$name" testbed; done
  touch done
  cd "$HERE"
}

free_port() { # a loopback port that nobody listens on, asked for once
  [ -s "$STATE/$1.port" ] || python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$STATE/$1.port"
  cat "$STATE/$1.port"
}

settings() {
  local registry; registry=$(free_port registry)
  mkdir -p "$RUN" "$STATE"/{cni,hosts/localhost:"$registry",registry}
  cat >"$STATE/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd"
state = "$RUN/containerd"
[grpc]
  address = "$RUN/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "mltui.test/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$STATE/hosts"
TOML
  cat >"$STATE/hosts/localhost:$registry/hosts.toml" <<TOML
server = "http://localhost:$registry"
TOML
  cat >"$STATE/cni/10-testbed.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "mltui-testbed", "plugins": [
  {"type": "bridge", "bridge": "mltui0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$STATE/cni-state",
            "ranges": [[{"subnet": "10.244.0.0/24", "rangeStart": "10.244.0.10"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  cat >"$STATE/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/kubelet-server.crt
tlsPrivateKeyFile: $STATE/pki/kubelet-server.key
containerRuntimeEndpoint: unix://$RUN/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /mltui-testbed
failSwapOn: false
enforceNodeAllocatable: []
oomScoreAdj: 0
maxPods: 200
serializeImagePulls: false
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
YAML
  cat >"$STATE/registry.yaml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $STATE/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$registry"}
YAML
}

network() {
  if ! ip link show mltui0 >/dev/null 2>&1; then
    ip link add mltui0 type bridge
    ip addr add $NODE_IP/24 dev mltui0
  fi
  ip link set mltui0 up
  sysctl -qw net.ipv4.ip_forward=1
  # Docker drops what is forwarded by default.
  local way
  for way in -i -o; do
    iptables -w -C FORWARD $way mltui0 -m comment --comment mltui-testbed -j ACCEPT 2>/dev/null ||
      iptables -w -I FORWARD $way mltui0 -m comment --comment mltui-testbed -j ACCEPT
  done
  for folder in /sys/fs/cgroup/*/; do
    [ -f "$folder/cgroup.procs" ] || continue
    mkdir -p "$folder/mltui-testbed"
    case $folder in */cpuset/) # an empty set of processors takes no process
      for key in cpuset.cpus cpuset.mems; do cat "$folder/$key" >"$folder/mltui-testbed/$key"; done ;;
    esac
  done
  [ ! -f /sys/fs/cgroup/cgroup.controllers ] || mkdir -p /sys/fs/cgroup/mltui-testbed
}

ready() { kube wait --for=condition=Ready node/testbed --timeout=5s; }
serves() { kube get --raw /readyz; }
registry_answers() { python3 -c "import sys, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:$(cat "$STATE/registry.port")/v2/', timeout=5)"; }
healthy() {
  local name
  for name in containerd etcd apiserver controller-manager scheduler kubelet proxy registry; do alive "$name" || return 1; done
  [ "$(cat "$STATE/layout" 2>/dev/null)" = "$LAYOUT $(cat /proc/sys/kernel/random/boot_id)" ] && ready >/dev/null 2>&1 && registry_answers 2>/dev/null
}

bring_up() {
  settings
  network
  start registry docker-registry serve "$STATE/registry.yaml"
  start containerd containerd --config "$STATE/containerd.toml"
  start etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:$ETCD --advertise-client-urls http://127.0.0.1:$ETCD --listen-peer-urls http://127.0.0.1:$((ETCD + 1))
  # Streamed lists need a younger etcd than Debian's: with them the control plane's own watches, and
  # those of stern, are refused after three seconds and begun anew, for nothing.
  start apiserver "$K8S" kube-apiserver --etcd-servers http://127.0.0.1:$ETCD --advertise-address $NODE_IP --bind-address 0.0.0.0 --secure-port $PORT \
    --service-cluster-ip-range 10.96.0.0/16 --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged --feature-gates WatchList=false \
    --client-ca-file "$STATE/pki/ca.crt" --tls-cert-file "$STATE/pki/apiserver.crt" --tls-private-key-file "$STATE/pki/apiserver.key" \
    --kubelet-client-certificate "$STATE/pki/admin.crt" --kubelet-client-key "$STATE/pki/admin.key" --kubelet-certificate-authority "$STATE/pki/ca.crt" \
    --requestheader-client-ca-file "$STATE/pki/ca.crt" --requestheader-allowed-names front-proxy --requestheader-username-headers X-Remote-User \
    --requestheader-group-headers X-Remote-Group --requestheader-extra-headers-prefix X-Remote-Extra- --enable-aggregator-routing --kubelet-preferred-address-types InternalIP \
    --proxy-client-cert-file "$STATE/pki/front-proxy.crt" --proxy-client-key-file "$STATE/pki/front-proxy.key" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$STATE/pki/service-account.pub" --service-account-signing-key-file "$STATE/pki/service-account.key"
  wait_for 120 serves || return 1
  start controller-manager "$K8S" kube-controller-manager --kubeconfig "$STATE/controller-manager.conf" --leader-elect=false --use-service-account-credentials \
    --authentication-kubeconfig "$STATE/controller-manager.conf" --authorization-kubeconfig "$STATE/controller-manager.conf" --enable-hostpath-provisioner \
    --service-account-private-key-file "$STATE/pki/service-account.key" --root-ca-file "$STATE/pki/ca.crt" --cluster-signing-cert-file "$STATE/pki/ca.crt" --cluster-signing-key-file "$STATE/pki/ca.key"
  start scheduler "$K8S" kube-scheduler --kubeconfig "$STATE/scheduler.conf" --leader-elect=false \
    --authentication-kubeconfig "$STATE/scheduler.conf" --authorization-kubeconfig "$STATE/scheduler.conf"
  wait_for 60 "${CTR[@]}" version || return 1
  if ! "${CTR[@]}" images list -q | grep -qx mltui.test/pause:1; then
    pause_image | "${CTR[@]}" images import - >/dev/null || return 1
  fi
  start kubelet "$K8S" kubelet --config "$STATE/kubelet.yaml" --kubeconfig "$STATE/kubelet.conf" --hostname-override testbed --node-ip $NODE_IP --root-dir "$STATE/kubelet"
  # The bridge does not pass answers by the packet filter everywhere: they come back by the node.
  start proxy "$K8S" kube-proxy --kubeconfig "$STATE/proxy.conf" --hostname-override testbed --cluster-cidr 10.244.0.0/24 --proxy-mode iptables --masquerade-all \
    --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0
  wait_for 60 registry_answers || return 1
  wait_for 120 ready || return 1
  wait_for 60 kube -n default get serviceaccount default || return 1
  kube apply -f - >/dev/null <<YAML
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: testbed, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/host-path
reclaimPolicy: Delete
YAML
  echo "$LAYOUT $(cat /proc/sys/kernel/random/boot_id)" >"$STATE/layout"
}

pause_image() { # a tar as `docker save` makes it, without a Docker
  local folder; folder=$(mktemp -d)
  mkdir "$folder/image"
  tar -C "$CACHE" -cf "$folder/image/layer.tar" pause
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture)" "$(sha256sum "$folder/image/layer.tar" | cut -d' ' -f1)" >"$folder/image/config.json"
  printf '[{"Config":"config.json","RepoTags":["mltui.test/pause:1"],"Layers":["layer.tar"]}]' >"$folder/image/manifest.json"
  tar -C "$folder/image" -c .
  rm -rf "$folder"
}

up() {
  ((EUID == 0)) || fail "only root can start a cluster; give one in MLTUI_TEST_KUBECONFIG"
  packages
  build
  mkdir -p "$STATE"
  if ! healthy; then
    [ "$(cat "$STATE/layout" 2>/dev/null)" = "$LAYOUT $(cat /proc/sys/kernel/random/boot_id)" ] || clean
    certificates
    # What died is started again, with what it knew; where that does not help, all is made anew.
    bring_up || { say "starting all of it anew"; clean; bring_up || fail "it did not start: see $STATE/*.log"; }
  fi
  [ ! -x "$CACHE/metrics-server" ] || metrics
  kube get nodes
}

metrics() {
  installed metrics-server sigs.k8s.io/metrics-server/cmd/metrics-server@$METRICS
  kube apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {ports: [{name: https, port: 443, targetPort: 4443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: metrics-server-host, namespace: kube-system, labels: {kubernetes.io/service-name: metrics-server}}
addressType: IPv4
ports: [{name: https, port: 4443}]
endpoints: [{addresses: ["$NODE_IP"], conditions: {ready: true}}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec: {group: metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: {name: metrics-server, namespace: kube-system}}
YAML
  start metrics "$CACHE/metrics-server" --kubeconfig "$STATE/admin.conf" --authentication-kubeconfig "$STATE/admin.conf" --authorization-kubeconfig "$STATE/admin.conf" \
    --secure-port 4443 --cert-dir "$STATE/metrics" --kubelet-certificate-authority "$STATE/pki/ca.crt" --kubelet-preferred-address-types InternalIP --metric-resolution 15s
}

scale() {
  packages
  build
  mkdir -p "$STATE"
  certificates
  installed kwok sigs.k8s.io/kwok/cmd/kwok@$KWOK
  [ -f "$STATE/scale.conf" ] || kubeconfig admin $((PORT + 1)) scale scale
  start scale-etcd etcd --data-dir "$STATE/scale-etcd" --unsafe-no-fsync --log-level warn --quota-backend-bytes 4294967296 \
    --listen-client-urls http://127.0.0.1:$((ETCD + 10)) --advertise-client-urls http://127.0.0.1:$((ETCD + 10)) --listen-peer-urls http://127.0.0.1:$((ETCD + 11))
  # Streamed lists: as above. With them kwok lists all pods again and again, which takes two processors.
  start scale-apiserver "$K8S" kube-apiserver --etcd-servers http://127.0.0.1:$((ETCD + 10)) --advertise-address 127.0.0.1 --bind-address 127.0.0.1 --secure-port $((PORT + 1)) \
    --service-cluster-ip-range 10.97.0.0/16 --authorization-mode RBAC --disable-admission-plugins ServiceAccount --endpoint-reconciler-type none --feature-gates WatchList=false \
    --client-ca-file "$STATE/pki/ca.crt" --tls-cert-file "$STATE/pki/apiserver.crt" --tls-private-key-file "$STATE/pki/apiserver.key" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$STATE/pki/service-account.pub" --service-account-signing-key-file "$STATE/pki/service-account.key"
  wait_for 120 kubectl --kubeconfig "$STATE/scale.conf" --request-timeout=10s get --raw /readyz || fail "the API server for scale did not start: see $STATE/scale-apiserver.log"
  # What nodes and pods become, in kwok's own words; without any it does not start.
  local stages; stages=$(go env GOMODCACHE)/sigs.k8s.io/kwok@$KWOK/kustomize/stage
  for file in node/fast/node-initialize pod/fast/pod-ready pod/fast/pod-delete; do cat "$stages/$file.yaml"; echo ---; done >"$STATE/scale-stages.yaml"
  start scale-kwok "$CACHE/kwok" --kubeconfig "$STATE/scale.conf" --config "$STATE/scale-stages.yaml" --manage-all-nodes
  echo "$STATE/scale.conf"
}

load() { local image; for image; do docker save "$image" | "${CTR[@]}" images import - >/dev/null; done; }

down() {
  # The kubelet ends pods in order; what it leaves is cleaned away by force.
  ! alive apiserver || timeout 40 kubectl --kubeconfig "$STATE/admin.conf" delete pods --all-namespaces --all --grace-period=0 --force --request-timeout=20s >/dev/null 2>&1 || true
  stop scale-kwok scale-apiserver scale-etcd metrics proxy kubelet scheduler controller-manager apiserver etcd registry
  [ ! -x "$K8S" ] || "$K8S" kube-proxy --cleanup >/dev/null 2>&1 || true
  clean
  ! ip link show mltui0 >/dev/null 2>&1 || ip link del mltui0
  local way
  for way in -i -o; do iptables -w -D FORWARD $way mltui0 -m comment --comment mltui-testbed -j ACCEPT 2>/dev/null || true; done
}

locked() { mkdir -p "$CACHE"; exec 9>"$CACHE/lock-cluster"; flock 9; "$@"; }

case ${1:-up} in
up) locked up ;;
build) packages; build ;;
load) shift; load "$@" ;;
metrics) installed metrics-server sigs.k8s.io/metrics-server/cmd/metrics-server@$METRICS; locked metrics ;;
kwok) installed kwok sigs.k8s.io/kwok/cmd/kwok@$KWOK; locked scale ;;
env) printf 'KUBECONFIG=%s\nVIEWER=%s\nREGISTRY=localhost:%s\n' "$STATE/admin.conf" "$STATE/viewer.conf" "$(cat "$STATE/registry.port")" ;;
status) if healthy; then echo ready; else echo "not ready"; exit 1; fi ;;
down) locked down ;;
*) fail "usage: cluster.sh up|build|load IMAGE|metrics|kwok|env|status|down" ;;
esac
