package pf

import "net/netip"

// Ruleset is a text of rules that was read: pf.conf, a file of an anchor, or what pfctl printed.
type Ruleset struct {
	Anchor     string      // the anchor it is loaded in; "" is the main one
	Statements []Statement // all that stands in it, in the order of the text; what could not be read, too
	Macros     map[string]string

	host   Host
	faults []fault
}

// Kind is what a statement is.
type Kind string

// The kinds of statements.
const (
	Unread  Kind = "unread" // it could not be read, or not whole
	Macro   Kind = "macro"
	Option  Kind = "option"
	TableOf Kind = "table"
	Filter  Kind = "filter" // pass, block, match, scrub, and an anchor of filter rules
	Nat     Kind = "nat"    // nat, and a nat-anchor
	Rdr     Kind = "rdr"
	Binat   Kind = "binat"
	Load    Kind = "load"    // load anchor
	Include Kind = "include" // what stands in the file follows it
)

// Statement is one of them: a line, or several that belong together.
type Statement struct {
	Kind Kind
	File string // the file it stands in, "" for the text itself
	Line int    // of File, from 1
	Text string // as it is written, on one line and cut off where it is long; the host's text, to be cleaned before it is shown
	Why  string // of Unread: what of it could not be read

	Option []string // the words behind set
	Table  *Table
	Rules  []*Rule  // one, or those that antispoof stands for
	Path   string   // of Load and Include: the file
	Loaded *Ruleset // of Load: what is in it; nil when the file was not looked at
}

// Table is a table as a text declares it.
type Table struct {
	Name                     string
	Const, Persist, Counters bool
	Addresses                []Address // what stands in the text, and in files that were looked at
	Files                    []string
	Unknown                  bool // not all of its addresses are known
}

// Rule is one rule as it is written; it may stand for many (Ruleset.Expand).
type Rule struct {
	Line   int
	Text   string // as Statement's
	Action string // pass, block, match, scrub, nat, rdr, binat; anchor, nat-anchor, rdr-anchor, binat-anchor
	Anchor string // the name of an anchor, "" of one that has none
	Body   *Ruleset
	No     bool // no nat, no rdr, no binat, no scrub
	Pass   bool // of a translation: what it translates goes around the filter
	Return string
	Dir    string // in, out, or "" for both
	Log    string // log, or log with what stands behind it
	Quick  bool
	On     []Interface
	Family int // 4, 6, or 0 for both
	Protos []string
	From   Peer
	To     Peer
	Flags  string // S/SA, any; "" where none are given
	ICMP   []ICMP
	State  string // no, keep, modulate or synproxy; "" where nothing is said
	Limits []Limit
	Tag    string
	Labels []string
	Pool   *Pool // where a translation leads; of nat-to and rdr-to, too

	Counters *Counters // of what pfctl -v printed; nil where they were not

	icmp6   bool     // ICMP is told by icmp6-type
	options bool     // allow-opts
	maybe   []string // conditions that are not told of a packet: user, os, tagged …
	never   bool     // it is for fragments only
	tagged  string   // which tag packets must have, as pfctl prints it
	scrubs  string   // what a scrub does, as pfctl prints it
	flagged bool     // Flags were given
	lost    int      // combinations of two families that are left out
	exact   bool     // pfctl's text of it is known
}

// Interface is one after "on".
type Interface struct {
	Name string
	Not  bool
}

// Peer is one end of a connection. No hosts or ports are all of them.
type Peer struct {
	Hosts []Address
	Ports []Ports
	OS    []string
}

// Address is one host, network or set of them in a rule or a table.
type Address struct {
	Kind    AddressKind
	Not     bool
	Prefix  netip.Prefix // of Net, with host bits as written
	Last    netip.Addr   // of Range: the last; the first is that of Prefix
	Name    string       // of Named, Dynamic and InTable
	Suffix  string       // of Named and Dynamic: ":network", ":0" …
	Bits    int          // of Dynamic: the length of the network, -1 for none
	written string
}

// AddressKind is how an address is told.
type AddressKind int

// The kinds of addresses.
const (
	Net        AddressKind = iota // an address, or a network
	Range                         // from one to another
	InTable                       // <name>
	Dynamic                       // (em0): what the interface has at the time
	Named                         // em0 or mail.example.org: what it had when the rules were loaded
	NoRoute                       // no-route
	URPFFailed                    // urpf-failed
)

// Ports is one range of ports: those from A to B, or by one of pf's operators.
type Ports struct {
	Op   string // = != < <= > >= : >< <>
	A, B int
}

// ICMP is one type of ICMP message and, where it is told, its code.
type ICMP struct{ Type, Code string }

// Limit is one option of a state: max-src-conn 20, max-src-conn-rate 8/15, overload <bruteforce> flush global.
type Limit struct {
	Name  string
	Value string
}

// Pool is where a translation leads.
type Pool struct {
	To     []Address
	First  int    // the first port, 0 for none
	Last   int    // the last one, 0 for the first alone
	span   bool   // as many ports as the rule has, from the first on
	Kind   string // round-robin, random …; "" for one address
	Sticky bool
	Static bool   // static-port
	Word   string // "->", or nat-to, rdr-to
}
