package seen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

// TestUfwStatusWithoutUfw asks of files and of a kernel's rules what ufw would say of them.
func TestUfwStatusWithoutUfw(t *testing.T) {
	const defaults = "IPV6=yes\n# DEFAULT_INPUT_POLICY=\"ACCEPT\"\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=accept\nDEFAULT_FORWARD_POLICY='REJECT'\n"
	const chains = "-N ufw@-user-forward\n-N ufw@-user-input\n-N ufw@-user-output\n"
	active := Ufw{Active: true, Incoming: "deny", Outgoing: "allow", Routed: "reject"}
	for name, c := range map[string]struct {
		defaults, conf, four, six, sysctl string
		want                              Ufw
		cannot                            bool
	}{
		"active":                {defaults, "ENABLED=yes\n", chains, chains, "ipv4/ip_forward", active, false},
		"forwards over IPv6":    {defaults, "", chains, chains, "ipv6/conf/all/forwarding", active, false},
		"forwards nothing":      {defaults, "", chains, chains, "", Ufw{Active: true, Incoming: "deny", Outgoing: "allow", Routed: "disabled"}, false},
		"the later file counts": {defaults, "DEFAULT_INPUT_POLICY=\"ACCEPT\"", chains, chains, "ipv4/ip_forward", Ufw{Active: true, Incoming: "allow", Outgoing: "allow", Routed: "reject"}, false},
		"inactive":              {defaults, "", "-P INPUT ACCEPT\n", chains, "", Ufw{}, false},
		"a chain lacks":         {defaults, "", strings.Replace(chains, "-N ufw@-user-output\n", "", 1), chains, "", Ufw{}, false},
		"IPv6 is not filtered":  {defaults, "", chains, "-P INPUT ACCEPT\n", "", Ufw{}, true},
		"IPv6 is not asked for": {strings.Replace(defaults, "=yes", "=no", 1), "", chains, "", "ipv4/ip_forward", active, false},
		"no such policy":        {strings.Replace(defaults, "\"DROP\"", "\"DROP\" # x", 1), "", chains, chains, "", Ufw{}, true},
		"a policy lacks":        {strings.Replace(defaults, "DEFAULT_OUTPUT", "OUTPUT", 1), "", chains, chains, "", Ufw{}, true},
		"no rules are told":     {defaults, "", "FAILS", chains, "", Ufw{}, true},
	} {
		dir := t.TempDir()
		for path, text := range map[string]string{"etc/default/ufw": c.defaults, "etc/ufw/ufw.conf": c.conf, "net/ipv4/ip_forward": "0\n", "net/ipv6/conf/all/forwarding": "0\n",
			"net/" + c.sysctl: "1\n", "four": strings.ReplaceAll(c.four, "@", ""), "six": strings.ReplaceAll(c.six, "@", "6")} {
			if strings.HasSuffix(path, "/") {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := site.Default()
		play := "ufw() { echo 'ufw was started'; exit 9; }\niptables() { cat " + dir + "/four; ! grep -q FAILS " + dir + "/four; }\nip6tables() { cat " + dir + "/six; }\n"
		q := UfwStatus.Query(s, s.Hosts[0])
		script := strings.NewReplacer("/etc/", dir+"/etc/", "/proc/sys/net", dir+"/net").Replace(q.Run)
		out, err := exec.Command("sh", "-c", play+script).Output()
		a := remote.Answer{Out: string(out)}
		if err != nil {
			a.Code = 3
		}
		got, err := UfwStatus.Of(remote.Facts{Answers: map[string]remote.Answer{q.ID: a}})
		if got != c.want || (err != nil) != c.cannot {
			t.Errorf("%s: %+v, %v\n%s", name, got, err, out)
		}
	}
}
