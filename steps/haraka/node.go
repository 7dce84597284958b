package haraka

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
	"postern/steps/does"
)

// oldest is the first Node that this Haraka is made for.
const oldest = 20

// Node is which Node.js a host has, and which one its package sources offer: versions, such as 20.19.2, empty for none.
type Node struct {
	Has, Offered string
	Npm          bool
}

var nodeQuery = remote.ReadRun("haraka node", `echo "has $(node --version 2>/dev/null || :)"
if command -v npm >/dev/null; then echo npm; fi
LC_ALL=C apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: */offers /p'
echo end`)

var nodeVersion = regexp.MustCompile(`^v?(\d{1,3}(?:\.\d{1,5}){1,2})`)

// NodeOf is what was seen of it.
func NodeOf(f remote.Facts) (n Node, err error) {
	out, ok := f.Get(nodeQuery.ID)
	if !ok || !strings.HasSuffix(out, "end\n") {
		return n, fmt.Errorf("%s: it could not be seen which Node.js is there", f.Host)
	}
	for line := range strings.Lines(out) {
		what, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if m := nodeVersion.FindStringSubmatch(version); m != nil {
			version = m[1]
		} else {
			version = ""
		}
		switch what {
		case "has":
			n.Has = version
		case "offers":
			n.Offered = version
		case "npm":
			n.Npm = true
		}
	}
	return n, nil
}

// TooOld says in a sentence why the host's Node does not do, with the ways out; "" when it does, or when nobody knows.
func (n Node) TooOld(h *site.Host) string {
	version, what := n.Has, "has"
	if version == "" {
		version, what = n.Offered, "offers"
	}
	if major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); err != nil || major >= oldest {
		return ""
	}
	return fmt.Sprintf("%s %s Node.js %s, which is too old for Haraka %s (%d or newer): choose mail.path=direct, which needs none, or make the host one with Debian 13",
		h.Name, what, version, Version, oldest)
}

// own is what is needed beside Node.js.
var own = does.Packages{"openssl"}

// packages are Debian's. Who has another Node.js, with its npm, keeps it.
func (n Node) packages() does.Packages {
	if n.Has != "" && n.Npm {
		return own
	}
	return does.Packages{"nodejs", "npm", "openssl"}
}
