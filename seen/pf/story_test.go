package pf

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the stories come to into their files")

// Every story is a host, its rules, and packets; what the rules do with each is told in its words.
func TestStories(t *testing.T) {
	paths, _ := filepath.Glob("testdata/stories/*.txtar")
	if len(paths) < 7 {
		t.Fatalf("only %d stories", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, ar)
			for i, f := range ar.Files {
				if f.Name != "want" {
					continue
				}
				if *update {
					ar.Files[i].Data = []byte(got)
					if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if got != string(f.Data) {
					t.Errorf("%s\ngot:\n%s\nwant:\n%s", ar.Comment, got, f.Data)
				}
			}
		})
	}
}

func tell(t *testing.T, ar *txtar.Archive) string {
	h := Host{Interfaces: map[string][]netip.Prefix{}, Anchors: map[string]*Ruleset{}, Tables: map[string][]Address{}}
	var set *Ruleset
	var out strings.Builder
	for _, f := range ar.Files {
		anchor, isAnchor := strings.CutPrefix(f.Name, "anchors/")
		switch {
		case f.Name == "host":
			h.read(t, string(f.Data))
		case f.Name == "pf.conf":
			set = Parse(string(f.Data), "", h)
		case isAnchor:
			h.Anchors[anchor] = Parse(string(f.Data), anchor, h)
		}
	}
	for _, f := range ar.Files {
		if f.Name == "ask" {
			for line := range strings.Lines(string(f.Data)) {
				fmt.Fprintln(&out, said(set, line, h))
			}
		}
	}
	for _, b := range set.HostBits() {
		fmt.Fprintf(&out, "host bits: line %d: %s means %s\n", b.Line, b.Written, b.Means)
	}
	return out.String()
}

func (h *Host) read(t *testing.T, text string) {
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if w[0] == "listed" {
			h.Listed = true
			continue
		}
		for _, n := range w[1:] {
			h.Interfaces[w[0]] = append(h.Interfaces[w[0]], netip.MustParsePrefix(n))
		}
	}
}

// said asks about "in em0 tcp 198.51.100.7 203.0.113.10:22", or "default em0".
func said(set *Ruleset, line string, h Host) string {
	w := strings.Fields(line)
	if w[0] == "default" {
		return set.Default(w[1], h).words(netip.AddrPort{})
	}
	p := Packet{Out: w[0] == "out", On: w[1], Proto: w[2], From: addrPort(w[3]), To: addrPort(w[4])}
	for _, more := range w[5:] {
		if more == "later" {
			p.Later = true
		} else {
			p.ICMP = more
		}
	}
	return set.Decide(p, h).words(p.To)
}

func addrPort(text string) netip.AddrPort {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at
	}
	return netip.AddrPortFrom(netip.MustParseAddr(text), 0)
}

func (d Decision) words(to netip.AddrPort) string {
	text := fmt.Sprintf("line %d: %s", d.Line, d.Rule)
	if d.Anchor != "" {
		text = d.Anchor + " " + text
	}
	if d.Rule == "" {
		text = "no rule"
	}
	if d.Verdict == Unknown {
		return "unknown: " + d.Why
	}
	if d.To != to && d.To.IsValid() && to.IsValid() {
		text += " -> " + d.To.String()
	}
	if d.By != "" {
		text += " by " + d.By
	}
	return string(d.Verdict) + ": " + text
}
