//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// buildNetwork makes every namespace and link of the lab.
func (l *Lab) buildNetwork(ctx context.Context) error {
	for _, n := range nodes {
		if err := l.wire(ctx, n); err != nil {
			return fmt.Errorf("network of %s: %w", n.name, err)
		}
	}
	if err := l.dressInet(ctx); err != nil {
		return fmt.Errorf("network of inet: %w", err)
	}
	return nil
}

// wire makes a node's namespace and its link. It is what a reboot needs too.
func (l *Lab) wire(ctx context.Context, n node) error {
	if err := newNetns(l.netns(n.name)); err != nil {
		return err
	}
	if err := inNetns(l.netns(n.name), func() error { return plainSysctls(n) }); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintln(&b, "link set lo up")
	if n.uplink != "" {
		fmt.Fprintf(&b, "link add %s address %s type veth peer name %s netns %s\n",
			n.iface, mac(n.name, n.iface), n.peer, l.netns(n.uplink))
		for _, a := range n.addrs {
			fmt.Fprintf(&b, "address add %s dev %s\n", a, n.iface)
		}
		fmt.Fprintf(&b, "link set %s up\n", n.iface)
	}
	if err := l.ipBatch(ctx, n.name, b.String()); err != nil || n.uplink == "" {
		return err
	}
	if err := l.wirePeer(ctx, n); err != nil {
		return err
	}
	if err := l.ipBatch(ctx, n.name, fmt.Sprintf("route add default via %s\nroute add default via %s\n", n.gw4, n.gw6)); err != nil {
		return err
	}
	if n.name == "gw" {
		return l.dressGateway(ctx)
	}
	return nil
}

// wirePeer dresses the link's other end: an address of its own, or a port of
// the home network's switch.
func (l *Lab) wirePeer(ctx context.Context, n node) error {
	var b strings.Builder
	fmt.Fprintf(&b, "link set %s address %s\n", n.peer, mac(n.uplink, n.peer))
	for _, a := range n.peerAddrs {
		fmt.Fprintf(&b, "address add %s dev %s\n", a, n.peer)
	}
	if n.peerAddrs == nil {
		fmt.Fprintf(&b, "link set %s master lan\n", n.peer)
	}
	fmt.Fprintf(&b, "link set %s up\n", n.peer)
	return l.ipBatch(ctx, n.uplink, b.String())
}

// unwire takes a node's link and namespace away, with everything in it.
func (l *Lab) unwire(ctx context.Context, n node) error {
	if err := l.ipBatch(ctx, n.uplink, "link delete "+n.peer+"\n"); err != nil {
		return err
	}
	return dropNetns(l.netns(n.name))
}

// dressGateway makes gw the home's router: NAT for IPv4 that lets nothing new
// in, and IPv6 routed without a filter, so that only the hosts' own filters
// stand before them.
func (l *Lab) dressGateway(ctx context.Context) error {
	err := l.ipBatch(ctx, "gw", `link add lan address `+mac("gw", "lan")+` type bridge forward_delay 0 mcast_snooping 0
address add 192.168.50.1/24 dev lan
address add 2001:db8:50::1/64 dev lan
link set lan up
`)
	if err != nil {
		return err
	}
	err = inNetns(l.netns("gw"), func() error {
		// The machine's own Docker may have switched this on for every namespace.
		_ = sysctl("net/bridge/bridge-nf-call-iptables", "0")
		_ = sysctl("net/bridge/bridge-nf-call-ip6tables", "0")
		return forwarding()
	})
	if err != nil {
		return err
	}
	return l.tool(ctx, "gw", `*nat
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -i lan -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A FORWARD -i lan -o wan -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
COMMIT
`, "iptables-restore", "--noflush", "--wait")
}

// dressInet gives inet its routes and the address of the mirror.
func (l *Lab) dressInet(ctx context.Context) error {
	if err := inNetns(l.netns("inet"), forwarding); err != nil {
		return err
	}
	return l.ipBatch(ctx, "inet", "address add "+mirrorAddr+"/32 dev lo\nroute add 2001:db8:50::/64 via 2001:db8:20::20\n")
}

// plainSysctls gives a namespace the defaults of a fresh Debian: a new one
// inherits from this machine, which may route for containers of its own.
func plainSysctls(n node) error {
	settings := [][2]string{
		{"net/ipv4/ip_forward", "0"},
		{"net/ipv4/conf/all/rp_filter", "0"},
		{"net/ipv4/conf/default/rp_filter", "0"},
		{"net/ipv4/conf/all/src_valid_mark", "0"},
		{"net/ipv6/conf/all/disable_ipv6", "0"},
		{"net/ipv6/conf/default/disable_ipv6", "0"},
		{"net/ipv6/conf/all/accept_dad", "0"},
		{"net/ipv6/conf/default/accept_dad", "0"},
		{"net/ipv6/conf/default/accept_ra", "0"},
		{"net/ipv6/conf/all/forwarding", "0"},
	}
	for _, s := range settings {
		if err := sysctl(s[0], s[1]); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

func forwarding() error {
	if err := sysctl("net/ipv4/ip_forward", "1"); err != nil {
		return err
	}
	return sysctl("net/ipv6/conf/all/forwarding", "1")
}

func sysctl(key, value string) error {
	return os.WriteFile("/proc/sys/"+key, []byte(value), 0o644)
}

func (l *Lab) ipBatch(ctx context.Context, node, lines string) error {
	return l.tool(ctx, node, lines, "ip", "-batch", "-")
}

// tool runs one of this machine's tools on the network of a node.
func (l *Lab) tool(ctx context.Context, node, input string, argv ...string) error {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + l.netns(node)}, argv...)...)
	cmd.Stdin = strings.NewReader(input)
	_, err := runCmd(cmd)
	return err
}

// mac is a link end's hardware address. A rebooted host keeps its card, so that
// its neighbours need not learn it anew.
func mac(node, iface string) string {
	h := sha256.Sum256([]byte(node + "/" + iface))
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", h[0], h[1], h[2], h[3], h[4])
}
