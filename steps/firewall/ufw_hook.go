package firewall

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"postern/steps/does"
)

// Our NAT lives in chains of our own, made by a script of our own that ufw's hook calls at start and stop. Measured: in
// before.rules, rules multiply at every reload and outlive "ufw disable".
const (
	hookPath   = "/etc/ufw/before.init"
	scriptPath = "/etc/ufw/postern.init"
	hookLine   = "if [ -x " + scriptPath + " ]; then " + scriptPath + ` "$1" || exit $?; fi`
)

// programs are iptables by family, IPv4 first.
var programs = []string{"iptables", "ip6tables"}

// ownJumps are the places our chains hang at: table, built-in chain, our chain.
var ownJumps = [][3]string{
	{"nat", "PREROUTING", "postern-pre"},
	{"nat", "POSTROUTING", "postern-post"},
	{"mangle", "FORWARD", "postern-mss"},
}

// stockHook is what the package's before.init does, without its comments.
var stockHook = regexp.MustCompile(`^\s*set -e\s+case "\$1" in\s+start\)\s*;;\s*stop\)\s*;;\s*status\)\s*;;\s*flush-all\)\s*;;\s*\*\)[^;]*;;\s*esac\s*$`)

var shebang = regexp.MustCompile(`^#! ?/(usr/)?bin/(env )?(sh|dash|bash)\b`)

// leading are the comments and empty lines before the first command.
var leading = regexp.MustCompile(`^(?:[^\S\n]*(?:#.*)?\n)*`)

// withHook puts our block before the first command of before.init, so that nothing there can end it earlier.
func withHook(text string) (string, error) {
	bare, _ := does.CutBlock(text)
	if !shebang.MatchString(bare) {
		return "", fmt.Errorf("%s is not a shell script, so our rules cannot be started from it: move it away, or make it one", hookPath)
	}
	at := len(leading.FindString(bare))
	return does.PutBlock(bare, hookLine, at), nil
}

// plainHook says whether before.init does nothing but what the package ships, so that making it executable starts
// nothing of other people.
func plainHook(text string) bool {
	var code []string
	bare, _ := does.CutBlock(text)
	for _, line := range strings.Split(bare, "\n") {
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			code = append(code, trimmed)
		}
	}
	return stockHook.MatchString(strings.Join(code, "\n"))
}

// natScript is the text of postern.init for a policy, "" when it wants no chain of ours.
func natScript(want Policy) string {
	var families []string
	text := `#!/bin/sh
# Made by postern: the forwarding rules of this host. ` + hookPath + ` calls it when ufw starts and stops.
# It touches no chain but its own. Changes made here by hand are lost when postern runs again.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
status=0

# Our chains are made or refilled in one go, so that no packet meets them half full.
`
	for i, program := range programs {
		if rules := natTables(want, i == 1); rules != "" {
			families = append(families, program)
			text += "load_" + program + "() {\n\t" + program + "-restore -w -n \"$@\" <<'RULES'\n" + rules + "RULES\n}\n\n"
		}
	}
	if families == nil {
		return ""
	}
	return text + natScriptVerbs(families)
}

// natScriptVerbs is the part of postern.init that is the same for every policy of the same families.
func natScriptVerbs(families []string) string {
	var jumps strings.Builder
	for _, j := range ownJumps {
		fmt.Fprintf(&jumps, "\t\t\"$t\" -w -t %[1]s -C %[2]s -j %[3]s 2>/dev/null || \"$t\" -w -t %[1]s -A %[2]s -j %[3]s || status=1\n", j[0], j[1], j[2])
	}
	gone := ""
	for _, program := range programs {
		if !slices.Contains(families, program) {
			gone += "\tt=" + program + " # nothing is sent on over it any more\n" + dropChains("\t")
		}
	}
	return `case "$1" in
start)
	for t in ` + strings.Join(families, " ") + `; do
		load_"$t" || status=1
` + jumps.String() + `	done
` + gone + `	;;
stop)
	# A restart of ours keeps the chains: start refills them, and connections find them all the while.
	[ -z "$POSTERN_RESTART" ] || exit 0
	for t in iptables ip6tables; do
` + dropChains("\t\t") + `	done
	;;
test)
	for t in ` + strings.Join(families, " ") + `; do
		load_"$t" --test || status=1
	done
	;;
esac
exit $status
`
}

// dropChains is shell that takes our jumps and chains away for the program in $t; nothing of it fails when there are none.
func dropChains(indent string) string {
	var b strings.Builder
	for _, j := range ownJumps {
		fmt.Fprintf(&b, "%[4]swhile \"$t\" -w -t %[1]s -D %[2]s -j %[3]s 2>/dev/null; do :; done\n"+
			"%[4]s\"$t\" -w -t %[1]s -F %[3]s 2>/dev/null && \"$t\" -w -t %[1]s -X %[3]s 2>/dev/null || :\n", j[0], j[1], j[2], indent)
	}
	return b.String()
}

// natTables is what iptables-restore reads for one family, "" when the policy has nothing for it. Every rule names the
// interface, the destination address and the port it is for.
func natTables(want Policy, v6 bool) string {
	var pre, post, mss strings.Builder
	for _, f := range want.Forwards {
		if f.Dest.Addr().Is6() != v6 {
			continue
		}
		for _, from := range sources(f.From, v6) {
			src := ""
			if from != "" {
				src = " -s " + from
			}
			fmt.Fprintf(&pre, "-A postern-pre -i %s%s -d %s -p %s --dport %d -j DNAT --to-destination %s\n",
				f.In, src, f.To.Addr(), f.Proto, f.To.Port(), f.Dest)
		}
		if want.Masquerade {
			fmt.Fprintf(&post, "-A postern-post -o %s -d %s -p %s --dport %d -j MASQUERADE\n", f.Out, f.Dest.Addr(), f.Proto, f.Dest.Port())
		}
	}
	for _, l := range want.Leaves {
		if l.From.Is6() == v6 {
			fmt.Fprintf(&post, "-A postern-post -s %s -o %s -p %s --dport %d -j SNAT --to-source %s\n", l.From, l.Out, l.Proto, l.Port, l.As)
		}
	}
	if want.ClampMSS != "" && (pre.Len()+post.Len() > 0 || !v6) {
		for _, way := range []string{"-i", "-o"} {
			fmt.Fprintf(&mss, "-A postern-mss %s %s -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\n", way, want.ClampMSS)
		}
	}
	if pre.Len()+post.Len()+mss.Len() == 0 {
		return ""
	}
	return "*nat\n:postern-pre - [0:0]\n:postern-post - [0:0]\n" + pre.String() + post.String() + "COMMIT\n" +
		"*mangle\n:postern-mss - [0:0]\n" + mss.String() + "COMMIT\n"
}
