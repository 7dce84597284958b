package does

import (
	"strings"

	"postern/remote"
)

// Setting is one setting of FreeBSD's rc.conf: what it is to be, and what it was. Had says whether a file of the host itself set it;
// else it was a default, and goes away again.
type Setting struct {
	Name, Value, Old string
	Had              bool
}

// Sysrc is sh that sets settings, and the one that brings back what was, from any point of it.
func Sysrc(list []Setting) (do, undo string) {
	for _, s := range list {
		do += "sysrc " + remote.Quote(s.Name+"="+s.Value) + "\n"
		back := "sysrc " + remote.Quote(s.Name+"="+s.Old) + "\n"
		if !s.Had {
			// It refuses what is not there; what it must not do is leave it there.
			back = "sysrc -x " + remote.Quote(s.Name) + " 2>/dev/null || ! grep -qs " + remote.Quote("^[[:space:]]*"+s.Name+"=") + " /etc/rc.conf /etc/rc.conf.local\n"
		}
		undo = back + undo
	}
	return strings.TrimSpace(do) + "\n", undo
}
