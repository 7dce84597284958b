package firewall

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/seen"
)

// Files that checks read whole; a file query's ID is its path.
const (
	fileUfwConf    = "/etc/ufw/ufw.conf"
	fileUfwDefault = "/etc/default/ufw"
)

// rulesOf are the rules that run, of both families. An error says that it cannot be told what runs.
func rulesOf(f remote.Facts) (seen.Ruleset, error) {
	r, err := seen.Rules.Of(f)
	switch {
	case err != nil:
	case r.Absent:
		err = fmt.Errorf("there is no iptables on the host")
	case r.Four["filter"] == nil || r.Six["filter"] == nil:
		err = fmt.Errorf("iptables-save showed no filter table")
	}
	return r, err
}

// setting is the value of KEY=value in a shell-like file, quotes taken off; the last one counts.
func setting(text, key string) string {
	value := ""
	for _, line := range strings.Split(text, "\n") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			value = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return value
}

const notYet = "the tunnel is not set up on %s yet: chapter 3 does it"
