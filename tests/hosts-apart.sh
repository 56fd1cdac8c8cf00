#!/usr/bin/env bash
# Two machines that are network namespaces of this one: hosts-apart.sh PROGRAM SOURCE_DIR. One process of a training runs in
# each, with MPICH over TCP; then the cable between them is cut, and both end with a sentence. Needs root, ip and mpirun.mpich;
# not part of ctest.
# shellcheck source=tests/shell.sh
. "$(dirname "$0")/shell.sh"

if [ "$(id -u)" -ne 0 ] || ! command -v ip >/dev/null || ! command -v mpirun.mpich >/dev/null || ! ip netns add prnn-a; then
    echo "skipped: needs root, ip netns and mpirun.mpich"
    exit 77
fi
trap 'ip netns del prnn-a; ip netns del prnn-b; rm -rf "$work"' EXIT
ip netns add prnn-b
ip link add prnn0 netns prnn-a type veth peer name prnn0 netns prnn-b
for side in a:1 b:2; do
    ip -n "prnn-${side%:*}" addr add "10.77.0.${side#*:}/24" dev prnn0
    ip -n "prnn-${side%:*}" link set prnn0 up
    ip -n "prnn-${side%:*}" link set lo up
done

# What mpirun takes for ssh: the address says which namespace, and there is the host's own name.
cat >remote.sh <<'REMOTE'
#!/usr/bin/env bash
host=$1
shift
[ "$host" != -x ] || { host=$1; shift; }
side=$([ "$host" = 10.77.0.1 ] && echo a || echo b)
exec ip netns exec "prnn-$side" unshare --uts bash -c "hostname node-$side; $*"
REMOTE
chmod +x remote.sh

make_idx images 100 6
tiny=(--data images --valid-last 20 --height 6 --width 6 --levels 2 --kind row --layers 1 --hidden 4 --head 4 --batch 8
    --threads 1 --quiet)
launch() {
    timeout 120 ip netns exec prnn-a mpirun.mpich -launcher ssh -launcher-exec "$work/remote.sh" -disable-auto-cleanup \
        -iface prnn0 -hosts 10.77.0.1,10.77.0.2 -n 2 -ppn 1 "$program" train "${tiny[@]}" "$@" >out.txt 2>err.txt </dev/null
}
run 0 "alone" train "${tiny[@]}" --steps 30 --log-every 10 --out alone
check "two hosts" launch --log-every 10 --steps 30 --out two
check "the same bits" cmp -s alone/model.safetensors two/model.safetensors
sed 's/^/    /' err.txt

launch --log-every 10 --steps 100000000 --checkpoint-every 1 --out cut &
launched=$!
for _ in $(seq 100); do
    [ -s cut/metrics.csv ] && [ "$(wc -l <cut/metrics.csv)" -gt 3 ] && break
    sleep 0.1
done
ip -n prnn-a link set prnn0 down
began=$SECONDS
working() { ip netns pids "prnn-$1" | xargs -r ps -o comm= -p | grep -c '^pixelrnn$'; }
for _ in $(seq 400); do
    [ "$(working a):$(working b)" != 0:0 ] || break
    sleep 0.1
done
check "both end within 40 seconds (it took $((SECONDS - began)))" test "$(working a):$(working b)" = 0:0
sed 's/^/    /' err.txt
check "rank 0 names rank 1" grep -q "rank 1 on node-b is lost.*goes on from it" err.txt
# mpirun waits for a proxy that it cannot reach.
ip netns pids prnn-a | xargs -r kill
wait $launched 2>/dev/null
step=$(grep -ao '"step":"[0-9]*"' cut/checkpoint.safetensors | tr -dc 0-9)
run 0 "what is there goes on" train "${tiny[@]}" --steps $((step + 5)) --log-every 10 --resume --out cut
finish
