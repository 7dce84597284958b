// Package haraka knows what a proxy has where a mail server of its own takes and sends the mail: Haraka, an instance for each
// direction, with their files, user, queues and units. It does no I/O, and knows no chapter.
package haraka

import (
	_ "embed" // the files of Haraka and for it
	"maps"
	"slices"
	"strings"

	"postern/remote"
	"postern/site"
	"postern/steps/does"
)

// Version is the Haraka that all of this was proven with. Each version has a folder of its own, and the units name it: what is
// new is probed before they do, and the folder of the one before stays, so that they can be taken back to it.
const Version = "3.3.4"

// The units, one for each direction.
const (
	In  = "haraka-in.service"
	Out = "haraka-out.service"
)

const (
	app    = "/opt/postern/haraka/" + Version
	in     = "/opt/haraka-in"
	out    = "/opt/haraka-out"
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
	return append(append(Table(s, h, Node{}).Reads(), own.Reads()...), nodeQuery)
}

// Table is what the proxy should have, given which Node it has.
func Table(s *site.Site, h *site.Host, node Node) does.Table {
	t := does.Table{Step: "haraka", Things: []does.Thing{
		node.packages(),
		does.User{Name: user},
		does.Dir{Path: in + "/queue", Owner: group, Mode: 0o700},
		does.Dir{Path: out + "/queue", Owner: group, Mode: 0o700},
		does.Npm{Dir: app, Lock: lock},
		probe(),
		certificate(s.Hostname),
		secret(in), secret(out),
		unit(s, In, in, s.Ports.SMTP),
		unit(s, Out, out, s.Ports.Relay),
	}}
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

// Off has neither instance run; their files and queues stay.
func Off() does.Table {
	return does.Table{Step: "haraka", Things: []does.Thing{
		does.Unit{Name: In, Off: true, Title: "stop " + In + ": mail goes straight to the mail host; its files stay"},
		does.Unit{Name: Out, Off: true, Title: "stop " + Out + ": the mail host sends by itself; its files and queue stay"},
	}}
}
