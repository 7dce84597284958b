package seen

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
)

// RC is what FreeBSD's rc.conf says: values by name, defaults too, and which of them a file of the host's own sets. A name that
// nothing on the host knows has no value.
type RC struct {
	Value   map[string]string
	Set     map[string]bool
	Tunnels []string // interfaces that WireGuard's folder has a file for
	Ours    []string // those of them whose file is ours
	Armed   bool     // a change of ours waits for its confirmation: what boot will do is not settled yet
	Refused string   // what pfctl says of the main file of pf where it does not take it; "" where it does, or was not asked
}

// WireGuardBSD is where WireGuard's files lie on FreeBSD.
const WireGuardBSD = "/usr/local/etc/wireguard"

// rcNames are the settings that are read, and no others: the file may hold what is nobody's business.
var rcNames = []string{"pf_enable", "pf_rules", "pflog_enable", "pf_fallback_rules_enable", "gateway_enable", "ipv6_gateway_enable",
	"wireguard_enable", "wireguard_interfaces", "sshd_enable", "openssh_enable"}

// RCConf reads the settings. There are none on another system.
var RCConf = register(Fact[RC]{ID: "rcconf", ask: either(`none absent; return`, `need sysrc || return 3
echo '== value'; for n in `+strings.Join(rcNames, " ")+`; do
	if v=$(sysrc -n "$n" 2>/dev/null); then printf '%s=%s\n' "$n" "$v"; fi
done
echo '== set'; sed -nE 's/^[[:space:]]*(`+strings.Join(rcNames, "|")+`)=.*/\1/p' /etc/rc.conf /etc/rc.conf.local 2>/dev/null || :
echo '== tunnels'; for f in `+WireGuardBSD+`/*.conf; do if [ -e "$f" ]; then basename "$f" .conf; fi; done
echo '== ours'; for f in `+WireGuardBSD+`/*.conf; do
	[ -r "$f" ] && read -r l < "$f" || continue
	case $l in '`+Mark+`'*) basename "$f" .conf ;; esac
done
echo '== armed'; for f in /var/lib/postern/open/ARMED.*; do if [ -e "$f" ]; then echo yes; break; fi; done
f=$(sysrc -n pf_rules 2>/dev/null)
echo '== refused'; if [ -r "$f" ] && command -v pfctl >/dev/null; then e=$(pfctl -nf "$f" 2>&1 >/dev/null) || printf '%s\n' "${e:-it gives no reason}" | head -n 3; fi`), parse: parseRC})

var rcValue = regexp.MustCompile(`^[a-zA-Z0-9_./ -]*$`)

func parseRC(s sections) (RC, error) {
	v := RC{Value: map[string]string{}, Set: map[string]bool{}, Armed: s.one("armed") != "", Refused: remote.Clean(s.one("refused")).Line(120)}
	for _, line := range s.lines("value") {
		name, value, _ := strings.Cut(line, "=")
		if value = strings.TrimSpace(value); !slices.Contains(rcNames, name) || !rcValue.MatchString(value) {
			return RC{}, odd("sysrc", line)
		}
		v.Value[name] = value
	}
	for _, name := range s.lines("set") {
		if !slices.Contains(rcNames, name) {
			return RC{}, odd("rc.conf", name)
		}
		v.Set[name] = true
	}
	for section, list := range map[string]*[]string{"tunnels": &v.Tunnels, "ours": &v.Ours} {
		for _, name := range s.lines(section) {
			if Name(name) && len(name) < 16 {
				*list = append(*list, name)
			}
		}
	}
	if !s.has("absent") && v.Value["pf_enable"] == "" {
		return RC{}, fmt.Errorf("sysrc told nothing")
	}
	return v, nil
}

// Yes says whether a setting is on, as rc(8) takes it.
func (r RC) Yes(name string) bool {
	return slices.Contains([]string{"yes", "true", "on", "1"}, strings.ToLower(r.Value[name]))
}
