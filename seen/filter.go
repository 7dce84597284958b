package seen

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen/pf"
)

// Filter is how FreeBSD's packet filter stands. There is none on another system.
type Filter struct {
	There   bool
	Running bool   // it looks at packets
	Rules   int    // the lines of the main rules that are loaded, translation and filtering together
	Ours    int    // those of the anchor "postern"
	Path    string // the main file: pf_rules of rc.conf
	Text    string // what it says; "" where it is not there
}

// PFConf is the usual main file of the packet filter.
const PFConf = "/etc/pf.conf"

// FilterAnchor is the name of our own anchor.
const FilterAnchor = "postern"

// PF reads how the packet filter stands. Its main file is part of the answer, because rc.conf may name another than the usual one.
var PF = register(Fact[Filter]{ID: "pf", ask: either(`none absent; return`, `need pfctl || return 3
echo '== running'; if pfctl -s Running >/dev/null 2>&1; then echo yes; else echo no; fi
echo '== rules'; { pfctl -sn; pfctl -sr; } 2>/dev/null | grep -c .
echo '== ours'; { pfctl -a `+FilterAnchor+` -sn; pfctl -a `+FilterAnchor+` -sr; } 2>/dev/null | grep -c .
f=$(sysrc -n pf_rules); echo '== path'; printf '%s\n' "$f"
echo '== text'; if [ -r "$f" ]; then sed 's/^/|/' "$f"; fi`), parse: parseFilter})

func parseFilter(s sections) (Filter, error) {
	if s.has("absent") {
		return Filter{}, nil
	}
	f := Filter{There: true, Running: s.one("running") == "yes", Rules: int(number(s.one("rules"))), Ours: int(number(s.one("ours"))), Path: s.one("path")}
	if !f.Running && s.one("running") != "no" || !strings.HasPrefix(f.Path, "/") || !Name(strings.ReplaceAll(f.Path, "/", ".")) {
		return Filter{}, odd("pfctl and sysrc", s.one("running")+" "+f.Path)
	}
	for _, line := range s["text"] {
		if rest, ok := strings.CutPrefix(line, "|"); ok {
			f.Text += rest + "\n"
		}
	}
	return f, nil
}

// PFRuns is what FreeBSD's packet filter runs: its main rules, those of every anchor, and what is in tables. There is none on another system.
type PFRuns struct {
	There   bool
	Running bool                    // it looks at packets; the rest is told only then
	Main    string                  // as pfctl prints it, translation first
	Anchors map[string]string       // by path
	Tables  map[string][]pf.Address // by name, those of an anchor by PATH/NAME
	Large   []string                // tables with more addresses than are told
	Skip    []string                // interfaces that it passes over
	Drops   bool                    // what no rule decides is dropped
}

// What is told at most: addresses of a table, and anchors.
const (
	maxTold    = 1000
	maxAnchors = 200
)

// PFRules reads what pf runs. An anchor is asked for by its own name: asked for all at once, older releases show none and say nothing.
var PFRules = register(Fact[PFRuns]{ID: "pfrules", ask: either(`none absent; return`, `need pfctl || return 3
pfctl -s Running >/dev/null 2>&1 || { none off; return; }
tables() { # of the anchor $1
	pfctl ${1:+-a "$1"} -sT 2>/dev/null | head -n 200 | while IFS= read -r t; do
		echo "== table ${1:+$1/}$t"; pfctl ${1:+-a "$1"} -t "$t" -T show 2>/dev/null | head -n `+strconv.Itoa(maxTold)+`
	done
}
echo '== skip'; pfctl -vsI 2>/dev/null | sed -n 's/^\([^[:space:]]*\) (skip)$/\1/p'
echo '== drops'; sysctl -n net.pf.default_to_drop 2>/dev/null
echo '== main'; { pfctl -P -sn && pfctl -P -sr; } 2>&1 || return 3
tables ''
pfctl -vsA 2>/dev/null | sed 's/^ *//' | head -n `+strconv.Itoa(maxAnchors+1)+` | while IFS= read -r a; do
	echo "== anchor $a"; { pfctl -a "$a" -P -sn; pfctl -a "$a" -P -sr; } 2>&1
	tables "$a"
done`), parse: parsePFRuns})

func parsePFRuns(s sections) (PFRuns, error) {
	r := PFRuns{There: !s.has("absent"), Running: s.has("main"), Anchors: map[string]string{}, Tables: map[string][]pf.Address{}}
	if !r.There || s.has("off") {
		return r, nil
	}
	if !r.Running {
		return r, fmt.Errorf("pfctl told no rules")
	}
	r.Main, r.Drops = strings.Join(s["main"], "\n")+"\n", s.one("drops") == "1"
	for _, name := range s.lines("skip") {
		if Name(name) {
			r.Skip = append(r.Skip, name)
		}
	}
	for title, lines := range s {
		kind, name, _ := strings.Cut(title, " ")
		switch kind {
		case "anchor", "table":
			if !Name(strings.ReplaceAll(name, "/", ".")) {
				return PFRuns{}, odd("pfctl", title)
			}
		}
		switch {
		case kind == "anchor":
			r.Anchors[name] = strings.Join(lines, "\n") + "\n"
		case kind == "table" && len(s.lines(title)) >= maxTold:
			r.Large = append(r.Large, name)
		case kind == "table":
			list, err := pf.ParseTable(strings.Join(lines, "\n"))
			if err != nil {
				return PFRuns{}, odd("pfctl", remote.Clean(err.Error()).String())
			}
			r.Tables[name] = list
		}
	}
	if slices.Sort(r.Large); len(r.Anchors) > maxAnchors {
		return PFRuns{}, fmt.Errorf("pf has more than %d anchors", maxAnchors)
	}
	return r, nil
}

// bans says whether rules that name a table do nothing but block: then who is not known to be in it is taken for one who is not.
func (r PFRuns) bans(table string) bool {
	_, name := path.Split(table)
	for _, text := range append([]string{r.Main}, slices.Collect(maps.Values(r.Anchors))...) {
		for line := range strings.Lines(text) {
			line = strings.ReplaceAll(line, "overload <"+name+">", "")
			if strings.Contains(line, "<"+name+">") && !strings.HasPrefix(line, "block ") {
				return false
			}
		}
	}
	return true
}

// Rules are the main rules as they run on a host with those addresses, and what is known of it beside them.
func (r PFRuns) Rules(n Network) (*pf.Ruleset, pf.Host) {
	h := pf.Host{Interfaces: map[string][]netip.Prefix{}, Anchors: map[string]*pf.Ruleset{}, Listed: true, Drops: r.Drops}
	for _, i := range n.Interfaces {
		for _, a := range i.Addresses {
			h.Interfaces[i.Name] = append(h.Interfaces[i.Name], a.Prefix)
		}
	}
	h.Tables = maps.Clone(r.Tables)
	for _, name := range r.Large {
		if r.bans(name) {
			h.Tables[name] = []pf.Address{}
		}
	}
	for path, text := range r.Anchors {
		h.Anchors[path] = pf.Printed(text, path, h)
	}
	text := r.Main
	for _, name := range r.Skip {
		text = "set skip on " + name + "\n" + text
	}
	return pf.Printed(text, "", h), h
}

// Rates are how often one may connect to one of these ports before a rule turns him away, an anchor's too.
func (r PFRuns) Rates(ports []int) (all []pf.Rate) {
	main, h := r.Rules(Network{})
	sets := []*pf.Ruleset{main}
	for _, path := range sortedKeys(h.Anchors) {
		sets = append(sets, h.Anchors[path])
	}
	for _, set := range sets {
		for _, port := range ports {
			all = append(all, set.Rates(port)...)
		}
	}
	return all
}
