//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// runRoot holds one directory per lab that is up, and is gone when none is.
const runRoot = "/run/postern-lab"

// mirrorAddr is where inet serves the packages.
const mirrorAddr = "198.51.100.200"

// Where world takes mail, as mx.external.test, and the address of its that is sender.external.test, who only sends.
const (
	exchangerAddr4 = "198.51.100.77"
	exchangerAddr6 = "2001:db8:77::77"
	senderAddr     = "198.51.100.78"
)

// node is one place of the lab and the one link that leads from it towards inet.
type node struct {
	name      string
	boots     bool     // has a system of its own
	uplink    string   // the node its link leads to
	iface     string   // the link's end here
	peer      string   // the link's end there
	addrs     []string // of iface, with prefix length
	peerAddrs []string // of the other end; none: it is a port of the bridge "lan"
	gw4, gw6  string   // default routes
}

// nodes are all places, each after the one its link leads to. The addresses are
// the same in every lab: each lab has namespaces of its own.
var nodes = []node{
	{name: "inet"},
	{name: "gw", uplink: "inet", iface: "wan", peer: "home",
		addrs:     []string{"198.51.100.20/26", "2001:db8:20::20/64"},
		peerAddrs: []string{"198.51.100.1/26", "2001:db8:20::1/64"},
		gw4:       "198.51.100.1", gw6: "2001:db8:20::1"},
	{name: "world", uplink: "inet", iface: "eth0", peer: "world",
		addrs:     []string{exchangerAddr4 + "/26", senderAddr + "/26", exchangerAddr6 + "/64"},
		peerAddrs: []string{"198.51.100.65/26", "2001:db8:77::1/64"},
		gw4:       "198.51.100.65", gw6: "2001:db8:77::1"},
	{name: "laptop", uplink: "gw", iface: "eth0", peer: "laptop",
		addrs: []string{"192.168.50.10/24", "2001:db8:50::10/64"},
		gw4:   "192.168.50.1", gw6: "2001:db8:50::1"},
	{name: "proxy", boots: true, uplink: "inet", iface: "eth0", peer: "proxy",
		addrs:     []string{"203.0.113.10/24", "2001:db8:113::10/64"},
		peerAddrs: []string{"203.0.113.1/24", "2001:db8:113::1/64"},
		gw4:       "203.0.113.1", gw6: "2001:db8:113::1"},
	{name: "mail", boots: true, uplink: "gw", iface: "eth0", peer: "mail",
		addrs: []string{"192.168.50.2/24", "2001:db8:50::2/64"},
		gw4:   "192.168.50.1", gw6: "2001:db8:50::1"},
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,23}$`)

// nodeNamed finds a place by its name.
func nodeNamed(name string) (node, error) {
	var all []string
	for _, n := range nodes {
		if n.name == name {
			return n, nil
		}
		all = append(all, n.name)
	}
	return node{}, fmt.Errorf("%q is not a node of the lab (%s)", name, strings.Join(all, ", "))
}

// dir is the lab's run directory: a file system of its own that down unmounts.
func (l *Lab) dir(parts ...string) string {
	return filepath.Join(append([]string{runRoot, l.Name}, parts...)...)
}

// netns is where a node's network namespace is pinned.
func (l *Lab) netns(node string) string { return l.dir("netns", node) }

// machine is a booted host's name for systemd-nspawn.
func (l *Lab) machine(node string) string { return "postern-" + l.Name + "-" + node }

// cgroup is the lab's directory in every cgroup hierarchy.
func (l *Lab) cgroup(parts ...string) string {
	return filepath.Join(append([]string{"postern-lab-" + l.Name}, parts...)...)
}

// running lists the names of the labs that have a run directory.
func running() ([]string, error) {
	entries, err := os.ReadDir(runRoot)
	if os.IsNotExist(err) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
