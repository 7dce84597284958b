// Package haraka knows what a proxy has where a mail server of its own takes and sends the mail: Haraka, an instance for each
// direction, with their files, user, queues and units. It does no I/O, and knows no chapter.
package haraka

import (
	_ "embed" // the files of Haraka and for it
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// Version is the Haraka that all of this was proven with. Each version has a folder of its own, and the units name it: what is
// new is probed before they do, and the folder of the one before stays, so that they can be taken back to it.
const Version = seen.HarakaVersion

// The units, one for each direction.
const (
	In  = seen.HarakaIn
	Out = seen.HarakaOut
)

const (
	app    = seen.HarakaFolder + Version
	in     = "/opt/haraka-in"
	out    = seen.HarakaSends
	config = in + "/config/" // with the certificate, which both read
	user   = "haraka"
	group  = user + ":" + user
)

// lock is what npm made for this version. Where packages come from is the host's own npm's to say (/etc/npmrc), so it names no
// registry, but one that there never is; what comes must have the hashes that stand in it.
//
//go:embed package-lock.json
var lock string

// Reads lists what must be seen of a host.
func Reads(s *site.Site, h *site.Host) []remote.Query {
	queries := append(slices.Concat(Table(s, h, Node{}).Reads(), Off(s, h, 1).Reads(), own(s).Reads()), nodeQuery, queued, others)
	for _, process := range slices.Sorted(maps.Keys(mtas)) {
		queries = append(queries, does.Unit{Name: mtas[process], Starts: does.Never}.Reads()...)
	}
	return queries
}

// Table is what the proxy should have, given which Node it has.
func Table(s *site.Site, h *site.Host, node Node) does.Table {
	t := does.Table{Step: "haraka", Things: []does.Thing{
		node.packages(s),
		does.User{Name: user},
		does.Dir{Path: in + "/queue", Owner: group, Mode: 0o700},
		does.Dir{Path: out + "/queue", Owner: group, Mode: 0o700},
		does.Npm{Dir: app, Lock: lock},
		probe(),
		certificate(s.Hostname),
		secret(in), secret(out), forgotten(s.Smarthost),
		unit(s, In, in, s.Ports.SMTP),
		unit(s, Out, out, s.Ports.Relay),
	}}
	if s.Smarthost.Host != "" {
		t.Things = append(t.Things, password(s.Smarthost))
	}
	t.Things = append(t.Things, files(in, taking(s, h))...)
	t.Things = append(t.Things, files(out, sending(s, h))...)
	return t
}

// files are those of one instance, by their path in its folder.
func files(dir string, texts map[string]string) (all []does.Thing) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		all = append(all, does.File{Path: dir + "/" + name, Text: texts[name]})
	}
	return all
}

// lines is a file of them.
func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

// waits is a command that tells whether mail waits to be sent.
const waits = `[ -n "$(ls -A ` + out + `/queue 2>/dev/null)" ]`

// queued asks how many mails wait to be sent, where there still is what sends them. One that is about to leave does not wait.
var queued = remote.ReadShared("haraka queue", "if [ -e /etc/systemd/system/"+Out+" ]; then\n\tfor n in 1 2 3; do if "+waits+"; then sleep 0.5; fi; done\n\tls -1A "+out+"/queue 2>/dev/null | wc -l\nelse echo 0; fi; echo end")

// Queued is how many mails the instance that sends still has; an error says that it could not be seen.
func Queued(f remote.Facts) (n int, err error) {
	said, ok := f.Get(queued.ID)
	count, _, whole := strings.Cut(strings.TrimSpace(said), "\n")
	if n, err = strconv.Atoi(strings.TrimSpace(count)); !ok || !whole || err != nil {
		return 0, fmt.Errorf("%s: it could not be seen whether mail waits in %s/queue", f.Host, out)
	}
	return n, nil
}

// Off has neither instance run; their files and queues stay. The one that sends goes on as long as it has mail: until the mail host has
// the other path for good it is handed some, and what came last may need a moment to leave. What it cannot deliver goes straight home
// then, from the proxy's public address.
func Off(s *site.Site, h *site.Host, queued int) does.Table {
	t := does.Table{Step: "haraka", Things: []does.Thing{
		does.Unit{Name: In, Starts: does.Never, Title: "stop " + In + ": mail goes straight to the mail host; its files stay"},
	}}
	if queued == 0 {
		t.Things = append(t.Things, forgotten(site.Smarthost{}), does.Unit{Name: Out, Starts: does.Never, Title: "stop " + Out + " when its queue is empty: the mail host sends by itself; its files stay",
			When: "for n in 1 2 3 4 5 6 7 8 9 10; do " + waits + " && sleep 1 || break; done; ! " + waits})
		return t
	}
	t.Things = append(append(t.Things, files(out, homeward(s, h))...), does.Unit{Name: Out, Port: s.Ports.Relay, Config: []string{out + "/config/", out + "/plugins/"}})
	return t
}

// mtas are the units of mail servers that may stand where Haraka is to, by their process.
var mtas = map[string]string{"exim4": "exim4.service", "master": "postfix.service"}

// Replaced are the units of other mail servers that are to make way for Haraka, and no longer start at boot. Their packages and queues stay.
func Replaced(all []seen.Listener) (units []does.Thing) {
	for _, process := range slices.Sorted(maps.Keys(mtas)) {
		if slices.ContainsFunc(all, func(l seen.Listener) bool { return l.Process == process }) {
			units = append(units, does.Unit{Name: mtas[process], Starts: does.Never, Title: "stop " + mtas[process] + ", where Haraka is to listen, and no longer start it at boot; its package and queue stay"})
		}
	}
	return units
}
