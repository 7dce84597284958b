//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Trust puts the hosts' real keys into the laptop's known_hosts, as an operator
// does who has compared the fingerprints.
func (l *Lab) Trust() error {
	var b strings.Builder
	for _, n := range nodes {
		if !n.boots {
			continue
		}
		keys, err := filepath.Glob(l.dir(n.name, "root", "etc", "ssh", "ssh_host_*_key.pub"))
		if err != nil {
			return err
		}
		addr := strings.Split(n.addrs[0], "/")[0]
		if l.SSHPort != 22 {
			addr = fmt.Sprintf("[%s]:%d", addr, l.SSHPort)
		}
		for _, k := range keys {
			text, err := os.ReadFile(k)
			if err != nil {
				return err
			}
			f := strings.Fields(string(text))
			fmt.Fprintf(&b, "%s %s %s\n", addr, f[0], f[1])
		}
	}
	return os.WriteFile(l.dir("laptop", "home", ".ssh", "known_hosts"), []byte(b.String()), 0o644)
}
