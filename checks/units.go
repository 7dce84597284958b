package checks

import (
	"fmt"
	"strings"

	"postern/remote"
)

// units is what the host's init will start at boot.
type units struct {
	enabled map[string]string // by unit without .service: enabled, disabled, absent …
	active  map[string]string
	after   []string // units that Docker waits for
	armed   bool     // a change of ours waits for its confirmation: what boot will do is not settled yet
}

// unitsOf parses the answer about units; a host without systemd cannot be told.
func unitsOf(f remote.Facts) (units, error) {
	s, err := parts(f, readUnits)
	if err != nil {
		return units{}, err
	}
	if s.has("absent") {
		return units{}, fmt.Errorf("there is no systemd: what boot will do cannot be told")
	}
	u := units{enabled: map[string]string{}, active: map[string]string{}, armed: len(s["armed"]) > 0}
	for _, line := range s["units"] {
		w := strings.Fields(line)
		if len(w) != 3 {
			return u, fmt.Errorf("systemctl said %q", remote.Clean(line).Line(80))
		}
		u.enabled[w[0]], u.active[w[0]] = w[1], w[2]
	}
	for _, line := range s["after"] {
		u.after = append(u.after, strings.Fields(line)...)
	}
	if len(u.enabled) == 0 {
		return u, fmt.Errorf("systemctl told of no unit")
	}
	return u, nil
}

const waiting = "a change waits for its confirmation: what boot will do is settled only then"
