package firewall

import (
	"fmt"
	"sort"
	"strings"

	"postern/remote"
)

// activation is how the kernel is brought to what the files say, and back.
type activation struct {
	was      bool     // ufw was running
	chains   bool     // ufw's chains were there before, if only as empty ones
	restart  bool     // a reload of its own is needed: more than the rule files changed
	script   bool     // postern.init is wanted
	hadOwn   bool     // postern.init was there before
	hung     bool     // chains of ours are in the kernel now
	live     []string // the guide's rules that run and are to go
	policies map[string]string
	sysctls  map[string]string // what ufw's start sets, as it was
}

const ufwInit = "/lib/ufw/ufw-init"

// do is the shell that makes the files' state the running one. A running ufw gets its rules swapped in one go, so that
// no port is dark; only settings need a stop and a start, and our chains stay filled through it.
func (a activation) do() string {
	var b strings.Builder
	switch {
	case !a.was:
		b.WriteString(ufwInit + " start\n")
	case a.restart:
		b.WriteString("POSTERN_RESTART=yes " + ufwInit + " force-stop\n" + ufwInit + " start\n")
	default:
		b.WriteString(swapRules)
		if a.script {
			b.WriteString(scriptPath + " start\n")
		}
	}
	if !a.script && (a.hadOwn || a.hung) {
		b.WriteString(dropOwn)
	}
	b.WriteString(a.swapLive(false))
	b.WriteString("iptables -w -n -L ufw-user-input >/dev/null\n")
	return b.String()
}

// swapRules loads both rule files; each family changes at once.
const swapRules = `iptables-restore -w -n < /etc/ufw/user.rules
[ ! -e /proc/sys/net/ipv6 ] || ip6tables-restore -w -n < /etc/ufw/user6.rules
`

// dropOwn takes our jumps and chains away.
var dropOwn = "for t in iptables ip6tables; do\n" + dropChains("\t") + "done\n"

// undo is the shell for the way back. The files are the old ones again when it runs, and it may meet any state between
// the two, or a host that has just booted and has no rules yet.
func (a activation) undo() string {
	var b strings.Builder
	if a.was {
		start := ufwInit + " start\n"
		if a.restart {
			b.WriteString("POSTERN_RESTART=yes " + ufwInit + " force-stop || :\n" + start)
		} else {
			b.WriteString("if iptables -w -n -L ufw-user-input >/dev/null 2>&1; then\n" + swapRules + "else\n" + start + "fi\n")
		}
	} else if a.chains {
		b.WriteString(ufwInit + " force-stop || :\n")
	} else {
		b.WriteString(dropUfw)
	}
	if a.hadOwn && a.was {
		b.WriteString("if [ -x " + scriptPath + " ]; then " + scriptPath + " start; fi\n")
	} else if a.script || a.hadOwn || a.hung {
		b.WriteString(dropOwn)
	}
	b.WriteString(dropOther + a.swapLive(true))
	if !a.was {
		for _, key := range sortedKeys(a.policies) {
			chain, program := strings.TrimPrefix(key, "6 "), "iptables"
			if chain != key {
				program = "ip6tables"
			}
			fmt.Fprintf(&b, "%s -w -P %s %s\n", program, chain, a.policies[key])
		}
		for _, name := range sortedKeys(a.sysctls) {
			fmt.Fprintf(&b, "sysctl -qw %s || :\n", remote.Quote(name+"="+a.sysctls[name]))
		}
	}
	return b.String()
}

// swapLive takes the guide's running rules away, however often they are there now, and puts them back as often and in
// the order they ran before us when asked to; all at once, so that no connection falls between.
func (a activation) swapLive(back bool) string {
	if len(a.live) == 0 {
		return ""
	}
	match, again := "", ""
	seen := map[string]bool{}
	for _, line := range a.live {
		line = strings.Join(strings.Fields(line), " ")
		if !seen[line] {
			seen[line] = true
			match += " -e " + remote.Quote(line)
		}
		again += line + "\n"
	}
	text := "{ echo '*nat'\niptables-save -t nat | grep -xF" + match + " | sed 's/^-A/-D/' || :\n"
	if back {
		text += "cat <<'RULES'\n" + again + "RULES\n"
	}
	return text + "echo COMMIT; } | iptables-restore -w -n\n"
}

// dropUfw takes away all of ufw's chains, and with them its rules, at once: for a host that had none of them. "ufw disable"
// would leave the empty ones until the next boot.
const dropUfw = `for h in before.init after.init; do [ ! -x "/etc/ufw/$h" ] || "/etc/ufw/$h" stop || :; done
for t in iptables ip6tables; do
` + dropUfwChains + `done
`

// dropUfwChains is shell that does so for the program in $t.
const dropUfwChains = `	old=$("$t-save" -t filter 2>/dev/null | sed -n '/^-A [A-Z]* -j ufw6*-[a-z-]*$/p; /^:ufw6*-/p')
	if [ -n "$old" ]; then
		{ printf '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n'
		echo "$old" | sed -n 's/^-A/-D/p'
		echo "$old" | sed -n 's/^:\(ufw6*-[a-z-]*\) .*/-F \1/p'
		echo "$old" | sed -n 's/^:\(ufw6*-[a-z-]*\) .*/-X \1/p'
		echo COMMIT; } | "$t-restore" -w -n
	fi
`

// dropOther takes ufw's chains and ours out of the kernel's other rule set. Nothing is planned where rules stand in it, so these
// came after us: somebody chose the other iptables and had ufw load its rules again, which leaves the first ones standing.
var dropOther = `for f in ip ip6; do
	t=${f}tables-nft
	case $("${f}tables" -V 2>/dev/null) in *nf_tables*) t=${f}tables-legacy; grep -qs . "/proc/net/${f}_tables_names" || continue ;; esac
	"$t-save" 2>/dev/null | grep -q -e '^:ufw6*-' -e '^:postern-' || continue
` + dropChains("\t") + dropUfwChains + `done
`

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
