package seen

import "strings"

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
var PF = register(Fact[Filter]{ID: "pf", ask: either(`none absent`, `need pfctl
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
