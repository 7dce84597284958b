package firewall

import (
	"strings"

	"postern/seen"
)

// lets says whether a packet gets in, or through to where it goes out, once ufw has loaded what was planned: by ufw's own
// rules before those of people, then by the first rule of people that fits, then by the policy. What cannot be judged does not.
func (p *plan) lets(k seen.Packet) bool {
	chain, policy, file, before := "ufw-before-input", p.after.input, p.four.file, p.text(before4Path)
	if k.Src.Is6() {
		chain, file, before = "ufw6-before-input", p.six.file, p.text(before6Path)
	}
	if k.Out != "" {
		chain, policy = strings.TrimSuffix(chain, "input")+"forward", p.after.forward
	}
	if tables, err := seen.ParseTables(strings.Split(before, "\n")); err == nil && tables["filter"] != nil {
		switch f := tables["filter"].Lets(chain, k); f.Verdict {
		case "ACCEPT":
			return !f.Unsure
		case "DROP", "REJECT":
			return false
		}
	}
	for _, e := range file.entries {
		r := e.rule
		if k.Out != "" {
			if !r.Route || r.Out != "" && r.Out != k.Out {
				continue
			}
			r.Route = false // the rest is judged as for what comes in
		}
		if e.known && r.admits(k.Src, k.Dst, k.In, k.Proto, k.Port) {
			action, _, _ := strings.Cut(r.Action, "_")
			return action == "allow" || action == "limit"
		}
	}
	return policy == "ACCEPT"
}
