package pf

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// input is one of what FreeBSD's own pfctl was asked, with what each release printed.
type input struct {
	Name, Why, Anchor, Text string
	Files                   map[string]string
	Results                 []printout
}

type printout struct {
	Versions []string
	RC       int
	Out, Err []string
}

// machine is the host on which pfctl was asked: a loopback alone, and none of the paths that the inputs call nonexistent.
func (in input) machine() Host {
	h := Host{Files: map[string]File{}, Interfaces: map[string][]netip.Prefix{"lo0": {
		netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("127.0.0.1/8")}}}
	for name, text := range in.Files {
		h.Files["@F@/"+name] = File{Text: text}
	}
	for _, path := range regexp.MustCompile(`/nonexistent/[\w.]+`).FindAllString(in.Text, -1) {
		h.Files[path] = File{Missing: true}
	}
	return h
}

func corpus(t testing.TB) (all []input) {
	f, err := os.Open("testdata/pf-corpus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var in input
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			t.Fatal(err)
		}
		all = append(all, in)
	}
	return all
}

// mostUnknown is how many inputs of the corpus may be unknown in each release.
const mostUnknown = 5

// leastClaimed is of how many inputs the expansion is claimed, and so compared, in each release.
const leastClaimed = 90

// Of every input we say what pfctl says, or that we cannot tell; and where we claim which rules come of it, they do.
func TestCorpus(t *testing.T) {
	all := corpus(t)
	if len(all) < 150 {
		t.Fatalf("only %d inputs", len(all))
	}
	table := fmt.Sprintf("%-10s %7s %17s %17s %8s %18s %17s %7s\n", "release", "inputs", "agrees on accept", "agrees on refuse", "unknown", "expansion claimed", "expansion agrees", "faults")
	for _, r := range Releases {
		var accepts, refuses, unknown, claimed, agrees, faults int
		for _, in := range all {
			i := slices.IndexFunc(in.Results, func(p printout) bool { return slices.Contains(p.Versions, r.String()) })
			said := in.Results[i]
			set := Parse(in.Text, in.Anchor, in.machine())
			answer := set.Accepts(r)
			switch {
			case answer.Verdict == Unknown:
				unknown++
			case answer.Verdict == Accepts && said.RC == 0:
				accepts++
			case answer.Verdict == Refuses && said.RC != 0:
				refuses++
				if line := refusedAt(said.Err); line > 0 && line != answer.Line && answer.File == "" {
					t.Errorf("%s: %s: refused at line %d (%s); pfctl: %q", r, in.Name, answer.Line, answer.Why, said.Err)
				}
			default:
				faults++
				t.Errorf("%s: %s: %+v, and pfctl's exit code was %d: %q\n%s", r, in.Name, answer, said.RC, said.Err, in.Text)
			}
			e := set.Expand(r)
			if !e.Claimed {
				continue
			}
			for _, st := range set.Statements { // pfctl -nv prints at once what it loads into anchors
				if st.Loaded != nil {
					e.Filter = append(e.Filter, st.Loaded.Expand(r).Filter...)
				}
			}
			claimed++
			if err := compare(e, said.Out); err != nil {
				faults++
				t.Errorf("%s: %s: %v", r, in.Name, err)
			} else {
				agrees++
			}
		}
		table += fmt.Sprintf("%-10s %7d %17d %17d %8d %18d %17d %7d\n", r, len(all), accepts, refuses, unknown, claimed, agrees, faults)
		if unknown > mostUnknown || claimed < leastClaimed {
			t.Errorf("%s: %d unknown and %d claimed; at most %d, and at least %d", r, unknown, claimed, mostUnknown, leastClaimed)
		}
	}
	t.Log("\n" + table)
}

// refusedAt is the line of pfctl's first complaint, 0 where it names none.
func refusedAt(said []string) (line int) {
	for _, s := range said {
		if _, err := fmt.Sscanf(s, "FILE:%d:", &line); err == nil {
			return line
		}
	}
	return 0
}

var (
	isRule     = regexp.MustCompile(`^(pass|block|match|scrub|no|nat|rdr|binat|anchor|nat-anchor|rdr-anchor|binat-anchor) `)
	automatic  = regexp.MustCompile(`^table <(__automatic_\d+)> const \{ (.*) \}$`)
	whole      = regexp.MustCompile(`^… (\d+) lines in all$`)
	namedPort  = regexp.MustCompile(`port (!?=) ([a-z][\w-]*)`)
	notOfRules = regexp.MustCompile(`, src\.track \d+`) // pfctl -n prints it, pfctl -sr does not
)

// compare wants what was expanded to be what pfctl printed. Its optimizer moves filter rules, and makes tables of many.
func compare(e Expansion, printed []string) error {
	var theirs []string
	tables, cut, others := map[string][]string{}, 0, 0
	for _, line := range printed {
		line = strings.TrimSuffix(strings.TrimSpace(line), " {")
		if m := whole.FindStringSubmatch(line); m != nil {
			fmt.Sscan(m[1], &cut)
			continue
		}
		if m := automatic.FindStringSubmatch(line); m != nil {
			tables["<"+m[1]+">"] = strings.Fields(m[2])
		}
		if !isRule.MatchString(line) {
			others++
			continue
		}
		line = namedPort.ReplaceAllStringFunc(notOfRules.ReplaceAllString(line, ""), func(s string) string {
			m := namedPort.FindStringSubmatch(s)
			if n, ok := Port(m[2]); ok {
				return fmt.Sprintf("port %s %d", m[1], n)
			}
			return s
		})
		unfolded := false
		for name, hosts := range tables {
			for _, h := range hosts {
				if strings.Contains(line, name) {
					theirs, unfolded = append(theirs, strings.ReplaceAll(line, name, h)), true
				}
			}
		}
		if !unfolded {
			theirs = append(theirs, line)
		} else if !e.Merges {
			return fmt.Errorf("the optimizer makes a table of these, and Merges is not set")
		}
	}
	var ours []string
	for _, m := range slices.Concat(e.Translation, e.Filter) {
		ours = append(ours, m.Text)
	}
	if cut > 0 && len(ours) != cut-others {
		return fmt.Errorf("%d rules; pfctl made %d", len(ours), cut-others)
	} else if cut == 0 && len(ours) != len(theirs) {
		return fmt.Errorf("%d rules; pfctl made %d:\n%s\n-- pfctl:\n%s", len(ours), len(theirs), strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
	n := len(e.Translation)
	for i, line := range theirs {
		found := slices.Index(ours, line)
		switch {
		case i < n && ours[i] != line, i >= n && found < 0 && !namedPort.MatchString(line):
			return fmt.Errorf("pfctl made %q; we\n%s", line, strings.Join(ours, "\n"))
		}
	}
	return nil
}
