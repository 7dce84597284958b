// Package seen knows how hosts are read: for each fact the one question that is asked of a host, and the one parser of what
// it answers. It only reads; what the facts are good for, and what should be, it does not know.
package seen

import (
	"fmt"
	"regexp"
	"strings"

	"postern/remote"
	"postern/site"
)

// Fact is one thing that can be read of a host, asked once in a look whoever wants to know. A query's ID is the fact's,
// with the arguments that differ between sites behind it: "tunnel wg0".
type Fact[T any] struct {
	ID    string
	args  func(*site.Site) string             // may be nil
	ask   func(*site.Site, *site.Host) string // POSIX sh that prints sections; a second system's is chosen here, by the host
	parse func(sections) (T, error)           // of any system: the sections tell whose they are
}

// Reads is what must be asked of a host for the fact.
func (f Fact[T]) Reads(s *site.Site, h *site.Host) []remote.Query {
	return []remote.Query{f.Query(s, h)}
}

// Query is the one question of the fact.
func (f Fact[T]) Query(s *site.Site, h *site.Host) remote.Query {
	id := f.ID
	if f.args != nil {
		id += " " + f.args(s)
	}
	q := remote.ReadRun(id, prelude+"asked() {\n"+f.ask(s, h)+"\necho '== end'\n}\nasked")
	q.Shared = !apart.MatchString(strings.ReplaceAll(q.Run, "(set -f", ""))
	return q
}

// apart is in scripts that need a shell to themselves.
var apart = regexp.MustCompile(`\b(exit|exec|trap|umask|readonly|alias)\b|\bset [-+][a-z]|\bIFS=[^ ]*(\n|;)`)

// Of is the fact as the host told it. An error says why it cannot be told: it was not asked, the answer is not whole, or the
// host's tools gave none that makes sense.
func (f Fact[T]) Of(facts remote.Facts) (T, error) {
	var none T
	answer, err := whole(f.ID, facts)
	if err != nil {
		return none, err
	}
	value, err := f.parse(answer)
	if err != nil {
		return none, fmt.Errorf("%s: %w", f.ID, err)
	}
	return value, nil
}

// prelude makes the administrator's tools reachable, which a login that became root by su may lack, and names two ways to
// end an answer early: "none X; return" says that a thing is not there, and "need X || return 3" that the host lacks a tool without
// which nothing can be told. A script ends by return, so that many can be asked by one shell.
const prelude = `case $PATH in *:/sbin) ;; *) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH ;; esac
none() { echo "== $1"; echo '== end'; }
need() { command -v "$1" >/dev/null || { echo "there is no $1 command"; return 1; }; }
`

// text is a script that is the same for every site and host.
func text(script string) func(*site.Site, *site.Host) string {
	return func(*site.Site, *site.Host) string { return script }
}

// either is a script for Linux and one for FreeBSD, of which the host runs its own. Any other system is asked as Linux is, and says what it lacks.
func either(linux, freebsd string) func(*site.Site, *site.Host) string {
	return text(both(linux, freebsd))
}

// both asks the system only where no session told it.
func both(linux, freebsd string) string {
	return "case ${UNAME:-$(uname -s)} in FreeBSD)\n" + freebsd + "\n;; *)\n" + linux + "\n;; esac"
}

// tunnel puts the name of the tunnel's interface into a script, and into the ID of what asks with it.
func tunnelled(script string) func(*site.Site, *site.Host) string {
	return func(s *site.Site, _ *site.Host) string {
		return strings.NewReplacer("@IFACE@", remote.Quote(s.Tunnel.Interface), "@MARK@", Mark).Replace(script)
	}
}

func tunnelName(s *site.Site) string { return s.Tunnel.Interface }

// Mark begins our lines of a file that we share with others, and the first line of a wg-quick file of ours.
const Mark = "# postern begin"

// Entry is a fact in the list of all, for those who want every fact alike.
type Entry struct {
	ID    string
	Reads func(*site.Site, *site.Host) []remote.Query
	Tell  func(remote.Facts) error // parses it, and keeps only whether it could be told
}

var all []Entry

func register[T any](f Fact[T]) Fact[T] {
	for _, other := range all {
		if other.ID == f.ID {
			panic(fmt.Sprintf("seen: two facts named %q", f.ID))
		}
	}
	all = append(all, Entry{f.ID, f.Reads, func(facts remote.Facts) error { _, err := f.Of(facts); return err }})
	return f
}

// All lists the facts.
func All() []Entry { return append([]Entry(nil), all...) }
