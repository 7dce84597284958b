package seen

import (
	"fmt"

	"postern/remote"
)

// Rights are what a login may do.
type Rights struct {
	Root     bool
	UID      remote.Text
	User     remote.Text // who became root by sudo; may be empty
	Writable bool        // /etc can be written
}

// Privilege reads what the login may do.
var Privilege = register(Fact[Rights]{ID: "privilege", ask: text(`echo '== uid'; id -u
echo '== name'; printf '%s\n' "${SUDO_USER-}"
echo '== etc'; if [ -w /etc ]; then echo writable; else echo 'read only'; fi`),
	parse: func(s sections) (Rights, error) {
		uid, etc := s.one("uid"), s.one("etc")
		if uid == "" || (etc != "writable" && etc != "read only") {
			return Rights{}, fmt.Errorf("the host did not say who we are")
		}
		return Rights{uid == "0", remote.Clean(uid), remote.Clean(s.one("name")), etc == "writable"}, nil
	}})
