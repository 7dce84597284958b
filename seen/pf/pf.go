// Package pf reads FreeBSD's packet filter: the text of pf.conf and of anchor files, what pfctl prints, and what rules would do
// with a packet. It says of a text whether the pfctl of a release takes it, and which rules come of it. It asks no host, changes
// nothing, and does not know what should be open. What it cannot tell it calls unknown, and never ok.
//
// The rules of the language are those of pfctl's own parser; what was measured of it stands in testdata/pf-corpus.jsonl.
package pf

import (
	"net/netip"
	"strings"
)

// Release is one of the releases of FreeBSD whose pfctl was asked. Later ones are greater.
type Release int

// The releases, oldest first.
const (
	R12_2 Release = iota
	R13_2
	R14
	R15_0
	R15_1
)

// Releases are all of them, oldest first.
var Releases = []Release{R12_2, R13_2, R14, R15_0, R15_1}

func (r Release) String() string {
	return [...]string{"12.2", "13.2", "14-stable", "15.0", "15.1"}[r]
}

// ReleaseOf is the release whose parser stands for a host's, from what freebsd-version prints ("14.3-RELEASE-p2"). It is false
// for a version before 12 or after 15, of which nothing was measured.
func ReleaseOf(version string) (Release, bool) {
	number, _, _ := strings.Cut(version, "-")
	major, minor, _ := strings.Cut(number, ".")
	switch {
	case major == "12":
		return R12_2, true
	case major == "13":
		return R13_2, true
	case major == "14":
		return R14, true
	case major == "15" && minor == "0":
		return R15_0, true
	case major == "15":
		return R15_1, true
	}
	return 0, false
}

// releases is a set of them, one bit each.
type releases uint8

const every releases = 1<<5 - 1

func from(r Release) releases   { return every &^ before(r) }
func before(r Release) releases { return 1<<r - 1 }

func (s releases) has(r Release) bool { return s>>r&1 == 1 }

// Host is what is known of a host beside a text of rules. What is not known stays empty, and what rests on it is unknown.
type Host struct {
	Files      map[string]File           // files that were looked at, by path; a path that is not here was not
	Interfaces map[string][]netip.Prefix // every interface with its addresses, each with the length of its network; nil: not known
	Groups     map[string][]string       // interface groups beyond those that are named as a driver is, by name; nil: not known
	Tables     map[string][]Address      // what is in tables (ParseTable), by name or ANCHOR/NAME; it goes before what a text says
	Anchors    map[string]*Ruleset       // what is loaded in anchors, by path ("rdr/dovecot")
	Listed     bool                      // Anchors holds every anchor that there is
	Drops      bool                      // what no rule decides is dropped (net.pf.default_to_drop=1); else it passes
}

// File is a file of the host.
type File struct {
	Text    string
	Missing bool // there is none at this path
}

// The bounds of what is read: beyond them a text is unknown.
const (
	maxText     = 1 << 20 // bytes of a text
	maxWork     = 1 << 23 // letters that are read, those of macros and of other files too
	maxLoads    = 128     // files that are loaded into anchors
	maxTable    = 1 << 18 // addresses of a table's file
	maxMacro    = 1 << 14 // bytes of a macro
	maxDepth    = 16      // anchors and lists within each other, and files that include each other
	maxExpanded = 4096    // rules that one text expands to
)
