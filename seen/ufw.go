package seen

import (
	"strings"

	"fmt"

	"postern/remote"
)

// Ufw is what ufw says of itself.
type Ufw struct {
	Absent, Active             bool
	Incoming, Outgoing, Routed string // allow, deny, reject; of Routed also disabled
}

// UfwStatus asks ufw. It takes as long as all the rest of a look together, so it is asked apart.
var UfwStatus = register(Fact[Ufw]{ID: "ufw", ask: text(`command -v ufw >/dev/null || none absent
echo '== status'; ufw status verbose || exit 3`),
	parse: func(s sections) (Ufw, error) {
		if s.has("absent") {
			return Ufw{Absent: true}, nil
		}
		var u Ufw
		known := false
		for _, line := range s["status"] {
			key, value, _ := strings.Cut(line, ":")
			switch value = strings.TrimSpace(value); key {
			case "Status":
				u.Active, known = value == "active", value == "active" || value == "inactive"
			case "Default":
				for _, one := range strings.Split(value, ",") {
					word, what, _ := strings.Cut(strings.TrimSpace(one), " ")
					switch what {
					case "(incoming)":
						u.Incoming = word
					case "(outgoing)":
						u.Outgoing = word
					case "(routed)":
						u.Routed = word
					}
				}
			}
		}
		if !known || u.Active && u.Incoming == "" {
			return Ufw{}, fmt.Errorf("ufw status said %q", remote.Clean(strings.Join(s["status"], "\n")).Line(80))
		}
		return u, nil
	}})
