# Runs in the sandbox's namespaces, before anything else does. $1 is its folder.
dir=$1

# No mount made here is seen outside.
mount --make-rprivate /
mount -t proc proc /proc

# Sockets, locks and the kubelet's links to logs: everything that programs keep at fixed
# places, but for what the machine's own programs have there.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock "$dir/log" "$dir/lib-cni" "$dir/lib-kubelet" /var/lib/cni /var/lib/kubelet
mount --bind "$dir/log" /var/log
mount --bind "$dir/lib-cni" /var/lib/cni
mount --bind "$dir/lib-kubelet" /var/lib/kubelet

# Settings of the whole machine that the kubelet insists on: it finds them set here,
# and does not touch the real ones.
mkdir -p /run/sysctl
for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
	name=${setting%=*}
	file=/run/sysctl/$(echo "$name" | tr / .)
	echo "${setting#*=}" >"$file"
	mount --bind "$file" "/proc/sys/$name"
done

# Of the sandbox's own network.
echo 1 >/proc/sys/net/ipv4/ip_forward
