package haraka

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// Haraka says that it wants the one, and all of it was seen to work with the other, which is Debian 12's.
const (
	wanted = 20
	oldest = 18
)

// Node is which Node.js a host has, and which one its package sources offer: versions, such as 20.19.2, empty for none.
type Node struct {
	Has, Offered string
	Npm          bool
}

var nodeQuery = remote.ReadShared("haraka node", `echo "has $(node --version 2>/dev/null || :)"
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

// TooOld says in a sentence why the host's Node does not do, with the ways out, or whether it is no more than old; nothing where
// it is new enough, or where nobody knows.
func (n Node) TooOld(h *site.Host) (words string, refused bool) {
	version, what := n.Has, "has"
	if version == "" {
		version, what = n.Offered, "would get"
	}
	major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0])
	switch out := "mail.path=direct needs none, Debian 13 brings a newer one"; {
	case err != nil || major >= wanted:
		return "", false
	case major >= oldest:
		return fmt.Sprintf("%s %s Node.js %s, and Haraka %s asks for %d: it works with this one too, which Debian looks after; %s", h.Name, what, version, Version, wanted, out), false
	default:
		return fmt.Sprintf("%s %s Node.js %s, which is too old for Haraka %s (%d at least): %s", h.Name, what, version, Version, oldest, out), true
	}
}

// InTheWay tells who else listens where Haraka is to, which it then cannot. Those that Replaced stops are in nobody's way where the site
// wants that.
func InTheWay(s *site.Site, h *site.Host, all []seen.Listener) (words []string) {
	for _, l := range all {
		here := l.Port == s.Ports.SMTP || l.Port == s.Ports.Relay && (l.Everywhere() || l.Addr == s.TunnelAddress(h))
		if l.Proto == "tcp" && here && !seen.RunsHaraka(l.Process) {
			known := mtas[l.Process] != ""
			if known && s.Guide.MTA == "replace" {
				continue
			}
			out := "stop it, and keep it from starting at boot"
			if known {
				out += "; with guide.mta = replace that is done for you"
			}
			words = append(words, fmt.Sprintf("%s: %s listens on port %d, which Haraka needs: %s", h.Name, cmp.Or(l.Process, "something"), l.Port, out))
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// own is what is needed beside Node.js.
func own(s *site.Site) does.Packages {
	if s.Smarthost.Host != "" {
		return does.Packages{"openssl", "ca-certificates"}
	}
	return does.Packages{"openssl"}
}

// packages are Debian's. Who has another Node.js, with its npm, keeps it.
func (n Node) packages(s *site.Site) does.Packages {
	if n.Has != "" && n.Npm {
		return own(s)
	}
	return append(does.Packages{"nodejs", "npm"}, own(s)...)
}
