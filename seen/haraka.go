package seen

import (
	"regexp"

	"postern/remote"
	"postern/site"
)

// HarakaVersion is the Haraka that the program sets up: the newest that all was proven with.
const HarakaVersion = "3.3.4"

// HarakaFolder is where its versions lie, a folder each.
const HarakaFolder = "/opt/postern/haraka/"

// HarakaSends is the folder of the instance that sends.
const HarakaSends = "/opt/haraka-out"

// HarakaPEM is the file with the key and the certificate that Haraka shows: one, so that it is never half a new one.
const HarakaPEM = "/opt/haraka-in/config/tls.pem"

// The units of Haraka: one takes mail from the world, one sends what the mail host hands it.
const (
	HarakaIn  = "haraka-in.service"
	HarakaOut = "haraka-out.service"
)

// RunsHaraka says whether a process of that name may be Haraka: it runs in node, which calls itself otherwise since version 20.
func RunsHaraka(process string) bool { return process == "node" || process == "MainThread" }

// Haraka is the version that the unit starts, "" for another Haraka than the program's.
func (u Unit) Haraka() string {
	if m := harakaFolder.FindStringSubmatch(u.Starts); m != nil {
		return m[1]
	}
	return ""
}

var harakaFolder = regexp.MustCompile(` ` + HarakaFolder + `([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})/`)

// LastWords reads what a unit said last, some lines at most.
func LastWords(unit string) Fact[[]string] {
	return Fact[[]string]{ID: "words", args: func(*site.Site) string { return unit },
		ask: text("need journalctl || return 3\necho '== words'; journalctl -q --no-pager -o cat -n 4 -u " + remote.Quote(unit) + " 2>/dev/null | cut -c 1-300 | sed 's/^==/ ==/'"),
		parse: func(s sections) (all []string, err error) {
			for _, line := range s.lines("words") {
				all = append(all, remote.Clean(line).Line(200))
			}
			return all, nil
		}}
}
